import { pathPart, type Graph, type ModelFunction, type Node, type ValueInfo } from '../graph';
import { valueNumbers, ValueTable, type ValueNumbers } from '../value-numbers';
import { tensor as tensorType } from './ops/common';
import { orderNodes } from './order';
import type { NodeOrder } from './order';
import { resolveReferences } from './references';
import type { CallAttributes } from './references';
import type { Run } from './run';
import { constantOfTensor, typeOfTensor } from './tensor-constants';
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
  readonly types: ValueTable<InferredType>;
  readonly constants: ValueTable<ConstantValue>;
  readonly children: Map<Node, readonly ChildScope[]>;
  readonly prepared: PreparedBody;
}

/** What a body's evaluations share. */
interface PreparedBody {
  readonly numbers: ValueNumbers;
  readonly order: NodeOrder;
  /** By value number. Names that only a declaration mentions have none and nobody asks for them. */
  readonly declared: ValueTable<readonly ValueInfo[]>;
}

const preparedBodies = new WeakMap<Graph | ModelFunction, PreparedBody>();

function prepare(body: Graph | ModelFunction): PreparedBody {
  const known = preparedBodies.get(body);
  if (known) return known;
  const numbers = valueNumbers(body);
  const declared = new ValueTable<ValueInfo[]>(numbers);
  const infos = isGraph(body) ? [body.valueInfos, body.outputs] : [body.valueInfos];
  for (const info of infos.flat()) {
    const number = numbers.numberOf(info.name);
    const list = declared.at(number);
    if (list) list.push(info);
    else declared.put(number, [info]);
  }
  const prepared = { numbers, order: orderNodes(body, numbers), declared };
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
    numbers: prepared.numbers,
    types: new ValueTable(prepared.numbers),
    constants: new ValueTable(prepared.numbers),
    sizes: new ValueTable(prepared.numbers),
    children: new Map(),
    prepared,
  };
}

/** Types from the stored tensors: they are real where a declared input type may be a guess. */
export function addInitializers(run: Run, scope: OpenScope, graph: Graph): void {
  const { initializers, initializerByName } = graph;
  const isUnique = initializerByName.size === initializers.length;
  const isMain = graph === run.model.graph;
  for (let index = 0; index < initializers.length; index++) {
    const tensor = initializers[index];
    // Of two with one name the first counts.
    if (!tensor || (!isUnique && initializerByName.get(tensor.name) !== tensor)) continue;
    const number = scope.numbers.initializers[index] ?? -1;
    scope.types.put(number, run.shared(typeOfTensor(tensor)));
    // The main graph is evaluated once: nobody asks for its tensors again.
    const constant = isMain ? constantOfTensor(tensor) : run.constantOf(tensor);
    if (constant && run.affordsStored(constant)) scope.constants.put(number, constant);
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
