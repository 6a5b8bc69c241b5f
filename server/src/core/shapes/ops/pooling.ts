import { intAttribute, intsAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { freshShape, hasInput, inputDtype, inputShape, lengthOfVector, tensor } from './common';
import { toChannelsFirst, toChannelsLast } from './convolution';
import { listAttribute, windowAttributes, windowSizes } from './window';

export const poolingOperators: OperatorTable = [
  [
    'MaxPool AveragePool LpPool com.microsoft.nchwc::MaxPool com.microsoft.nchwc::AveragePool',
    pool,
  ],
  ['com.microsoft::MaxpoolWithMask', pool],
  ['com.microsoft::NhwcMaxPool', poolChannelsLast],
  ['com.microsoft::QLinearAveragePool', (c) => (isChannelsLast(c) ? poolChannelsLast(c) : pool(c))],
  ['GlobalAveragePool GlobalMaxPool GlobalLpPool', globalPool],
  ['com.microsoft.nchwc::GlobalAveragePool com.microsoft.nchwc::GlobalMaxPool', globalPool],
  ['com.microsoft::QLinearGlobalAveragePool', globalPool],
  ['MaxUnpool', maxUnpool],
  ['MaxRoiPool', maxRoiPool],
  ['RoiAlign', roiAlign],
  ['com.microsoft::CropAndResize', cropAndResize],
];

/** X [N, C, …spatial] → [N, C, …out], and the same shape for MaxPool's indices. */
export function pool(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const shape = x && poolShape(context, x);
  return [tensor(inputDtype(context, 0), shape), tensor('int64', shape)];
}

function poolChannelsLast(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const shape = x && poolShape(context, toChannelsFirst(x));
  return [tensor(inputDtype(context, 0), shape && toChannelsLast(shape))];
}

function isChannelsLast(context: NodeContext): boolean {
  return intAttribute(context.node, 'channels_last') === 1;
}

function poolShape(context: NodeContext, x: Shape): Shape | null {
  const spatialRank = x.length - 2;
  if (spatialRank < 1) {
    context.mismatch(`a pool needs an input of rank 3 or more, not ${x.length}.`);
    return null;
  }
  if (!intsAttribute(context.node, 'kernel_shape')?.length) {
    context.invalid('kernel_shape is missing.');
    return null;
  }
  const kernel = listAttribute(context, 'kernel_shape', spatialRank, 1, 1);
  const window = windowAttributes(context, spatialRank);
  if (!kernel || !window) return null;
  const spatial = windowSizes(context, x.slice(2), kernel, window);
  return spatial && [x[0] ?? null, x[1] ?? null, ...spatial];
}

function globalPool(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const channelsAxis = isChannelsLast(context) ? (x?.length ?? 0) - 1 : 1;
  const shape = x?.map((dim, axis) => (axis === 0 || axis === channelsAxis ? dim : 1)) ?? null;
  return [tensor(inputDtype(context, 0), shape)];
}

/** The size before the pool: from input 2, else (in − 1)·stride + kernel − pads. */
function maxUnpool(context: NodeContext): readonly InferredType[] {
  const dtype = inputDtype(context, 0);
  const given = context.constant(2)?.values;
  if (given) return [tensor(dtype, given)];
  const x = inputShape(context, 0);
  if (hasInput(context, 2)) {
    const rank = x?.length ?? lengthOfVector(context, 2);
    return [tensor(dtype, rank === null ? null : freshShape(context, rank))];
  }
  if (!x || x.length < 3) return [tensor(dtype, null)];
  const kernel = listAttribute(context, 'kernel_shape', x.length - 2, 1, 1);
  const window = windowAttributes(context, x.length - 2);
  if (!kernel || !window) return [tensor(dtype, null)];
  const spatial = x.slice(2).map((dim, axis): Dim => {
    const pads = (window.padsBegin[axis] ?? 0) + (window.padsEnd[axis] ?? 0);
    const strided = multiply(subtract(dim, 1), window.strides[axis] ?? 1);
    return add(strided, (kernel[axis] ?? 1) - pads);
  });
  return [tensor(dtype, [x[0] ?? null, x[1] ?? null, ...spatial])];
}

function maxRoiPool(context: NodeContext): readonly InferredType[] {
  const pooled = listAttribute(context, 'pooled_shape', 2, 1, 1);
  return [regions(context, inputShape(context, 1), pooled)];
}

function roiAlign(context: NodeContext): readonly InferredType[] {
  const height = intAttribute(context.node, 'output_height') ?? 1;
  const width = intAttribute(context.node, 'output_width') ?? 1;
  if (height < 1 || width < 1) {
    context.invalid('output_height and output_width must be at least 1.');
    return [tensor(inputDtype(context, 0), null)];
  }
  return [regions(context, inputShape(context, 1), [height, width])];
}

function cropAndResize(context: NodeContext): readonly InferredType[] {
  return [regions(context, inputShape(context, 1), context.constant(3)?.values ?? [null, null])];
}

/** [regions, C, height, width]. */
function regions(context: NodeContext, rois: Shape | null, size: Shape | null): InferredType {
  const x = inputShape(context, 0);
  const shape = x && size ? [rois?.[0] ?? null, x[1] ?? null, ...size] : null;
  return tensor(inputDtype(context, 0), shape);
}
