import { subgraphsOf } from '../attributes';
import type { Graph, ModelFunction, Node } from '../graph';
import type { ProblemSink } from '../problem';
import { numberAt } from '../value-numbers';
import { isPlainPath } from './paths';
import { checkControlFlow } from './validate-control';
import {
  checkName,
  checkShadowed,
  createScope,
  definedAt,
  defineValue,
  given,
  positionOf,
  type NameScope,
} from './validate-names';
import { checkNode } from './validate-nodes';
import { createQuantizationCheck } from './validate-quantization';
import { report, type Check } from './validate-report';
import { checkSparseTensor, checkWeight } from './validate-tensors';
import { checkDeclaredTypes } from './validate-types';

/** Where the reader of such a model gives up differs; people cannot follow it either. */
const maxSensibleDepth = 16;
/** Subgraphs beyond this are not looked at; the reader does not let as many pass. */
const maxDepth = 100;

/** What holds where a graph stands. */
export interface Surroundings {
  readonly opsets: ReadonlyMap<string, number>;
  /** Of the enclosing graphs, outermost first. */
  readonly outer: readonly NameScope[];
  /** Attributes of the enclosing function, which nodes may refer to; null outside of functions. */
  readonly attributeNames: ReadonlySet<string> | null;
}

/** Checks names, nodes, weights and declared types of a graph and of the subgraphs in it. */
export function checkGraph(graph: Graph, surroundings: Surroundings, check: Check): void {
  const { sink } = check;
  const { outer } = surroundings;
  const { path } = graph;
  const scope = createScope(graph);
  const scopes = [...outer, scope];
  if (outer.length > maxDepth) return;
  if (outer.length === maxSensibleDepth + 1) {
    report(
      sink,
      { code: 'deep-nesting', severity: 'warning', where: path, name: '' },
      () =>
        `Subgraphs lie more than ${maxSensibleDepth} levels deep; runtimes may refuse the model.`,
    );
  }
  for (const { name } of graph.inputs) defineValue(name, 'graph input', -1, scopes, path, sink);
  defineInitializers(graph, scopes, sink);
  checkNodes(graph, { ...surroundings, outer: scopes }, scope, check);
  checkDeclaredTypes(graph, check.dimSizes, sink);
  const wanted = new Set<string>();
  for (const { name } of graph.outputs) {
    if (wanted.has(name)) continue;
    wanted.add(name);
    checkOutput(name, scopes, path, sink);
  }
}

/** Checks names and nodes of a model-local function's body. */
export function checkFunctionBody(definition: ModelFunction, path: string, check: Check): void {
  const { sink } = check;
  const scope = createScope(definition);
  const scopes = [scope];
  for (const name of definition.inputs) defineValue(name, 'graph input', -1, scopes, path, sink);
  const attributeNames = new Set([
    ...definition.attributeNames,
    ...definition.attributeDefaults.map((attribute) => attribute.name),
  ]);
  checkNodes(
    definition,
    { opsets: definition.opsets, outer: scopes, attributeNames },
    scope,
    check,
  );
  for (const name of definition.outputs) checkOutput(name, scopes, path, sink);
}

function defineInitializers(graph: Graph, scopes: readonly NameScope[], sink: ProblemSink): void {
  const { positions, numbers } = scopes[scopes.length - 1] ?? createScope(graph);
  // The graph's own table tells without another whether any name repeats.
  const isUnique =
    graph.initializerByName.size === graph.initializers.length &&
    graph.sparseInitializers.length === 0;
  const seen = new Set<string>();
  const sparse = graph.sparseInitializers.map(({ values }) => values);
  for (const tensors of [graph.initializers, sparse]) {
    for (let index = 0; index < tensors.length; index++) {
      const name = tensors[index]?.name ?? '';
      if (name === '') {
        report(
          sink,
          { code: 'empty-name', severity: 'error', where: graph.path, name },
          () => 'An initializer has no name, so nothing can read it; it only takes space.',
        );
        continue;
      }
      if (seen.has(name)) {
        report(
          sink,
          { code: 'duplicate-initializer', severity: 'error', where: graph.path, name },
          (shown) => `Initializer "${shown}" is given twice; the first counts.`,
        );
      }
      if (!isUnique) seen.add(name);
      const number =
        tensors === sparse ? numbers.numberOf(name) : (numbers.initializers[index] ?? -1);
      const isNew = definedAt(positions, number) === null;
      positions[number] = given;
      if (isNew) checkShadowed(name, 'warning', scopes, graph.path, sink);
    }
  }
  for (const tensor of graph.initializers) checkWeight(tensor, sink);
  for (const tensor of graph.sparseInitializers) checkSparseTensor(tensor, graph.path, sink);
}

