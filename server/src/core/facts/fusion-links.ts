import { equalDims } from '../shapes/symbolic';
import { shapeAt, type Scope } from '../shapes/types';
import { bodyOutputs } from './body';
import type { NodeFacts, ScopeFacts } from './count';
import { distinctInputs, outputNumber } from './site';
import type { WeightMap } from './weights';

/** Who makes and who uses the values of one scope, by value number; none (-1) has neither. */
export interface ScopeLinks {
  readonly scope: Scope;
  readonly producerOf: (value: number) => NodeFacts | undefined;
  /** Each consumer once, in order. */
  readonly consumersOf: (value: number) => readonly NodeFacts[];
  /** True for outputs of the scope and for what its subgraphs may read: nobody may fuse those away. */
  readonly escapes: (value: number) => boolean;
  /** Known when the model is loaded, and not unpacked in every run. */
  readonly isWeight: (value: number) => boolean;
  /** Position in the order of execution; -1 for values from outside. */
  readonly positionOf: (facts: NodeFacts | undefined) => number;
  /** The one consumer of a value that nothing else sees. */
  readonly onlyConsumer: (value: number) => NodeFacts | undefined;
}

const nobody: readonly NodeFacts[] = [];

export function scopeLinks(facts: ScopeFacts, weights: WeightMap): ScopeLinks {
  const { scope } = facts;
  const { names, numberOf } = scope.numbers;
  const producers: (NodeFacts | undefined)[] = names.map(() => undefined);
  const consumers: (NodeFacts[] | undefined)[] = names.map(() => undefined);
  for (const node of facts.nodes) {
    for (let index = 0; index < node.node.outputs.length; index++) {
      const value = outputNumber(node, index);
      if (value >= 0) producers[value] = node;
    }
    for (const value of distinctInputs(node)) {
      if (value < 0) continue;
      const list = consumers[value];
      if (list) list.push(node);
      else consumers[value] = [node];
    }
  }
  const escaping = new Uint8Array(names.length);
  const escape = (name: string): void => {
    const value = numberOf(name);
    if (value >= 0) escaping[value] = 1;
  };
  bodyOutputs(scope).forEach(escape);
  for (const children of facts.children.values()) {
    for (const child of children) forEachName(child.facts, escape);
  }
  const consumersOf = (value: number) => consumers[value] ?? nobody;
  const escapes = (value: number) => escaping[value] === 1;
  return {
    scope,
    producerOf: (value) => (value < 0 ? undefined : producers[value]),
    consumersOf: (value) => (value < 0 ? nobody : consumersOf(value)),
    escapes,
    isWeight: (value) => weights.valueAt(scope, value)?.dequantized === false,
    positionOf: (node) => node?.position ?? -1,
    onlyConsumer(value) {
      if (value < 0) return undefined;
      const list = consumersOf(value);
      return list.length > 1 || escapes(value) ? undefined : list[0];
    },
  };
}

/** Every name a subgraph mentions: its own ones too, which only makes fusion more careful. */
function forEachName(facts: ScopeFacts, use: (name: string) => void): void {
  if (facts.scope.parent === null) return;
  bodyOutputs(facts.scope).forEach(use);
  for (const { node } of facts.nodes) node.inputs.forEach(use);
  for (const children of facts.children.values()) {
    for (const child of children) forEachName(child.facts, use);
  }
}

export function sameShape(scope: Scope, a: number, b: number): boolean {
  const left = shapeAt(scope, a);
  const right = shapeAt(scope, b);
  if (!left || left.length !== right?.length) return false;
  return left.every((dim, axis) => equalDims(dim, right[axis] ?? null));
}
