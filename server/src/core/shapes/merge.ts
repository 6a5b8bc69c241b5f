import { equalDims } from './symbolic';
import type { Dim } from './symbolic';
import type { InferredType } from './types';

/** Deeper types (sequences of sequences of …) are not followed. */
const maximumTypeDepth = 8;

/**
 * What holds for both types, as for the two branches of an If. Dims that differ become
 * `differing(axis)`; different ranks or kinds are unknown.
 */
export function mergeTypes(
  a: InferredType,
  b: InferredType,
  differing: (axis: number) => Dim,
  depth = 0,
): InferredType {
  if (depth > maximumTypeDepth) return { kind: 'unknown' };
  if ((a.kind === 'sequence' || a.kind === 'optional') && a.kind === b.kind) {
    return { kind: a.kind, element: mergeTypes(a.element, b.element, differing, depth + 1) };
  }
  if (a.kind === 'map' && b.kind === 'map') {
    const value = mergeTypes(a.value, b.value, differing, depth + 1);
    return { kind: 'map', keyType: a.keyType === b.keyType ? a.keyType : null, value };
  }
  if ((a.kind !== 'tensor' && a.kind !== 'sparse-tensor') || a.kind !== b.kind) {
    return { kind: 'unknown' };
  }
  const dtype = a.dtype === b.dtype ? a.dtype : null;
  const [left, right] = [a.shape, b.shape];
  if (!left || left.length !== right?.length) return { kind: a.kind, dtype, shape: null };
  const shape = left.map((dim, axis) => {
    const other = right[axis] ?? null;
    return equalDims(dim, other) ? dim : differing(axis);
  });
  return { kind: a.kind, dtype, shape };
}

/** True when both say the same, unknown parts included. */
export function equalTypes(a: InferredType, b: InferredType): boolean {
  if (a === b) return true;
  if ((a.kind === 'sequence' || a.kind === 'optional') && a.kind === b.kind) {
    return equalTypes(a.element, b.element);
  }
  if (a.kind === 'map' && b.kind === 'map') {
    return a.keyType === b.keyType && equalTypes(a.value, b.value);
  }
  if ((a.kind !== 'tensor' && a.kind !== 'sparse-tensor') || a.kind !== b.kind) {
    return a.kind === 'unknown' && b.kind === 'unknown';
  }
  const [left, right] = [a.shape, b.shape];
  if (a.dtype !== b.dtype || !left || !right) return a.dtype === b.dtype && left === right;
  return (
    left.length === right.length &&
    left.every((dim, axis) => dim === right[axis] || equalDims(dim, right[axis] ?? null))
  );
}
