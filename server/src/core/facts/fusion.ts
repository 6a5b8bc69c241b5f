import type { DataType } from '../dtype';
import type { Dim } from '../shapes/symbolic';
import type { Scope } from '../shapes/types';
import type { ModelFacts, NodeFacts, ScopeFacts } from './count';
import { epilogueOf } from './fusion-epilogue';
import { integerGroup } from './fusion-integer';
import { kernelMaker } from './fusion-kernel';
import { scopeLinks, type ScopeLinks } from './fusion-links';
import { regionFinder } from './fusion-region';
import { inputNumber, outputNumber } from './site';
import type { WeightMap } from './weights';

/** Nodes that a runtime runs as one kernel. */
export interface Kernel {
  /** The node that the kernel is accounted to: the heaviest of its members. */
  readonly anchor: NodeFacts;
  /** In topological order. */
  readonly members: readonly NodeFacts[];
  readonly readBytes: Dim;
  readonly writeBytes: Dim;
  readonly weightReadBytes: Dim;
  /** Integer type when quantisation around the operator is folded into it. */
  readonly computeDtype: DataType | null;
}

export interface FusionPlan {
  /** Undefined for a node that runs alone, as most do: its facts are those of its kernel. */
  readonly kernelOf: (facts: NodeFacts) => Kernel | undefined;
  /** True for a value that only members of one kernel see: it has no memory of its own. */
  readonly isInner: (scope: Scope, value: number) => boolean;
  /**
   * Number of the value whose memory this one shares because a DequantizeLinear in between is folded away; undefined
   * for all others.
   */
  readonly dequantizedFrom: (scope: Scope, value: number) => number | undefined;
}

/**
 * Finds what runtimes fuse, one scope at a time. Conservative: only what ONNX Runtime does on CPU,
 * so that other runtimes move no more than this. The rules, in order:
 *
 * 1. a convolution or matrix product takes up what only it feeds: batch normalisation, bias or
 *    scale by weights, the cast and rescaling of MatMulInteger, one residual addition (convolutions),
 *    one activation (`fusion-epilogue.ts`);
 * 2. an operator between DequantizeLinear and QuantizeLinear runs on integers (`fusion-integer.ts`);
 * 3. elementwise operators that all compute from one tensor, read by at least two of them, run as
 *    one: GELU, SiLU, layer normalisation written out (`fusion-region.ts`).
 *
 * Constants, weights prepared at load, shape arithmetic and views move nothing by themselves.
 */
export function planFusion(facts: ModelFacts): FusionPlan {
  const plans = new Map<Scope, ScopePlan>();
  const pending: ScopeFacts[] = [facts.main];
  for (let at = pending.pop(); at; at = pending.pop()) {
    plans.set(at.scope, planScope(at, facts.weights));
    for (const children of at.children.values())
      pending.push(...children.map((each) => each.facts));
  }
  // Whoever asks goes through one scope after the other.
  let recent: Scope | null = null;
  let plan: ScopePlan | undefined;
  const planOf = (scope: Scope): ScopePlan | undefined => {
    if (scope !== recent) {
      recent = scope;
      plan = plans.get(scope);
    }
    return plan;
  };
  return {
    kernelOf: (node) => planOf(node.scope)?.kernels[node.position],
    isInner: (scope, value) => planOf(scope)?.inner[value] === 1,
    dequantizedFrom: (scope, value) => planOf(scope)?.sources.get(value),
  };
}

interface ScopePlan {
  /** By position; undefined for nodes that run alone. */
  readonly kernels: (Kernel | undefined)[];
  /** By value number, see `FusionPlan.isInner`. */
  readonly inner: Uint8Array;
  /** Values that stand for others, see `FusionPlan.dequantizedFrom`. */
  readonly sources: ReadonlyMap<number, number>;
}

/** A group while rules work on it. */
export interface Group {
  readonly anchor: NodeFacts;
  readonly members: readonly NodeFacts[];
  readonly computeDtype?: DataType | null;
}

/** By position of its members. */
export type Groups = (Group | undefined)[];

function planScope(facts: ScopeFacts, weights: WeightMap): ScopePlan {
  const links = scopeLinks(facts, weights);
  const { nodes } = facts;
  const groups: Groups = nodes.map(() => undefined);
  const claim = (group: Group) => {
    for (const member of group.members) groups[member.position] = group;
  };
  const isFree = (node: NodeFacts) => !groups[node.position];
  // Backwards: of two products that are added, the later one can add the earlier one's result.
  forEachBackwards(nodes, (node) => {
    const epilogue = epilogueOf(node, links, isFree);
    if (epilogue.length > 0) claim({ anchor: node, members: [node, ...epilogue] });
  });
  const isQuantized = nodes.some(({ node }) => node.opType === 'DequantizeLinear');
  for (const node of isQuantized ? nodes : []) {
    const group = groups[node.position] ?? { anchor: node, members: [node] };
    const integer = group.anchor === node ? integerGroup(group, links) : undefined;
    if (integer) claim(integer);
  }
  const regionEndingAt = regionFinder(facts, links, isFree);
  forEachBackwards(nodes, (node) => {
    const region = regionEndingAt(node);
    if (region.length > 1) claim({ anchor: node, members: region });
  });
  const sources = isQuantized ? foldedDequantize(facts, groups, links, claim) : noSources;
  const { kernelFor, inner } = kernelMaker(facts.scope, groups, links, sources);
  const kernels: (Kernel | undefined)[] = nodes.map(() => undefined);
  groups.forEach((group, position) => {
    if (!group || kernels[position]) return;
    const kernel = kernelFor(group);
    for (const member of group.members) kernels[member.position] = kernel;
  });
  return { kernels, inner, sources };
}

function forEachBackwards(nodes: readonly NodeFacts[], use: (node: NodeFacts) => void): void {
  for (let position = nodes.length - 1; position >= 0; position--) {
    const node = nodes[position];
    if (node) use(node);
  }
}

const noSources: ReadonlyMap<number, number> = new Map();

/**
 * DequantizeLinear nodes whose consumers all take the integers: they join their first consumer's
 * group, and their outputs stand for their inputs.
 */
function foldedDequantize(
  facts: ScopeFacts,
  groups: Groups,
  links: ScopeLinks,
  claim: (group: Group) => void,
): ReadonlyMap<number, number> {
  const sources = new Map<number, number>();
  const taken = new Map<Group, NodeFacts[]>();
  for (const node of facts.nodes) {
    if (node.node.opType !== 'DequantizeLinear') continue;
    const output = outputNumber(node, 0);
    if (links.escapes(output)) continue;
    const takers = links.consumersOf(output).map((consumer) => groups[consumer.position]);
    const [first] = takers;
    if (!first || !takers.every((group) => group?.computeDtype !== undefined)) continue;
    sources.set(output, inputNumber(node, 0));
    const others = taken.get(first);
    if (others) others.push(node);
    else taken.set(first, [node]);
  }
  for (const [group, nodes] of taken) claim({ ...group, members: [...nodes, ...group.members] });
  return sources;
}
