import { bytesOf, dataTypeInfo, type DataType } from '../dtype';
import type { TypedDataField } from '../graph';
import { packBits } from '../tensor-values';

/**
 * The elements of a typed field (`float_data` …) as little-endian `raw_data` bytes.
 * Source: field comments of TensorProto in onnx.proto: `int32_data` also holds every smaller integer, bool,
 * the bits of 16-bit and 8-bit floats, and packed sub-byte types a byte each; `uint64_data` also uint32.
 *
 * @param packed contents of the field's records as if all of it were packed
 * @returns at most `elementCount` elements; null when this field cannot hold this dtype
 */
export function rawFromTypedData(
  dtype: DataType,
  field: TypedDataField,
  packed: Uint8Array,
  elementCount: number,
): Uint8Array | null {
  const byteLength = bytesOf(dtype, elementCount);
  if (byteLength === null || !fieldHolds(field, dtype)) return null;
  if (field === 'float_data' || field === 'double_data') return packed.subarray(0, byteLength);
  const { bits } = dataTypeInfo(dtype);
  if (bits !== null && isUnpackedBelowByte(bits)) {
    return packBits(Array.from(unpackVarints(packed, 1, elementCount)), bits);
  }
  // Other sub-byte types: one int32 per packed byte.
  const unitBytes = Math.max(1, (bits ?? 8) / 8);
  return unpackVarints(packed, unitBytes, Math.ceil(byteLength / unitBytes));
}

/** What `float_data` etc. may hold, by dtype. */
export function fieldHolds(field: TypedDataField, dtype: DataType): boolean {
  switch (field) {
    case 'float_data':
      return dtype === 'float32' || dtype === 'complex64';
    case 'double_data':
      return dtype === 'float64' || dtype === 'complex128';
    case 'int64_data':
      return dtype === 'int64';
    case 'uint64_data':
      return dtype === 'uint64' || dtype === 'uint32';
    case 'string_data':
      return dtype === 'string';
    case 'int32_data':
      return (dataTypeInfo(dtype).bits ?? 64) <= 32 && dtype !== 'float32' && dtype !== 'uint32';
  }
}

/** How many numbers the field holds for so many elements: two for a complex one, packed bytes below eight bits. */
export function typedFieldCount(dtype: DataType, elementCount: number): number {
  if (dtype === 'complex64' || dtype === 'complex128') return 2 * elementCount;
  const bits = dataTypeInfo(dtype).bits ?? 8;
  return bits < 8 && !isUnpackedBelowByte(bits)
    ? Math.ceil((elementCount * bits) / 8)
    : elementCount;
}

/** 6-bit floats take an `int32_data` number each, unlike 4-bit and 2-bit types, which share one as they share bytes. */
function isUnpackedBelowByte(bits: number): boolean {
  return bits === 6;
}

function unpackVarints(packed: Uint8Array, unitBytes: number, maxUnits: number): Uint8Array {
  // A varint is at least one byte long, so the payload bounds the result.
  const raw = new Uint8Array(Math.min(maxUnits, packed.byteLength) * unitBytes);
  let length = 0;
  let low = 0;
  let high = 0;
  let index = 0;
  for (const byte of packed) {
    const bits = byte & 127;
    if (index < 4) low |= bits << (7 * index);
    else if (index === 4) {
      low |= bits << 28;
      high = bits >>> 4;
    } else high |= bits << (7 * index - 32);
    index++;
    if (byte > 127 && index < 10) continue;
    for (let offset = 0; offset < unitBytes && length < raw.byteLength; offset++) {
      raw[length++] = offset < 4 ? low >>> (8 * offset) : high >>> (8 * (offset - 4));
    }
    low = high = index = 0;
  }
  return raw.subarray(0, length);
}