/** @param inside as the subgraphs of the nodes see it: this body's scope is the last of `outer` */
function checkNodes(
  body: Graph | ModelFunction,
  inside: Surroundings,
  scope: NameScope,
  check: Check,
): void {
  const { sink } = check;
  const { nodes } = body;
  const { opsets, outer: scopes } = inside;
  const checkNodeName = createNodeNameCheck(body, sink);
  const { outputs } = scope.numbers;
  nodes.forEach((node, position) => {
    for (let index = 0; index < node.outputs.length; index++) {
      const name = node.outputs[index] ?? '';
      if (name === '') continue;
      const number = numberAt(outputs, node, index);
      defineValue(name, 'output', position, scopes, node.path, sink, number);
    }
    if (node.name !== '') checkNodeName(node);
  });
  const checkQuantization = createQuantizationCheck(body, sink);
  let isSorted = true;
  let position = -1;
  for (const node of nodes) {
    position++;
    scope.at = position;
    isSorted = checkInputs(node, scopes, position, sink) && isSorted;
    checkNode(node, opsets, check);
    checkQuantization(node);
    if (node.attributes.size === 0) continue;
    checkControlFlow(node, opsets, check);
    checkAttributes(node, inside.attributeNames, sink);
    for (const { graph } of subgraphsOf(node)) checkGraph(graph, inside, check);
  }
  scope.at = nodes.length;
  if (isSorted) return;
  const path = 'path' in body ? body.path : (nodes[0]?.path ?? '');
  report(
    sink,
    { code: 'unsorted-nodes', severity: 'warning', where: path, name: '' },
    () => 'Nodes stand before what they read; ONNX wants them in order. Sort them or export again.',
  );
}

/** False when an input is made by a later node of the same graph. */
function checkInputs(
  node: Node,
  scopes: readonly NameScope[],
  position: number,
  sink: ProblemSink,
): boolean {
  let isSorted = true;
  const own = scopes[scopes.length - 1];
  for (let index = 0; index < node.inputs.length; index++) {
    const name = node.inputs[index] ?? '';
    if (name === '') continue;
    const madeAt = own && definedAt(own.positions, numberAt(own.numbers.inputs, node, index));
    if (typeof madeAt === 'number') {
      if (madeAt >= position) isSorted = false;
    } else if (!isKnown(name, scopes)) {
      report(
        sink,
        { code: 'undefined-input', severity: 'error', where: node.path, name },
        (shown) => `Node input "${shown}" is made by nothing in the graph.`,
      );
    }
  }
  return isSorted;
}

function isKnown(name: string, scopes: readonly NameScope[]): boolean {
  return scopes.some((scope) => positionOf(scope, name) !== null);
}

function checkOutput(
  name: string,
  scopes: readonly NameScope[],
  where: string,
  sink: ProblemSink,
): void {
  const own = scopes[scopes.length - 1];
  if (own && positionOf(own, name) !== null) return;
  if (name !== '' && isKnown(name, scopes)) {
    report(
      sink,
      { code: 'outer-scope-output', severity: 'error', where, name },
      (shown) => `A subgraph returns the outer value "${shown}" itself; pass it through Identity.`,
    );
    return;
  }
  report(
    sink,
    { code: 'undefined-output', severity: 'error', where, name },
    (shown) => `Graph output "${shown}" is made by nothing in the graph.`,
  );
}

function createNodeNameCheck(body: Graph | ModelFunction, sink: ProblemSink): (node: Node) => void {
  const { nodes } = body;
  const graphPath = 'path' in body ? body.path : null;
  let firstByName: ReadonlyMap<string, Node> | undefined;
  return (node) => {
    const { name, path } = node;
    // The path of a node whose name came before has a number behind it: only then are all names compared.
    if (graphPath === null || !isPlainPath(path, graphPath, name)) {
      firstByName ??= new Map(nodes.map((each) => [each.name, each] as const).reverse());
      if (firstByName.get(name) !== node) {
        report(
          sink,
          { code: 'duplicate-node-name', severity: 'info', where: path, name },
          (shown) => `Several nodes are named "${shown}"; tools that go by name confuse them.`,
        );
      }
    }
    checkName(name, path, sink);
  };
}

function checkAttributes(
  node: Node,
  attributeNames: ReadonlySet<string> | null,
  sink: ProblemSink,
): void {
  for (const { refName, value } of node.attributes.values()) {
    if (refName !== '') {
      if (attributeNames?.has(refName)) continue;
      report(
        sink,
        {
          code: 'unknown-attribute-reference',
          severity: 'warning',
          where: node.path,
          name: refName,
        },
        (shown) => `A node refers to an attribute "${shown}" that no function around it has.`,
      );
    } else if (value.kind === 'sparse-tensor') checkSparseTensor(value.value, node.path, sink);
  }
}
