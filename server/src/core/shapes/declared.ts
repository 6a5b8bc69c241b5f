import type { DeclaredDim, ValueType } from '../graph';
import { maximumRank, shapeText } from './ops/common';
import { symbol } from './symbolic';
import type { Dim } from './symbolic';
import type { InferredType } from './types';

/** Types nest in files as deep as their writer likes; ours stop here. */
const maximumTypeDepth = 8;

/** A declared dim: symbols that the caller bound are numbers, negative sizes say nothing. */
export function declaredDim(dim: DeclaredDim, bindings: ReadonlyMap<string, number>): Dim {
  if (typeof dim === 'number') return Number.isSafeInteger(dim) && dim >= 0 ? dim : null;
  if (dim === null || dim === '') return null;
  return bindings.get(dim) ?? symbol(dim);
}

/** A type as the file declares it, in the terms of inference. */
export function fromDeclared(
  type: ValueType,
  bindings: ReadonlyMap<string, number>,
  depth = 0,
): InferredType {
  if (depth > maximumTypeDepth) return { kind: 'unknown' };
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor': {
      const isUsable = type.dims && type.dims.length <= maximumRank;
      const shape = isUsable ? type.dims.map((dim) => declaredDim(dim, bindings)) : null;
      return { kind: type.kind, dtype: type.dtype, shape };
    }
    case 'sequence':
    case 'optional':
      return { kind: type.kind, element: fromDeclared(type.element, bindings, depth + 1) };
    case 'map':
      return {
        kind: 'map',
        keyType: type.keyType,
        value: fromDeclared(type.value, bindings, depth + 1),
      };
    default:
      return { kind: 'unknown' };
  }
}

/**
 * What inference and the file's declaration say together. Inferred facts win, since they follow
 * from weights and attributes; declared ones fill what is unknown and replace symbols that
 * inference made up (`isPlaceholder`). `contradiction` hears where numbers, ranks or dtypes differ.
 */
export function refine(
  inferred: InferredType,
  declared: InferredType,
  isPlaceholder: (dim: Dim) => boolean,
  contradiction: (message: string) => void,
): InferredType {
  if (inferred.kind === 'unknown') return declared;
  if (inferred.kind === 'sequence' || inferred.kind === 'optional') {
    if (declared.kind !== inferred.kind) return inferred;
    const element = refine(inferred.element, declared.element, isPlaceholder, contradiction);
    return { kind: inferred.kind, element };
  }
  const isTensor = inferred.kind === 'tensor' || inferred.kind === 'sparse-tensor';
  const isDeclaredTensor = declared.kind === 'tensor' || declared.kind === 'sparse-tensor';
  if (!isTensor || !isDeclaredTensor || inferred.kind !== declared.kind) return inferred;
  const dtype = inferred.dtype ?? declared.dtype;
  if (dtype !== declared.dtype && declared.dtype !== null) {
    contradiction(`declared as ${declared.dtype}, but it is ${String(dtype)}.`);
  }
  const [own, said] = [inferred.shape, declared.shape];
  if (!own || !said) return { kind: inferred.kind, dtype, shape: own ?? said };
  if (own.length !== said.length) {
    contradiction(`declared as ${shapeText(said)}, but it is ${shapeText(own)}.`);
    return { kind: inferred.kind, dtype, shape: own };
  }
  const differs = own.some((dim, axis) => {
    const other = said[axis];
    return typeof dim === 'number' && typeof other === 'number' && other !== dim;
  });
  if (differs) contradiction(`declared as ${shapeText(said)}, but it is ${shapeText(own)}.`);
  const isFilled = (dim: Dim, other: Dim): boolean =>
    typeof dim !== 'number' && other !== null && (dim === null || isPlaceholder(dim));
  // Most declarations say nothing new.
  const addsDims = own.some((dim, axis) => isFilled(dim, said[axis] ?? null));
  if (!addsDims && dtype === inferred.dtype) return inferred;
  const shape = own.map((dim, axis) => {
    const other = said[axis] ?? null;
    return isFilled(dim, other) ? other : dim;
  });
  return { kind: inferred.kind, dtype, shape };
}
