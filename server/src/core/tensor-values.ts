import { Float16Array } from '@petamoriken/float16';
import { bytesOf, dataTypeInfo, type DataType } from './dtype';
import type { Tensor } from './graph';

const alignedBuffer = new ArrayBuffer(2048);
const aligned = {
  bytes: new Uint8Array(alignedBuffer),
  int64s: new BigInt64Array(alignedBuffer),
  float32s: new Float32Array(alignedBuffer),
};

function listOf<T>(values: ArrayLike<T>, count: number): T[] {
  const list: T[] = [];
  for (let index = 0; index < count; index++) list.push(values[index] as T);
  return list;
}

/** Types with a plain number for each element. */
const plainDtypes: ReadonlySet<DataType> = new Set([
  ...(['float32', 'float64', 'float16', 'bfloat16', 'int64', 'uint64', 'int32', 'uint32'] as const),
  ...(['int16', 'uint16', 'int8', 'uint8', 'bool', 'int4', 'uint4', 'int2', 'uint2'] as const),
]);

/** True when `inlineValues` gives something. */
export function hasInlineValues({ dtype, elementCount, storage }: Tensor): boolean {
  if (dtype === null || elementCount === null) return false;
  if (elementCount === 0) return true;
  const byteLength = plainDtypes.has(dtype) ? bytesOf(dtype, elementCount) : null;
  return storage.kind === 'inline' && byteLength !== null && storage.bytes.byteLength >= byteLength;
}

/**
 * Elements of a small tensor that was kept inline, as numbers or bigints (64-bit integers);
 * `undefined` when the payload is elsewhere, too short, or of a dtype with no plain number.
 */
export function inlineValues(tensor: Tensor): readonly number[] | readonly bigint[] | undefined {
  const { dtype, elementCount, storage } = tensor;
  if (!hasInlineValues(tensor) || dtype === null) return undefined;
  if (elementCount === null || elementCount === 0 || storage.kind !== 'inline') return [];
  const byteLength = bytesOf(dtype, elementCount) ?? 0;
  if (byteLength <= aligned.bytes.byteLength) {
    // A model has thousands of short ones: no buffer is made for them.
    aligned.bytes.set(storage.bytes.subarray(0, byteLength));
    if (dtype === 'int64') return listOf(aligned.int64s, elementCount);
    if (dtype === 'float32') return listOf(aligned.float32s, elementCount);
  }
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
      return unpackSigned(new Uint8Array(buffer), dtype, elementCount);
    default:
      return undefined;
  }
}

function bfloat16ToNumber(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits << 16);
  return view.getFloat32(0);
}

/**
 * Elements narrower than a byte, unsigned, out of a stream whose low bits come first: 4-bit and 2-bit types share a
 * byte, four 6-bit elements share three.
 */
export function unpackBits(bytes: Uint8Array, bits: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    const at = Math.floor((index * bits) / 8);
    const pair = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    return (pair >> ((index * bits) % 8)) & ((1 << bits) - 1);
  });
}

/** The reverse of `unpackBits`; bits of a value beyond its width are dropped. */
export function packBits(values: readonly number[], bits: number): Uint8Array {
  const bytes = new Uint8Array(Math.ceil((values.length / 8) * bits));
  values.forEach((value, index) => {
    const at = Math.floor((index * bits) / 8);
    const shifted = (value & ((1 << bits) - 1)) << ((index * bits) % 8);
    bytes[at] = (bytes[at] ?? 0) | shifted;
    if (shifted > 255) bytes[at + 1] = shifted >> 8;
  });
  return bytes;
}

function unpackSigned(
  bytes: Uint8Array,
  dtype: 'int4' | 'uint4' | 'int2' | 'uint2',
  count: number,
): number[] {
  const bits = dataTypeInfo(dtype).bits ?? 4;
  const signBit = dtype.startsWith('int') ? 1 << (bits - 1) : 0;
  return unpackBits(bytes, bits, count).map((value) => (value ^ signBit) - signBit);
}
