import { intAttribute, intsAttribute } from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { InferredType } from '../types';
import {
  constantNumbers,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  lengthOfVector,
  normalizeAxes,
  normalizeAxis,
  tensor,
} from './common';

export const reductionOperators: OperatorTable = [
  ['ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin', reduce],
  ['ReduceProd ReduceSum ReduceSumSquare com.microsoft::QLinearReduceMean', reduce],
  ['com.microsoft::ReduceSumInteger', (context) => reduced(context, 'int32')],
  ['ArgMax ArgMin', argExtremum],
  ['NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss', loss],
  ['com.microsoft::SoftmaxCrossEntropyLossInternal', loss],
];

function reduce(context: NodeContext): readonly InferredType[] {
  return reduced(context, inputDtype(context, 0));
}

function reduced(context: NodeContext, dtype: DataType | null): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor(dtype, shape && reducedShape(context, shape))];
}

/** Axes are an attribute, or input 1 since opset 13 (ReduceSum) and 18 (the others). */
function reducedShape(context: NodeContext, shape: Shape): Shape | null {
  const keepsDims = (intAttribute(context.node, 'keepdims') ?? 1) !== 0;
  const attribute = intsAttribute(context.node, 'axes');
  const isInput = attribute === undefined && hasInput(context, 1) && context.node.domain === '';
  const isEmpty = isInput && lengthOfVector(context, 1) === 0;
  const axes = attribute ?? (isInput && !isEmpty ? constantNumbers(context, 1) : []);
  if (!axes) return reducedOverUnknownAxes(context, shape, keepsDims);
  if (axes.length === 0) {
    if (intAttribute(context.node, 'noop_with_empty_axes') === 1) return shape;
    return keepsDims ? shape.map(() => 1) : [];
  }
  const normal = normalizeAxes(context, axes, shape.length);
  return normal && dropAxes(shape, new Set(normal), keepsDims);
}

function dropAxes(shape: Shape, axes: ReadonlySet<number>, keepsDims: boolean): Shape {
  if (keepsDims) return shape.map((dim, axis) => (axes.has(axis) ? 1 : dim));
  return shape.filter((_, axis) => !axes.has(axis));
}

function reducedOverUnknownAxes(
  context: NodeContext,
  shape: Shape,
  keepsDims: boolean,
): Shape | null {
  if (keepsDims) return freshShape(context, shape.length);
  const count = lengthOfVector(context, 1);
  return count === null ? null : freshShape(context, shape.length - count);
}

function argExtremum(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  if (!shape) return [tensor('int64', null)];
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? 0, shape.length);
  const keepsDims = (intAttribute(context.node, 'keepdims') ?? 1) !== 0;
  return [tensor('int64', axis === null ? null : dropAxes(shape, new Set([axis]), keepsDims))];
}

/** A scalar, or one value per target with reduction `none`; then the log probabilities. */
function loss(context: NodeContext): readonly InferredType[] {
  const reduction = context.node.attributes.get('reduction')?.value;
  const text = reduction?.kind === 'string' ? new TextDecoder().decode(reduction.value) : 'mean';
  const dtype = inputDtype(context, 0);
  const result = text === 'none' ? inputShape(context, 1) : [];
  return [tensor(dtype, result), tensor(dtype, inputShape(context, 0))];
}
