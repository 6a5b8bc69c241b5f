import { createSum } from '../shapes/sum';
import { add, type Dim } from '../shapes/symbolic';
import { trafficKind, type OpCost } from './ops/op';
import { bytesAt, distinctInputs, outputNumber, type Site } from './site';
import type { NodeClass, WeightMap } from './weights';

export interface NodeTraffic {
  readonly readBytes: Dim;
  readonly writeBytes: Dim;
  readonly weightReadBytes: Dim;
}

const nothing: NodeTraffic = { readBytes: 0, writeBytes: 0, weightReadBytes: 0 };
const unknown: NodeTraffic = { readBytes: null, writeBytes: null, weightReadBytes: null };

/** Bytes that a node reads and writes when it runs alone: each operand once, caches aside. */
export function trafficOf(
  site: Site,
  cost: OpCost | undefined,
  nodeClass: NodeClass,
  weights: WeightMap,
): NodeTraffic {
  if (!cost) return unknown;
  if (nodeClass === 'folded' || nodeClass === 'shape') return nothing;
  const traffic = trafficKind(cost, site);
  if (traffic === 'alias' || traffic === 'none') return nothing;
  const writeBytes = outputBytes(site);
  if (traffic === 'generates') return { readBytes: 0, writeBytes, weightReadBytes: 0 };
  const { activations, weights: fromWeights } = operandBytes(site, weights, traffic === 'picks');
  return { readBytes: add(activations, fromWeights), writeBytes, weightReadBytes: fromWeights };
}

function outputBytes(site: Site): Dim {
  let bytes: Dim = 0;
  for (let index = 0; index < site.node.outputs.length; index++) {
    const number = outputNumber(site, index);
    if (number >= 0) bytes = add(bytes, bytesAt(site.scope, number));
  }
  return bytes;
}

/** `picks`: of the first input, and of every table among the weights, no more than what is written is read. */
function operandBytes(
  site: Site,
  weights: WeightMap,
  picks: boolean,
): { readonly activations: Dim; readonly weights: Dim } {
  const { scope } = site;
  const activations = createSum();
  const fromWeights = createSum();
  const numbers = distinctInputs(site);
  for (let index = 0; index < numbers.length; index++) {
    const number = numbers[index] ?? -1;
    if (number < 0) continue;
    const isWeight = weights.valueAt(scope, number)?.dequantized === false;
    const isTable = picks && index === 0;
    if (picks && isWeight && !isTable) continue;
    const bytes = bytesAt(scope, isTable ? outputNumber(site, 0) : number);
    (isWeight ? fromWeights : activations).add(bytes);
  }
  return { activations: activations.value(), weights: fromWeights.value() };
}
