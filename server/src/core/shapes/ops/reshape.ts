import { intAttribute, intsAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { exactDivide, floorDivide, equalDims, product } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantDims,
  constantNumbers,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  inputType,
  lengthOfVector,
  maximumRank,
  normalizeAxes,
  normalizeAxis,
  shapeText,
  tensor,
} from './common';

/** Operators that only give the same elements another shape or order. */
export const reshapeOperators: OperatorTable = [
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['com.microsoft::ExpandDims', expandDims],
  ['Transpose', transpose],
  ['DepthToSpace', (context) => spaceAndDepth(context, 'to-space')],
  ['SpaceToDepth', (context) => spaceAndDepth(context, 'to-depth')],
];

function reshape(context: NodeContext): readonly InferredType[] {
  const dtype = inputDtype(context, 0);
  const attribute = intsAttribute(context.node, 'shape');
  const target = attribute ?? constantDims(context, 1);
  if (target) return [tensor(dtype, reshapeTo(context, inputShape(context, 0), target))];
  const rank = lengthOfVector(context, 1);
  return [tensor(dtype, rank === null ? null : freshShape(context, rank))];
}

/** Target dims: 0 copies the input's (unless `allowzero`), -1 takes what is left, null is unknown. */
function reshapeTo(context: NodeContext, input: Shape | null, target: Shape): Shape | null {
  if (target.length > maximumRank) return null;
  const copiesZeros = intAttribute(context.node, 'allowzero') !== 1;
  if (target.some((dim) => typeof dim === 'number' && (dim < -1 || !Number.isSafeInteger(dim)))) {
    context.invalid('the target shape holds a size below -1.');
    return null;
  }
  const output: Dim[] = target.map((dim, axis) =>
    dim === 0 && copiesZeros ? (input ? (input[axis] ?? null) : null) : dim,
  );
  const open = output.flatMap((dim, axis) => (dim === -1 ? [axis] : []));
  if (open.length > 1) {
    context.invalid('the target shape holds -1 more than once.');
    return null;
  }
  // A single unknown size is the rest, whatever the file means by it: -1, 0 or a number.
  const unknown = output.flatMap((dim, axis) => (dim === null ? [axis] : []));
  const rest = open[0] ?? (unknown.length === 1 ? unknown[0] : undefined);
  if (rest !== undefined && input) {
    const others = output.filter((_, axis) => axis !== rest);
    const size = remainingSize(context, input, others);
    if (size === undefined) return null;
    output[rest] = size;
  } else if (input && !sameElementCount(input, output)) {
    context.mismatch(`${shapeText(input)} cannot be reshaped to ${shapeText(output)}.`);
    return null;
  }
  return output.map((dim, axis) => (dim === null || dim === -1 ? context.fresh(0, axis) : dim));
}

function sameElementCount(a: Shape, b: Shape): boolean {
  const [left, right] = [product(a), product(b)];
  return typeof left !== 'number' || typeof right !== 'number' || left === right;
}

/** Elements of `input` per combination of `others`; null when unknown, undefined with a problem. */
function remainingSize(context: NodeContext, input: Shape, others: Shape): Dim | undefined {
  // Equal dims cancel first, so that an unknown batch size does not hide the rest.
  const left = [...input];
  const divisors = others.filter((dim) => {
    const at = left.findIndex((other) => equalDims(dim, other) || (dim === null && other === null));
    if (at < 0 || dim === 0) return true;
    left.splice(at, 1);
    return false;
  });
  const total = product(left);
  const divisor = product(divisors);
  if (total === null || divisor === null) return null;
  if (divisor === 0) return total === 0 ? 0 : null;
  if (typeof total === 'number' && typeof divisor === 'number' && total % divisor !== 0) {
    context.mismatch(`${shapeText(input)} does not divide into rows of ${divisor}.`);
    return undefined;
  }
  return exactDivide(total, divisor) ?? floorDivide(total, divisor);
}

/** Two axes: those before `axis` multiplied, and the rest. */
function flatten(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (!shape) return [tensor(dtype, [context.fresh(0, 0), context.fresh(0, 1)])];
  const axis = intAttribute(context.node, 'axis') ?? 1;
  const split = axis < 0 ? axis + shape.length : axis;
  if (split < 0 || split > shape.length) {
    context.invalid(`axis ${axis} is outside a tensor of rank ${shape.length}.`);
    return [tensor(dtype, null)];
  }
  return [tensor(dtype, [product(shape.slice(0, split)), product(shape.slice(split))])];
}

