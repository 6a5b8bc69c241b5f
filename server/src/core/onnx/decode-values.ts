import { bytesOf, dataTypeFromCode, type DataType } from '../dtype';
import type {
  DeclaredDim,
  Denotations,
  SparseTensor,
  Tensor,
  TensorStorage,
  ValueInfo,
  ValueType,
} from '../graph';
import type { ProblemSink } from '../problem';
import { parseExternalData } from './external';
import { onnx } from './proto';
import { countVarints } from './protobuf-read';
import { concatBytes } from './protobuf-write';
import { fieldHolds, rawFromTypedData, typedFieldCount } from './typed-data';
import { displayText } from './utf8';
import type { WireTensor } from './wire-types';

export interface TensorContext {
  readonly tensors: readonly WireTensor[];
  readonly sink: ProblemSink;
}

/** No operator takes more; ONNX Runtime stops far earlier. A longer list is an attack. */
const maxRank = 64;
const maxTypeDepth = 16;

const noMetadata: ReadonlyMap<string, string> = new Map();

/** All 64 bits of an integer that onnx-proto gives as a number or a Long. */
export function toBigint(value: number | Long): bigint {
  if (typeof value === 'number') return BigInt(value);
  const { low, high } = value;
  // Nearly all are small, and every step on bigints makes another one.
  if (high === low >> 31 && !value.unsigned) return BigInt(low);
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}

/** The same as a number: exact where that is a safe integer, and not one where it is not. */
export function toNumber(value: number | Long): number {
  if (typeof value === 'number') return value;
  const high = value.unsigned ? value.high >>> 0 : value.high | 0;
  return high * 2 ** 32 + (value.low >>> 0);
}

export function decodeTensor(proto: onnx.ITensorProto, context: TensorContext): Tensor {
  const { sink } = context;
  const name = proto.name ?? '';
  const record = recordOf(proto, context.tensors);
  const dtypeCode = proto.dataType ?? 0;
  const dtype = dataTypeFromCode(dtypeCode) ?? null;
  const about = { name, sink };
  if (dtype === null) {
    addProblem(about, 'unknown-dtype', `has data type ${dtypeCode}, which ONNX does not define`);
  }
  const dims = decodeDims(proto.dims ?? [], about);
  const elementCount = dims && safeProduct(dims);
  if (dims && elementCount === null) {
    addProblem(about, 'tensor-too-large', 'has dims whose product exceeds 2^53');
  }
  return {
    name,
    docString: proto.docString ?? '',
    dtype,
    dtypeCode,
    dims: dims ?? [],
    elementCount,
    storage: storageOf(proto, record, { dtype, elementCount, ...about }),
    metadata: record?.metadata ?? noMetadata,
  };
}

export function sparseTensor(proto: onnx.ISparseTensorProto, context: TensorContext): SparseTensor {
  const values = decodeTensor(proto.values ?? {}, context);
  const dims = decodeDims(proto.dims ?? [], { name: values.name, sink: context.sink }) ?? [];
  return { values, indices: decodeTensor(proto.indices ?? {}, context), dims };
}

/** The scan's record; a tensor split over several protobuf fields has several, which make one. */
function recordOf(
  proto: onnx.ITensorProto,
  records: readonly WireTensor[],
): WireTensor | undefined {
  const parts = (proto.uint64Data ?? []).map((id) => records[toNumber(id)]);
  return parts.length > 1 ? joinRecords(parts.filter((part) => part !== undefined)) : parts[0];
}

/** As protobuf merges messages: repeated fields go on, of a singular one the last counts. */
function joinRecords(parts: readonly WireTensor[]): WireTensor {
  const typedField = parts.find((part) => part.typedField)?.typedField ?? null;
  const typed = parts.filter((part) => part.typedField === typedField);
  const withRaw = parts.findLast((part) => part.raw);
  const inline = withRaw ? [withRaw.inline] : typed.map((part) => part.inline);
  const strings = typed.map((part) => part.strings);
  const counts = typed.map((part) => part.typedCount);
  return {
    metadata: new Map(parts.flatMap((part) => [...(part.metadata ?? [])])),
    raw: withRaw?.raw ?? null,
    typedField,
    segments: typed.flatMap((part) => part.segments),
    typedCount: mapKnown(counts, (known) => known.reduce((sum, count) => sum + count, 0)),
    inline: mapKnown(inline, concatBytes),
    strings: mapKnown(strings, (lists) => lists.flat()),
    payloadFields: [...new Set(parts.flatMap((part) => part.payloadFields))],
  };
}

