import { Float16Array } from '@petamoriken/float16';
import { bytesOf, dataTypeInfo } from './dtype';
import type { Tensor } from './graph';

/**
 * Elements of a small tensor that was kept inline, as numbers or bigints (64-bit integers);
 * `undefined` when the payload is elsewhere, too short, or of a dtype with no plain number.
 */
export function inlineValues(tensor: Tensor): readonly number[] | readonly bigint[] | undefined {
  const { dtype, elementCount, storage } = tensor;
  if (dtype === null || elementCount === null) return undefined;
  if (elementCount === 0) return [];
  if (storage.kind !== 'inline') return undefined;
  const byteLength = bytesOf(dtype, elementCount);
  if (byteLength === null || storage.bytes.byteLength < byteLength) return undefined;
  // Copied: protobuf payloads are not aligned for typed arrays.
  const { buffer } = storage.bytes.slice(0, byteLength);
  switch (dtype) {
    case 'float32':
      return Array.from(new Float32Array(buffer));
    case 'float64':
      return Array.from(new Float64Array(buffer));
    case 'float16':
      return Array.from(new Float16Array(buffer));
    case 'bfloat16':
      return Array.from(new Uint16Array(buffer), (bits) => bfloat16ToNumber(bits));
    case 'int64':
      return Array.from(new BigInt64Array(buffer));
    case 'uint64':
      return Array.from(new BigUint64Array(buffer));
    case 'int32':
      return Array.from(new Int32Array(buffer));
    case 'uint32':
      return Array.from(new Uint32Array(buffer));
    case 'int16':
      return Array.from(new Int16Array(buffer));
    case 'uint16':
      return Array.from(new Uint16Array(buffer));
    case 'int8':
      return Array.from(new Int8Array(buffer));
    case 'uint8':
    case 'bool':
      return Array.from(new Uint8Array(buffer));
    case 'int4':
    case 'uint4':
    case 'int2':
    case 'uint2':
      return unpackSmallInts(new Uint8Array(buffer), dtype, elementCount);
    default:
      return undefined;
  }
}

function bfloat16ToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

/** Low bits hold the earlier element, as ONNX packs 4-bit and 2-bit types. */
function unpackSmallInts(
  bytes: Uint8Array,
  dtype: 'int4' | 'uint4' | 'int2' | 'uint2',
  count: number,
): number[] {
  const bits = dataTypeInfo(dtype).bits ?? 4;
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const signBit = dtype.startsWith('int') ? 1 << (bits - 1) : 0;
  return Array.from({ length: count }, (_, index) => {
    const byte = bytes[Math.floor(index / perByte)] ?? 0;
    const value = (byte >> ((index % perByte) * bits)) & mask;
    return (value ^ signBit) - signBit;
  });
}
