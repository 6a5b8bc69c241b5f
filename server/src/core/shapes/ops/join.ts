import { intAttribute, intsAttribute } from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { ceilDivide, exactDivide, floorDivide, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  broadcast,
  constantDims,
  constantNumber,
  anyDtype,
  firstDtype,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  lengthOfVector,
  maximumRank,
  normalizeAxis,
  requireEqual,
  shapeText,
  sizeOrProblem,
  sum,
  tensor,
  unifyDims,
  withDim,
} from './common';

/** Operators that join, cut and repeat along axes. */
export const joinOperators: OperatorTable = [
  ['Concat', (context) => concat(context, [...context.inputs.keys()], inputDtypes(context))],
  ['com.microsoft::ConcatTraining', concatTraining],
  ['com.microsoft::QLinearConcat', qLinearConcat],
  ['Split com.microsoft::SplitTraining', split],
  ['Tile', tile],
  ['Expand', expand],
];

function inputDtypes(context: NodeContext): DataType | null {
  return anyDtype(context);
}

function concat(
  context: NodeContext,
  indices: readonly number[],
  dtype: DataType | null,
): readonly InferredType[] {
  const shapes = indices.map((index) => inputShape(context, index));
  return [tensor(dtype, concatShape(context, shapes))];
}

/** All dims but the one along `axis` must be equal; unknown ones are taken from the other inputs. */
function concatShape(context: NodeContext, shapes: readonly (Shape | null)[]): Shape | null {
  const first = shapes.find((shape) => shape !== null);
  if (!first) return null;
  // Before opset 4 the axis had a default of 1.
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? 1, first.length);
  if (axis === null) return null;
  let result: Shape = first;
  for (const shape of shapes) {
    if (!shape) continue;
    if (shape.length !== first.length) {
      context.mismatch(`${shapeText(shape)} and ${shapeText(first)} cannot be joined.`);
      return null;
    }
    const merged: Dim[] = [];
    for (const [index, dim] of shape.entries()) {
      const unified = unifyDims(result[index] ?? null, dim);
      if (unified === undefined && index !== axis) {
        context.mismatch(`${shapeText(shape)} and ${shapeText(first)} differ on axis ${index}.`);
        return null;
      }
      merged.push(unified ?? null);
    }
    result = merged;
  }
  const along = sum(shapes.map((shape) => shape?.[axis] ?? null));
  return withDim(result, axis, along);
}

/** The second output lists the sizes along the axis. */
function concatTraining(context: NodeContext): readonly InferredType[] {
  const joined = concat(context, [...context.inputs.keys()], inputDtypes(context));
  return [...joined, tensor('int64', [context.inputs.length])];
}

/** Inputs: output scale, zero point, then (tensor, scale, zero point) for each part. */
function qLinearConcat(context: NodeContext): readonly InferredType[] {
  const parts = [...context.inputs.keys()].filter((index) => index >= 2 && (index - 2) % 3 === 0);
  return concat(context, parts, firstDtype(context, 1, 2));
}

/** Sizes: an attribute before opset 13, input 1 since; else equal parts. */
function split(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const count = context.node.outputs.length;
  const failed = context.node.outputs.map(() => tensor(dtype, null));
  if (!shape) return failed;
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? 0, shape.length);
  if (axis === null) return failed;
  const dim = shape[axis] ?? null;
  const sizes = splitSizes(context, dim, count, axis);
  if (!sizes) return failed;
  return sizes.map((size) => tensor(dtype, withDim(shape, axis, size)));
}

function splitSizes(
  context: NodeContext,
  dim: Dim,
  count: number,
  axis: number,
): readonly Dim[] | null {
  const attribute = intsAttribute(context.node, 'split');
  if (!attribute && hasInput(context, 1)) {
    const given = constantDims(context, 1);
    if (!given) return context.node.outputs.map((_, output) => context.fresh(output, axis));
    return checkedSizes(context, dim, given, count);
  }
  if (attribute) return checkedSizes(context, dim, attribute, count);
  const parts = intAttribute(context.node, 'num_outputs') ?? count;
  if (parts !== count || parts < 1) {
    context.invalid(`num_outputs is ${parts} but the node has ${count} outputs.`);
    return null;
  }
  if (typeof dim !== 'number') {
    // The last part is smaller since opset 18, before it all are equal.
    const isUneven = context.opset >= 18;
    const part = exactDivide(dim, parts) ?? (isUneven ? ceilDivide : floorDivide)(dim, parts);
    const last = subtract(dim, multiply(part, parts - 1));
    return context.node.outputs.map((_, output) =>
      isUneven && output === parts - 1 ? last : part,
    );
  }
  const part = Math.ceil(dim / parts);
  const last = dim - part * (parts - 1);
  if ((context.opset < 18 && last !== part) || last < 0) {
    context.mismatch(`${dim} elements do not split into ${parts} equal parts.`);
    return null;
  }
  return context.node.outputs.map((_, output) => (output === parts - 1 ? last : part));
}

function checkedSizes(
  context: NodeContext,
  dim: Dim,
  sizes: readonly Dim[],
  count: number,
): readonly Dim[] | null {
  if (sizes.length < count) {
    context.invalid(`split lists ${sizes.length} sizes for ${count} outputs.`);
    return null;
  }
  if (sizes.some((size) => typeof size === 'number' && size < 0)) {
    context.invalid('split holds a negative size.');
    return null;
  }
  return requireEqual(context, dim, sum(sizes), 'axis size and sum of split') ? sizes : null;
}

/** Repeats per axis; opset 1 had one number and an axis. */
function tile(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (!shape) {
    const rank = lengthOfVector(context, 1);
    return [tensor(dtype, rank === null ? null : freshShape(context, rank))];
  }
  if (context.opset < 6 && context.node.inputs.length === 3) return [tileLegacy(context, shape)];
  const repeats = constantDims(context, 1);
  if (!repeats)
    return [
      tensor(
        dtype,
        shape.map((_, axis) => context.fresh(0, axis)),
      ),
    ];
  if (repeats.length !== shape.length || repeats.some((n) => typeof n === 'number' && n < 0)) {
    context.invalid(`repeats ${shapeText(repeats)} do not fit the input ${shapeText(shape)}.`);
    return [tensor(dtype, null)];
  }
  const dims = shape.map((dim, axis) => {
    const repeat = repeats[axis] ?? null;
    return repeat === null ? context.fresh(0, axis) : multiply(dim, repeat);
  });
  return [tensor(dtype, dims)];
}

function tileLegacy(context: NodeContext, shape: Shape): InferredType {
  const axis = constantNumber(context, 2);
  const dtype = inputDtype(context, 0);
  if (axis === null) return tensor(dtype, freshShape(context, shape.length));
  const normal = normalizeAxis(context, axis, shape.length);
  if (normal === null) return tensor(dtype, null);
  const tiles = constantNumber(context, 1);
  return tensor(dtype, withDim(shape, normal, multiply(shape[normal] ?? null, tiles)));
}

/** Broadcasts the input with the wanted shape. */
function expand(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const target = constantDims(context, 1);
  if (target && target.length <= maximumRank) {
    if (target.some((dim, axis) => sizeOrProblem(context, dim, axis) === undefined)) {
      return [tensor(dtype, null)];
    }
    const joined = broadcast(context, [shape, target]);
    return [tensor(dtype, joined?.map((dim, axis) => dim ?? context.fresh(0, axis)) ?? null)];
  }
  const rank = lengthOfVector(context, 1);
  if (!shape || rank === null) return [tensor(dtype, null)];
  return [tensor(dtype, freshShape(context, Math.max(rank, shape.length)))];
}
