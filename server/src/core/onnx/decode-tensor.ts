import { bytesOf, dataTypeFromCode, type DataType } from '../dtype';
import type { SparseTensor, Tensor, TensorStorage } from '../graph';
import type { ProblemSink } from '../problem';
import { maxRank } from './decode-values';
import { toNumber } from './decode-numbers';
import { parseExternalData } from './external';
import { onnx } from './proto';
import { countVarints } from './protobuf-read';
import { concatBytes } from './protobuf-write';
import { fieldHolds, rawFromTypedData, typedFieldCount } from './typed-data';
import { displayText } from './utf8';
import { noMetadata } from './wire-records';
import type { WirePlainTensor, WireTensor } from './wire-types';

export interface TensorContext {
  readonly tensors: readonly WireTensor[];
  readonly sink: ProblemSink;
}

export function decodeTensor(proto: onnx.ITensorProto, context: TensorContext): Tensor {
  const { tensors, sink } = context;
  const isExternal = proto.dataLocation === onnx.TensorProto.DataLocation.EXTERNAL;
  const head: TensorHead = {
    name: proto.name ?? '',
    docString: proto.docString ?? '',
    dtypeCode: proto.dataType ?? 0,
    dims: (proto.dims ?? []).map(toNumber),
  };
  const record = recordOf(proto, tensors);
  const tensor = tensorOf(head, sink, (facts) => storageOf(isExternal && proto, record, facts));
  return record?.metadata ? { ...tensor, metadata: record.metadata } : tensor;
}

/** A tensor that the scan read to its end, as nearly all weights are. */
export function plainTensor(plain: WirePlainTensor, sink: ProblemSink): Tensor {
  return tensorOf(plain, sink, (facts) => rawStorage(plain.raw, plain.inline, facts));
}

/** What a file says of a tensor, apart from its elements. */
type TensorHead = Pick<WirePlainTensor, 'name' | 'docString' | 'dtypeCode' | 'dims'>;

function tensorOf(
  { name, docString, dtypeCode, dims: declared }: TensorHead,
  sink: ProblemSink,
  storageOfFacts: (facts: TensorFacts) => TensorStorage,
): Tensor {
  const dtype = dataTypeFromCode(dtypeCode) ?? null;
  const about = { name, sink };
  if (dtype === null) {
    addProblem(about, 'unknown-dtype', `has data type ${dtypeCode}, which ONNX does not define`);
  }
  const dims = usableDims(declared, about);
  const elementCount = dims && safeProduct(dims);
  if (dims && elementCount === null) {
    addProblem(about, 'tensor-too-large', 'has dims whose product exceeds 2^53');
  }
  return {
    name,
    docString,
    dtype,
    dtypeCode,
    dims: dims ?? [],
    elementCount,
    storage: storageOfFacts({ dtype, elementCount, name, sink }),
    metadata: noMetadata,
  };
}

export function sparseTensor(proto: onnx.ISparseTensorProto, context: TensorContext): SparseTensor {
  const values = decodeTensor(proto.values ?? {}, context);
  const about = { name: values.name, sink: context.sink };
  const dims = usableDims((proto.dims ?? []).map(toNumber), about) ?? [];
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

function usableDims(dims: readonly number[], about: TensorName): readonly number[] | null {
  const problem = (what: string): null => {
    addProblem(about, 'invalid-dims', `has ${what}; its size is not known`);
    return null;
  };
  if (dims.length > maxRank) return problem(`${dims.length} dims, more than ${maxRank}`);
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

/** @param external the tensor when its elements are in another file */
function storageOf(
  external: onnx.ITensorProto | false,
  record: WireTensor | undefined,
  facts: TensorFacts,
): TensorStorage {
  if ((record?.payloadFields.length ?? 0) + (external ? 1 : 0) > 1) {
    addProblem(
      facts,
      'tensor-two-payloads',
      'has data in more than one place; one of them counts',
      'warning',
    );
  }
  if (external) {
    const elsewhere = parseExternalData(
      (external.externalData ?? []).map(({ key, value }) => ({
        key: key ?? '',
        value: value ?? '',
      })),
      facts.name,
      facts.sink,
    );
    if (elsewhere) checkByteLength(elsewhere.byteLength, facts);
    return elsewhere ?? { kind: 'none' };
  }
  if (record?.raw) return rawStorage(record.raw, record.inline, facts);
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

function rawStorage(
  { offset, byteLength }: WirePlainTensor['raw'],
  inline: Uint8Array | null,
  facts: TensorFacts,
): TensorStorage {
  checkByteLength(byteLength, facts);
  return inline ? { kind: 'inline', bytes: inline } : { kind: 'raw', offset, byteLength };
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
