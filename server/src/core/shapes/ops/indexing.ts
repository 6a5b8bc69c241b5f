import { intAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { InferredType } from '../types';
import {
  constantScalar,
  hasInput,
  inputDtype,
  inputShape,
  maximumRank,
  normalizeAxis,
  sizeOrProblem,
  tensor,
  withDim,
} from './common';

/** Operators that pick elements by index, count or order. */
export const indexingOperators: OperatorTable = [
  ['Gather', gather],
  ['com.microsoft::GatherBlockQuantized', gatherBlockQuantized],
  ['GatherElements', gatherElements],
  ['GatherND com.microsoft::GatherND', gatherNd],
  ['TopK', topK],
  ['Unique com.microsoft::Unique', unique],
  ['NonZero', nonZero],
  ['NonMaxSuppression', nonMaxSuppression],
  ['OneHot', oneHot],
];

/** The axis is replaced by the shape of the indices. */
function gather(context: NodeContext): readonly InferredType[] {
  return [tensor(inputDtype(context, 0), gatheredShape(context, 0))];
}

function gatheredShape(context: NodeContext, defaultAxis: number): Shape | null {
  const data = inputShape(context, 0);
  const indices = inputShape(context, 1);
  if (!data || !indices || data.length + indices.length > maximumRank) return null;
  const axis = normalizeAxis(
    context,
    intAttribute(context.node, 'axis') ?? intAttribute(context.node, 'gather_axis') ?? defaultAxis,
    data.length,
  );
  return axis === null ? null : [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)];
}

/** Data of 4 bits may be stored as bytes of two elements along the last axis. */
function gatherBlockQuantized(context: NodeContext): readonly InferredType[] {
  const dtype = inputDtype(context, 2);
  const shape = gatheredShape(context, 0);
  const bits = intAttribute(context.node, 'bits') ?? 4;
  const last = shape?.at(-1) ?? null;
  const isPacked = inputDtype(context, 0) === 'uint8' && bits === 4;
  if (!shape || !isPacked) return [tensor(dtype, shape)];
  const doubled = typeof last === 'number' ? last * 2 : null;
  return [tensor(dtype, withDim(shape, shape.length - 1, doubled))];
}

function gatherElements(context: NodeContext): readonly InferredType[] {
  return [tensor(inputDtype(context, 0), inputShape(context, 1))];
}

/** indices [b…, …, k]: k axes of data are indexed after `batch_dims` common ones. */
function gatherNd(context: NodeContext): readonly InferredType[] {
  const data = inputShape(context, 0);
  const indices = inputShape(context, 1);
  const dtype = inputDtype(context, 0);
  const count = indices?.at(-1);
  if (!data || !indices || typeof count !== 'number') return [tensor(dtype, null)];
  const batch = intAttribute(context.node, 'batch_dims') ?? 0;
  if (batch < 0 || batch >= indices.length || batch + count > data.length) {
    context.invalid(`batch_dims ${batch} and ${count} indices exceed rank ${data.length}.`);
    return [tensor(dtype, null)];
  }
  const shape = [...indices.slice(0, -1), ...data.slice(batch + count)];
  return [tensor(dtype, shape.length > maximumRank ? null : shape)];
}

/** k is an attribute before opset 10, an input since. */
function topK(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const failed = [tensor(dtype, null), tensor('int64', null)];
  if (!shape) return failed;
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? -1, shape.length);
  const k =
    intAttribute(context.node, 'k') ?? constantScalar(context, 1) ?? context.fresh(0, axis ?? 0);
  if (axis === null || sizeOrProblem(context, k, axis) === undefined) return failed;
  const picked = withDim(shape, axis, k);
  return [tensor(dtype, picked), tensor('int64', picked)];
}

/** Values, first indices, inverse indices, counts. */
function unique(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const count = context.fresh(0, 0);
  const attribute = intAttribute(context.node, 'axis');
  if (attribute === undefined) {
    const inverse = tensor('int64', [context.fresh(2, 0)]);
    const perValue = tensor('int64', [count]);
    return [tensor(dtype, [count]), perValue, inverse, perValue];
  }
  const axis = shape && normalizeAxis(context, attribute, shape.length);
  if (!shape || axis === null) return [tensor(dtype, null)];
  const kept = context.fresh(0, axis);
  const perValue = tensor('int64', [kept]);
  const inverse = tensor('int64', [shape[axis] ?? null]);
  return [tensor(dtype, withDim(shape, axis, kept)), perValue, inverse, perValue];
}

/** [rank of the input, number of non-zero elements]. */
function nonZero(context: NodeContext): readonly InferredType[] {
  const rank = inputShape(context, 0)?.length ?? null;
  // A scalar counts as a vector of one element.
  const rows = rank === null ? context.fresh(0, 0) : Math.max(1, rank);
  const values = context.constant(0)?.values;
  const isKnown = values?.every((value) => typeof value === 'number') ?? false;
  const count = isKnown ? values?.filter((value) => value !== 0).length : undefined;
  return [tensor('int64', [rows, count ?? context.fresh(0, 1)])];
}

function nonMaxSuppression(context: NodeContext): readonly InferredType[] {
  return [tensor('int64', [context.fresh(0, 0), 3])];
}

/** The indices' shape with `depth` inserted at the axis. */
function oneHot(context: NodeContext): readonly InferredType[] {
  const indices = inputShape(context, 0);
  const dtype = hasInput(context, 2) ? inputDtype(context, 2) : null;
  if (!indices) return [tensor(dtype, null)];
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? -1, indices.length + 1);
  if (axis === null) return [tensor(dtype, null)];
  const depth = constantScalar(context, 1) ?? context.fresh(0, axis);
  if (sizeOrProblem(context, depth, axis) === undefined) return [tensor(dtype, null)];
  return [tensor(dtype, [...indices.slice(0, axis), depth, ...indices.slice(axis)])];
}
