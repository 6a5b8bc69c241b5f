import { intAttribute } from '../../attributes';
import { dataTypeFromCode } from '../../dtype';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { InferredType } from '../types';
import { firstDtype, inputDtype, inputShape, inputType, normalizeAxis, tensor } from './common';

export const normalizationOperators: OperatorTable = [
  ['BatchNormalization', batchNormalization],
  ['LayerNormalization SimplifiedLayerNormalization RMSNormalization', layerNormalization],
  ['InstanceNormalization GroupNormalization', (context) => [inputType(context, 0)]],
  ['com.microsoft::GroupNorm com.microsoft::GatedRMSNorm', (context) => [inputType(context, 0)]],
  ['com.microsoft::SkipGroupNorm', (context) => [inputType(context, 0), inputType(context, 0)]],
  ['com.microsoft::SkipLayerNormalization', skipLayerNormalization],
  ['com.microsoft::SkipSimplifiedLayerNormalization', skipLayerNormalization],
  ['com.microsoft::EmbedLayerNormalization', (context) => embedLayerNormalization(context, 2)],
  ['com.microsoft::QEmbedLayerNormalization', (context) => embedLayerNormalization(context, 2)],
];

/** Y as X; the statistics (running or saved, depending on the opset) are per channel. */
function batchNormalization(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const channels: Shape = [x?.[1] ?? inputShape(context, 1)?.[0] ?? null];
  const statistic = tensor(inputDtype(context, 3), channels);
  return [inputType(context, 0), statistic, statistic, statistic, statistic];
}

/** Y as X; mean and inverse deviation keep the axes before `axis`, the others become 1. */
function layerNormalization(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const axis = x && normalizeAxis(context, intAttribute(context.node, 'axis') ?? -1, x.length);
  // ONNX Runtime lets X and scale differ; the output has the scale's dtype.
  const dtype = firstDtype(context, 1, 0);
  if (x && axis === null) return [tensor(dtype, null)];
  const stash = dataTypeFromCode(intAttribute(context.node, 'stash_type') ?? 1) ?? 'float32';
  const statistic = tensor(stash, x && axis !== null ? keptBefore(x, axis) : null);
  return [tensor(dtype, x), statistic, statistic];
}

function keptBefore(shape: Shape, axis: number): Shape {
  return shape.map((dim, index) => (index < axis ? dim : 1));
}

/** Outputs: the normalised sum, mean, inverse deviation, the sum itself. */
function skipLayerNormalization(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const statistic = tensor('float32', x && keptBefore(x, x.length - 1));
  return [inputType(context, 0), statistic, statistic, inputType(context, 0)];
}

/** input_ids [B, S], embedding table [V, H] → [B, S, H], mask index [B], sum [B, S, H]. */
function embedLayerNormalization(context: NodeContext, table: number): readonly InferredType[] {
  const ids = inputShape(context, 0);
  const hidden = inputShape(context, table)?.[1] ?? null;
  const dtype: DataType | null =
    context.node.opType === 'QEmbedLayerNormalization' ? 'float32' : inputDtype(context, table);
  const output = tensor(dtype, ids && [...ids, hidden]);
  return [output, tensor('int32', ids?.slice(0, 1) ?? null), output];
}
