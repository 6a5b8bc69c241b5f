import type { Graph, Node } from '../graph';
import type { ChildScope, ConstantValue, InferredType } from './types';
import type { Dim } from './symbolic';

export type Shape = readonly Dim[];

/** Infers the types of a node's outputs, in order; missing ones at the end are unknown. Never throws. */
export type InferOperator = (context: NodeContext) => readonly InferredType[];

/**
 * Computes outputs that are known before the model runs; `outputs` is what `InferOperator` said.
 * The result is dropped when its element count does not match the inferred shape.
 */
export type EvaluateOperator = (
  context: NodeContext,
  outputs: readonly InferredType[],
) => readonly (ConstantValue | undefined)[];

/**
 * Rows of a registry: names separated by spaces (`Relu Sigmoid`), optionally with their domain
 * (`com.microsoft::Gelu`), and the function for all of them.
 */
export type OperatorTable<F = InferOperator> = readonly (readonly [names: string, operator: F])[];

/** What an operator's function may know. */
export interface NodeContext {
  readonly node: Node;
  /** Version of the node's domain; the newest known one when the file imports none. */
  readonly opset: number;
  /** Kind `unknown` for an omitted input. */
  readonly inputs: readonly InferredType[];
  /** The value of an input when it is known before the model runs. */
  constant(input: number): ConstantValue | undefined;
  /**
   * A symbol for a dim that depends on data, named after the output and axis: `nonzero_3.1`.
   * The file's own declaration of this dim replaces it. With `part` it is a size inside of the node, `loop.0.in`.
   */
  fresh(output: number, axis: number, part?: string): Dim;
  /** An attribute (or attribute-like input) outside what the operator allows: `invalid-attribute`. */
  invalid(message: string): void;
  /** Inputs whose shapes do not fit together: `shape-mismatch`. */
  mismatch(message: string): void;
  /** Evaluates a subgraph of the node in a scope of its own; null when a cap forbids it. */
  runBody(request: BodyRequest): BodyResult | null;
  /** Makes these the node's child scopes. A loop body may be run several times: only the last counts. */
  setChildren(children: readonly ChildScope[]): void;
  /** Keeps a value that a body gave for one of the node's outputs. */
  keepConstant(output: number, constant: ConstantValue | undefined): void;
}

export interface BodyRequest {
  readonly graph: Graph;
  readonly role: ChildScope['role'];
  /** Name of the attribute that holds the graph: part of the scope's path. */
  readonly attribute: string;
  /** By position of the subgraph's inputs; further ones keep what the subgraph declares. */
  readonly inputs: readonly InferredType[];
  readonly constants?: readonly (ConstantValue | undefined)[];
  /** True when the body may never run: what does not fit in it is no problem of the model. */
  readonly isSpeculative?: boolean;
}

export interface BodyResult {
  readonly outputs: readonly InferredType[];
  readonly constants: readonly (ConstantValue | undefined)[];
  readonly child: (tripCount: Dim) => ChildScope;
}