/** Axes are an attribute before opset 13, an input since; `undefined` when not known. */
function axesOf(context: NodeContext): readonly number[] | 'none' | undefined {
  const attribute = intsAttribute(context.node, 'axes');
  if (attribute) return attribute;
  return hasInput(context, 1) ? constantNumbers(context, 1) : 'none';
}

/** Without axes all dims of 1 go; symbols are taken to be larger than 1. */
function squeeze(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const axes = axesOf(context);
  if (!shape) return [tensor(dtype, null)];
  if (axes === 'none') {
    return [tensor(dtype, shape.includes(null) ? null : shape.filter((dim) => dim !== 1))];
  }
  if (!axes) {
    const count = lengthOfVector(context, 1);
    return [tensor(dtype, count === null ? null : freshShape(context, shape.length - count))];
  }
  const normal = normalizeAxes(context, axes, shape.length);
  if (!normal) return [tensor(dtype, null)];
  const bad = normal.find((axis) => typeof shape[axis] === 'number' && shape[axis] !== 1);
  if (bad !== undefined) {
    context.mismatch(`axis ${bad} cannot be squeezed: the input is ${shapeText(shape)}.`);
    return [tensor(dtype, null)];
  }
  return [
    tensor(
      dtype,
      shape.filter((_, axis) => !normal.includes(axis)),
    ),
  ];
}

function unsqueeze(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const axes = axesOf(context);
  if (axes === 'none') {
    context.invalid('axes are missing.');
    return [tensor(dtype, null)];
  }
  const count = axes?.length ?? lengthOfVector(context, 1);
  if (!shape || count === null || shape.length + count > maximumRank) return [tensor(dtype, null)];
  if (!axes) return [tensor(dtype, freshShape(context, shape.length + count))];
  const normal = normalizeAxes(context, axes, shape.length + count);
  return [tensor(dtype, normal && insertOnes(shape, new Set(normal)))];
}

function insertOnes(shape: Shape, axes: ReadonlySet<number>): Shape {
  const rest = shape.values();
  return Array.from({ length: shape.length + axes.size }, (_, axis) =>
    axes.has(axis) ? 1 : (rest.next().value ?? null),
  );
}

function expandDims(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const [axis] = constantNumbers(context, 1) ?? [];
  if (!shape || axis === undefined) return [tensor(inputDtype(context, 0), null)];
  const normal = normalizeAxis(context, axis, shape.length + 1);
  return [
    tensor(inputDtype(context, 0), normal === null ? null : insertOnes(shape, new Set([normal]))),
  ];
}

function transpose(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const perm = intsAttribute(context.node, 'perm');
  if (!shape) {
    const rank = perm?.length;
    return [tensor(inputDtype(context, 0), rank === undefined ? null : freshShape(context, rank))];
  }
  if (!perm) return [tensor(inputDtype(context, 0), shape.toReversed())];
  if (perm.length !== shape.length) {
    context.invalid(`perm has ${perm.length} entries for an input of rank ${shape.length}.`);
    return [tensor(inputDtype(context, 0), null)];
  }
  const axes = normalizeAxes(context, perm, shape.length);
  const moved = axes?.map((axis) => shape[axis] ?? null) ?? null;
  return [tensor(inputDtype(context, 0), moved)];
}

function spaceAndDepth(
  context: NodeContext,
  direction: 'to-space' | 'to-depth',
): readonly InferredType[] {
  const type = inputType(context, 0);
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (type.kind !== 'tensor' || !shape) return [tensor(dtype, null)];
  const block = intAttribute(context.node, 'blocksize') ?? 0;
  if (block < 1 || block > maximumBlock || shape.length !== 4) {
    context.invalid(`blocksize ${block} or rank ${shape.length} is not allowed; rank 4 is needed.`);
    return [tensor(dtype, null)];
  }
  const [batch = null, channels = null, height = null, width = null] = shape;
  const square = block * block;
  const dims =
    direction === 'to-space'
      ? [batch, divided(channels, square), product([height, block]), product([width, block])]
      : [batch, product([channels, square]), divided(height, block), divided(width, block)];
  const isUneven = dims.some((dim, axis) => dim === null && typeof shape[axis] === 'number');
  if (isUneven) context.mismatch(`blocksize ${block} does not divide ${shapeText(shape)}.`);
  return [tensor(dtype, isUneven ? null : dims)];
}

/** Keeps its square a small integer. */
const maximumBlock = 65536;

function divided(dim: Dim, by: number): Dim {
  if (typeof dim === 'number') return exactDivide(dim, by);
  return exactDivide(dim, by) ?? floorDivide(dim, by);
}
