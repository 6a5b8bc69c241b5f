import { subgraphsOf } from '../attributes';
import { isFloat } from '../dtype';
import type { Graph, Model, Tensor } from '../graph';
import type { ProblemSink } from '../problem';
import { inlineValues } from '../tensor-values';
import { displayText } from './utf8';

/** Newest versions that the tables here were made for; later ones are read as far as they agree. */
const newestIrVersion = 14;
const newestOpset = 28;
/** Longer names are legal but break editors, logs and other readers. */
const maxNameLength = 10_000;

/**
 * Checks of a whole model that need no shapes: versions, names that are defined twice or never, weights that are
 * no numbers. Everything legal passes; what is found is a problem, the model is used as far as it makes sense.
 */
export function validateModel(model: Model, sink: ProblemSink): void {
  checkVersions(model, sink);
  const functions = new Set(model.functions.map(({ domain, name }) => `${domain}:${name}`));
  checkGraph(model.graph, { model, sink, outer: [], functions });
  for (const { name, domain, nodes } of model.functions) {
    if (nodes.some((node) => node.opType === name && node.domain === domain)) {
      sink.add({
        code: 'recursive-function',
        severity: 'error',
        message: `Function "${short(name)}" calls itself; ONNX has no recursion. It is not expanded.`,
        where: short(name),
      });
    }
  }
}

interface Check {
  readonly model: Model;
  readonly sink: ProblemSink;
  /** Names defined by the enclosing graphs, outermost first. */
  readonly outer: readonly ReadonlySet<string>[];
  /** `domain:name` of model-local functions. */
  readonly functions: ReadonlySet<string>;
}

function checkVersions(model: Model, sink: ProblemSink): void {
  const { irVersion, opsets } = model;
  if (irVersion === null) {
    sink.add({
      code: 'no-ir-version',
      severity: 'warning',
      message: 'The model does not say its IR version; some runtimes refuse it.',
    });
  } else if (irVersion > newestIrVersion || irVersion < 1) {
    sink.add({
      code: 'unknown-ir-version',
      severity: 'warning',
      message: `IR version ${irVersion} is newer than the newest known one, ${newestIrVersion}; parts may be missed.`,
    });
  }
  if (opsets.size === 0 && model.graph.nodes.length > 0) {
    sink.add({
      code: 'no-opset',
      severity: 'error',
      message:
        'The model imports no opset, so its operators have no defined meaning; export it again.',
    });
  }
  for (const [domain, version] of opsets) {
    if (domain === '' && (version > newestOpset || version < 1)) {
      sink.add({
        code: 'unknown-opset',
        severity: 'warning',
        message: `Opset ${version} is not known (newest known: ${newestOpset}); operators may have changed.`,
      });
    }
  }
}

function checkGraph(graph: Graph, check: Check): void {
  const { sink } = check;
  const defined = new Set<string>();
  const at = graph.path;
  for (const { name } of graph.inputs) define(name, 'graph input', defined, at, sink);
  const initializers = new Set<string>();
  for (const tensor of graph.initializers) {
    if (initializers.has(tensor.name)) {
      report(
        sink,
        'duplicate-initializer',
        `Initializer "${short(tensor.name)}" is given twice; the first counts.`,
        at,
      );
    }
    initializers.add(tensor.name);
    defined.add(tensor.name);
    checkWeight(tensor, sink);
  }
  for (const { values } of graph.sparseInitializers) defined.add(values.name);
  const nodeNames = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of node.outputs) {
      if (name !== '') define(name, 'output', defined, node.path, sink);
    }
    if (node.name !== '' && nodeNames.has(node.name)) {
      sink.add({
        code: 'duplicate-node-name',
        severity: 'info',
        message: `Several nodes are named "${short(node.name)}"; tools that go by name confuse them.`,
        where: node.path,
      });
    }
    nodeNames.add(node.name);
    checkName(node.name, node.path, sink);
    checkDomain(node, check);
  }
  const scopes = [...check.outer, defined];
  for (const node of graph.nodes) {
    for (const name of node.inputs) {
      if (name === '' || scopes.some((scope) => scope.has(name))) continue;
      report(
        sink,
        'undefined-input',
        `Node input "${short(name)}" is made by nothing in the graph.`,
        node.path,
      );
    }
    for (const { graph: body } of subgraphsOf(node)) checkGraph(body, { ...check, outer: scopes });
  }
  for (const { name } of graph.outputs) {
    if (name !== '' && scopes.some((scope) => scope.has(name))) continue;
    report(
      sink,
      'undefined-output',
      `Graph output "${short(name)}" is made by nothing in the graph.`,
      at,
    );
  }
}

