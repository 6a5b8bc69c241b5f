import { distinct } from '../distinct';
import type { NodeFacts } from './count';
import type { ScopeLinks } from './fusion-links';

/** The longest patterns runtimes know, layer normalisation and tanh-GELU, have about ten nodes. */
const maxRegion = 16;

const nothing: readonly NodeFacts[] = [];

/**
 * The largest set of elementwise operators and means that ends in this node, is seen from outside
 * by that end only, and computes from one tensor that at least two of its members read.
 * Weights and scalars do not count as tensors. Empty when there is none.
 */
export function regionEndingAt(
  end: NodeFacts,
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): readonly NodeFacts[] {
  if (!joins(end)) return nothing;
  const region = new Set<NodeFacts>();
  /** Tensors from outside, with the number of members that read them. */
  const outside = new Map<string, number>();
  let best: readonly NodeFacts[] = [];
  for (let next: NodeFacts | undefined = end; next && region.size < maxRegion;) {
    region.add(next);
    for (const name of next.node.outputs) outside.delete(name);
    for (const name of distinct(next.node.inputs)) {
      const isTensor = name !== '' && !links.isWeight(name);
      if (isTensor) outside.set(name, (outside.get(name) ?? 0) + 1);
    }
    const [readers = 0] = outside.values();
    if (outside.size === 1 && readers > 1) best = [...region];
    next = producerToJoin(outside, region, links, isFree);
  }
  return best.toSorted((a, b) => links.positionOf(a) - links.positionOf(b));
}

/** A node that only the region reads from. */
function producerToJoin(
  outside: ReadonlyMap<string, number>,
  region: ReadonlySet<NodeFacts>,
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): NodeFacts | undefined {
  for (const name of outside.keys()) {
    const producer = links.producerOf(name);
    // In a cycle a member reads its own result: taken again it would never end.
    if (!producer || region.has(producer)) continue;
    if (!joins(producer) || !isFree(producer) || links.escapes(name)) continue;
    if (links.consumersOf(name).every((consumer) => region.has(consumer))) return producer;
  }
  return undefined;
}

function joins({ nodeClass, kind, node }: NodeFacts): boolean {
  if (nodeClass !== 'compute' || node.domain !== '') return false;
  if (kind !== 'elementwise' && node.opType !== 'ReduceMean') return false;
  return node.outputs.filter((name) => name !== '').length === 1;
}
