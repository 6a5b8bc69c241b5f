import { bytesOf, dataTypeFromCode, type DataType } from '../dtype';
import type { DeclaredDim, SparseTensor, Tensor, TensorStorage, ValueType } from '../graph';
import type { ProblemSink } from '../problem';
import { parseExternalData } from './external';
import { onnx } from './proto';
import { concatBytes } from './protobuf-write';
import { fieldHolds, rawFromTypedData } from './typed-data';
import { displayText } from './utf8';
import type { WireTensor } from './wire-types';

export interface TensorContext {
  readonly tensors: readonly WireTensor[];
  readonly sink: ProblemSink;
}

/** No operator takes more; ONNX Runtime stops far earlier. A longer list is an attack. */
const maxRank = 64;
const maxTypeDepth = 16;

/** All 64 bits of an integer that onnx-proto gives as a number or a Long. */
export function toBigint(value: number | Long): bigint {
  if (typeof value === 'number') return BigInt(value);
  const bits = (BigInt(value.high >>> 0) << 32n) | BigInt(value.low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}

export function decodeTensor(proto: onnx.ITensorProto, context: TensorContext): Tensor {
  const { sink } = context;
  const name = proto.name ?? '';
  const where = displayText(name);
  const record = recordOf(proto, context.tensors);
  const dtypeCode = proto.dataType ?? 0;
  const dtype = dataTypeFromCode(dtypeCode) ?? null;
  if (dtype === null) {
    sink.add({
      code: 'unknown-dtype',
      severity: 'error',
      message: `Tensor "${where.slice(0, 40)}" has data type ${dtypeCode}, which ONNX does not define.`,
      where,
    });
  }
  const dims = decodeDims(proto.dims ?? [], where, sink);
  const elementCount = dims && safeProduct(dims);
  if (dims && elementCount === null) {
    sink.add({
      code: 'tensor-too-large',
      severity: 'error',
      message: `Tensor "${where.slice(0, 40)}" has dims whose product exceeds 2^53.`,
      where,
    });
  }
  return {
    name,
    docString: proto.docString ?? '',
    dtype,
    dtypeCode,
    dims: dims ?? [],
    elementCount,
    storage: storageOf(proto, record, { dtype, elementCount, name, where, sink }),
    metadata: record?.metadata ?? new Map<string, string>(),
  };
}

export function sparseTensor(proto: onnx.ISparseTensorProto, context: TensorContext): SparseTensor {
  const values = decodeTensor(proto.values ?? {}, context);
  const dims = decodeDims(proto.dims ?? [], displayText(values.name), context.sink) ?? [];
  return { values, indices: decodeTensor(proto.indices ?? {}, context), dims };
}

/** The scan's record; a tensor split over several protobuf fields has several, whose data the last one with any gives. */
function recordOf(
  proto: onnx.ITensorProto,
  records: readonly WireTensor[],
): WireTensor | undefined {
  const numbers = (proto.uint64Data ?? []).map((id) => Number(toBigint(id)));
  const candidates = numbers.map((number) => records[number]);
  return (
    candidates.findLast((record) => record && record.payloadFields.length > 0) ?? candidates[0]
  );
}

function decodeDims(
  protos: readonly (number | Long)[],
  where: string,
  sink: ProblemSink,
): number[] | null {
  const problem = (what: string): null => {
    sink.add({
      code: 'invalid-dims',
      severity: 'error',
      message: `Tensor "${where.slice(0, 40)}" has ${what}; its size is not known.`,
      where,
    });
    return null;
  };
  if (protos.length > maxRank) return problem(`${protos.length} dims, more than ${maxRank}`);
  const dims = protos.map((dim) => Number(toBigint(dim)));
  const bad = dims.find((dim) => dim < 0 || !Number.isSafeInteger(dim));
  return bad === undefined ? dims : problem(`the dim ${bad}`);
}

function safeProduct(dims: readonly number[]): number | null {
  if (dims.includes(0)) return 0;
  let product = 1;
  for (const dim of dims) {
    product *= dim;
    if (!Number.isSafeInteger(product)) return null;
  }
  return product;
}

interface TensorFacts {
  readonly dtype: DataType | null;
  readonly elementCount: number | null;
  readonly name: string;
  readonly where: string;
  readonly sink: ProblemSink;
}

function storageOf(
  proto: onnx.ITensorProto,
  record: WireTensor | undefined,
  facts: TensorFacts,
): TensorStorage {
  const isExternal = proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL;
  if ((record?.payloadFields.length ?? 0) + Number(isExternal) > 1) {
    addProblem(
      facts,
      'tensor-two-payloads',
      'has data in more than one place; one of them counts',
      'warning',
    );
  }
  if (isExternal) {
    const external = parseExternalData(
      (proto.externalData ?? []).map(({ key, value }) => ({ key: key ?? '', value: value ?? '' })),
      facts.name,
      facts.sink,
    );
    if (external) checkByteLength(external.byteLength, facts);
    return external ?? { kind: 'none' };
  }
  if (record?.raw) {
    checkByteLength(record.raw.byteLength, facts);
    if (record.inline) return { kind: 'inline', bytes: concatBytes(record.inline) };
    return { kind: 'raw', ...record.raw };
  }
  if (record?.typedField) return typedStorage(record, record.typedField, facts);
  if (facts.elementCount !== 0) {
    addProblem(
      facts,
      'tensor-without-data',
      `has ${facts.elementCount ?? 'unknown'} elements but no data`,
    );
  }
  return { kind: 'none' };
}

function typedStorage(
  record: WireTensor,
  field: NonNullable<WireTensor['typedField']>,
  facts: TensorFacts,
): TensorStorage {
  const { dtype, elementCount } = facts;
  if (dtype !== null && !fieldHolds(field, dtype)) {
    addProblem(
      facts,
      'tensor-size-mismatch',
      `keeps ${dtype} elements in ${field}, which cannot hold them`,
    );
    return { kind: 'none' };
  }
  const stored = storedElements(record);
  if (
    stored !== null &&
    elementCount !== null &&
    stored < elementCount &&
    dtype !== 'complex64' &&
    dtype !== 'complex128'
  ) {
    addProblem(
      facts,
      'tensor-size-mismatch',
      `has ${elementCount} elements by its dims but stores ${stored}`,
    );
  }
  if (record.inline && dtype !== null && elementCount !== null && field !== 'string_data') {
    const bytes = rawFromTypedData(dtype, field, concatBytes(record.inline), elementCount);
    if (bytes) {
      checkByteLength(bytes.byteLength, facts);
      return { kind: 'inline', bytes };
    }
  }
  return { kind: 'typed', field, segments: record.segments };
}

/** How many elements a typed field stores, where their size is fixed. */
function storedElements({ typedField, segments }: WireTensor): number | null {
  if (typedField !== 'float_data' && typedField !== 'double_data') return null;
  const elementBytes = typedField === 'float_data' ? 4 : 8;
  return segments.reduce(
    // An unpacked element carries its tag of one byte.
    (total, { byteLength, packed }) =>
      total + Math.floor(byteLength / (packed ? elementBytes : elementBytes + 1)),
    0,
  );
}

function checkByteLength(stored: number | null, facts: TensorFacts): void {
  const { dtype, elementCount } = facts;
  if (stored === null || dtype === null || elementCount === null) return;
  const wanted = bytesOf(dtype, elementCount);
  if (wanted === null || wanted === stored) return;
  addProblem(
    facts,
    'tensor-size-mismatch',
    `needs ${wanted} bytes by its dims but ${stored} are stored`,
  );
}

function addProblem(
  { where, sink }: TensorFacts,
  code: string,
  what: string,
  severity: 'error' | 'warning' = 'error',
): void {
  sink.add({ code, severity, message: `Tensor "${where.slice(0, 40)}" ${what}.`, where });
}

export function decodeType(proto: onnx.ITypeProto | null | undefined, depth = 0): ValueType {
  if (!proto || depth > maxTypeDepth) return { kind: 'unknown' };
  if (proto.tensorType) return tensorType('tensor', proto.tensorType);
  if (proto.sparseTensorType) return tensorType('sparse-tensor', proto.sparseTensorType);
  if (proto.sequenceType) {
    return { kind: 'sequence', element: decodeType(proto.sequenceType.elemType, depth + 1) };
  }
  if (proto.optionalType) {
    return { kind: 'optional', element: decodeType(proto.optionalType.elemType, depth + 1) };
  }
  if (proto.mapType) {
    return {
      kind: 'map',
      keyType: dataTypeFromCode(proto.mapType.keyType ?? 0) ?? null,
      value: decodeType(proto.mapType.valueType, depth + 1),
    };
  }
  // onnx-proto does not know opaque types.
  return { kind: 'unknown' };
}

function tensorType(
  kind: 'tensor' | 'sparse-tensor',
  type: onnx.TypeProto.ITensor | onnx.TypeProto.ISparseTensor,
): ValueType {
  const dims = type.shape?.dim;
  return {
    kind,
    dtype: dataTypeFromCode(type.elemType ?? 0) ?? null,
    dims: type.shape ? (dims ?? []).slice(0, maxRank).map(declaredDim) : null,
  };
}

function declaredDim(dim: onnx.TensorShapeProto.IDimension): DeclaredDim {
  if (Object.hasOwn(dim, 'dimValue')) {
    const value = Number(toBigint(dim.dimValue ?? 0));
    // Exporters write -1 for "unknown"; zero is a legal size.
    return value >= 0 && Number.isSafeInteger(value) ? value : null;
  }
  return Object.hasOwn(dim, 'dimParam') && dim.dimParam ? dim.dimParam : null;
}
