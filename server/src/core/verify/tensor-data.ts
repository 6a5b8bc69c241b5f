import { Float16Array } from '@petamoriken/float16';
import { bytesOf } from '../dtype';
import type { DataType } from '../dtype';

/** A tensor with its elements, as it is fed to a runtime and comes back. */
export type TensorData = NumericTensorData | StringTensorData;

export interface NumericTensorData {
  readonly dtype: Exclude<DataType, 'string'>;
  readonly dims: readonly number[];
  /** Row-major, little-endian, laid out as `raw_data`: one byte for a bool, 4-bit types packed. */
  readonly bytes: Uint8Array;
}

export interface StringTensorData {
  readonly dtype: 'string';
  readonly dims: readonly number[];
  readonly strings: readonly string[];
}

export interface NamedTensorData {
  readonly name: string;
  readonly data: TensorData;
}

export type NumberArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array;

/** Product of the dims; 1 for a scalar. */
export function elementCountOf(dims: readonly number[]): number {
  return dims.reduce((product, dim) => product * dim, 1);
}

/**
 * The elements as plain numbers (64-bit integers rounded to the nearest double, bools 0 or 1),
 * or null for strings, packed and 8-bit float types, and payloads whose length does not fit the dims.
 */
export function numbersOf(tensor: TensorData): NumberArray | null {
  if (tensor.dtype === 'string') return null;
  const { dtype, bytes } = tensor;
  if (bytes.byteLength !== bytesOf(dtype, elementCountOf(tensor.dims))) return null;
  switch (dtype) {
    case 'float32':
      return new Float32Array(alignedBuffer(bytes));
    case 'float64':
      return new Float64Array(alignedBuffer(bytes));
    case 'float16':
      return Float64Array.from(new Float16Array(alignedBuffer(bytes)));
    case 'bfloat16':
      return bfloat16Numbers(new Uint16Array(alignedBuffer(bytes)));
    case 'int64':
      return Float64Array.from(new BigInt64Array(alignedBuffer(bytes)), Number);
    case 'uint64':
      return Float64Array.from(new BigUint64Array(alignedBuffer(bytes)), Number);
    case 'int32':
      return new Int32Array(alignedBuffer(bytes));
    case 'uint32':
      return new Uint32Array(alignedBuffer(bytes));
    case 'int16':
      return new Int16Array(alignedBuffer(bytes));
    case 'uint16':
      return new Uint16Array(alignedBuffer(bytes));
    case 'int8':
      return new Int8Array(alignedBuffer(bytes));
    case 'uint8':
    case 'bool':
      return bytes;
    default:
      return null;
  }
}

/** The bytes of numbers in this dtype, or null for a dtype that plain numbers cannot fill. */
export function bytesFromNumbers(dtype: DataType, values: ArrayLike<number>): Uint8Array | null {
  switch (dtype) {
    case 'float32':
      return bytesFromView(Float32Array.from(values));
    case 'float64':
      return bytesFromView(Float64Array.from(values));
    case 'float16':
      return bytesFromView(Float16Array.from(values));
    case 'int64':
      return bytesFromView(BigInt64Array.from(Array.from(values), BigInt));
    case 'uint64':
      return bytesFromView(BigUint64Array.from(Array.from(values), BigInt));
    case 'int32':
      return bytesFromView(Int32Array.from(values));
    case 'uint32':
      return bytesFromView(Uint32Array.from(values));
    case 'int16':
      return bytesFromView(Int16Array.from(values));
    case 'uint16':
      return bytesFromView(Uint16Array.from(values));
    case 'int8':
      return bytesFromView(Int8Array.from(values));
    case 'uint8':
    case 'bool':
      return Uint8Array.from(values);
    default:
      return null;
  }
}

/** Rows `start … end` along axis 0; the bytes are a view. Undefined for packed types and scalars. */
export function sliceRows(tensor: TensorData, start: number, end: number): TensorData | undefined {
  const [rows, ...rest] = tensor.dims;
  if (rows === undefined) return undefined;
  const perRow = elementCountOf(rest);
  const dims = [Math.min(end, rows) - start, ...rest];
  if (tensor.dtype === 'string') {
    return { dtype: 'string', dims, strings: tensor.strings.slice(start * perRow, end * perRow) };
  }
  const rowBytes = tensor.bytes.byteLength / rows;
  if (!Number.isInteger(rowBytes)) return undefined;
  return { ...tensor, dims, bytes: tensor.bytes.subarray(start * rowBytes, end * rowBytes) };
}

const integerRanges: ReadonlyMap<DataType, readonly [number, number]> = new Map([
  ['bool', [0, 1]],
  ['int8', [-128, 127]],
  ['uint8', [0, 255]],
  ['int16', [-32768, 32767]],
  ['uint16', [0, 65535]],
  ['int32', [-(2 ** 31), 2 ** 31 - 1]],
  ['uint32', [0, 2 ** 32 - 1]],
  ['int64', [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]],
  ['uint64', [0, Number.MAX_SAFE_INTEGER]],
]);

/**
 * The same values in another dtype. To an integer type only when every value is kept;
 * to a float type with rounding. Null when that is not possible.
 */
export function convertTensor(tensor: TensorData, dtype: DataType): TensorData | null {
  if (tensor.dtype === dtype) return tensor;
  if (dtype === 'string') return null;
  const values = numbersOf(tensor);
  if (values === null) return null;
  const range = integerRanges.get(dtype);
  if (range && !everyInteger(values, range)) return null;
  const bytes = bytesFromNumbers(dtype, values);
  return bytes && { dtype, dims: tensor.dims, bytes };
}

function everyInteger(values: NumberArray, [low, high]: readonly [number, number]): boolean {
  for (const value of values) {
    if (!Number.isInteger(value) || value < low || value > high) return false;
  }
  return true;
}

function bfloat16Numbers(bits: Uint16Array): Float32Array {
  return new Float32Array(Uint32Array.from(bits, (half) => half << 16).buffer);
}

function bytesFromView(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** The bytes on their own, from offset 0: payloads cut from a file are not aligned for wider elements. */
export function alignedBuffer(bytes: Uint8Array): ArrayBuffer {
  return bytes.slice().buffer;
}
