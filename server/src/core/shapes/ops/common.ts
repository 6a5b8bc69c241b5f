import type { DataType } from '../../dtype';
import type { NodeContext, Shape } from '../context';
import { add, asNumber, dimText, equalDims, maximum, multiply } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';

/** Helpers that the operator tables share. */

export const unknownType: InferredType = { kind: 'unknown' };

export function tensor(dtype: DataType | null, shape: Shape | null): InferredType {
  return { kind: 'tensor', dtype, shape };
}

export function hasInput(context: NodeContext, index: number): boolean {
  return (context.node.inputs[index] ?? '') !== '';
}

export function inputType(context: NodeContext, index: number): InferredType {
  return context.inputs[index] ?? unknownType;
}

/** The shape of an input tensor; null when its rank is not known. */
export function inputShape(context: NodeContext, index: number): Shape | null {
  const type = inputType(context, index);
  return type.kind === 'tensor' || type.kind === 'sparse-tensor' ? type.shape : null;
}

export function inputDtype(context: NodeContext, index: number): DataType | null {
  const type = inputType(context, index);
  return type.kind === 'tensor' || type.kind === 'sparse-tensor' ? type.dtype : null;
}

/** The dtype of the first of these inputs whose dtype is known. */
export function firstDtype(context: NodeContext, ...indices: readonly number[]): DataType | null {
  for (const index of indices) {
    const dtype = inputDtype(context, index);
    if (dtype !== null) return dtype;
  }
  return null;
}

/** The same of all inputs. */
export function anyDtype({ inputs }: NodeContext): DataType | null {
  for (const type of inputs) {
    if ((type.kind === 'tensor' || type.kind === 'sparse-tensor') && type.dtype) return type.dtype;
  }
  return null;
}

/** The elements of an input known before the run (some may be null), at most one-dimensional. */
export function constantDims(context: NodeContext, index: number): Shape | undefined {
  const value = context.constant(index);
  return value && value.shape.length <= 1 ? value.values : undefined;
}

/** As `constantDims`, when every element is a plain number. */
export function constantNumbers(
  context: NodeContext,
  index: number,
): readonly number[] | undefined {
  const dims = constantDims(context, index);
  const numbers: number[] = [];
  for (const dim of dims ?? []) {
    if (typeof dim !== 'number') return undefined;
    numbers.push(dim);
  }
  return dims && numbers;
}

/** The single element of an input known before the run; null when it is not. */
export function constantScalar(context: NodeContext, index: number): Dim {
  const value = context.constant(index);
  return value?.values.length === 1 ? (value.values[0] ?? null) : null;
}

export function constantNumber(context: NodeContext, index: number): number | null {
  return asNumber(constantScalar(context, index));
}

/** The element count of a one-dimensional input, when it is a plain number within the rank cap. */
export function lengthOfVector(context: NodeContext, index: number): number | null {
  const shape = inputShape(context, index);
  return shape?.length === 1 ? asNumber(shape[0] ?? null) : null;
}

/** Shapes of higher rank are not followed: nothing real has them, and a file's number would size arrays. */
export const maximumRank = 64;

export function freshShape(context: NodeContext, rank: number, output = 0): Shape | null {
  if (!Number.isSafeInteger(rank) || rank < 0 || rank > maximumRank) return null;
  return Array.from({ length: rank }, (_, axis) => context.fresh(output, axis));
}

/** `axis` counted from the front; null (with a problem) when it is outside [-rank, rank). */
export function normalizeAxis(context: NodeContext, axis: number, rank: number): number | null {
  const fromFront = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && fromFront >= 0 && fromFront < rank) return fromFront;
  context.invalid(`axis ${axis} is outside a tensor of rank ${rank}.`);
  return null;
}

/** All axes counted from the front; null (with a problem) when one is out of range or repeated. */
export function normalizeAxes(
  context: NodeContext,
  axes: readonly number[],
  rank: number,
): readonly number[] | null {
  const seen = new Set<number>();
  for (const axis of axes) {
    const normal = normalizeAxis(context, axis, rank);
    if (normal === null) return null;
    if (seen.has(normal)) {
      context.invalid(`axis ${axis} is listed twice.`);
      return null;
    }
    seen.add(normal);
  }
  return [...seen];
}

