import { subgraphsOf } from '../attributes';
import type { Graph, Node } from '../graph';

/** Nodes in an order in which producers come first; those on or behind a cycle are apart. */
export interface NodeOrder {
  readonly sorted: readonly Node[];
  readonly cyclic: readonly Node[];
}

/**
 * Sorts nodes topologically (Kahn). File order is kept when it is already right, as the format
 * demands. Names in `given` (inputs, initializers) are never produced by a node; captures of
 * subgraphs count as inputs of the node that carries them.
 */
export function orderNodes(nodes: readonly Node[], given: ReadonlySet<string>): NodeOrder {
  if (isInOrder(nodes)) return { sorted: nodes, cyclic: [] };
  const producers = new Map<string, number>();
  for (const [index, node] of nodes.entries()) {
    for (const name of node.outputs) {
      if (name !== '' && !given.has(name) && !producers.has(name)) producers.set(name, index);
    }
  }
  const sources = nodes.map((node) => sourcesOf(node, producers));
  if (sources.every((from, index) => from.every((source) => source < index))) {
    return { sorted: nodes, cyclic: [] };
  }
  return sortByDependency(nodes, sources);
}

/** True when no node reads a name that it or a later one makes, whoever else has it: the usual case. */
function isInOrder(nodes: readonly Node[]): boolean {
  const made = new Set<string>();
  /** Read before it was made, if it is made at all: inputs, weights, outer values. */
  const outer = new Set<string>();
  const use = (name: string): void => {
    if (!made.has(name)) outer.add(name);
  };
  for (const node of nodes) {
    for (const name of node.inputs) use(name);
    for (const { graph } of subgraphsOf(node)) captures(graph).forEach(use);
    for (const name of node.outputs) {
      if (name !== '' && outer.has(name)) return false;
      made.add(name);
    }
  }
  return true;
}

function sourcesOf(node: Node, producers: ReadonlyMap<string, number>): readonly number[] {
  const sources: number[] = [];
  const use = (name: string): void => {
    const producer = producers.get(name);
    if (producer !== undefined) sources.push(producer);
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
