import { fromDeclared, refine } from './declared';
import { normalizeDomain } from '../graph';
import type { Model, ModelFunction, Node } from '../graph';
import type { ProblemSink } from '../problem';
import { numberAt, valueNumbers } from '../value-numbers';
import type { BodyRequest, BodyResult, NodeContext } from './context';
import { maximumRank, sizeOrProblem, unknownType } from './ops/common';
import { operatorFor } from './ops/registry';
import { callAttributes } from './references';
import { createRun, functionKey } from './run';
import type { Run } from './run';
import { addInitializers, childPath, openScope, placeOf } from './scope';
import type { Frame, OpenScope } from './scope';
import { product } from './symbolic';
import { constantAt, constantOf, typeAt, typeOf } from './types';
import type { InferredType, Scope } from './types';
import { elementCount } from './values/common';
import { evaluatorFor } from './values/registry';

/**
 * Infers dtype and symbolic shape of every value: one scope for the main graph, with child scopes
 * for subgraphs and calls of model-local functions.
 *
 * Unnamed dims of graph inputs become symbols `x.0`; dims that depend on data become symbols named
 * after the node's output. `options.dims` binds symbols (declared or derived) to sizes beforehand.
 * What cannot be known stays null. Never throws: broken files give problems `graph-cycle`,
 * `invalid-attribute`, `shape-mismatch`, `shape-contradiction`, `function-recursion` and
 * `function-expansion-limit`, and unknown types behind them.
 */
export function inferShapes(
  model: Model,
  sink: ProblemSink,
  options: { readonly dims?: ReadonlyMap<string, number> } = {},
): Scope {
  const run = createRun(model, sink, options.dims);
  const frame: Frame = {
    body: model.graph,
    opsets: model.opsets,
    parent: null,
    path: 'main',
    call: new Map(),
    callStack: [],
    depth: 0,
    isSpeculative: false,
  };
  const scope = openScope(run, frame);
  const { graph } = model;
  for (const { name, type } of graph.inputs) {
    const inferred = fromDeclared(type, run.bindings);
    scope.types.set(name, withInputSymbols(run, name, inferred));
  }
  addInitializers(run, scope, graph);
  evaluateNodes(run, frame, scope);
  return scope;
}

/** Subgraphs and calls inside each other; the reader allows no more either. */
const maximumDepth = 100;

function withInputSymbols(run: Run, name: string, type: InferredType): InferredType {
  if (type.kind !== 'tensor' || !type.shape) return type;
  const shape = type.shape.map((dim, axis) => dim ?? run.inputSymbol(`${name}.${axis}`));
  return { kind: 'tensor', dtype: type.dtype, shape };
}

function evaluateNodes(run: Run, frame: Frame, scope: OpenScope): void {
  const evaluated = scope.prepared.order.sorted.length;
  // One for all nodes of the scope: a body inside has its own while this one stands still.
  const context = createContext(run, frame, scope);
  for (const [position, node] of scope.nodes.entries()) {
    const isCyclic = position >= evaluated;
    moveTo(context, node, run, frame, scope);
    const outputs = isCyclic ? noTypes : inferNode(run, frame, scope, context);
    const types = outputTypes(run, frame, scope, context, outputs);
    if (!isCyclic) keepConstants(run, scope, context, types);
  }
}

const noTypes: readonly InferredType[] = [];

/** What is known of the node's outputs, which the scope keeps. */
function outputTypes(
  run: Run,
  frame: Frame,
  scope: OpenScope,
  context: NodeContext,
  inferred: readonly InferredType[],
): readonly InferredType[] {
  const { node } = context;
  const types: InferredType[] = [];
  for (let index = 0; index < node.outputs.length; index++) {
    const number = numberAt(scope.numbers.outputs, node, index);
    if (number < 0) {
      types.push(unknownType);
      continue;
    }
    const own = refined(run, frame, scope, node, number, possible(context, inferred[index]));
    const type = run.shared(run.affordable(own));
    if (!scope.types.at(number)) scope.types.put(number, type);
    types.push(type);
  }
  return types;
}