/** A size along an axis; null (with a problem) when it is a negative number. */
export function sizeOrProblem(context: NodeContext, dim: Dim, axis: number): Dim | undefined {
  if (typeof dim !== 'number' || (dim >= 0 && Number.isSafeInteger(dim))) return dim;
  context.mismatch(`axis ${axis} of the output would have size ${dim}.`);
  return undefined;
}

/**
 * Multidirectional broadcasting as in numpy; null (with a problem) when the shapes do not fit or
 * one has no rank. A number above 1 wins over a symbol, which may be 1 at run time or must be equal;
 * two different symbols give their maximum, since they are equal or one of them is 1.
 */
export function broadcast(context: NodeContext, shapes: readonly (Shape | null)[]): Shape | null {
  const first = shapes[0] ?? null;
  let rank = 0;
  let isSame = true;
  for (const shape of shapes) {
    if (!shape) return null;
    rank = Math.max(rank, shape.length);
    isSame &&= shape === first;
  }
  // Values of the same type share its shape (`type-table.ts`), and most operands have the same.
  if (first && isSame) return first;
  const result: Dim[] = [];
  for (let fromEnd = rank; fromEnd > 0; fromEnd--) {
    let dim: Dim = 1;
    for (const shape of shapes) {
      if (!shape || shape.length < fromEnd) continue;
      const merged = broadcastDim(dim, shape[shape.length - fromEnd] ?? null);
      if (merged === undefined) {
        context.mismatch(`shapes ${shapes.map(shapeText).join(' and ')} do not broadcast.`);
        return null;
      }
      dim = merged;
    }
    result.push(dim);
  }
  return result;
}

function broadcastDim(a: Dim, b: Dim): Dim | undefined {
  if (a === 1) return b;
  if (b === 1) return a;
  if (typeof a === 'number' && typeof b === 'number') return a === b ? a : undefined;
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  return maximum(a, b);
}

/**
 * One dim from two that must be equal: a number wins over a symbol, a symbol over nothing;
 * undefined when two numbers differ.
 */
export function unifyDims(a: Dim, b: Dim): Dim | undefined {
  if (typeof a === 'number' && typeof b === 'number') return a === b ? a : undefined;
  if (typeof b === 'number') return b;
  return a ?? b;
}

/** Reports two dims that must be equal and are different numbers. */
export function requireEqual(context: NodeContext, a: Dim, b: Dim, what: string): boolean {
  if (typeof a !== 'number' || typeof b !== 'number' || a === b) return true;
  context.mismatch(`${what}: ${a} and ${b} must be equal.`);
  return false;
}

/** `[N, 3, 224, 224]`; `[?]` marks unknown dims, `unknown` an unknown rank. */
export function shapeText(shape: Shape | null): string {
  return shape ? `[${shape.map(dimText).join(', ')}]` : 'unknown';
}

/** The shape with one axis replaced. */
export function withDim(shape: Shape, axis: number, dim: Dim): Shape {
  return shape.map((old, index) => (index === axis ? dim : old));
}

/** True when both shapes are known and all dims are equal. */
export function equalShapes(a: Shape | null, b: Shape | null): boolean {
  return !!a && !!b && a.length === b.length && a.every((dim, i) => equalDims(dim, b[i] ?? null));
}

/** `factor × dim`, where the factor may be a fraction such as 0.5; null when it is no small ratio. */
export function scaleDim(dim: Dim, factor: number): Dim {
  if (!Number.isFinite(factor) || factor < 0) return null;
  if (typeof dim === 'number') {
    // In float32, as runtimes multiply: 10 × 0.7 is 7 there, not 6.99….
    const size = Math.floor(Math.fround(dim * factor));
    return Number.isSafeInteger(size) ? size : null;
  }
  return Number.isInteger(factor) ? multiply(dim, factor) : null;
}

export function sum(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>((total, dim) => add(total, dim), 0);
}
