import { subgraphsOf } from '../attributes';
import type { Graph, Node } from '../graph';

/** Who makes and who reads each value of the main graph. */
export interface Usage {
  readonly graph: Graph;
  /** Index of the node that makes a value. */
  readonly producer: ReadonlyMap<string, number>;
  readonly consumers: ReadonlyMap<string, readonly { node: number; input: number }[]>;
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
  const producer = new Map<string, number>();
  const consumers = new Map<string, { node: number; input: number }[]>();
  const captured = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') producer.set(name, node.index);
    for (const [input, name] of node.inputs.entries()) {
      if (name === '') continue;
      const users = consumers.get(name);
      if (users) users.push({ node: node.index, input });
      else consumers.set(name, [{ node: node.index, input }]);
    }
    for (const { graph: body } of subgraphsOf(node)) collectCaptured(body, captured);
  }
  let names: ReadonlySet<string> | null = null;
  return {
    graph,
    producer,
    consumers,
    captured,
    graphOutputs: new Set(graph.outputs.map(({ name }) => name)),
    graphInputs: positionsOf(graph.inputs),
    initializers: positionsOf(graph.initializers),
    // Only those who make new names need them.
    get names() {
      return (names ??= namesOf(graph));
    },
  };
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
  return usage.consumers.has(name) || usage.captured.has(name) || usage.graphOutputs.has(name);
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
