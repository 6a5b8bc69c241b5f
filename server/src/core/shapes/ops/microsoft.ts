import { intAttribute } from '../../attributes';
import { dataTypeFromCode } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, ceilDivide, exactDivide, floorDivide, product, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantDims,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  inputType,
  lengthOfVector,
  maximumRank,
  normalizeAxis,
  tensor,
  withDim,
} from './common';
import { toChannelsFirst, toChannelsLast } from './convolution';

const first = (context: NodeContext): readonly InferredType[] => [inputType(context, 0)];

/** What is left of ONNX Runtime's own operators: layouts, block floats, lookups. */
export const microsoftOperators: OperatorTable = [
  ['com.microsoft::SampleOp com.microsoft::BranchwiseRMSNorm', first],
  ['com.microsoft::QOrderedGelu com.microsoft::QOrderedLayerNormalization', first],
  ['com.microsoft::SwiGLU', swiGlu],
  ['com.microsoft::BitmaskDropout com.microsoft::BitmaskBiasDropout', bitmaskDropout],
  ['com.microsoft::IsAllFinite', () => [tensor('bool', [])]],
  ['com.microsoft::QuantizeWithOrder', (c) => [tensor('int8', inputShape(c, 0))]],
  ['com.microsoft::DequantizeWithOrder', dequantizeWithOrder],
  ['com.microsoft::QuantizeBFP', quantizeBfp],
  ['com.microsoft::DequantizeBFP', dequantizeBfp],
  ['com.microsoft::DynamicTimeWarping', (c) => [tensor('int32', [2, c.fresh(0, 1)])]],
  ['com.microsoft::TorchEmbedding', torchEmbedding],
  ['com.microsoft::UnfoldTensor', unfoldTensor],
  ['com.microsoft::WordConvEmbedding', wordConvEmbedding],
  ['com.microsoft.nchwc::ReorderInput', reorderInput],
  ['com.microsoft.nchwc::ReorderOutput', reorderOutput],
  ['MemcpyFromHost MemcpyToHost', first],
];

/** Both halves in one input, or each in its own. */
function swiGlu(context: NodeContext): readonly InferredType[] {
  const gate = inputShape(context, 0);
  if (hasInput(context, 1) || !gate || gate.length === 0) return first(context);
  const half = exactDivide(gate.at(-1) ?? null, 2);
  return [tensor(inputDtype(context, 0), withDim(gate, gate.length - 1, half))];
}

/** One bit per element, in words of 32. */
function bitmaskDropout(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const words = shape ? ceilDivide(product(shape), 32) : context.fresh(1, 0);
  return [inputType(context, 0), tensor('uint32', [words])];
}

function dequantizeWithOrder(context: NodeContext): readonly InferredType[] {
  const dtype = dataTypeFromCode(intAttribute(context.node, 'to') ?? 1) ?? null;
  return [tensor(dtype, inputShape(context, 0))];
}

/** Bytes, and the shape and strides of what they were made of. */
function quantizeBfp(context: NodeContext): readonly InferredType[] {
  const rank = inputShape(context, 0)?.length ?? null;
  const dims = tensor('int64', [rank ?? context.fresh(1, 0)]);
  return [tensor('uint8', [context.fresh(0, 0)]), dims, dims];
}

function dequantizeBfp(context: NodeContext): readonly InferredType[] {
  const dtype = dataTypeFromCode(intAttribute(context.node, 'dtype') ?? 1) ?? null;
  const dims = constantDims(context, 1);
  if (dims && dims.length <= maximumRank) return [tensor(dtype, dims)];
  const rank = lengthOfVector(context, 1);
  return [tensor(dtype, rank === null ? null : freshShape(context, rank))];
}

/** Table [N, M] and indices → the indices' shape and M behind it. */
function torchEmbedding(context: NodeContext): readonly InferredType[] {
  const indices = inputShape(context, 1);
  const width = inputShape(context, 0)?.[1] ?? null;
  const isUsable = indices && indices.length < maximumRank;
  return [tensor(inputDtype(context, 0), isUsable ? [...indices, width] : null)];
}

/** Slices of `size` along `dim`, `step` apart, in an axis of their own at the end. */
function unfoldTensor(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const [size, step] = [
    intAttribute(context.node, 'size'),
    intAttribute(context.node, 'step') ?? 1,
  ];
  if (!x || size === undefined || size < 1 || step < 1) return [tensor(dtype, null)];
  const axis = normalizeAxis(context, intAttribute(context.node, 'dim') ?? -1, x.length);
  if (axis === null || x.length >= maximumRank) return [tensor(dtype, null)];
  const count = add(floorDivide(subtract(x[axis] ?? null, size), step), 1);
  return [tensor(dtype, [...withDim(x, axis, count), size])];
}

/** Words as character ids [..., characters] → [..., embedding]. */
function wordConvEmbedding(context: NodeContext): readonly InferredType[] {
  const words = inputShape(context, 0);
  const declared = intAttribute(context.node, 'embedding_size') ?? 0;
  const size: Dim = declared > 0 ? declared : (inputShape(context, 1)?.[0] ?? null);
  return [tensor(inputDtype(context, 1), words && [...words.slice(0, -1), size])];
}

/** The blocked layout is written as channels first; kernels pad the channels to whole blocks. */
function reorderInput(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  return [tensor(inputDtype(context, 0), x && (isChannelsLast(context) ? toChannelsFirst(x) : x))];
}

function reorderOutput(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  if (!x || x.length < 2) return [tensor(inputDtype(context, 0), null)];
  const channels = intAttribute(context.node, 'channels') ?? 0;
  const shape: Shape = channels > 0 ? withDim(x, 1, channels) : x;
  return [tensor(inputDtype(context, 0), isChannelsLast(context) ? toChannelsLast(shape) : shape)];
}

function isChannelsLast(context: NodeContext): boolean {
  return intAttribute(context.node, 'channels_last') === 1;
}