/** The type without a shape that no tensor has: whatever an operator computed, sizes are sizes. */
function possible(context: NodeContext, type: InferredType = unknownType): InferredType {
  if (type.kind === 'sequence' || type.kind === 'optional') {
    return { kind: type.kind, element: possible(context, type.element) };
  }
  if (type.kind !== 'tensor' || !type.shape) return type;
  let isPossible = true;
  for (let axis = 0; axis < type.shape.length; axis++) {
    isPossible &&= sizeOrProblem(context, type.shape[axis] ?? null, axis) !== undefined;
  }
  if (isPossible && type.shape.length <= maximumRank) return type;
  return { kind: 'tensor', dtype: type.dtype, shape: null };
}

/** Inferred and declared type together; function calls and operators alike. */
function refined(
  run: Run,
  frame: Frame,
  scope: OpenScope,
  node: Node,
  number: number,
  inferred: InferredType,
): InferredType {
  const infos = scope.prepared.declared.at(number);
  if (!infos) return inferred;
  let type = inferred;
  for (const info of infos) {
    const declared = fromDeclared(info.type, run.bindings);
    type = refine(type, declared, run.isPlaceholder, (message) => {
      run.report({
        code: 'shape-contradiction',
        severity: 'warning',
        message: `${node.opType} output is ${message}`,
        where: placeOf(frame, node),
      });
    });
  }
  return type;
}

function inferNode(
  run: Run,
  frame: Frame,
  scope: OpenScope,
  context: NodeContext,
): readonly InferredType[] {
  const { node } = context;
  if (run.functions.size > 0) {
    const key = functionKey(node);
    const definition = run.functions.get(key);
    if (definition) return callFunction(run, frame, scope, node, definition, key);
  }
  return operatorFor(node)?.(context) ?? noTypes;
}

function keepConstants(
  run: Run,
  scope: OpenScope,
  context: NodeContext,
  types: readonly InferredType[],
): void {
  const { node } = context;
  const evaluator = evaluatorFor(node);
  if (!evaluator || scope.children.has(node)) return;
  let work = 1;
  for (let index = 0; index < node.inputs.length; index++) {
    const constant = context.constant(index);
    // By its shape: asking for the values would decode them.
    if (constant) work += elementCount(constant.shape);
  }
  if (!run.affordsElements(work)) return;
  const constants = evaluator(context, types);
  for (const [index, constant] of constants.entries()) {
    const number = numberAt(scope.numbers.outputs, node, index);
    const type = types[index];
    if (!constant || number < 0 || scope.constants.at(number)) continue;
    if (type?.kind !== 'tensor' || !type.shape) continue;
    const isWhole = product(type.shape) === constant.values.length;
    if (isWhole && run.affordsElements(constant.values.length))
      scope.constants.put(number, constant);
  }
}

/** Newest ai.onnx opset we know: for files that import none although their format demands it. */
const newestOpset = 28;

function opsetOf(run: Run, frame: Frame, node: Node): number {
  const domain = normalizeDomain(node.domain);
  const version = frame.opsets.get(domain) ?? run.model.opsets.get(domain);
  if (version !== undefined) return version;
  if (domain !== '') return 1;
  // Files before IR 3 have no imports and mean opset 1.
  return run.model.irVersion !== null && run.model.irVersion < 3 ? 1 : newestOpset;
}

/** The context of the node that inference is at. */
interface MovingContext extends Omit<NodeContext, 'node' | 'opset' | 'inputs'> {
  node: Node;
  opset: number;
  inputs: readonly InferredType[];
}

function moveTo(
  context: MovingContext,
  node: Node,
  run: Run,
  frame: Frame,
  scope: OpenScope,
): void {
  const inputs: InferredType[] = [];
  for (let index = 0; index < node.inputs.length; index++) {
    inputs.push(typeAt(scope, numberAt(scope.numbers.inputs, node, index)));
  }
  context.node = node;
  context.opset = opsetOf(run, frame, node);
  context.inputs = inputs;
}

const noNode: Node = {
  index: -1,
  name: '',
  path: '',
  opType: '',
  domain: '',
  overload: '',
  inputs: [],
  outputs: [],
  attributes: new Map(),
  docString: '',
  metadata: new Map(),
};