function define(
  name: string,
  what: string,
  defined: Set<string>,
  where: string,
  sink: ProblemSink,
): void {
  if (name === '') {
    report(sink, 'empty-name', `A ${what} has an empty name, so nothing can read it.`, where);
  } else if (defined.has(name)) {
    report(
      sink,
      'duplicate-value',
      `The value "${short(name)}" is defined twice; ONNX allows one.`,
      where,
    );
  }
  defined.add(name);
  checkName(name, where, sink);
}

function checkName(name: string, where: string, sink: ProblemSink): void {
  if (name.length > maxNameLength) {
    sink.add({
      code: 'long-name',
      severity: 'warning',
      message: `The name "${short(name)}" has ${name.length} characters; editors and runtimes choke on it.`,
      where: where.slice(0, 200),
    });
  }
  // eslint-disable-next-line no-control-regex -- finding control characters is the point
  if (/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/u.test(name)) {
    sink.add({
      code: 'control-characters',
      severity: 'warning',
      message: `The name "${short(name)}" has control characters, which can falsify logs; rename it.`,
      where: where.slice(0, 200),
    });
  } else if (/[<>]|\]\(/u.test(name)) {
    sink.add({
      code: 'markup-in-name',
      severity: 'info',
      message: `The name "${short(name)}" contains markup; it is shown as plain text.`,
      where: where.slice(0, 200),
    });
  }
}

function checkDomain(node: Graph['nodes'][number], { model, sink, functions }: Check): void {
  if (node.domain === '' || model.opsets.has(node.domain)) return;
  if (functions.has(`${node.domain}:${node.opType}`)) return;
  report(
    sink,
    'domain-not-imported',
    `Domain "${short(node.domain)}" is not among the opset imports.`,
    node.path,
  );
}

/** Only small weights are at hand here; large ones are checked when a transform reads them. */
function checkWeight(tensor: Tensor, sink: ProblemSink): void {
  checkName(tensor.name, tensor.name, sink);
  if (tensor.dtype === 'string') {
    sink.add({
      code: 'string-initializer',
      severity: 'info',
      message: `Initializer "${short(tensor.name)}" holds strings; it is not counted as weights.`,
      where: short(tensor.name),
    });
  }
  if (tensor.elementCount === 0) {
    sink.add({
      code: 'empty-initializer',
      severity: 'info',
      message: `Initializer "${short(tensor.name)}" has no elements.`,
      where: short(tensor.name),
    });
  }
  if (!isFloat(tensor.dtype)) return;
  const values = inlineValues(tensor);
  if (!values || values.length < 2) return;
  // A lone infinity is a mask or a clip bound; among several values it is a broken weight.
  const bad = values.findIndex(
    (value) => Number.isNaN(Number(value)) || Math.abs(Number(value)) === Infinity,
  );
  if (bad >= 0) {
    sink.add({
      code: 'non-finite-weights',
      severity: 'warning',
      message: `Weight "${short(tensor.name)}" contains ${Number(values[bad])}; results are not usable.`,
      where: short(tensor.name),
    });
  } else if (values.length >= 16 && values.every((value) => Math.abs(Number(value)) < 2 ** -126)) {
    sink.add({
      code: 'zero-weights',
      severity: 'info',
      message: `Weight "${short(tensor.name)}" is zero throughout: its layer computes nothing.`,
      where: short(tensor.name),
    });
  }
}

function report(sink: ProblemSink, code: string, message: string, where: string): void {
  sink.add({ code, severity: 'error', message, where: where.slice(0, 200) });
}

function short(text: string): string {
  const shown = displayText(text);
  return shown.length <= 40 ? shown : `${shown.slice(0, 37)}…`;
}
