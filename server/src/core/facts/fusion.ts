import type { DataType } from '../dtype';
import type { Node } from '../graph';
import { add, type Dim } from '../shapes/symbolic';
import type { Scope } from '../shapes/types';
import type { ModelFacts, NodeFacts, ScopeFacts } from './count';
import { epilogueOf } from './fusion-epilogue';
import { integerGroup } from './fusion-integer';
import { scopeLinks, type ScopeLinks } from './fusion-links';
import { distancesToShared, never, regionFinder } from './fusion-region';
import { bytesAt, inputNumber, outputNumber } from './site';
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
  /** Numbers of values that only its members see: they have no memory of their own. */
  readonly inner: ReadonlySet<number>;
}

export interface FusionPlan {
  /** Undefined for a node that runs alone, as most do: its facts are those of its kernel. */
  readonly kernelOf: (facts: NodeFacts) => Kernel | undefined;
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
    dequantizedFrom: (scope, value) => planOf(scope)?.sources.get(value),
  };
}

interface ScopePlan {
  /** By position; undefined for nodes that run alone. */
  readonly kernels: (Kernel | undefined)[];
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
type Groups = (Group | undefined)[];

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
  const distances = distancesToShared(nodes, links, isFree);
  forEachBackwards(nodes, (node) => {
    if (distances[node.position] === never || !isFree(node)) return;
    const region = regionEndingAt(node);
    if (region.length > 1) claim({ anchor: node, members: region });
  });
  const sources = isQuantized ? foldedDequantize(facts, groups, links, claim) : noSources;
  const kernels: (Kernel | undefined)[] = nodes.map(() => undefined);
  for (const group of new Set(groups)) {
    if (!group) continue;
    const kernel = kernelFor(group, groups, links, sources);
    for (const member of group.members) kernels[member.position] = kernel;
  }
  return { kernels, sources };
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

/** What crosses the border of a group: each value once, weights apart. */
function kernelFor(
  group: Group,
  groups: Groups,
  links: ScopeLinks,
  sources: ReadonlyMap<number, number>,
): Kernel {
  const { anchor, members } = group;
  const { scope } = anchor;
  const isMember = (facts: NodeFacts): boolean => groups[facts.position] === group;
  const isInner = (value: number): boolean =>
    !links.escapes(value) && links.everyConsumer(value, isMember);
  const made = new Set<number>();
  const inner = new Set<number>();
  let writeBytes: Dim = 0;
  for (const member of members) {
    for (let index = 0; index < member.node.outputs.length; index++) {
      const value = outputNumber(member, index);
      if (value < 0 || made.has(value)) continue;
      made.add(value);
      if (isInner(value)) inner.add(value);
      else if (!sources.has(value)) writeBytes = add(writeBytes, bytesAt(scope, value));
    }
  }
  const computeDtype = group.computeDtype ?? anchor.computeDtype;
  if (members.every((member) => movesNothing(member.node, anchor))) {
    const { readBytes, writeBytes, weightReadBytes } = anchor;
    return { anchor, members, readBytes, writeBytes, weightReadBytes, computeDtype, inner };
  }
  let activations: Dim = 0;
  let weightReadBytes: Dim = 0;
  for (const value of inputsOf(members, sources)) {
    if (made.has(value)) continue;
    const bytes = bytesAt(scope, value);
    if (links.isWeight(value)) weightReadBytes = add(weightReadBytes, bytes);
    else activations = add(activations, bytes);
  }
  const readBytes = add(activations, weightReadBytes);
  return { anchor, members, readBytes, writeBytes, weightReadBytes, computeDtype, inner };
}

/** Views between folded quantisation steps stay views. */
function movesNothing(node: Node, anchor: NodeFacts): boolean {
  if (node !== anchor.node) return /^(De)?[Qq]uantizeLinear$/.test(node.opType);
  return anchor.readBytes === 0 && anchor.writeBytes === 0;
}

/** The values that members read, each once, in the form in which they are stored. */
function inputsOf(
  members: readonly NodeFacts[],
  sources: ReadonlyMap<number, number>,
): ReadonlySet<number> {
  const values = new Set<number>();
  for (const member of members) {
    // Batch normalisation's statistics are multiplied into the weights when the model is loaded.
    const count = member.node.opType === 'BatchNormalization' ? 1 : member.node.inputs.length;
    for (let index = 0; index < count; index++) {
      const value = inputNumber(member, index);
      const stored = sources.get(value) ?? value;
      if (stored >= 0) values.add(stored);
    }
  }
  return values;
}
