import { intAttribute, intsAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, ceilDivide, isNegative, lowerBound, maximum, minimum, subtract } from '../symbolic';
import type { Dim, Known } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantDims,
  constantNumbers,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  normalizeAxes,
  normalizeAxis,
  sizeOrProblem,
  tensor,
  withDim,
} from './common';

/** Operators that take away or add elements at the ends of axes. */
export const cutOperators: OperatorTable = [
  ['Slice', slice],
  ['DynamicSlice', slice],
  ['Pad com.microsoft::Pad', pad],
  ['CenterCropPad', centerCropPad],
  ['Crop', crop],
  ['Compress', compress],
];

/** Bounds of a slice along one axis; null parts are not known before the run. */
export interface SliceBounds {
  readonly start: Dim;
  readonly end: Dim;
  readonly step: Dim;
}

function slice(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor(inputDtype(context, 0), shape && slicedShape(context, shape))];
}

function slicedShape(context: NodeContext, shape: Shape): Shape | null {
  const bounds = sliceBounds(context, shape.length);
  if (bounds === 'invalid') return null;
  if (!bounds) return freshShape(context, shape.length);
  return shape.map((dim, axis) => {
    const bound = bounds.get(axis);
    return bound ? (slicedSize(dim, bound) ?? context.fresh(0, axis)) : dim;
  });
}

/**
 * Bounds by axis, from attributes (opset 1) or inputs (10); undefined when it is not known which
 * axes are cut, `invalid` after a problem.
 */
export function sliceBounds(
  context: NodeContext,
  rank: number,
): ReadonlyMap<number, SliceBounds> | 'invalid' | undefined {
  const isAttributes = intsAttribute(context.node, 'starts') !== undefined;
  const starts = isAttributes ? intsAttribute(context.node, 'starts') : constantDims(context, 1);
  const ends = isAttributes ? intsAttribute(context.node, 'ends') : constantDims(context, 2);
  const hasAxes = !isAttributes && hasInput(context, 3);
  const axes = hasAxes ? constantNumbers(context, 3) : intsAttribute(context.node, 'axes');
  const steps = !isAttributes && hasInput(context, 4) ? constantDims(context, 4) : [];
  if (hasAxes && !axes) return undefined;
  const count =
    axes?.length ?? starts?.length ?? ends?.length ?? inputShape(context, 1)?.[0] ?? null;
  if (typeof count !== 'number') return undefined;
  const isUneven = (starts && starts.length !== count) ?? (ends && ends.length !== count);
  if (count > rank || isUneven === true) {
    context.invalid('starts, ends and axes do not have the same length, or more than the rank.');
    return 'invalid';
  }
  const normal = normalizeAxes(context, axes ?? Array.from({ length: count }, (_, i) => i), rank);
  if (!normal) return 'invalid';
  const bounds = new Map<number, SliceBounds>();
  for (const [index, axis] of normal.entries()) {
    const step = steps ? (steps.length === 0 ? 1 : (steps[index] ?? null)) : null;
    if (step === 0) {
      context.invalid('a step of 0 never ends.');
      return 'invalid';
    }
    bounds.set(axis, { start: starts?.[index] ?? null, end: ends?.[index] ?? null, step });
  }
  return bounds;
}

/** Elements that a slice keeps of `dim`; null when it is not known. */
export function slicedSize(dim: Dim, { start, end, step }: SliceBounds): Dim {
  if (dim === null || typeof step !== 'number') return null;
  if (typeof dim === 'number' && typeof start === 'number' && typeof end === 'number') {
    const [first, last] = clampBounds(dim, start, end, step);
    return Math.max(0, Math.ceil((last - first) / step));
  }
  if (step < 0) {
    // Only the whole axis backwards, from -1 (or beyond the end) down to INT_MIN.
    const isWhole = (start === -1 || isBeyond(start, 1)) && isBeyond(end, -1);
    return isWhole ? ceilDivide(dim, -step) : null;
  }
  if (typeof start === 'number' && typeof end === 'number' && picksOne(start, end)) return 1;
  const length = cutLength(dim, start, end);
  return length === null ? null : ceilDivide(maximum(0, length), step);
}

/** An element that is picked by its index, from the front or the end, is taken to be there. */
function picksOne(start: number, end: number): boolean {
  return end === start + 1 && end !== 0;
}