function createContext(run: Run, frame: Frame, scope: OpenScope): MovingContext {
  const problem = (code: string, message: string): void => {
    if (frame.isSpeculative) return;
    const { node } = context;
    run.report({
      code,
      severity: 'error',
      message: `${node.opType}: ${message}`,
      where: placeOf(frame, node),
    });
  };
  const context: MovingContext = {
    node: noNode,
    opset: 0,
    inputs: noTypes,
    constant(input) {
      return constantAt(scope, numberAt(scope.numbers.inputs, context.node, input));
    },
    fresh(output, axis, part = '') {
      const { node } = context;
      const name = node.outputs[output] ?? '';
      if (name === '') return null;
      return run.placeholder(
        `${name}.${axis}${part}`,
        JSON.stringify([frame.path, node.index, output, axis, part]),
      );
    },
    invalid(message) {
      problem('invalid-attribute', message);
    },
    mismatch(message) {
      problem('shape-mismatch', message);
    },
    runBody: (request) => runBody(run, frame, scope, context.node, request),
    setChildren(children) {
      scope.children.set(context.node, children);
    },
    keepConstant(output, constant) {
      const name = context.node.outputs[output] ?? '';
      if (constant && name !== '' && !scope.constants.has(name)) {
        scope.constants.set(name, constant);
      }
    },
  };
  return context;
}

function runBody(
  run: Run,
  frame: Frame,
  scope: OpenScope,
  node: Node,
  request: BodyRequest,
): BodyResult | null {
  const { graph, role } = request;
  if (frame.depth >= maximumDepth) return null;
  const { names } = valueNumbers(graph);
  if (!run.enterScope(graph.nodes.length + graph.initializers.length, names.length)) return null;
  const inner: Frame = {
    ...frame,
    body: graph,
    parent: scope,
    path: childPath(run, frame, node, request.attribute),
    depth: frame.depth + 1,
    isSpeculative: frame.isSpeculative || request.isSpeculative === true,
  };
  const child = openScope(run, inner);
  for (const [index, { name, type }] of graph.inputs.entries()) {
    const given = request.inputs[index] ?? unknownType;
    const declared = fromDeclared(type, run.bindings);
    // What the caller passes is certain; the subgraph's own declaration only fills gaps.
    child.types.set(
      name,
      refine(
        given,
        declared,
        () => false,
        () => undefined,
      ),
    );
    const constant = request.constants?.[index];
    if (constant) child.constants.set(name, constant);
  }
  addInitializers(run, child, graph);
  evaluateNodes(run, inner, child);
  return {
    outputs: graph.outputs.map(({ name }) => typeOf(child, name)),
    constants: graph.outputs.map(({ name }) => constantOf(child, name)),
    child: (tripCount) => ({ role, scope: child, tripCount }),
  };
}

/** Evaluates a model-local function for this call; its outputs are the call's, by position. */
function callFunction(
  run: Run,
  frame: Frame,
  scope: OpenScope,
  node: Node,
  definition: ModelFunction,
  key: string,
): readonly InferredType[] {
  if (frame.callStack.includes(key)) {
    run.report({
      code: 'function-recursion',
      severity: 'error',
      message: 'a function calls itself, which ONNX forbids; the call is not analysed.',
      where: placeOf(frame, node),
    });
    return [];
  }
  const { names } = valueNumbers(definition);
  if (frame.depth >= maximumDepth) return [];
  if (!run.enterScope(definition.nodes.length, names.length)) return [];
  const inner: Frame = {
    body: definition,
    opsets: definition.opsets,
    parent: null,
    path: childPath(run, frame, node, definition.name),
    call: callAttributes(node, definition),
    callStack: [...frame.callStack, key],
    depth: frame.depth + 1,
    isSpeculative: frame.isSpeculative,
  };
  const child = openScope(run, inner);
  for (const [index, name] of definition.inputs.entries()) {
    const from = node.inputs[index] ?? '';
    if (from === '' || name === '') continue;
    child.types.set(name, typeOf(scope, from));
    const constant = constantOf(scope, from);
    if (constant) child.constants.set(name, constant);
  }
  evaluateNodes(run, inner, child);
  scope.children.set(node, [{ role: 'function', scope: child, tripCount: 1 }]);
  for (const [index, name] of definition.outputs.entries()) {
    const constant = constantOf(child, name);
    const to = node.outputs[index] ?? '';
    if (constant && to !== '' && !scope.constants.has(to)) scope.constants.set(to, constant);
  }
  return definition.outputs.map((name) => typeOf(child, name));
}
