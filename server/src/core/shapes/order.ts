import { subgraphsOf } from '../attributes';
import type { Graph, ModelFunction, Node } from '../graph';
import type { ValueNumbers } from '../value-numbers';

/** Nodes in an order in which producers come first; those on or behind a cycle are apart. */
export interface NodeOrder {
  readonly sorted: readonly Node[];
  readonly cyclic: readonly Node[];
}

/**
 * Sorts the nodes of a body topologically (Kahn). File order is kept when it is already right, as the format demands.
 * Inputs and initializers are never produced by a node; captures of subgraphs count as inputs of the node that
 * carries them.
 */
export function orderNodes(body: Graph | ModelFunction, numbers: ValueNumbers): NodeOrder {
  const { nodes } = body;
  if (isInOrder(nodes, numbers)) return { sorted: nodes, cyclic: [] };
  const producers = producersOf(body, numbers);
  const sources = nodes.map((node) => sourcesOf(node, producers, numbers));
  if (sources.every((from, index) => from.every((source) => source < index))) {
    return { sorted: nodes, cyclic: [] };
  }
  return sortByDependency(nodes, sources);
}

/** True when no node reads a value that it or a later one makes, whoever else has it: the usual case. */
function isInOrder(nodes: readonly Node[], numbers: ValueNumbers): boolean {
  const { inputs, outputs, names, numberOf } = numbers;
  const made = new Uint8Array(names.length);
  /** Read before it was made, if it is made at all: inputs, weights, outer values. */
  const outer = new Uint8Array(names.length);
  const use = (number: number): void => {
    if (number >= 0 && made[number] === 0) outer[number] = 1;
  };
  for (const node of nodes) {
    const { index } = node;
    const lastInput = inputs.starts[index + 1] ?? 0;
    for (let at = inputs.starts[index] ?? 0; at < lastInput; at++) use(inputs.numbers[at] ?? -1);
    for (const { graph } of subgraphsOf(node)) {
      for (const name of captures(graph)) use(numberOf(name));
    }
    const lastOutput = outputs.starts[index + 1] ?? 0;
    for (let at = outputs.starts[index] ?? 0; at < lastOutput; at++) {
      const number = outputs.numbers[at] ?? -1;
      if (number < 0) continue;
      if (outer[number] === 1) return false;
      made[number] = 1;
    }
  }
  return true;
}

/** By value number: the first node that makes it, -1 for inputs, initializers and outer values. */
function producersOf(body: Graph | ModelFunction, numbers: ValueNumbers): Int32Array {
  const producers = new Int32Array(numbers.names.length).fill(-1);
  const given = new Set<string>();
  for (const input of body.inputs) given.add(typeof input === 'string' ? input : input.name);
  if ('initializerByName' in body) {
    for (const name of body.initializerByName.keys()) given.add(name);
  }
  for (const { index, outputs } of body.nodes) {
    for (const name of outputs) {
      const number = numbers.numberOf(name);
      if (number >= 0 && producers[number] === -1 && !given.has(name)) producers[number] = index;
    }
  }
  return producers;
}

function sourcesOf(
  node: Node,
  producers: Int32Array,
  { numberOf }: ValueNumbers,
): readonly number[] {
  const sources: number[] = [];
  const use = (name: string): void => {
    const producer = producers[numberOf(name)] ?? -1;
    if (producer >= 0) sources.push(producer);
  };
  node.inputs.forEach(use);
  for (const { graph } of subgraphsOf(node)) captures(graph).forEach(use);
  return sources;
}

function sortByDependency(
  nodes: readonly Node[],
  sources: readonly (readonly number[])[],
): NodeOrder {
  const waiting = sources.map((from) => from.length);
  const dependents: number[][] = nodes.map(() => []);
  for (const [index, from] of sources.entries()) {
    for (const source of from) dependents[source]?.push(index);
  }
  const ready = waiting.flatMap((count, index) => (count === 0 ? [index] : []));
  const isSorted = new Set<number>();
  const sorted: Node[] = [];
  // `ready` grows while it is walked.
  for (const index of ready) {
    const node = nodes[index];
    if (!node) continue;
    sorted.push(node);
    isSorted.add(index);
    for (const dependent of dependents[index] ?? []) {
      const left = (waiting[dependent] ?? 0) - 1;
      waiting[dependent] = left;
      if (left === 0) ready.push(dependent);
    }
  }
  return { sorted, cyclic: nodes.filter((_, index) => !isSorted.has(index)) };
}

const capturesByGraph = new WeakMap<Graph, ReadonlySet<string>>();

/** Names that a subgraph, or one nested in it, takes from outside. Nesting is capped by the reader. */
function captures(graph: Graph): ReadonlySet<string> {
  const known = capturesByGraph.get(graph);
  if (known) return known;
  const own = new Set<string>(graph.initializerByName.keys());
  for (const input of graph.inputs) own.add(input.name);
  for (const node of graph.nodes) for (const name of node.outputs) own.add(name);
  const outer = new Set<string>();
  const use = (name: string): void => {
    if (name !== '' && !own.has(name)) outer.add(name);
  };
  for (const node of graph.nodes) {
    node.inputs.forEach(use);
    for (const { graph: nested } of subgraphsOf(node)) captures(nested).forEach(use);
  }
  for (const output of graph.outputs) use(output.name);
  capturesByGraph.set(graph, outer);
  return outer;
}
