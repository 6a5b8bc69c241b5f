import { dataTypeFromCode, type DataType } from '../dtype';
import type { DeclaredDim, Denotations, ValueInfo, ValueType } from '../graph';
import type { ProblemSink } from '../problem';
import { toNumber } from './decode-numbers';
import type { onnx } from './proto';
import { displayText } from './utf8';
import { noMetadata } from './wire-records';

/** No operator takes more; ONNX Runtime stops far earlier. A longer list is an attack. */
export const maxRank = 64;
const maxTypeDepth = 16;

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
    // A full list must not make a wrong type look right.
    takes: () => true,
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
