import type { NodeFacts } from './count';
import type { ScopeLinks } from './fusion-links';
import { distinctInputs, outputNumber } from './site';

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
  // Few members: lists are faster than sets.
  const region: NodeFacts[] = [];
  const outside: OutsideValue[] = [];
  let best = 0;
  for (let next: NodeFacts | undefined = end; next && region.length < maxRegion;) {
    region.push(next);
    for (let index = 0; index < next.node.outputs.length; index++) {
      const made = positionIn(outside, outputNumber(next, index));
      if (made >= 0) outside.splice(made, 1);
    }
    // Each member to come takes one value away at most: from more than this they cannot get down to one.
    const most = maxRegion - region.length + 1;
    for (const value of distinctInputs(next)) {
      if (value < 0 || links.isWeight(value)) continue;
      if (outside.length > most) return membersOf(region, best, links);
      const known = outside[positionIn(outside, value)];
      if (known) known.readers++;
      else outside.push({ value, readers: 1 });
    }
    const [only] = outside;
    if (only && outside.length === 1 && only.readers > 1) best = region.length;
    next = producerToJoin(outside, region, links, isFree);
  }
  return membersOf(region, best, links);
}

function membersOf(
  region: readonly NodeFacts[],
  count: number,
  links: ScopeLinks,
): readonly NodeFacts[] {
  if (count === 0) return nothing;
  return region.slice(0, count).sort((a, b) => links.positionOf(a) - links.positionOf(b));
}

/** A tensor from outside, with the number of members that read it. */
interface OutsideValue {
  readonly value: number;
  readers: number;
}

function positionIn(outside: readonly OutsideValue[], value: number): number {
  for (let index = 0; index < outside.length; index++) {
    if (outside[index]?.value === value) return index;
  }
  return -1;
}

/** A node that only the region reads from. */
function producerToJoin(
  outside: readonly OutsideValue[],
  region: readonly NodeFacts[],
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): NodeFacts | undefined {
  for (const { value } of outside) {
    const producer = links.producerOf(value);
    // In a cycle a member reads its own result: taken again it would never end.
    if (!producer || region.includes(producer)) continue;
    if (!joins(producer) || !isFree(producer) || links.escapes(value)) continue;
    if (links.everyConsumer(value, (consumer) => region.includes(consumer))) return producer;
  }
  return undefined;
}

function joins({ nodeClass, kind, node }: NodeFacts): boolean {
  if (nodeClass !== 'compute' || node.domain !== '') return false;
  if (kind !== 'elementwise' && node.opType !== 'ReduceMean') return false;
  const { outputs } = node;
  if (outputs.length === 1) return outputs[0] !== '';
  return outputs.filter((name) => name !== '').length === 1;
}
