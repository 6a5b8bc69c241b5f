import { subgraphsOf } from '../../attributes';
import type { Graph, Model, Node } from '../../graph';

/** The main graph and every subgraph, outer ones first. */
export function graphsOf({ graph }: Model): readonly Graph[] {
  const found: Graph[] = [graph];
  // The list grows while it is walked; reading a file bounds how much there is to walk.
  for (const at of found) {
    for (const node of at.nodes) {
      for (const { graph: inner } of subgraphsOf(node)) found.push(inner);
    }
  }
  return found;
}

/** The node that makes each value of one graph; of several (a broken file) the first. */
export function producersOf(graph: Graph): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (name !== '' && !found.has(name)) found.set(name, node);
    }
  }
  return found;
}

/** What people call a node: its name, or its path when it has none. */
export function nodeLabel(node: Pick<Node, 'name' | 'path'>): string {
  return node.name === '' ? node.path : node.name;
}
