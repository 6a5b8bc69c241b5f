import { intAttribute, intsAttribute } from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, asNumber, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantNumbers,
  firstDtype,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  lengthOfVector,
  requireEqual,
  sizeOrProblem,
  tensor,
} from './common';
import { kernelExtent, listAttribute, windowAttributes, windowSizes } from './window';

export const convolutionOperators: OperatorTable = [
  ['Conv com.microsoft::FusedConv com.microsoft.nchwc::Conv', (context) => conv(context, 1)],
  ['ConvInteger', (context) => conv(context, 1, 'int32')],
  ['QLinearConv', (context) => conv(context, 3, firstDtype(context, 7, 0))],
  ['com.microsoft::QLinearConv', microsoftQLinearConv],
  ['com.ms.internal.nhwc::QLinearConv', (context) => convChannelsLast(context, 3, 7)],
  [
    'com.microsoft::NhwcConv com.microsoft::NhwcFusedConv',
    (context) => convChannelsLast(context, 1, 0),
  ],
  ['DeformConv', (context) => conv(context, 1)],
  ['ConvTranspose', (c) => convTranspose(c, 1)],
  ['com.microsoft::ConvTransposeWithDynamicPads', convTransposeWithDynamicPads],
  ['Col2Im', col2Im],
];

/** X [N, C, …spatial], W [M, C/group, …kernel] → [N, M, …out]. */
function conv(
  context: NodeContext,
  weights: number,
  dtype?: DataType | null,
): readonly InferredType[] {
  const outputDtype = dtype === undefined ? firstDtype(context, 0, weights) : dtype;
  const x = inputShape(context, 0);
  const w = inputShape(context, weights);
  const shape =
    x &&
    convShape(
      context,
      x,
      w && { outputs: w[0] ?? null, perGroup: w[1] ?? null, kernel: w.slice(2) },
    );
  return [tensor(outputDtype, shape)];
}

interface ConvWeights {
  readonly outputs: Dim;
  readonly perGroup: Dim;
  readonly kernel: Shape;
}

function convShape(context: NodeContext, x: Shape, weights: ConvWeights | null): Shape | null {
  const spatialRank = x.length - 2;
  if (spatialRank < 1) {
    context.mismatch(`a convolution needs an input of rank 3 or more, not ${x.length}.`);
    return null;
  }
  const group = groupOf(context);
  const kernel = kernelSizes(context, spatialRank, weights?.kernel ?? null);
  const window = windowAttributes(context, spatialRank);
  if (group === null || !kernel || !window) return null;
  const channels = multiply(weights?.perGroup ?? null, group);
  if (!requireEqual(context, x[1] ?? null, channels, 'input channels and weights')) return null;
  const outputs = asNumber(weights?.outputs ?? null);
  if (outputs !== null && outputs % group !== 0) {
    context.invalid(`group ${group} does not divide the ${outputs} output channels.`);
    return null;
  }
  const spatial = windowSizes(context, x.slice(2), kernel, window);
  return spatial && [x[0] ?? null, weights?.outputs ?? null, ...spatial];
}

function groupOf(context: NodeContext): number | null {
  const group = intAttribute(context.node, 'group') ?? 1;
  if (group >= 1 && group < Number.MAX_SAFE_INTEGER) return group;
  context.invalid(`group is ${group}; it must be at least 1.`);
  return null;
}

/** From `kernel_shape`, else from the weights; unknown sizes when neither is known. */
function kernelSizes(
  context: NodeContext,
  spatialRank: number,
  fromWeights: Shape | null,
): Shape | null {
  if (fromWeights && fromWeights.length !== spatialRank) {
    context.mismatch(`weights have ${fromWeights.length} spatial axes, the input ${spatialRank}.`);
    return null;
  }
  const declared = intsAttribute(context.node, 'kernel_shape');
  if (!declared || declared.length === 0) {
    return fromWeights ?? Array.from({ length: spatialRank }, () => null);
  }
  const kernel = listAttribute(context, 'kernel_shape', spatialRank, 1, 1);
  if (!kernel || !fromWeights) return kernel;
  const fits = kernel.every((size, axis) =>
    requireEqual(context, size, fromWeights[axis] ?? null, 'kernel_shape and weights'),
  );
  return fits ? kernel : null;
}

function microsoftQLinearConv(context: NodeContext): readonly InferredType[] {
  if (intAttribute(context.node, 'channels_last') !== 1)
    return conv(context, 3, firstDtype(context, 7, 0));
  const w = inputShape(context, 3);
  const weights = w && { outputs: w[0] ?? null, perGroup: w[1] ?? null, kernel: w.slice(2) };
  return channelsLast(context, weights, firstDtype(context, 7, 0));
}

/** X [N, …spatial, C], W [M, …kernel, C/group]. */
function convChannelsLast(
  context: NodeContext,
  weights: number,
  dtypeInput: number,
): readonly InferredType[] {
  const w = inputShape(context, weights);
  return channelsLast(
    context,
    w && { outputs: w[0] ?? null, perGroup: w.at(-1) ?? null, kernel: w.slice(1, -1) },
    firstDtype(context, dtypeInput, 0),
  );
}

