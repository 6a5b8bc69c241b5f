import type { Attribute, Graph, Node, Tensor } from './graph';

/** Typed access to a node's attributes; a missing attribute or one of another kind gives `undefined`. */

/** Clamped into the safe range: ONNX uses INT64_MAX for "to the end". */
export function clampToSafe(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.MAX_SAFE_INTEGER;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.MIN_SAFE_INTEGER;
  return Number(value);
}

export function intAttribute(node: Node, name: string): number | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'int' ? clampToSafe(value.value) : undefined;
}

export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'ints' ? value.value.map(clampToSafe) : undefined;
}

export function floatAttribute(node: Node, name: string): number | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'float' ? value.value : undefined;
}

export function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'floats' ? value.value : undefined;
}

const utf8 = new TextDecoder();

export function stringAttribute(node: Node, name: string): string | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'string' ? utf8.decode(value.value) : undefined;
}

export function stringsAttribute(node: Node, name: string): readonly string[] | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'strings' ? value.value.map((bytes) => utf8.decode(bytes)) : undefined;
}

export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'tensor' ? value.value : undefined;
}

export function graphAttribute(node: Node, name: string): Graph | undefined {
  const value = node.attributes.get(name)?.value;
  return value?.kind === 'graph' ? value.value : undefined;
}

interface Subgraph {
  readonly attribute: Attribute;
  readonly graph: Graph;
}

const noSubgraphs: readonly Subgraph[] = [];

/** Every subgraph a node carries, with the attribute that holds it. */
export function subgraphsOf(node: Node): readonly Subgraph[] {
  if (node.attributes.size === 0) return noSubgraphs;
  let found: Subgraph[] | null = null;
  for (const attribute of node.attributes.values()) {
    const { value } = attribute;
    if (value.kind === 'graph') (found ??= []).push({ attribute, graph: value.value });
    else if (value.kind === 'graphs') {
      for (const graph of value.value) (found ??= []).push({ attribute, graph });
    }
  }
  return found ?? noSubgraphs;
}
