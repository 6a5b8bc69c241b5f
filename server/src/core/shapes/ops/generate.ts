import { intAttribute, intsAttribute, tensorAttribute } from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { ceilDivide, floorDivide, add, lowerBound, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import { constantType } from '../tensor-constants';
import type { InferredType } from '../types';
import {
  constantDims,
  constantScalar,
  freshShape,
  inputDtype,
  inputShape,
  lengthOfVector,
  maximumRank,
  normalizeAxis,
  sizeOrProblem,
  tensor,
  withDim,
} from './common';
import { dtypeAttribute } from './elementwise';

/** Operators that make tensors: constants, ranges, random numbers, windows, and the shapes of others. */
export const generateOperators: OperatorTable = [
  ['Constant', (context) => [constantType(context.node)]],
  ['Shape', shapeOperator],
  ['Size', () => [tensor('int64', [])]],
  ['ConstantOfShape', constantOfShape],
  ['Range com.microsoft::Range', range],
  ['EyeLike', eyeLike],
  ['RandomNormal RandomUniform GivenTensorFill', random],
  ['Multinomial', multinomial],
  ['HannWindow HammingWindow BlackmanWindow', windowFunction],
  ['DFT', dft],
  ['STFT', stft],
  ['com.microsoft::Rfft', rfft],
  ['com.microsoft::Irfft', irfft],
  ['MelWeightMatrix', melWeightMatrix],
];

function shapeOperator(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor('int64', [shape ? shapeSlice(context, shape).length : context.fresh(0, 0)])];
}

/** The dims that Shape gives: all, or those between `start` and `end` (opset 15). */
export function shapeSlice(context: NodeContext, shape: Shape): Shape {
  const start = intAttribute(context.node, 'start') ?? 0;
  const end = intAttribute(context.node, 'end') ?? shape.length;
  return shape.slice(start, end);
}

function constantOfShape(context: NodeContext): readonly InferredType[] {
  const dtype: DataType | null = tensorAttribute(context.node, 'value')?.dtype ?? 'float32';
  return [tensor(dtype, shapeFromInput(context, 0))];
}

/** The shape that an input spells out; fresh dims where elements are not known. */
function shapeFromInput(context: NodeContext, input: number): Shape | null {
  const dims = constantDims(context, input);
  if (!dims) {
    const rank = lengthOfVector(context, input);
    return rank === null ? null : freshShape(context, rank);
  }
  if (dims.length > maximumRank) return null;
  if (dims.some((dim, axis) => sizeOrProblem(context, dim, axis) === undefined)) return null;
  return dims.map((dim, axis) => dim ?? context.fresh(0, axis));
}

function range(context: NodeContext): readonly InferredType[] {
  const start = constantScalar(context, 0);
  const limit = constantScalar(context, 1);
  const delta = context.node.inputs.length > 2 ? constantScalar(context, 2) : 1;
  const dtype = inputDtype(context, 0) ?? inputDtype(context, 1);
  if (delta === 0) {
    context.invalid('a delta of 0 never ends.');
    return [tensor(dtype, null)];
  }
  return [tensor(dtype, [rangeLength(start, limit, delta) ?? context.fresh(0, 0)])];
}

/** max(0, ⌈(limit − start) / delta⌉); null when a part is not known. */
export function rangeLength(start: Dim, limit: Dim, delta: Dim): Dim {
  if (typeof delta !== 'number') return null;
  if (typeof start === 'number' && typeof limit === 'number') {
    const count = Math.max(0, Math.ceil((limit - start) / delta));
    return Number.isSafeInteger(count) ? count : null;
  }
  if (!Number.isInteger(delta)) return null;
  const length = delta > 0 ? subtract(limit, start) : subtract(start, limit);
  const count = ceilDivide(length, Math.abs(delta));
  return typeof count === 'number' ? Math.max(0, count) : count;
}

function eyeLike(context: NodeContext): readonly InferredType[] {
  const dtype = dtypeAttribute(context, 'dtype') ?? inputDtype(context, 0);
  return [tensor(dtype, inputShape(context, 0))];
}

function random(context: NodeContext): readonly InferredType[] {
  const shape = intsAttribute(context.node, 'shape') ?? null;
  const dtype = dtypeAttribute(context, 'dtype') ?? 'float32';
  const isBad = shape?.some((dim, axis) => sizeOrProblem(context, dim, axis) === undefined) ?? true;
  return [tensor(dtype, isBad || (shape?.length ?? 0) > maximumRank ? null : shape)];
}

