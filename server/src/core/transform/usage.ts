import { subgraphsOf } from '../attributes';
import type { Graph, Node } from '../graph';
import { numberAt, valueNumbers, type ValueNumbers } from '../value-numbers';

/** Who makes and who reads each value of the main graph. */
export interface Usage {
  readonly graph: Graph;
  readonly numbers: ValueNumbers;
  /** Index of the node that makes a value; undefined when none does. */
  readonly producerOf: (name: string) => number | undefined;
  readonly consumersOf: (name: string) => readonly Consumer[];
  /** How many node inputs read each value, by value number. */
  readonly readCounts: Int32Array;
  /** Names that bodies of If, Loop and Scan read from outside: they are not renamed. */
  readonly captured: ReadonlySet<string>;
  readonly graphOutputs: ReadonlySet<string>;
  /** Position of a graph input; of two with one name the first. */
  readonly graphInputs: ReadonlyMap<string, number>;
  /** Position of a dense initializer, as in `initializerByName`. */
  readonly initializers: ReadonlyMap<string, number>;
  /** Every name in the model, so that new ones do not collide. */
  readonly names: ReadonlySet<string>;
}

/** An input of a node, by the node's index and its position. */
interface Consumer {
  readonly node: number;
  readonly input: number;
}

/** Of a graph, which is immutable: every rule and transform asks for it. */
export function usageOf(graph: Graph): Usage {
  const known = usages.get(graph);
  if (known) return known;
  const made = makeUsage(graph);
  usages.set(graph, made);
  return made;
}

const usages = new WeakMap<Graph, Usage>();

function makeUsage(graph: Graph): Usage {
  const numbers = valueNumbers(graph);
  const { inputs, outputs, numberOf } = numbers;
  const count = numbers.names.length;
  const captured = new Set<string>();
  const producers = new Int32Array(count).fill(-1);
  const readCounts = new Int32Array(count);
  for (const node of graph.nodes) {
    for (let index = 0; index < node.outputs.length; index++) {
      const value = numberAt(outputs, node, index);
      if (value >= 0) producers[value] = node.index;
    }
    for (const { graph: body } of subgraphsOf(node)) collectCaptured(body, captured);
  }
  for (const value of inputs.numbers)
    if (value >= 0) readCounts[value] = (readCounts[value] ?? 0) + 1;
  // What only some rules and recipes need is made when it is asked for.
  let consumers: ((name: string) => readonly Consumer[]) | undefined;
  let names: ReadonlySet<string> | undefined;
  let graphInputs: ReadonlyMap<string, number> | undefined;
  let initializers: ReadonlyMap<string, number> | undefined;
  return {
    graph,
    numbers,
    producerOf(name) {
      const producer = producers[numberOf(name)] ?? -1;
      return producer < 0 ? undefined : producer;
    },
    consumersOf: (name) => (consumers ??= consumerLists(graph, numbers, readCounts))(name),
    readCounts,
    captured,
    graphOutputs: new Set(graph.outputs.map(({ name }) => name)),
    get graphInputs() {
      return (graphInputs ??= positionsOf(graph.inputs));
    },
    get initializers() {
      return (initializers ??= positionsOf(graph.initializers));
    },
    get names() {
      return (names ??= namesOf(graph));
    },
  };
}

const nobody: readonly Consumer[] = [];

function consumerLists(
  { nodes }: Graph,
  { inputs, numberOf }: ValueNumbers,
  readCounts: Int32Array,
): (name: string) => readonly Consumer[] {
  const lists = Array.from(readCounts, (): Consumer[] => []);
  for (const node of nodes) {
    for (let input = 0; input < node.inputs.length; input++) {
      lists[numberAt(inputs, node, input)]?.push({ node: node.index, input });
    }
  }
  return (name) => lists[numberOf(name)] ?? nobody;
}

function positionsOf(list: readonly { readonly name: string }[]): ReadonlyMap<string, number> {
  const positions = new Map<string, number>();
  for (const [index, { name }] of list.entries()) {
    if (!positions.has(name)) positions.set(name, index);
  }
  return positions;
}

/** Cautious: a name that a body defines itself counts as captured too. */
function collectCaptured(body: Graph, captured: Set<string>): void {
  for (const { name } of body.outputs) captured.add(name);
  for (const node of body.nodes) {
    for (const name of node.inputs) captured.add(name);
    for (const { graph } of subgraphsOf(node)) collectCaptured(graph, captured);
  }
}

/** Of the graph and of all bodies in it. */
function namesOf(graph: Graph): ReadonlySet<string> {
  const names = new Set<string>();
  collectNames(graph, names);
  return names;
}

function collectNames(graph: Graph, names: Set<string>): void {
  const addAll = (list: readonly { name: string }[]): void => {
    for (const { name } of list) names.add(name);
  };
  addAll(graph.inputs);
  addAll(graph.outputs);
  addAll(graph.initializers);
  addAll(graph.sparseInitializers.map(({ values }) => values));
  // A stale entry would give its type to a new value of that name.
  addAll(graph.valueInfos);
  for (const node of graph.nodes) {
    names.add(node.name);
    for (const name of node.inputs) names.add(name);
    for (const name of node.outputs) names.add(name);
    for (const { graph: body } of subgraphsOf(node)) collectNames(body, names);
  }
}

/** True when something reads this value. */
export function isUsed(usage: Usage, name: string): boolean {
  return readsOf(usage, name) > 0 || usage.captured.has(name) || usage.graphOutputs.has(name);
}

function readsOf({ readCounts, numbers }: Usage, name: string): number {
  return readCounts[numbers.numberOf(name)] ?? 0;
}

/** From this IR version on callers may set an initializer that is a graph input: it is no constant. */
export const overridableFrom = 4;

/** Makes names that occur nowhere in the model: `x_quantized`, `x_quantized_1` … */
export function createNameMaker(usage: Usage): (wanted: string) => string {
  const taken = new Set(usage.names);
  return (wanted) => {
    let name = wanted;
    for (let suffix = 1; taken.has(name); suffix++) name = `${wanted}_${suffix}`;
    taken.add(name);
    return name;
  };
}

/** What people call a node in messages. */
export function nodeLabel(node: Node): string {
  return node.name === '' ? `${node.opType} #${node.index}` : node.name;
}
