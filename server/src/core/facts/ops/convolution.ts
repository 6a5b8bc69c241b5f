import { intAttribute, intsAttribute } from '../../attributes';
import { asNumber, exactDivide, multiply, product, type Dim } from '../../shapes/symbolic';
import type { WorkKind } from '../../workload';
import { dimAt, hasInput, inputElements, inputShape, outputElements, type Site } from '../site';
import { fusedActivationCost } from './elementwise';
import type { OpCost, OpTable } from './op';

/** Where an operator keeps data, weights and bias. */
interface Operands {
  readonly data: number;
  readonly weight: number;
  readonly bias: number | null;
  /** Batch, spatial…, channels instead of batch, channels, spatial…. */
  readonly channelsLast?: boolean;
}

const standard: Operands = { data: 0, weight: 1, bias: 2 };

/** Weights are [M, C/group, kernel…] in every layout, so one output takes weights / M products. */
function convolutionMacs({ data, weight, channelsLast }: Operands) {
  return (site: Site): Dim => {
    const shape = inputShape(site, weight);
    if (shape) return multiply(outputElements(site), product(shape.slice(1)));
    const kernel = intsAttribute(site.node, 'kernel_shape');
    const channels = dimAt(inputShape(site, data), channelsLast ? -1 : 1);
    if (!kernel) return null;
    const perGroup = exactDivide(channels, intAttribute(site.node, 'group') ?? 1);
    return multiply(outputElements(site), multiply(perGroup, product(kernel)));
  };
}

/**
 * Every input element meets M/group × kernel weights [C, M/group, kernel…]; what padding then
 * crops away was still multiplied. The same convention as PyTorch's flop counter.
 */
function transposedMacs(site: Site): Dim {
  const shape = inputShape(site, standard.weight);
  return shape && multiply(inputElements(site, standard.data), product(shape.slice(1)));
}

/** One addition per output for the bias, and the fused activation and addend where there are some. */
function epilogueFlops(bias: number | null) {
  return (site: Site): Dim => {
    const activation = fusedActivationCost(site);
    if (activation === null) return null;
    const additions = (bias !== null && hasInput(site, bias) ? 1 : 0) + (hasInput(site, 3) ? 1 : 0);
    return multiply(outputElements(site), additions + activation);
  };
}

/** One filter per channel: little arithmetic per byte, so hardware runs it at another efficiency. */
function kindOf({ data, weight, channelsLast }: Operands) {
  return (site: Site): WorkKind => {
    const group = intAttribute(site.node, 'group') ?? 1;
    if (group <= 1) return 'conv';
    const channels = asNumber(dimAt(inputShape(site, data), channelsLast ? -1 : 1));
    const perGroup = asNumber(dimAt(inputShape(site, weight), 1));
    const isDepthwise = channels === group || (!channelsLast && perGroup === 1);
    return isDepthwise ? 'depthwise-conv' : 'conv';
  };
}

function convolution(operands: Operands, extra: Partial<OpCost> = {}): OpCost {
  return {
    kind: kindOf(operands),
    macs: convolutionMacs(operands),
    flops: epilogueFlops(operands.bias),
    ...extra,
  };
}

/** Requantisation: multiply, round, clamp and, with a bias, one addition per output. */
function requantizeFlops(bias: number) {
  return (site: Site): Dim => multiply(outputElements(site), hasInput(site, bias) ? 4 : 3);
}

const quantized: Operands = { data: 0, weight: 3, bias: 8 };

export const convolutionOps: OpTable = {
  Conv: convolution(standard),
  // Beside the products, each sampled input is interpolated from four neighbours (7 operations).
  DeformConv: convolution(
    { data: 0, weight: 1, bias: 3 },
    {
      flops: (site) => {
        const macs = convolutionMacs(standard)(site);
        return exactDivide(multiply(macs, 7), dimAt(inputShape(site, 1), 0));
      },
    },
  ),
  ConvTranspose: {
    kind: 'conv',
    macs: transposedMacs,
    flops: (site) => (hasInput(site, 2) ? outputElements(site) : 0),
  },
  QLinearConv: convolution(quantized, { flops: requantizeFlops(8), zeroPoints: [2, 5, 7] }),
  // Zero points are subtracted from data and weights before the products.
  ConvInteger: convolution(
    { data: 0, weight: 1, bias: null },
    {
      flops: (site) => (hasInput(site, 2) ? inputElements(site, 0) : 0),
      zeroPoints: [2, 3],
    },
  ),
};

export const convolutionMicrosoftOps: OpTable = {
  FusedConv: convolution(standard),
  NhwcConv: convolution({ ...standard, channelsLast: true }),
  NhwcFusedConv: convolution({ ...standard, channelsLast: true }),
  QLinearConv: convolution(quantized, { flops: requantizeFlops(8), zeroPoints: [2, 5, 7] }),
  // Its output drops the axis over which the window slides, so its shape does not tell the steps.
  WordConvEmbedding: { kind: 'conv', macs: () => null },
  ConvTransposeWithDynamicPads: {
    kind: 'conv',
    macs: transposedMacs,
    flops: (site) => (hasInput(site, 3) ? outputElements(site) : 0),
  },
};

/** Domain com.microsoft.nchwc, channels in blocks: its Conv may carry an activation and an addend. */
export const convolutionBlockedOps: OpTable = { Conv: convolution(standard) };

/** Domain com.ms.internal.nhwc. */
export const convolutionChannelsLastOps: OpTable = {
  Conv: convolution({ ...standard, channelsLast: true }),
  QLinearConv: convolution(
    { ...quantized, channelsLast: true },
    { flops: requantizeFlops(8), zeroPoints: [2, 5, 7] },
  ),
  QLinearConvTranspose: {
    kind: 'conv',
    macs: (site) => {
      const shape = inputShape(site, quantized.weight);
      return shape && multiply(inputElements(site, quantized.data), product(shape.slice(1)));
    },
    flops: requantizeFlops(8),
    zeroPoints: [2, 5, 7],
  },
};
