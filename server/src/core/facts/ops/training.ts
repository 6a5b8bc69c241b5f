import { add, multiply, type Dim } from '../../shapes/symbolic';
import { inputElements, type Site } from '../site';
import {
  division,
  perInput,
  perOutput,
  simple,
  transcendental,
  type OpCost,
  type OpTable,
} from './op';

/** Tensors in groups of n behind rate and step; `cost` operations per element of the first group, the weights. */
function optimizer(groups: number, cost: number): OpCost {
  return {
    kind: 'elementwise',
    flops: (site) => multiply(firstGroup(site, groups), cost),
    inPlace: [2],
  };
}

function firstGroup(site: Site, groups: number): Dim {
  const count = Math.floor((site.node.inputs.length - 2) / groups);
  let elements: Dim = 0;
  for (let index = 0; index < count; index++)
    elements = add(elements, inputElements(site, 2 + index));
  return elements;
}

function gradient(cost: number): OpCost {
  return { kind: 'elementwise', flops: perOutput(cost), inPlace: [0] };
}

const nothing: OpCost = { kind: 'none', traffic: 'none' };

export const trainingOps: OpTable = {
  // Regularise, square and add, root, divide, scale, subtract.
  Adagrad: optimizer(3, 6 * simple + 2 * division),
  Momentum: optimizer(3, 8 * simple),
  Adam: optimizer(4, 12 * simple + 2 * division),
};

export const trainingMicrosoftOps: OpTable = {
  ReluGrad: gradient(simple),
  DropoutGrad: gradient(2 * simple),
  BitmaskDropoutGrad: gradient(2 * simple),
  GeluGrad: gradient(2 * transcendental + 6 * simple),
  FastGeluGrad: gradient(transcendental + 12 * simple),
  BiasFastGeluGrad_dX: gradient(transcendental + 13 * simple),
  SoftmaxGrad: gradient(4 * simple),
  SoftmaxGrad_13: gradient(4 * simple),
  LayerNormalizationGrad: { kind: 'normalization', flops: perOutput(12 * simple) },
  SoftmaxCrossEntropyLossInternal: {
    kind: 'normalization',
    flops: perInput(transcendental + 5 * simple),
  },
  SoftmaxCrossEntropyLossGrad: gradient(transcendental + 2 * simple),
  SoftmaxCrossEntropyLossInternalGrad: gradient(transcendental + 2 * simple),
  SliceGrad: { kind: 'data-movement' },
  BroadcastGradientArgs: nothing,
  InPlaceAccumulatorV2: { kind: 'elementwise', flops: perInput(simple) },
  YieldOp: nothing,
};
