import { pathPart, type Graph, type ModelFunction, type Node, type ValueInfo } from '../graph';
import { tensor as tensorType } from './ops/common';
import { orderNodes } from './order';
import type { NodeOrder } from './order';
import { resolveReferences } from './references';
import type { CallAttributes } from './references';
import type { Run } from './run';
import { typeOfTensor } from './tensor-constants';
import type { ChildScope, ConstantValue, InferredType, Scope } from './types';

/** Where an evaluation stands: what encloses the scope and what its attribute references mean. */
export interface Frame {
  readonly body: Graph | ModelFunction;
  readonly opsets: ReadonlyMap<string, number>;
  readonly parent: Scope | null;
  readonly path: string;
  readonly call: CallAttributes;
  /** Keys of the functions being expanded, outermost first. */
  readonly callStack: readonly string[];
  readonly depth: number;
  /** Inside a branch that may never run. */
  readonly isSpeculative: boolean;
}

export interface OpenScope extends Scope {
  readonly types: Map<string, InferredType>;
  readonly constants: Map<string, ConstantValue>;
  readonly children: Map<Node, readonly ChildScope[]>;
  readonly prepared: PreparedBody;
}

/** What a body's evaluations share. */
interface PreparedBody {
  readonly order: NodeOrder;
  readonly declared: ReadonlyMap<string, readonly ValueInfo[]>;
}

const preparedBodies = new WeakMap<Graph | ModelFunction, PreparedBody>();

function prepare(body: Graph | ModelFunction): PreparedBody {
  const known = preparedBodies.get(body);
  if (known) return known;
  const given = new Set<string>();
  for (const input of body.inputs) given.add(typeof input === 'string' ? input : input.name);
  if (isGraph(body)) for (const name of body.initializerByName.keys()) given.add(name);
  const declared = new Map<string, ValueInfo[]>();
  const infos = isGraph(body) ? [...body.valueInfos, ...body.outputs] : body.valueInfos;
  for (const info of infos) {
    const list = declared.get(info.name);
    if (list) list.push(info);
    else declared.set(info.name, [info]);
  }
  const prepared = { order: orderNodes(body.nodes, given), declared };
  preparedBodies.set(body, prepared);
  return prepared;
}

function isGraph(body: Graph | ModelFunction): body is Graph {
  return 'initializerByName' in body;
}

export function openScope(run: Run, frame: Frame): OpenScope {
  const prepared = prepare(frame.body);
  const { sorted, cyclic } = prepared.order;
  const inOrder = cyclic.length > 0 ? [...sorted, ...cyclic] : sorted;
  const nodes =
    frame.call.size > 0 || frame.callStack.length > 0
      ? inOrder.map((node) => resolveReferences(node, frame.call))
      : inOrder;
  const [first] = cyclic;
  if (first) {
    run.report({
      code: 'graph-cycle',
      severity: 'error',
      message: `${cyclic.length} nodes form a cycle or depend on one; they are not analysed.`,
      where: first.path,
    });
  }
  return {
    path: frame.path,
    parent: frame.parent,
    body: frame.body,
    opsets: frame.opsets,
    nodes,
    types: new Map(),
    constants: new Map(),
    children: new Map(),
    prepared,
  };
}

/** Types from the stored tensors: they are real where a declared input type may be a guess. */
export function addInitializers(run: Run, scope: OpenScope, graph: Graph): void {
  for (const [name, tensor] of graph.initializerByName) {
    scope.types.set(name, typeOfTensor(tensor));
    const constant = run.constantOf(tensor);
    if (constant && run.affordsStored(constant)) scope.constants.set(name, constant);
  }
  for (const { values, dims } of graph.sparseInitializers) {
    scope.types.set(values.name, tensorType(values.dtype, dims));
  }
}

/** Node paths are unique in the file; inside functions the scope tells which call it is. */
export function placeOf(frame: Frame, node: Node): string {
  return frame.callStack.length === 0 ? node.path : `${frame.path}/${pathPart(node)}`;
}

export function childPath(run: Run, frame: Frame, node: Node, last: string): string {
  return run.claimPath(
    `${frame.path}/${pathPart(node)}/${last}`,
    JSON.stringify([frame.path, node.index, last]),
  );
}
