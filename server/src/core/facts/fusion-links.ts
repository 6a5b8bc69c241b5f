import { distinct } from '../distinct';
import { equalDims } from '../shapes/symbolic';
import { dtypeOf, shapeOf, type Scope } from '../shapes/types';
import { bodyOutputs } from './body';
import type { NodeFacts, ScopeFacts } from './count';
import type { WeightMap } from './weights';

/** Who makes and who uses the values of one scope. */
export interface ScopeLinks {
  readonly scope: Scope;
  readonly producerOf: (name: string) => NodeFacts | undefined;
  /** Each consumer once, in order. */
  readonly consumersOf: (name: string) => readonly NodeFacts[];
  /** True for outputs of the scope and for what its subgraphs may read: nobody may fuse those away. */
  readonly escapes: (name: string) => boolean;
  /** Known when the model is loaded, and not unpacked in every run. */
  readonly isWeight: (name: string) => boolean;
  /** Position in the order of execution; -1 for values from outside. */
  readonly positionOf: (facts: NodeFacts | undefined) => number;
  /** The one consumer of a value that nothing else sees. */
  readonly onlyConsumer: (name: string) => NodeFacts | undefined;
}

const nobody: readonly NodeFacts[] = [];

export function scopeLinks(facts: ScopeFacts, weights: WeightMap): ScopeLinks {
  const { scope } = facts;
  const producers = new Map<string, NodeFacts>();
  const consumers = new Map<string, NodeFacts[]>();
  for (const node of facts.nodes) {
    for (const name of node.node.outputs) producers.set(name, node);
    for (const name of distinct(node.node.inputs)) {
      const list = consumers.get(name);
      if (list) list.push(node);
      else consumers.set(name, [node]);
    }
  }
  const escaping = new Set(bodyOutputs(scope));
  for (const children of facts.children.values()) {
    for (const child of children) collectNames(child.facts, escaping);
  }
  const consumersOf = (name: string) => consumers.get(name) ?? nobody;
  const escapes = (name: string) => escaping.has(name);
  return {
    scope,
    producerOf: (name) => producers.get(name),
    consumersOf,
    escapes,
    isWeight: (name) => weights.valueOf(scope, name)?.dequantized === false,
    positionOf: (node) => node?.position ?? -1,
    onlyConsumer(name) {
      const [first, second] = consumersOf(name);
      return second || escapes(name) ? undefined : first;
    },
  };
}

/** Every name a subgraph mentions: its own ones too, which only makes fusion more careful. */
function collectNames(facts: ScopeFacts, into: Set<string>): void {
  if (facts.scope.parent === null) return;
  for (const name of bodyOutputs(facts.scope)) into.add(name);
  for (const { node } of facts.nodes) for (const name of node.inputs) into.add(name);
  for (const children of facts.children.values()) {
    for (const child of children) collectNames(child.facts, into);
  }
}

/** True when both values are known to have the same shape and element type. */
export function sameType(scope: Scope, a: string, b: string): boolean {
  return sameShape(scope, a, b) && dtypeOf(scope, a) === dtypeOf(scope, b);
}

export function sameShape(scope: Scope, a: string, b: string): boolean {
  const left = shapeOf(scope, a);
  const right = shapeOf(scope, b);
  if (!left || left.length !== right?.length) return false;
  return left.every((dim, axis) => equalDims(dim, right[axis] ?? null));
}
