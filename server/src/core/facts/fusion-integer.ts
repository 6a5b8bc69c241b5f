import { dataTypeInfo, isFloat, type DataType } from '../dtype';
import { dtypeAt } from '../shapes/types';
import type { NodeFacts } from './count';
import type { Group } from './fusion';
import type { ScopeLinks } from './fusion-links';
import { inputDtype, inputNumber, outputNumber } from './site';

/** Operators with an integer kernel, or that pass integers through unchanged, in ONNX Runtime's CPU provider. */
const integerOps = new Set(
  `Conv MatMul Gemm Add Mul AveragePool GlobalAveragePool LeakyRelu Sigmoid Softmax Concat Where
   Split MaxPool Resize ReduceMax ReduceMin Reshape Transpose Squeeze Unsqueeze Flatten Expand
   Gather GatherElements Slice Tile DepthToSpace`.split(/\s+/),
);

/** These have a form with a float result, so that a QuantizeLinear behind them is not needed. */
const floatResult = new Set(['MatMul', 'Gemm']);

/**
 * The group with the QuantizeLinear behind it and integer operands, when every float operand comes
 * from a DequantizeLinear; otherwise undefined. A bias may stay as it is.
 */
export function integerGroup(group: Group, links: ScopeLinks): Group | undefined {
  const { anchor, members } = group;
  const { node } = anchor;
  if (anchor.nodeClass !== 'compute' || node.domain !== '' || !integerOps.has(node.opType)) {
    return undefined;
  }
  const computeDtype = operandDtype(anchor, links);
  if (computeDtype === undefined) return packedWeights(group, links);
  const last = members.at(-1) ?? anchor;
  const quantize: NodeFacts[] = [];
  for (let index = 0; index < last.node.outputs.length; index++) {
    const next = links.onlyConsumer(outputNumber(last, index));
    if (next?.node.opType === 'QuantizeLinear') quantize.push(next);
  }
  const outputs = last.node.outputs.filter((name) => name !== '').length;
  // Only a clamp can hide in the rounding of the integer result.
  const isClamped = members.slice(1).every((member) => /^(Relu|Clip)$/.test(member.node.opType));
  if (isClamped && quantize.length === outputs) {
    return { anchor, members: [...members, ...quantize], computeDtype };
  }
  return floatResult.has(node.opType) ? { ...group, computeDtype } : undefined;
}

/** dtype of the integers behind operand 0, when all float operands (bias apart) are dequantised. */
function operandDtype(anchor: NodeFacts, links: ScopeLinks): DataType | null | undefined {
  const { node } = anchor;
  let first: DataType | null | undefined;
  for (let index = 0; index < node.inputs.length; index++) {
    const value = inputNumber(anchor, index);
    if (!isFloat(dtypeAt(links.scope, value))) continue;
    const isBias = index === 2 && (node.opType === 'Conv' || node.opType === 'Gemm');
    // Resize's regions and scales are float but no operands.
    if (isBias || (node.opType === 'Resize' && index > 0)) continue;
    const dtype = dequantizedDtype(value, links);
    // 16 bits have no kernels; 4 bits only as packed weights of a float product.
    if (dtype === undefined || dataTypeInfo(dtype).bits !== 8) return undefined;
    first ??= dtype;
  }
  return first;
}

function dequantizedDtype(value: number, links: ScopeLinks): DataType | undefined {
  const producer = links.producerOf(value);
  if (producer?.node.opType !== 'DequantizeLinear') return undefined;
  return inputDtype(producer, 0) ?? undefined;
}

/** MatMul by 4-bit weights in blocks becomes one kernel that unpacks as it multiplies, in float. */
function packedWeights(group: Group, links: ScopeLinks): Group | undefined {
  const { anchor } = group;
  const weight = inputNumber(anchor, 1);
  const producer = links.producerOf(weight);
  const dtype = dequantizedDtype(weight, links);
  if (anchor.node.opType !== 'MatMul' || producer?.nodeClass !== 'dequantize') return undefined;
  if ((dtype !== 'int4' && dtype !== 'uint4') || !producer.node.attributes.has('block_size')) {
    return undefined;
  }
  return { ...group, computeDtype: inputDtype(anchor, 0) };
}