/** Elements between the bounds, negative when they are the wrong way round; null when a sign is not known. */
function cutLength(dim: Known, start: Dim, end: Dim): Dim {
  if (isBeyond(start, 1) || isBeyond(end, -1)) return 0;
  const last = isBeyond(end, 1) ? dim : endOf(dim, end);
  const first = isBeyond(start, -1) ? 0 : start;
  if (isAtLeastZero(first)) return subtract(last, first);
  if (!isNegative(first)) return null;
  // From the end, but not from before the front.
  return minimum(last, subtract(last, add(dim, first)));
}

/** The rule of the operator's specification for a known size; INT64 limits are clamped with the rest. */
export function clampBounds(
  dim: number,
  start: number,
  end: number,
  step: number,
): readonly [number, number] {
  const at = (index: number): number => (index < 0 ? index + dim : index);
  const clamp = (value: number, low: number, high: number): number =>
    Math.max(low, Math.min(high, value));
  if (step > 0) return [clamp(at(start), 0, dim), clamp(at(end), 0, dim)];
  return [clamp(at(start), 0, dim - 1), clamp(at(end), -1, dim - 1)];
}

/** True for the huge numbers that stand for "to the end" (1) or "to the front" (-1). */
function isBeyond(bound: Dim, sign: 1 | -1): boolean {
  return typeof bound === 'number' && bound * sign >= 2 ** 31 - 1;
}

function endOf(dim: Known, end: Dim): Dim {
  if (isNegative(end)) return add(dim, end);
  return isAtLeastZero(end) ? minimum(dim, end) : null;
}

function isAtLeastZero(dim: Dim): boolean {
  return lowerBound(dim) >= 0;
}

/** Pads are `[begin…, end…]`: an attribute before opset 11 (`paddings` in 1), input 1 since. */
function pad(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor(inputDtype(context, 0), shape && paddedShape(context, shape))];
}

function paddedShape(context: NodeContext, shape: Shape): Shape | null {
  const pads =
    intsAttribute(context.node, 'pads') ??
    intsAttribute(context.node, 'paddings') ??
    context.constant(1)?.values;
  const hasAxes = context.node.domain === '' && hasInput(context, 3);
  const axes = hasAxes ? constantNumbers(context, 3) : shape.map((_, axis) => axis);
  if (!pads || !axes) return freshShape(context, shape.length);
  const normal = normalizeAxes(context, axes, shape.length);
  if (!normal) return null;
  if (pads.length !== 2 * normal.length) {
    context.invalid(`pads has ${pads.length} entries for ${normal.length} axes.`);
    return null;
  }
  const result = [...shape];
  for (const [index, axis] of normal.entries()) {
    const amount = add(pads[index] ?? null, pads[index + normal.length] ?? null);
    const padded = amount === null ? context.fresh(0, axis) : add(shape[axis] ?? null, amount);
    const size = sizeOrProblem(context, padded, axis);
    if (size === undefined) return null;
    result[axis] = size;
  }
  return result;
}

function centerCropPad(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (!shape) return [tensor(dtype, null)];
  const axes = intsAttribute(context.node, 'axes') ?? shape.map((_, axis) => axis);
  const normal = normalizeAxes(context, axes, shape.length);
  if (!normal) return [tensor(dtype, null)];
  const sizes = constantDims(context, 1);
  const result = [...shape];
  for (const [index, axis] of normal.entries()) {
    result[axis] = sizes?.[index] ?? context.fresh(0, axis);
  }
  const isBad = result.some((dim, axis) => sizeOrProblem(context, dim, axis) === undefined);
  return [tensor(dtype, isBad ? null : result)];
}

/** Experimental operator of 2017: `border` is left, top, right, bottom; `scale` the kept height and width. */
function crop(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const [left = 0, top = 0, right = 0, bottom = 0] = intsAttribute(context.node, 'border') ?? [];
  if (shape?.length !== 4) return [tensor(dtype, null)];
  const [batch = null, channels = null, height = null, width = null] = shape;
  const [keptHeight, keptWidth] = intsAttribute(context.node, 'scale') ?? [];
  const rows = sizeOrProblem(context, keptHeight ?? subtract(height, add(top, bottom)), 2);
  const columns = sizeOrProblem(context, keptWidth ?? subtract(width, add(left, right)), 3);
  const isBad = rows === undefined || columns === undefined;
  return [tensor(dtype, isBad ? null : [batch, channels, rows, columns])];
}

/** How many elements the condition keeps depends on data. */
function compress(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const axis = intAttribute(context.node, 'axis');
  if (axis === undefined) return [tensor(dtype, [context.fresh(0, 0)])];
  if (!shape) return [tensor(dtype, null)];
  const normal = normalizeAxis(context, axis, shape.length);
  const kept = normal === null ? null : withDim(shape, normal, context.fresh(0, normal));
  return [tensor(dtype, kept)];
}
