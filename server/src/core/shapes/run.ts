import { normalizeDomain } from '../graph';
import type { Model, ModelFunction, Node, Tensor } from '../graph';
import type { Problem, ProblemSink } from '../problem';
import { symbol } from './symbolic';
import type { Dim } from './symbolic';
import { constantOfTensor } from './tensor-constants';
import { createTypeTable } from './type-table';
import type { ConstantValue, InferredType } from './types';
import { elementCount } from './values/common';

/** State of one inference: names handed out, caps left, problems said. */
export interface Run {
  readonly model: Model;
  readonly bindings: ReadonlyMap<string, number>;
  readonly functions: ReadonlyMap<string, ModelFunction>;
  /** A symbol for a data-dependent dim; the same owner gets the same one again. */
  placeholder(name: string, owner: string): Dim;
  /** A symbol for an unnamed dim of a graph input, `x.0`. */
  inputSymbol(name: string): Dim;
  readonly isPlaceholder: (dim: Dim) => boolean;
  /** A scope path that no other owner has. */
  claimPath(path: string, owner: string): string;
  /** False when the caps on scopes, nodes or names forbid to evaluate that much more. */
  enterScope(nodeCount: number, nameCount: number): boolean;
  constantOf(tensor: Tensor): ConstantValue | undefined;
  /** False when the elements of all stored tensors that were kept as values have become too many. */
  affordsStored(constant: ConstantValue): boolean;
  /** False when the elements that evaluators read and made have become too many to go on. */
  affordsElements(count: number): boolean;
  /** The type, or its rank with unknown dims when the expressions together became too long. */
  affordable(type: InferredType): InferredType;
  /** One object for all tensors of the same element type and dims. */
  shared(type: InferredType): InferredType;
  report(problem: Problem): void;
}

/** Function bodies and subgraphs evaluated; ten levels of ten calls each would be 10^10 of them. */
const maximumScopes = 20_000;
/** Nodes evaluated below the main graph, repeated rounds of loop bodies included. */
const maximumExpandedNodes = 20_000;
/** Names of values below the main graph, in all evaluations together: each scope has tables as long as its names. */
const maximumExpandedNames = 1_000_000;
/** Elements of known values, read or made: 4096 per node times the nodes of a file is too much. */
const maximumTotalElements = 4_000_000;
/** Characters of all expressions in types together. */
const maximumTotalText = 64_000_000;
/** Distinct problems remembered, so that a loop body's second round does not repeat them. */
const maximumRemembered = 1000;
const maximumMessageLength = 120;

export function createRun(
  model: Model,
  sink: ProblemSink,
  dims: ReadonlyMap<string, number> | undefined,
): Run {
  const bindings = new Map([...(dims ?? [])].filter(([, size]) => isSize(size)));
  const names = createClaims(declaredNames(model));
  const paths = createClaims([]);
  const placeholders = new Set<string>();
  const tensors = new WeakMap<Tensor, { readonly value: ConstantValue | undefined }>();
  const said = new Set<string>();
  let [scopes, nodes, expandedNames, stored, elements, characters] = [0, 0, 0, 0, 0, 0];

  const report = (problem: Problem): void => {
    const { where = '' } = problem;
    const key = `${problem.code}\n${where}\n${problem.message}`;
    if (said.has(key) || said.size >= maximumRemembered) return;
    said.add(key);
    sink.add({ ...problem, message: shortened(problem.message) });
  };

  return {
    model,
    bindings,
    functions: functionsByKey(model.functions),
    report,
    placeholder(name, owner) {
      const unique = names.claim(name, owner);
      const bound = bindings.get(unique);
      if (bound !== undefined) return bound;
      const dim = symbol(unique);
      if (dim !== null && typeof dim !== 'number') placeholders.add(dim.text);
      return dim;
    },
    inputSymbol(name) {
      const unique = names.claim(name, `input ${name}`);
      return bindings.get(unique) ?? symbol(unique);
    },
    isPlaceholder: (dim) => dim !== null && typeof dim !== 'number' && placeholders.has(dim.text),
    claimPath: (path, owner) => paths.claim(path, owner),
    enterScope(nodeCount, nameCount) {
      scopes++;
      nodes += nodeCount;
      expandedNames += nameCount;
      const isAffordable =
        scopes <= maximumScopes &&
        nodes <= maximumExpandedNodes &&
        expandedNames <= maximumExpandedNames;
      if (isAffordable) return true;
      report({
        code: 'function-expansion-limit',
        severity: 'warning',
        message: `functions and subgraphs expand beyond ${maximumExpandedNodes} nodes; the rest is not analysed.`,
      });
      return false;
    },
    constantOf(tensor) {
      const known = tensors.get(tensor);
      if (known) return known.value;
      const value = constantOfTensor(tensor);
      tensors.set(tensor, { value });
      return value;
    },
    affordsStored(constant) {
      stored += elementCount(constant.shape);
      return stored <= maximumTotalElements;
    },
    affordsElements(count) {
      elements += count;
      return elements <= maximumTotalElements;
    },
    shared: createTypeTable(),
    affordable(type) {
      if (type.kind !== 'tensor' || !type.shape) return type;
      for (const dim of type.shape) {
        if (dim !== null && typeof dim !== 'number') characters += dim.text.length;
      }
      if (characters <= maximumTotalText) return type;
      const shape = type.shape.map((dim) => (typeof dim === 'number' ? dim : null));
      return { kind: 'tensor', dtype: type.dtype, shape };
    },
  };
}

export function functionKey(node: Pick<Node, 'domain' | 'opType' | 'overload'>): string {
  return JSON.stringify([normalizeDomain(node.domain), node.opType, node.overload]);
}

function functionsByKey(functions: readonly ModelFunction[]): ReadonlyMap<string, ModelFunction> {
  const byKey = new Map<string, ModelFunction>();
  for (const definition of functions) {
    const { domain, name, overload } = definition;
    const key = functionKey({ domain, opType: name, overload });
    if (!byKey.has(key)) byKey.set(key, definition);
  }
  return byKey;
}

function isSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

/** Symbols that the file declares: derived names must not collide with them. */
function declaredNames(model: Model): ReadonlySet<string> {
  const { inputs, outputs, valueInfos } = model.graph;
  const names = new Set<string>();
  for (const { type } of [...inputs, ...outputs, ...valueInfos]) {
    if (type.kind !== 'tensor') continue;
    for (const dim of type.dims ?? []) if (typeof dim === 'string') names.add(dim);
  }
  return names;
}

/** Gives each owner a name of its own: the wanted one, or with `_2`, `_3` … appended. */
function createClaims(taken: Iterable<string>): { claim(wanted: string, owner: string): string } {
  const used = new Set(taken);
  const byOwner = new Map<string, string>();
  const counts = new Map<string, number>();
  return {
    claim(wanted, owner) {
      const known = byOwner.get(owner);
      if (known !== undefined) return known;
      let count = counts.get(wanted) ?? 1;
      let name = wanted;
      while (used.has(name)) name = `${wanted}_${++count}`;
      counts.set(wanted, count);
      used.add(name);
      byOwner.set(owner, name);
      return name;
    },
  };
}

function shortened(message: string): string {
  if (message.length <= maximumMessageLength) return message;
  return `${message.slice(0, maximumMessageLength - 1)}…`;
}