/** Null when any of the list is. */
function mapKnown<T, R>(list: readonly (T | null)[], use: (known: T[]) => R): R | null {
  const known = list.filter((one): one is T => one !== null);
  return known.length === list.length ? use(known) : null;
}

function decodeDims(protos: readonly (number | Long)[], about: TensorName): number[] | null {
  const problem = (what: string): null => {
    addProblem(about, 'invalid-dims', `has ${what}; its size is not known`);
    return null;
  };
  if (protos.length > maxRank) return problem(`${protos.length} dims, more than ${maxRank}`);
  const dims = protos.map(toNumber);
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

/** What a problem is about, and where it goes. */
interface TensorName {
  readonly name: string;
  readonly sink: ProblemSink;
}

interface TensorFacts extends TensorName {
  readonly dtype: DataType | null;
  readonly elementCount: number | null;
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
    if (record.inline) return { kind: 'inline', bytes: record.inline };
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
  if (dtype !== null && elementCount !== null) {
    const stored = record.typedCount ?? (record.inline && countVarints(record.inline));
    const wanted = typedFieldCount(dtype, elementCount);
    if (stored !== null && stored !== wanted) {
      const count = stored < 0 ? 'a number that is cut off' : `${stored}`;
      addProblem(
        facts,
        'tensor-size-mismatch',
        `needs ${wanted} numbers in ${field} by its dims but has ${count}`,
        // Of too many the first ones count, in some readers.
        stored > wanted ? 'warning' : 'error',
      );
    }
    if (field === 'string_data') {
      if (record.strings) return { kind: 'strings', values: record.strings };
    } else if (record.inline) {
      const bytes = rawFromTypedData(dtype, field, record.inline, elementCount);
      if (bytes) return { kind: 'inline', bytes };
    }
  }
  return { kind: 'typed', field, segments: record.segments };
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
  { name, sink }: TensorName,
  code: string,
  what: string,
  severity: 'error' | 'warning' = 'error',
): void {
  const where = displayText(name);
  sink.add({ code, severity, message: `Tensor "${where.slice(0, 40)}" ${what}.`, where });
}

/** @param value whose type it is, for problems; without it they are not told */
export function decodeType(
  proto: onnx.ITypeProto | null | undefined,
  value?: TypedValue,
  depth = 0,
): ValueType {
  if (!proto || depth > maxTypeDepth) return { kind: 'unknown' };
  if (proto.tensorType) return tensorType('tensor', proto.tensorType, value);
  if (proto.sparseTensorType) return tensorType('sparse-tensor', proto.sparseTensorType, value);
  if (proto.sequenceType) {
    return { kind: 'sequence', element: decodeType(proto.sequenceType.elemType, value, depth + 1) };
  }
  if (proto.optionalType) {
    return { kind: 'optional', element: decodeType(proto.optionalType.elemType, value, depth + 1) };
  }
  if (proto.mapType) {
    return {
      kind: 'map',
      keyType: dataTypeFromCode(proto.mapType.keyType ?? 0) ?? null,
      value: decodeType(proto.mapType.valueType, value, depth + 1),
    };
  }
  // onnx-proto does not know opaque types.
  return { kind: 'unknown' };
}

function tensorType(
  kind: 'tensor' | 'sparse-tensor',
  type: onnx.TypeProto.ITensor | onnx.TypeProto.ISparseTensor,
  value: TypedValue | undefined,
): ValueType {
  const dims = type.shape ? (type.shape.dim ?? []) : null;
  const dtype = dataTypeFromCode(type.elemType ?? 0) ?? null;
  if (value) checkTensorType(type.elemType ?? 0, dtype, dims ?? [], value);
  return {
    kind,
    dtype,
    dims: dims && dims.length <= maxRank ? dims.map(declaredDim) : null,
  };
}

function declaredDim(dim: onnx.TensorShapeProto.IDimension): DeclaredDim {
  if (Object.hasOwn(dim, 'dimValue')) {
    const value = toNumber(dim.dimValue ?? 0);
    // Exporters write -1 for "unknown"; zero is a legal size.
    return value >= 0 && Number.isSafeInteger(value) ? value : null;
  }
  return Object.hasOwn(dim, 'dimParam') && dim.dimParam ? dim.dimParam : null;
}

export function decodeValueInfo(
  proto: onnx.IValueInfoProto,
  metadata: ReadonlyMap<string, string> | null | undefined,
  told: TypeProblems,
): ValueInfo {
  const name = proto.name ?? '';
  const { type, denotations } = typeOf(proto.type, name, told);
  return {
    name,
    ...(denotations && { denotations }),
    type,
    docString: proto.docString ?? '',
    metadata: metadata ?? noMetadata,
  };
}

interface TypeReading {
  readonly type: ValueType;
  readonly denotations: Denotations | undefined;
}

/** Of types without any problem: values share them (`type-cache.ts`), and each is read once. */
const readings = new WeakMap<onnx.ITypeProto, TypeReading>();

function typeOf(
  proto: onnx.ITypeProto | null | undefined,
  name: string,
  told: TypeProblems,
): TypeReading {
  const known = proto && readings.get(proto);
  if (known) return known;
  let problemCount = 0;
  const sink: ProblemSink = {
    problems: told.sink.problems,
    add(problem) {
      problemCount++;
      if (told.isInterface || problem.code !== negativeDim) told.sink.add(problem);
    },
  };
  const reading = {
    type: decodeType(proto, { name, sink }),
    denotations: decodeDenotations(proto),
  };
  if (proto && problemCount === 0) readings.set(proto, reading);
  return reading;
}

/** Of a tensor's type; `undefined` when nothing is said. */
function decodeDenotations(proto: onnx.ITypeProto | null | undefined): Denotations | undefined {
  const dims = (proto?.tensorType?.shape?.dim ?? proto?.sparseTensorType?.shape?.dim ?? [])
    .slice(0, maxRank)
    .map(({ denotation }) => denotation ?? '');
  const type = proto?.denotation ?? '';
  return type === '' && dims.every((dim) => dim === '') ? undefined : { type, dims };
}

/** A value whose declared type is read, as problems name it. */
export interface TypedValue {
  readonly name: string;
  readonly sink: ProblemSink;
}

/** Who hears of what is wrong with a declared type. */
interface TypeProblems {
  readonly sink: ProblemSink;
  /** Inputs and outputs, where a caller must know the sizes. */
  readonly isInterface: boolean;
}

/** The code of a problem that only inputs and outputs have. */
const negativeDim = 'negative-dim';

function checkTensorType(
  code: number,
  dtype: DataType | null,
  dims: readonly onnx.TensorShapeProto.IDimension[],
  { name, sink }: TypedValue,
): void {
  const add = (
    problemCode: string,
    severity: 'error' | 'info',
    message: (shown: string) => string,
  ): void => {
    const where = displayText(name);
    sink.add({ code: problemCode, severity, message: message(where.slice(0, 40)), where });
  };
  if (dtype === null && code !== 0) {
    add(
      'unknown-dtype',
      'error',
      (shown) => `Value "${shown}" has element type ${code}, which ONNX does not define.`,
    );
  }
  if (dims.length > maxRank) {
    add(
      'invalid-dims',
      'error',
      (shown) => `Value "${shown}" is declared with ${dims.length} dims, more than ${maxRank}.`,
    );
    return;
  }
  for (const dim of dims) {
    if (!Object.hasOwn(dim, 'dimValue')) continue;
    const size = toNumber(dim.dimValue ?? 0);
    if (size >= 0 && Number.isSafeInteger(size)) continue;
    if (size !== -1) {
      add(
        'invalid-dims',
        'error',
        (shown) => `Value "${shown}" is declared with the dim ${size}, which is no size.`,
      );
    } else {
      add(
        negativeDim,
        'info',
        (shown) => `"${shown}" has the dim -1; ONNX names an unknown size or leaves it out.`,
      );
    }
  }
}
