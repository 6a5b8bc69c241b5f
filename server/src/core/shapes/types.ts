import type { DataType } from '../dtype';
import type { Graph, ModelFunction, Node } from '../graph';
import type { ValueNumbers, ValueTable } from '../value-numbers';
import type { Dim } from './symbolic';

/** What inference knows of a value. `dtype` or `shape` null: not known; a null entry of `shape`: that dim is not known. */
export type InferredType =
  | {
      readonly kind: 'tensor' | 'sparse-tensor';
      readonly dtype: DataType | null;
      readonly shape: readonly Dim[] | null;
    }
  | { readonly kind: 'sequence' | 'optional'; readonly element: InferredType }
  | { readonly kind: 'map'; readonly keyType: DataType | null; readonly value: InferredType }
  | { readonly kind: 'unknown' };

/**
 * Elements of a small tensor that are known before the model runs, symbolic for shapes: null entries
 * are not known. Integers beyond the safe range are clamped into it (INT64_MAX means "to the end"),
 * booleans are 0 and 1, floats are rounded to the precision of their dtype.
 */
export interface ConstantValue {
  readonly dtype: DataType;
  /** Row-major; its length is the product of `shape`. */
  readonly values: readonly Dim[];
  readonly shape: readonly number[];
}

/** One evaluation of a graph, subgraph or function body. A function called twice has two scopes. */
export interface Scope {
  /** `main`, `main/loop_1/body`, `main/call_3/MyFunction`: prefix of its nodes' work items; unique. */
  readonly path: string;
  /** The scope whose names a subgraph sees; null for the main graph and for function bodies. */
  readonly parent: Scope | null;
  /** What is evaluated here: initializers and declared types are found in it. */
  readonly body: Graph | ModelFunction;
  /** Domain → version that holds for these nodes. */
  readonly opsets: ReadonlyMap<string, number>;
  /**
   * In an order in which every node follows its inputs' producers; cycles come last, uninferred.
   * In function bodies these are copies where `refName` attributes were replaced by the caller's.
   */
  readonly nodes: readonly Node[];
  /** Of the names in `body`, which the tables below go by. */
  readonly numbers: ValueNumbers;
  /** Own inputs, initializers and node outputs; outer names are found through `parent`. */
  readonly types: ReadTable<InferredType>;
  readonly constants: ReadTable<ConstantValue>;
  /** Bytes of values, kept by whoever works them out first: every pass asks again. */
  readonly sizes: ValueTable<Dim>;
  /** Bodies a node runs: branches, loop bodies, the function it calls. Absent for other nodes. */
  readonly children: ReadonlyMap<Node, readonly ChildScope[]>;
}

export interface ChildScope {
  readonly role: 'then' | 'else' | 'body' | 'function';
  readonly scope: Scope;
  /**
   * How often the scope runs per run of the node; null when it cannot be known. The branches of an
   * If with known condition have 1 and 0, otherwise both have null although exactly one runs.
   */
  readonly tripCount: Dim;
}

export type ReadTable<T> = Pick<ValueTable<T>, 'at' | 'get' | 'has' | typeof Symbol.iterator>;

const unknownType: InferredType = { kind: 'unknown' };

/** The type of a value as seen from its scope, by number: for passes over all nodes. `typeOf` asks by name. */
export function typeAt(scope: Scope, number: number): InferredType {
  const own = scope.types.at(number);
  if (own) return own;
  if (!scope.parent || number < 0) return unknownType;
  return typeOf(scope.parent, scope.numbers.names[number] ?? '');
}

export function constantAt(scope: Scope, number: number): ConstantValue | undefined {
  const own = scope.constants.at(number);
  if (own || !scope.parent || number < 0 || scope.types.at(number)) return own;
  return constantOf(scope.parent, scope.numbers.names[number] ?? '');
}

/** The shape of a tensor value, or null when its rank is not known. */
export function shapeAt(scope: Scope, number: number): readonly Dim[] | null {
  const type = typeAt(scope, number);
  return type.kind === 'tensor' ? type.shape : null;
}

export function dtypeAt(scope: Scope, number: number): DataType | null {
  const type = typeAt(scope, number);
  return type.kind === 'tensor' ? type.dtype : null;
}

/** The type of a name as seen from this scope (inner first, then the enclosing ones). */
export function typeOf(scope: Scope, name: string): InferredType {
  for (let at: Scope | null = scope; at; at = at.parent) {
    const type = at.types.get(name);
    if (type) return type;
  }
  return unknownType;
}

export function constantOf(scope: Scope, name: string): ConstantValue | undefined {
  for (let at: Scope | null = scope; at; at = at.parent) {
    const value = at.constants.get(name);
    if (value) return value;
    if (at.types.has(name)) return undefined;
  }
  return undefined;
}

export function dtypeOf(scope: Scope, name: string): DataType | null {
  const type = typeOf(scope, name);
  return type.kind === 'tensor' ? type.dtype : null;
}
