import { inputDtype } from '../site';
import { perInput, perOutput, simple, transcendental, type OpCost, type OpTable } from './op';

/** Multiply by the inverse scale, round, clamp (the zero point rides on the clamp's addition). */
const quantize = 3 * simple;
/** Subtract the zero point, multiply by the scale. */
const dequantize = 2 * simple;

function quantizing(cost: number, zeroPoints: readonly number[]): OpCost {
  return { kind: 'quantize', flops: perOutput(cost), zeroPoints };
}

/** An elementwise operator on quantised operands: to float, compute, back. */
function quantizedElementwise(cost: number, zeroPoints: readonly number[]): OpCost {
  return {
    kind: 'elementwise',
    flops: perOutput(cost),
    zeroPoints,
    inPlace: [0],
    computeDtype: (site) => inputDtype(site, 0),
  };
}

const binary = quantizedElementwise(2 * dequantize + simple + quantize, [2, 5, 7]);
/** Unary functions of 8 bits are looked up in a table of 256. */
const table = quantizedElementwise(simple, [2, 4]);
const quantizeLinear = quantizing(quantize, [2]);
const dequantizeLinear = quantizing(dequantize, [2]);

export const quantizeOps: OpTable = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  // Minimum and maximum over the input first.
  DynamicQuantizeLinear: { kind: 'quantize', flops: perInput(quantize + 2 * simple) },
};

export const quantizeMicrosoftOps: OpTable = {
  QuantizeLinear: quantizeLinear,
  DequantizeLinear: dequantizeLinear,
  DequantizeWithOrder: dequantizeLinear,
  QuantizeWithOrder: quantizeLinear,
  QuantizeBFP: quantizing(quantize, []),
  DequantizeBFP: quantizing(dequantize, []),
  QLinearAdd: binary,
  QLinearMul: binary,
  QLinearLeakyRelu: table,
  QLinearSigmoid: table,
  QLinearSoftmax: {
    kind: 'normalization',
    flops: perOutput(transcendental + 4 * simple),
    zeroPoints: [2, 4],
  },
  QLinearWhere: quantizedElementwise(2 * simple, [3, 6, 8]),
  QLinearConcat: { kind: 'data-movement', flops: perOutput(simple), zeroPoints: [1] },
  MulInteger: { kind: 'elementwise', flops: perOutput(simple), zeroPoints: [1, 3] },
};

/** Fake quantisers of QONNX: quantise and dequantise in one, the values stay float. */
export const quantizeBrevitasOps: OpTable = {
  Quant: quantizing(quantize + dequantize, [2]),
  IntQuant: quantizing(quantize + dequantize, [2]),
  BipolarQuant: quantizing(2 * simple, []),
  Trunc: quantizing(quantize + dequantize, [2]),
};
