import type { NodeFacts, ScopeFacts } from './count';
import type { ScopeLinks } from './fusion-links';
import { distinctInputs, inputNumber, outputNumber } from './site';

/** The longest patterns runtimes know, layer normalisation and tanh-GELU, have about ten nodes. */
const maxRegion = 16;

const nothing: readonly NodeFacts[] = [];

/** More members than a region has. */
const never = 255;

/**
 * For each node, the members that a region ending in it needs at least to read a tensor with several readers; `never`
 * where it cannot be in a region, or would need too many. Few nodes of most graphs are near such a tensor: to try all
 * took as long as all other rules together.
 *
 * @returns by position
 */
function distancesToShared(
  nodes: readonly NodeFacts[],
  links: ScopeLinks,
  canJoin: (node: NodeFacts) => boolean,
): Uint8Array {
  // 0 where a cycle comes before the node: it is tried.
  const distances = new Uint8Array(nodes.length);
  for (const node of nodes) {
    let distance = never;
    const count = canJoin(node) ? node.node.inputs.length : 0;
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

/**
 * Finds the largest set of elementwise operators and means that ends in a node, is seen from outside by that end only,
 * and computes from one tensor that at least two of its members read. Weights do not count as tensors. Empty when there
 * is none.
 *
 * @param isFree may become false later, not true
 */
export function regionFinder(
  { nodes }: ScopeFacts,
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): (end: NodeFacts) => readonly NodeFacts[] {
  // Asked again in each search; a node may have as many outputs as a file likes.
  const isOfKind = Uint8Array.from(nodes, (node) => (joins(node) ? 1 : 0));
  const canJoin = (node: NodeFacts): boolean => isOfKind[node.position] === 1 && isFree(node);
  const distances = distancesToShared(nodes, links, canJoin);
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
      if (!producer || isMember(producer) || !canJoin(producer)) continue;
      if (!links.escapes(value) && links.everyConsumer(value, isMember)) return producer;
    }
    return undefined;
  };

  return (end) => {
    if (distances[end.position] === never || !canJoin(end)) return nothing;
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
