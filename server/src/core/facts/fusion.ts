import type { DataType } from '../dtype';
import type { Node } from '../graph';
import { add, type Dim } from '../shapes/symbolic';
import type { Scope } from '../shapes/types';
import type { ModelFacts, NodeFacts, ScopeFacts } from './count';
import { epilogueOf } from './fusion-epilogue';
import { integerGroup } from './fusion-integer';
import { scopeLinks, type ScopeLinks } from './fusion-links';
import { regionEndingAt } from './fusion-region';
import { valueBytes } from './site';
import type { WeightMap } from './weights';

/** Nodes that a runtime runs as one kernel. Most have one member. */
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
  /** Values that only its members see: they have no memory of their own. */
  readonly inner: ReadonlySet<string>;
}

export interface FusionPlan {
  readonly kernelOf: (facts: NodeFacts) => Kernel;
  /** Name of the value whose memory this one shares because a DequantizeLinear in between is folded away. */
  readonly dequantizedFrom: (scope: Scope, name: string) => string | undefined;
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
  const kernels = new Map<NodeFacts, Kernel>();
  const folded = new Map<Scope, ReadonlyMap<string, string>>();
  const pending: ScopeFacts[] = [facts.main];
  for (let at = pending.pop(); at; at = pending.pop()) {
    folded.set(at.scope, planScope(at, facts.weights, kernels));
    for (const children of at.children.values())
      pending.push(...children.map((each) => each.facts));
  }
  return {
    kernelOf(node) {
      const known = kernels.get(node);
      if (known) return known;
      const kernel = alone(node);
      kernels.set(node, kernel);
      return kernel;
    },
    dequantizedFrom: (scope, name) => folded.get(scope)?.get(name),
  };
}

/** A group while rules work on it. */
export interface Group {
  readonly anchor: NodeFacts;
  readonly members: readonly NodeFacts[];
  readonly computeDtype?: DataType | null;
}

function planScope(
  facts: ScopeFacts,
  weights: WeightMap,
  kernels: Map<NodeFacts, Kernel>,
): ReadonlyMap<string, string> {
  const links = scopeLinks(facts, weights);
  const groups = new Map<NodeFacts, Group>();
  const claim = (group: Group) => {
    for (const member of group.members) groups.set(member, group);
  };
  const isFree = (node: NodeFacts) => !groups.has(node);
  // Backwards: of two products that are added, the later one can add the earlier one's result.
  for (const node of facts.nodes.toReversed()) {
    const epilogue = epilogueOf(node, links, isFree);
    if (epilogue.length > 0) claim({ anchor: node, members: [node, ...epilogue] });
  }
  const isQuantized = facts.nodes.some(({ node }) => node.opType === 'DequantizeLinear');
  for (const node of isQuantized ? facts.nodes : []) {
    const group = groups.get(node) ?? { anchor: node, members: [node] };
    const integer = group.anchor === node ? integerGroup(group, links) : undefined;
    if (integer) claim(integer);
  }
  for (const node of facts.nodes.toReversed()) {
    const region = isFree(node) ? regionEndingAt(node, links, isFree) : [];
    if (region.length > 1) claim({ anchor: node, members: region });
  }
  const sources = foldedDequantize(facts, groups, links, claim);
  for (const group of new Set(groups.values())) {
    const kernel = kernelFor(group, links, sources);
    for (const member of group.members) kernels.set(member, kernel);
  }
  return sources;
}

/**
 * DequantizeLinear nodes whose consumers all take the integers: they join their first consumer's
 * group, and their outputs stand for their inputs.
 */
function foldedDequantize(
  facts: ScopeFacts,
  groups: Map<NodeFacts, Group>,
  links: ScopeLinks,
  claim: (group: Group) => void,
): ReadonlyMap<string, string> {
  const sources = new Map<string, string>();
  const taken = new Map<Group, NodeFacts[]>();
  for (const node of facts.nodes) {
    const [output = ''] = node.node.outputs;
    const [input = ''] = node.node.inputs;
    if (node.node.opType !== 'DequantizeLinear' || links.escapes(output)) continue;
    const consumers = links.consumersOf(output);
    const takers = consumers.map((consumer) => groups.get(consumer));
    const [first] = takers;
    if (!first || !takers.every((group) => group?.computeDtype !== undefined)) continue;
    sources.set(output, input);
    const others = taken.get(first);
    if (others) others.push(node);
    else taken.set(first, [node]);
  }
  for (const [group, nodes] of taken) claim({ ...group, members: [...nodes, ...group.members] });
  return sources;
}

const noNames: ReadonlySet<string> = new Set();

function alone(facts: NodeFacts): Kernel {
  const { readBytes, writeBytes, weightReadBytes, computeDtype } = facts;
  const traffic = { readBytes, writeBytes, weightReadBytes };
  return { anchor: facts, members: [facts], ...traffic, computeDtype, inner: noNames };
}

/** What crosses the border of a group: each value once, weights apart. */
function kernelFor(group: Group, links: ScopeLinks, sources: ReadonlyMap<string, string>): Kernel {
  const { anchor, members } = group;
  const { scope } = anchor;
  const made = new Set(members.flatMap((member) => member.node.outputs));
  const inside = new Set(members);
  const inner = new Set([...made].filter((name) => isInner(name, inside, links)));
  const computeDtype = group.computeDtype ?? anchor.computeDtype;
  if (members.every((member) => movesNothing(member.node, anchor))) {
    return { ...alone(anchor), members, computeDtype, inner };
  }
  let activations: Dim = 0;
  let weightReadBytes: Dim = 0;
  for (const name of externalInputs(members, made, sources)) {
    const bytes = valueBytes(scope, name);
    if (links.isWeight(name)) weightReadBytes = add(weightReadBytes, bytes);
    else activations = add(activations, bytes);
  }
  let writeBytes: Dim = 0;
  for (const name of made) {
    const isWritten = name !== '' && !sources.has(name) && !inner.has(name);
    if (isWritten) writeBytes = add(writeBytes, valueBytes(scope, name));
  }
  const readBytes = add(activations, weightReadBytes);
  return { anchor, members, readBytes, writeBytes, weightReadBytes, computeDtype, inner };
}

function isInner(name: string, inside: ReadonlySet<NodeFacts>, links: ScopeLinks): boolean {
  const consumers = links.consumersOf(name);
  if (name === '' || consumers.length === 0 || links.escapes(name)) return false;
  return consumers.every((consumer) => inside.has(consumer));
}

/** Views between folded quantisation steps stay views. */
function movesNothing(node: Node, anchor: NodeFacts): boolean {
  if (node !== anchor.node) return /^(De)?[Qq]uantizeLinear$/.test(node.opType);
  return anchor.readBytes === 0 && anchor.writeBytes === 0;
}

function externalInputs(
  members: readonly NodeFacts[],
  made: ReadonlySet<string>,
  sources: ReadonlyMap<string, string>,
): Set<string> {
  const names = new Set<string>();
  for (const { node } of members) {
    for (const [index, name] of node.inputs.entries()) {
      // Batch normalisation's statistics are multiplied into the weights when the model is loaded.
      if (node.opType === 'BatchNormalization' && index > 0) continue;
      const stored = sources.get(name) ?? name;
      if (name !== '' && !made.has(stored)) names.add(stored);
    }
  }
  return names;
}
