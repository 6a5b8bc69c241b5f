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
  readonly graphInputs: ReadonlySet<string>;
  /** Every name in the model, so that new ones do not collide. */
  readonly names: ReadonlySet<string>;
}

export function usageOf(graph: Graph): Usage {
  const producer = new Map<string, number>();
  const consumers = new Map<string, { node: number; input: number }[]>();
  const captured = new Set<string>();
  const names = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) if (name !== '') producer.set(name, node.index);
    node.inputs.forEach((name, input) => {
      if (name === '') return;
      const users = consumers.get(name) ?? [];
      users.push({ node: node.index, input });
      consumers.set(name, users);
    });
    for (const { graph: body } of subgraphsOf(node)) collectCaptured(body, captured, names);
  }
  collectNames(graph, names);
  return {
    graph,
    producer,
    consumers,
    captured,
    graphOutputs: new Set(graph.outputs.map(({ name }) => name)),
    graphInputs: new Set(graph.inputs.map(({ name }) => name)),
    names,
  };
}

/** Cautious: a name that a body defines itself counts as captured too. */
function collectCaptured(body: Graph, captured: Set<string>, names: Set<string>): void {
  collectNames(body, names);
  for (const { name } of body.outputs) captured.add(name);
  for (const node of body.nodes) {
    for (const name of node.inputs) captured.add(name);
    for (const { graph } of subgraphsOf(node)) collectCaptured(graph, captured, names);
  }
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
    for (const name of [...node.inputs, ...node.outputs]) names.add(name);
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
