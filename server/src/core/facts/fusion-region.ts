import type { NodeFacts, ScopeFacts } from './count';
import type { ScopeLinks } from './fusion-links';
import { distinctInputs, inputNumber, outputNumber } from './site';

/** The longest patterns runtimes know, layer normalisation and tanh-GELU, have about ten nodes. */
const maxRegion = 16;

const nothing: readonly NodeFacts[] = [];

/**
 * For each node, the members that a region ending in it needs at least to read a tensor with several readers; `never`
 * where it needs more than a region has. Few nodes of most graphs are near such a tensor: to try all took as long as
 * all other rules together.
 *
 * @returns by position
 */
export function distancesToShared(
  nodes: readonly NodeFacts[],
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): Uint8Array {
  // 0 where a cycle comes before the node: it is tried.
  const distances = new Uint8Array(nodes.length);
  for (const node of nodes) {
    let distance = never;
    const count = isFree(node) && joins(node) ? node.node.inputs.length : 0;
    for (let index = 0; index < count && distance > 1; index++) {
      const value = inputNumber(node, index);
      if (value < 0) continue;
      const producer = links.producerOf(value);
      const before = producer ? (distances[producer.position] ?? never) : never;
      if (before + 1 < distance) distance = before + 1;
      if (links.consumerCount(value) > 1 && !links.isWeight(value)) distance = 1;
    }
    distances[node.position] = distance > maxRegion ? never : distance;
  }
  return distances;
}

/** See `distancesToShared`. */
export const never = 255;

/**
 * Finds the largest set of elementwise operators and means that ends in a node, is seen from outside by that end only,
 * and computes from one tensor that at least two of its members read. Weights do not count as tensors. Empty when there
 * is none.
 *
 * @returns to be asked about nodes that are elementwise or means themselves: `distancesToShared` knows
 */
export function regionFinder(
  { nodes }: ScopeFacts,
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): (end: NodeFacts) => readonly NodeFacts[] {
  // Made once for all nodes. The outside is a short list, which is faster than a set.
  const region: NodeFacts[] = [];
  const outside: number[] = [];
  const readers: number[] = [];
  /** The search in which a node was a member last. */
  const memberIn = new Int32Array(nodes.length);
  let search = 0;
  const isMember = ({ position }: NodeFacts): boolean => memberIn[position] === search;

  /** False when too many tensors are outside for a region. */
  const takeIn = (node: NodeFacts): boolean => {
    region.push(node);
    memberIn[node.position] = search;
    for (let index = 0; index < node.node.outputs.length; index++) {
      const made = outside.indexOf(outputNumber(node, index));
      if (made < 0) continue;
      outside.splice(made, 1);
      readers.splice(made, 1);
    }
    // Each member to come takes one value away at most: from more than this they cannot get down to one.
    const most = maxRegion - region.length + 1;
    for (const value of distinctInputs(node)) {
      if (value < 0 || links.isWeight(value)) continue;
      if (outside.length > most) return false;
      const known = outside.indexOf(value);
      if (known < 0) {
        outside.push(value);
        readers.push(1);
      } else readers[known] = (readers[known] ?? 0) + 1;
    }
    return true;
  };

  /** A node that only the region reads from. */
  const producerToJoin = (): NodeFacts | undefined => {
    for (const value of outside) {
      const producer = links.producerOf(value);
      // In a cycle a member reads its own result: taken again it would never end.
      if (!producer || isMember(producer) || !joins(producer) || !isFree(producer)) continue;
      if (!links.escapes(value) && links.everyConsumer(value, isMember)) return producer;
    }
    return undefined;
  };

  return (end) => {
    search++;
    region.length = outside.length = readers.length = 0;
    let best = 0;
    for (let next: NodeFacts | undefined = end; next && region.length < maxRegion;) {
      if (!takeIn(next)) break;
      if (outside.length === 1 && (readers[0] ?? 0) > 1) best = region.length;
      next = producerToJoin();
    }
    if (best === 0) return nothing;
    return region.slice(0, best).sort((a, b) => a.position - b.position);
  };
}

function joins({ nodeClass, kind, node }: NodeFacts): boolean {
  if (nodeClass !== 'compute' || node.domain !== '') return false;
  if (kind !== 'elementwise' && node.opType !== 'ReduceMean') return false;
  const { outputs } = node;
  if (outputs.length === 1) return outputs[0] !== '';
  return outputs.filter((name) => name !== '').length === 1;
}
