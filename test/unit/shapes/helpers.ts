import { createProblemSink } from '../../../server/src/core/problem';
import { inferShapes } from '../../../server/src/core/shapes/infer';
import { shapeText } from '../../../server/src/core/shapes/ops/common';
import { dimText } from '../../../server/src/core/shapes/symbolic';
import { constantOf, typeOf } from '../../../server/src/core/shapes/types';
import type { InferredType, Scope } from '../../../server/src/core/shapes/types';
import { model } from '../../support/model';
import type { ModelInput, NodeInput, TypeText } from '../../support/model';

export interface Inferred {
  readonly scope: Scope;
  /** `float32[N, 3]` of a value of the main graph. */
  readonly type: (name: string) => string;
  /** Elements known before the run, `2,N,?`; undefined when none are. */
  readonly values: (name: string) => string | undefined;
  /** Codes of the problems, in order. */
  readonly problems: readonly string[];
  readonly messages: readonly string[];
}

export function infer(input: ModelInput, dims?: Readonly<Record<string, number>>): Inferred {
  const sink = createProblemSink();
  const options = dims ? { dims: new Map(Object.entries(dims)) } : {};
  const scope = inferShapes(model(input), sink, options);
  return {
    scope,
    type: (name) => typeText(typeOf(scope, name)),
    values: (name) => constantOf(scope, name)?.values.map(dimText).join(),
    problems: sink.problems.map((problem) => problem.code),
    messages: sink.problems.map((problem) => problem.message),
  };
}

/** One node on these inputs: constants are given as tensors, everything else as types. */
export interface NodeCase extends Omit<NodeInput, 'outputs' | 'inputs'> {
  readonly on: readonly (TypeText | NonNullable<ModelInput['initializers']>[string] | null)[];
  readonly opset?: number;
  /** Types of the outputs, as `type` prints them; `-` is not looked at. */
  readonly gives: readonly string[];
}

/** Infers a model of this one node and returns its outputs' types. */
export function inferNode(
  row: Omit<NodeCase, 'gives'>,
  outputs: number,
): Inferred & {
  readonly outputs: readonly string[];
} {
  const inputs: Record<string, TypeText> = {};
  const initializers: Record<string, NonNullable<ModelInput['initializers']>[string]> = {};
  const names = row.on.map((input, index) => {
    const name = `i${index}`;
    if (input === null) return '';
    if (typeof input === 'string') inputs[name] = input;
    else initializers[name] = input;
    return name;
  });
  const outputNames = Array.from({ length: outputs }, (_, index) => `y${index}`);
  const { op, attributes = {} } = row;
  const inferred = infer({
    inputs,
    initializers,
    nodes: [{ op, attributes, inputs: names, outputs: outputNames }],
    ...(row.opset === undefined ? {} : { opset: row.opset }),
  });
  return { ...inferred, outputs: outputNames.map(inferred.type) };
}

export function typeText(type: InferredType): string {
  switch (type.kind) {
    case 'tensor':
      return `${type.dtype ?? '?'}${type.shape ? shapeText(type.shape) : ''}`;
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeText(type.element)})`;
    case 'map':
      return `map(${type.keyType ?? '?'}, ${typeText(type.value)})`;
    default:
      return type.kind;
  }
}
