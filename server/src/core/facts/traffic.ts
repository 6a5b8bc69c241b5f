import { distinct } from '../distinct';
import { add, type Dim } from '../shapes/symbolic';
import { trafficKind, type OpCost } from './ops/op';
import { valueBytes, type Site } from './site';
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

/** True when the value is known at load time and not made again in every run. */
export function isStoredWeight(weights: WeightMap, site: Site, name: string): boolean {
  return weights.valueOf(site.scope, name)?.dequantized === false;
}

function outputBytes({ node, scope }: Site): Dim {
  let bytes: Dim = 0;
  for (const name of node.outputs) if (name !== '') bytes = add(bytes, valueBytes(scope, name));
  return bytes;
}

/** `picks`: of the first input, and of every table among the weights, no more than what is written is read. */
function operandBytes(
  site: Site,
  weights: WeightMap,
  picks: boolean,
): { readonly activations: Dim; readonly weights: Dim } {
  const { node, scope } = site;
  let activations: Dim = 0;
  let fromWeights: Dim = 0;
  // An operand that is given twice is read once: the second time it is in the cache.
  for (const [index, name] of distinct(node.inputs).entries()) {
    if (name === '') continue;
    const isWeight = isStoredWeight(weights, site, name);
    const isTable = picks && index === 0;
    if (picks && isWeight && !isTable) continue;
    const bytes = isTable ? valueBytes(scope, node.outputs[0] ?? '') : valueBytes(scope, name);
    if (isWeight) fromWeights = add(fromWeights, bytes);
    else activations = add(activations, bytes);
  }
  return { activations, weights: fromWeights };
}
