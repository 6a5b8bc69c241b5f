import { intAttribute } from '../../attributes';
import { multiply } from '../../shapes/symbolic';
import { outputElements } from '../site';
import {
  division,
  perInput,
  perOutput,
  simple,
  transcendental,
  type OpCost,
  type OpTable,
} from './op';

/** Mean 1; subtract, square, sum 3; multiply by the inverse deviation, scale, shift 3; one to spare for the row's root. */
const layerNorm = 8 * simple;
/** Square, sum; multiply by the inverse root mean square, scale. */
const rmsNorm = 4 * simple;
/** Maximum, subtract, exp, sum, multiply by the inverse. */
const softmax = transcendental + 4 * simple;

function normalization(cost: number, extra: Partial<OpCost> = {}): OpCost {
  return { kind: 'normalization', flops: perOutput(cost), ...extra };
}

/** Embedding tables are read where the ids point, as much as is written. */
const embedding: OpCost = normalization(layerNorm + 2, { traffic: 'picks' });

export const normalizationOps: OpTable = {
  // Statistics are constants at inference: one scale and one shift per element.
  BatchNormalization: normalization(2 * simple, { inPlace: [0] }),
  InstanceNormalization: normalization(layerNorm),
  LayerNormalization: normalization(layerNorm),
  GroupNormalization: normalization(layerNorm),
  RMSNormalization: normalization(rmsNorm),
  SimplifiedLayerNormalization: normalization(rmsNorm),
  MeanVarianceNormalization: normalization(6 * simple),
  LpNormalization: normalization(3 * simple),
  // The sum of squares over `size` channels, then a power and a division.
  LRN: {
    kind: 'normalization',
    flops: (site) => {
      const size = intAttribute(site.node, 'size') ?? null;
      if (size === null) return null;
      return multiply(outputElements(site), 2 * size + 2 * transcendental + division);
    },
  },
  Softmax: normalization(softmax, { inPlace: [0] }),
  LogSoftmax: normalization(softmax + simple, { inPlace: [0] }),
  Hardmax: normalization(2 * simple),
  SoftmaxCrossEntropyLoss: { kind: 'normalization', flops: perInput(softmax + simple) },
};

export const normalizationMicrosoftOps: OpTable = {
  SkipLayerNormalization: normalization(layerNorm + 2),
  SkipSimplifiedLayerNormalization: normalization(rmsNorm + 2),
  EmbedLayerNormalization: embedding,
  QEmbedLayerNormalization: { ...embedding, zeroPoints: [13, 14, 15, 16, 17] },
  GroupNorm: normalization(layerNorm),
  SkipGroupNorm: normalization(layerNorm + 2),
  BiasSoftmax: normalization(softmax + simple),
  QOrderedLayerNormalization: normalization(layerNorm + 5 * simple),
};
