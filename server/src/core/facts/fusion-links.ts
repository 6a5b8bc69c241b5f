import { equalDims } from '../shapes/symbolic';
import { shapeAt, type Scope } from '../shapes/types';
import { bodyOutputs } from './body';
import type { NodeFacts, ScopeFacts } from './count';
import { inputNumber, outputNumber } from './site';
import type { WeightMap } from './weights';

/** Who makes and who uses the values of one scope, by value number; none (-1) has neither. */
export interface ScopeLinks {
  readonly scope: Scope;
  readonly producerOf: (value: number) => NodeFacts | undefined;
  /** Each consumer once, in order. */
  readonly consumersOf: (value: number) => readonly NodeFacts[];
  /** @param value not -1 */
  readonly consumerCount: (value: number) => number;
  /** True when there are consumers and all of them pass. */
  readonly everyConsumer: (value: number, test: (consumer: NodeFacts) => boolean) => boolean;
  /** True for outputs of the scope and for what its subgraphs may read: nobody may fuse those away. */
  readonly escapes: (value: number) => boolean;
  /** Known when the model is loaded, and not unpacked in every run. */
  readonly isWeight: (value: number) => boolean;
  /** Position in the order of execution; -1 for values from outside. */
  readonly positionOf: (facts: NodeFacts | undefined) => number;
  /** The one consumer of a value that nothing else sees. */
  readonly onlyConsumer: (value: number) => NodeFacts | undefined;
}

export function scopeLinks(facts: ScopeFacts, weights: WeightMap): ScopeLinks {
  const { scope, nodes } = facts;
  const { names, numberOf } = scope.numbers;
  const producers = new Int32Array(names.length).fill(nobody);
  for (const node of nodes) {
    for (let index = 0; index < node.node.outputs.length; index++) {
      const value = outputNumber(node, index);
      if (value >= 0) producers[value] = node.position;
    }
  }
  const { starts, positions } = consumersIn(facts);
  const escaping = new Uint8Array(names.length);
  const escape = (name: string): void => {
    const value = numberOf(name);
    if (value >= 0) escaping[value] = 1;
  };
  bodyOutputs(scope).forEach(escape);
  for (const children of facts.children.values()) {
    for (const child of children) forEachName(child.facts, escape);
  }
  const countOf = (value: number): number => (starts[value + 1] ?? 0) - (starts[value] ?? 0);
  const consumerAt = (value: number, index: number): NodeFacts | undefined =>
    nodes[positions[(starts[value] ?? 0) + index] ?? nobody];
  const escapes = (value: number) => escaping[value] === 1;
  return {
    scope,
    producerOf(value) {
      const position = value < 0 ? nobody : (producers[value] ?? nobody);
      return position < 0 ? undefined : nodes[position];
    },
    consumersOf(value) {
      const own = value < 0 ? noPositions : positions.subarray(starts[value], starts[value + 1]);
      return [...own].flatMap((position) => nodes[position] ?? []);
    },
    consumerCount: countOf,
    everyConsumer(value, test) {
      const count = value < 0 ? 0 : countOf(value);
      for (let index = 0; index < count; index++) {
        const consumer = consumerAt(value, index);
        if (consumer && !test(consumer)) return false;
      }
      return count > 0;
    },
    escapes,
    isWeight: (value) => weights.valueAt(scope, value)?.dequantized === false,
    positionOf: (node) => node?.position ?? -1,
    onlyConsumer(value) {
      if (value < 0 || countOf(value) !== 1 || escapes(value)) return undefined;
      return consumerAt(value, 0);
    },
  };
}

const nobody = -1;
const noPositions = new Int32Array(0);

/** Positions of the nodes that read each value, one list behind the other: a list of its own each would be slower. */
function consumersIn({ scope, nodes }: ScopeFacts): { starts: Int32Array; positions: Int32Array } {
  const count = scope.numbers.names.length;
  const starts = new Int32Array(count + 1);
  forEachRead(nodes, count, (value) => {
    starts[value + 1] = (starts[value + 1] ?? 0) + 1;
  });
  for (let value = 0; value < count; value++) {
    starts[value + 1] = (starts[value + 1] ?? 0) + (starts[value] ?? 0);
  }
  const next = starts.slice();
  const positions = new Int32Array(starts[count] ?? 0);
  forEachRead(nodes, count, (value, position) => {
    const at = next[value] ?? 0;
    positions[at] = position;
    next[value] = at + 1;
  });
  return { starts, positions };
}

/** Every value that a node reads, in order, once for each node. */
function forEachRead(
  nodes: readonly NodeFacts[],
  valueCount: number,
  use: (value: number, position: number) => void,
): void {
  const lastReader = new Int32Array(valueCount).fill(nobody);
  for (const node of nodes) {
    const { position } = node;
    for (let index = 0; index < node.node.inputs.length; index++) {
      const value = inputNumber(node, index);
      if (value < 0 || lastReader[value] === position) continue;
      lastReader[value] = position;
      use(value, position);
    }
  }
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
