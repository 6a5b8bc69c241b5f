import { intAttribute, intsAttribute } from '../../attributes';
import { product, type Dim } from '../../shapes/symbolic';
import { dimAt, inputElements, inputShape, outputElements, type Site } from '../site';
import { perInput, simple, transcendental, type OpCost, type OpTable } from './op';

function reduction(cost: number): OpCost {
  return { kind: 'reduction', flops: perInput(cost) };
}

/** One operation for every element under the window, for every output. */
function windowed(cost: number): OpCost {
  return {
    kind: 'pooling',
    flops: (site) => {
      const kernel = intsAttribute(site.node, 'kernel_shape');
      return kernel ? product([outputElements(site), ...kernel, cost]) : null;
    },
  };
}

function globalPool(cost: number): OpCost {
  return { kind: 'pooling', flops: perInput(cost) };
}

/** Bilinear samples, averaged: seven operations each. Without a ratio their number depends on the boxes. */
function roiAlignFlops(site: Site): Dim {
  const ratio = intAttribute(site.node, 'sampling_ratio') ?? 0;
  return ratio > 0 ? product([outputElements(site), ratio, ratio, 8]) : null;
}

/** An FFT's cost follows its length's factors and the kernel at hand: no honest count from shapes. */
const fourier: OpCost = { kind: 'reduction', flops: () => null };

export const reductionOps: OpTable = {
  ReduceSum: reduction(simple),
  ReduceMean: reduction(simple),
  ReduceMax: reduction(simple),
  ReduceMin: reduction(simple),
  ReduceProd: reduction(simple),
  ReduceL1: reduction(2 * simple),
  ReduceL2: reduction(2 * simple),
  ReduceSumSquare: reduction(2 * simple),
  ReduceLogSum: reduction(simple),
  ReduceLogSumExp: reduction(transcendental + 2 * simple),
  ArgMax: reduction(simple),
  ArgMin: reduction(simple),
  // At least one comparison per element; keeping the k best costs little more for small k.
  TopK: reduction(simple),
  CumSum: reduction(simple),
  CumProd: reduction(simple),
  NonZero: reduction(simple),
  Unique: reduction(simple),
  MaxPool: windowed(simple),
  AveragePool: windowed(simple),
  LpPool: windowed(2 * simple),
  GlobalMaxPool: globalPool(simple),
  GlobalAveragePool: globalPool(simple),
  GlobalLpPool: globalPool(2 * simple),
  MaxRoiPool: globalPool(simple),
  RoiAlign: { kind: 'pooling', flops: roiAlignFlops },
  // How many boxes survive, and so how many pairs are compared, is in the data.
  NonMaxSuppression: { kind: 'control', flops: () => null },
  Det: { kind: 'reduction', flops: () => null },
  DFT: fourier,
  STFT: fourier,
};

export const quantizedPoolOps: OpTable = {
  QLinearAveragePool: { ...windowed(simple), zeroPoints: [2, 4] },
};

export const reductionMicrosoftOps: OpTable = {
  ReduceSumInteger: reduction(simple),
  MaxpoolWithMask: windowed(simple),
  NhwcMaxPool: windowed(simple),
  Rfft: fourier,
  Irfft: fourier,
  // [m, d] against [n, d]: subtract, square, add for each of m × n × d.
  CDist: {
    kind: 'reduction',
    flops: (site) => product([inputElements(site, 0), dimAt(inputShape(site, 1), 0), 3]),
  },
  Unique: reduction(simple),
  IsAllFinite: reduction(simple),
  QLinearReduceMean: { ...reduction(3 * simple), zeroPoints: [2, 4] },
  ...quantizedPoolOps,
  QLinearGlobalAveragePool: { ...globalPool(simple), zeroPoints: [2, 4] },
};