function multinomial(context: NodeContext): readonly InferredType[] {
  const size = intAttribute(context.node, 'sample_size') ?? 1;
  const dtype = dtypeAttribute(context, 'dtype') ?? 'int32';
  if (sizeOrProblem(context, size, 1) === undefined) return [tensor(dtype, null)];
  return [tensor(dtype, [inputShape(context, 0)?.[0] ?? context.fresh(0, 0), size])];
}

function windowFunction(context: NodeContext): readonly InferredType[] {
  const dtype = dtypeAttribute(context, 'output_datatype') ?? 'float32';
  const size = constantScalar(context, 0) ?? context.fresh(0, 0);
  const isBad = sizeOrProblem(context, size, 0) === undefined;
  return [tensor(dtype, isBad ? null : [size])];
}

/**
 * Signal […, n, …, 1 or 2] → complex pairs on the last axis. One-sided forward keeps n/2 + 1 of the
 * axis; one-sided inverse (opset 20) restores 2·(n − 1) real values.
 */
function dft(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const isAxisInput = context.opset >= 20 && (context.node.inputs[2] ?? '') !== '';
  const axisValue = isAxisInput
    ? constantScalar(context, 2)
    : (intAttribute(context.node, 'axis') ?? (context.opset >= 20 ? -2 : 1));
  if (!shape) return [tensor(dtype, null)];
  if (typeof axisValue !== 'number') return [tensor(dtype, freshShape(context, shape.length))];
  const axis = normalizeAxis(context, axisValue, shape.length);
  if (axis === null) return [tensor(dtype, null)];
  const isOneSided = intAttribute(context.node, 'onesided') === 1;
  const isInverse = intAttribute(context.node, 'inverse') === 1;
  const given = (context.node.inputs[1] ?? '') !== '';
  const length = given
    ? (constantScalar(context, 1) ?? context.fresh(0, axis))
    : (shape[axis] ?? null);
  const oneSidedInverse = given ? length : subtract(add(length, length), 2);
  const oneSided = isInverse ? oneSidedInverse : add(floorDivide(length, 2), 1);
  const transformed = withDim(shape, axis, isOneSided ? oneSided : length);
  const parts = isOneSided && isInverse ? 1 : 2;
  return [tensor(dtype, withDim(transformed, shape.length - 1, parts))];
}

/** Signal [batch, n, 1 or 2] → [batch, frames, bins, 2]. */
function stft(context: NodeContext): readonly InferredType[] {
  const signal = inputShape(context, 0);
  const step = constantScalar(context, 1);
  const frame = constantScalar(context, 3) ?? inputShape(context, 2)?.[0] ?? null;
  const isOneSided = (intAttribute(context.node, 'onesided') ?? 1) === 1;
  const positive = step !== null && lowerBound(step) > 0;
  const frames = positive ? add(floorDivide(subtract(signal?.[1] ?? null, frame), step), 1) : null;
  const bins = isOneSided ? add(floorDivide(frame, 2), 1) : frame;
  return [
    tensor(inputDtype(context, 0), [
      signal?.[0] ?? null,
      frames ?? context.fresh(0, 1),
      bins ?? context.fresh(0, 2),
      2,
    ]),
  ];
}

function rfft(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const last = shape?.at(-1) ?? null;
  const result = shape && [...shape.slice(0, -1), add(floorDivide(last, 2), 1), 2];
  return [tensor(inputDtype(context, 0), result)];
}

function irfft(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const bins = subtract(shape?.at(-2) ?? null, 1);
  const result = shape && [...shape.slice(0, -2), add(bins, bins)];
  return [tensor(inputDtype(context, 0), result)];
}

/** [dft_length / 2 + 1, number of mel bins]. */
function melWeightMatrix(context: NodeContext): readonly InferredType[] {
  const bins = constantScalar(context, 0) ?? context.fresh(0, 1);
  const half = floorDivide(constantScalar(context, 1), 2);
  const dtype = dtypeAttribute(context, 'output_datatype') ?? 'float32';
  return [tensor(dtype, [add(half, 1) ?? context.fresh(0, 0), bins])];
}
