/**
 * Element types of ONNX tensors, `TensorProto.DataType` through IR 14.
 * Source: the onnx.proto3 enum; own table because onnx-proto 8 ends at bfloat16 (IR 8).
 */
export type DataType =
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2'
  | 'float6e2m3'
  | 'float6e3m2';

export interface DataTypeInfo {
  /** `TensorProto.DataType` number on the wire. */
  readonly code: number;
  readonly name: DataType;
  /** Bits of one element in `raw_data`, where small ones lie packed; `null` for strings, whose size is not fixed. */
  readonly bits: number | null;
  /** True for the types that hold real numbers (weights and activations). */
  readonly isFloat: boolean;
}

const table: readonly (readonly [number, DataType, number | null, boolean])[] = [
  [1, 'float32', 32, true],
  [2, 'uint8', 8, false],
  [3, 'int8', 8, false],
  [4, 'uint16', 16, false],
  [5, 'int16', 16, false],
  [6, 'int32', 32, false],
  [7, 'int64', 64, false],
  [8, 'string', null, false],
  [9, 'bool', 8, false],
  [10, 'float16', 16, true],
  [11, 'float64', 64, true],
  [12, 'uint32', 32, false],
  [13, 'uint64', 64, false],
  [14, 'complex64', 64, true],
  [15, 'complex128', 128, true],
  [16, 'bfloat16', 16, true],
  [17, 'float8e4m3fn', 8, true],
  [18, 'float8e4m3fnuz', 8, true],
  [19, 'float8e5m2', 8, true],
  [20, 'float8e5m2fnuz', 8, true],
  [21, 'uint4', 4, false],
  [22, 'int4', 4, false],
  [23, 'float4e2m1', 4, true],
  [24, 'float8e8m0', 8, true],
  [25, 'uint2', 2, false],
  [26, 'int2', 2, false],
  [27, 'float6e2m3', 6, true],
  [28, 'float6e3m2', 6, true],
];

export const dataTypes: readonly DataTypeInfo[] = table.map(([code, name, bits, isFloat]) => ({
  code,
  name,
  bits,
  isFloat,
}));

const byCode = new Map(dataTypes.map((info) => [info.code, info]));
const byName = new Map(dataTypes.map((info) => [info.name, info]));

/** The dtype with this wire number, or `undefined` when no ONNX release defines it. */
export function dataTypeFromCode(code: number): DataType | undefined {
  return byCode.get(code)?.name;
}

export function dataTypeInfo(name: DataType): DataTypeInfo {
  const info = byName.get(name);
  if (!info) throw new Error(`unlisted dtype ${name}`);
  return info;
}

/** The dtype of this name, or `undefined`: for text from users. */
export function dataTypeFromName(name: string): DataType | undefined {
  return byName.get(name as DataType)?.name;
}

/** Bytes that `elementCount` elements take in `raw_data` (sub-byte types are packed); `null` for strings. */
export function bytesOf(dtype: DataType, elementCount: number): number | null {
  const { bits } = dataTypeInfo(dtype);
  // Divided first, which is exact: counts up to 2^53 times 128 bits are not.
  return bits === null ? null : Math.ceil((elementCount / 8) * bits);
}

export function isFloat(dtype: DataType | null | undefined): boolean {
  return dtype ? dataTypeInfo(dtype).isFloat : false;
}