function channelsLast(
  context: NodeContext,
  weights: ConvWeights | null,
  dtype: DataType | null,
): readonly InferredType[] {
  const x = inputShape(context, 0);
  const shape = x && convShape(context, toChannelsFirst(x), weights);
  return [tensor(dtype, shape && toChannelsLast(shape))];
}

export function toChannelsFirst(shape: Shape): Shape {
  const [batch, ...rest] = shape;
  return batch === undefined ? shape : [batch, rest.at(-1) ?? null, ...rest.slice(0, -1)];
}

export function toChannelsLast(shape: Shape): Shape {
  const [batch, channels, ...spatial] = shape;
  return batch === undefined || channels === undefined ? shape : [batch, ...spatial, channels];
}

/** X [N, C, …], W [C, M/group, …kernel]; out = stride·(in − 1) + output_padding + extent − pads. */
export function convTranspose(
  context: NodeContext,
  weights: number,
  dtype = firstDtype(context, 0, weights),
): readonly InferredType[] {
  const x = inputShape(context, 0);
  return [tensor(dtype, x && convTransposeShape(context, x, inputShape(context, weights)))];
}

/** The pads are input 2, when it is given. */
function convTransposeWithDynamicPads(context: NodeContext): readonly InferredType[] {
  const dtype = firstDtype(context, 0, 1);
  const x = inputShape(context, 0);
  const w = inputShape(context, 1);
  const pads = hasInput(context, 2) ? (constantNumbers(context, 2) ?? null) : undefined;
  if (!x || pads === undefined) return [tensor(dtype, x && convTransposeShape(context, x, w))];
  const isUsable = pads?.length === 2 * (x.length - 2);
  const shape = convTransposeShape(context, x, w, isUsable ? pads : []);
  if (isUsable || !shape) return [tensor(dtype, shape)];
  return [
    tensor(
      dtype,
      shape.map((dim, axis) => (axis < 2 ? dim : context.fresh(0, axis))),
    ),
  ];
}

/** @param pads in the place of the attribute */
function convTransposeShape(
  context: NodeContext,
  x: Shape,
  w: Shape | null,
  pads?: readonly number[],
): Shape | null {
  const spatialRank = x.length - 2;
  if (spatialRank < 1) {
    context.mismatch(`a transposed convolution needs an input of rank 3 or more, not ${x.length}.`);
    return null;
  }
  const group = groupOf(context);
  const kernel = kernelSizes(context, spatialRank, w?.slice(2) ?? null);
  const window = windowAttributes(context, spatialRank);
  const extra = listAttribute(context, 'output_padding', spatialRank, 0, 0);
  if (group === null || !kernel || !window || !extra) return null;
  if (w && !requireEqual(context, x[1] ?? null, w[0] ?? null, 'input channels and weights'))
    return null;
  const channels = multiply(w?.[1] ?? null, group);
  const fixed = intsAttribute(context.node, 'output_shape');
  if (fixed && fixed.length >= spatialRank) {
    // Some exporters write all dims here; the spatial ones are the last.
    const sizes = fixed.slice(-spatialRank);
    if (sizes.every((size) => size >= 0)) return [x[0] ?? null, channels, ...sizes];
    context.invalid('output_shape holds a negative size.');
    return null;
  }
  const spatial: Dim[] = [];
  for (const [axis, input] of x.slice(2).entries()) {
    const stride = window.strides[axis] ?? 1;
    const [begin = 0, end = 0] = pads
      ? [pads[axis], pads[axis + spatialRank]]
      : [window.padsBegin[axis], window.padsEnd[axis]];
    const extent = kernelExtent(kernel[axis] ?? null, window.dilations[axis] ?? 1);
    const added = (extra[axis] ?? 0) - begin - end;
    const full = add(multiply(subtract(input, 1), stride), add(extent, added));
    const size = sizeOrProblem(
      context,
      window.autoPad === 'SAME' ? multiply(input, stride) : full,
      axis + 2,
    );
    if (size === undefined) return null;
    spatial.push(size);
  }
  return [x[0] ?? null, channels, ...spatial];
}

/** Input [N, C·∏block, L] → [N, C, …image_shape]. */
function col2Im(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const image = context.constant(1)?.values;
  const block = context.constant(2)?.values;
  const dtype = inputDtype(context, 0);
  if (!x || !image || !block) {
    const spatialRank = lengthOfVector(context, 1);
    return [tensor(dtype, spatialRank === null ? null : freshShape(context, spatialRank + 2))];
  }
  let channels: Dim = x[1] ?? null;
  for (const size of block) channels = exactQuotient(channels, size);
  return [tensor(dtype, [x[0] ?? null, channels, ...image])];
}

function exactQuotient(a: Dim, b: Dim): Dim {
  return typeof a === 'number' && typeof b === 'number' && b > 0 && a % b === 0 ? a / b : null;
}
