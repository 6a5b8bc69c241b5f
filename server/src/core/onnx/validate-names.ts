import type { Graph, ModelFunction } from '../graph';
import type { ProblemSink } from '../problem';
import { valueNumbers, type ValueNumbers } from '../value-numbers';
import { report } from './validate-report';

/** Longer names are legal but break editors, logs and other readers. */
const maxNameLength = 10_000;

/** Control characters, bidirectional overrides, and what may start markup: one test for the common name. */
// eslint-disable-next-line no-control-regex -- finding control characters is the point
const suspicious = /[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069<>(]/;
// eslint-disable-next-line no-control-regex -- as above
const control = /[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]/;
const markup = /[<>]|\]\(/;

/** Names that are legal but misleading or harmful where they are shown. */
export function checkName(name: string, where: string, sink: ProblemSink): void {
  if (name.length > maxNameLength) {
    report(
      sink,
      { code: 'long-name', severity: 'warning', where, name },
      (shown) =>
        `The name "${shown}" has ${name.length} characters; editors and runtimes choke on it.`,
    );
  }
  if (!suspicious.test(name)) return;
  if (control.test(name)) {
    report(
      sink,
      { code: 'control-characters', severity: 'warning', where, name },
      (shown) => `The name "${shown}" has control characters, which can falsify logs; rename it.`,
    );
  } else if (markup.test(name)) {
    report(
      sink,
      { code: 'markup-in-name', severity: 'info', where, name },
      (shown) => `The name "${shown}" contains markup; it is shown as plain text.`,
    );
  }
}

/** The values that a graph or function defines, and how far the check has come in it. */
export interface NameScope {
  readonly numbers: ValueNumbers;
  /** By value number: position of the node that makes it, `given` for inputs and initializers, or `undefinedYet`. */
  readonly positions: Int32Array;
  /** Position of the node being checked, whose subgraphs see only what was made before. */
  at: number;
}

/** Position of inputs and initializers: before all nodes. */
export const given = -1;
const undefinedYet = -2;

export function createScope(body: Graph | ModelFunction): NameScope {
  const numbers = valueNumbers(body);
  return { numbers, positions: new Int32Array(numbers.names.length).fill(undefinedYet), at: -1 };
}

/** Position of a value in this scope; null when it does not define it. */
export function positionOf({ numbers, positions }: NameScope, name: string): number | null {
  return definedAt(positions, numbers.numberOf(name));
}

export function definedAt(positions: Int32Array, number: number): number | null {
  const position = positions[number] ?? undefinedYet;
  return position === undefinedYet ? null : position;
}

/** Defines a value of the innermost scope; reports empty and repeated names and those of enclosing graphs. */
export function defineValue(
  name: string,
  what: 'graph input' | 'output',
  position: number,
  scopes: readonly NameScope[],
  where: string,
  sink: ProblemSink,
  knownNumber?: number,
): void {
  const scope = scopes[scopes.length - 1];
  if (!scope) return;
  if (name === '') {
    report(
      sink,
      { code: 'empty-name', severity: 'error', where, name },
      () => `A ${what} has an empty name, so nothing can read it.`,
    );
    return;
  }
  const { positions, numbers } = scope;
  const number = knownNumber ?? numbers.numberOf(name);
  const isAgain = definedAt(positions, number) !== null;
  positions[number] = position;
  if (isAgain) {
    report(
      sink,
      { code: 'duplicate-value', severity: 'error', where, name },
      (shown) => `The value "${shown}" is defined twice; ONNX allows one.`,
    );
  } else {
    // An input that hides an outer value runs; a node output that does is refused by ONNX Runtime.
    checkShadowed(name, position < 0 ? 'warning' : 'error', scopes, where, sink);
  }
  checkName(name, where, sink);
}

/** A name in a subgraph must differ from every one that it could mean from outside. */
export function checkShadowed(
  name: string,
  severity: 'warning' | 'error',
  scopes: readonly NameScope[],
  where: string,
  sink: ProblemSink,
): void {
  for (let depth = scopes.length - 2; depth >= 0; depth--) {
    const outer = scopes[depth];
    const position = outer ? positionOf(outer, name) : null;
    if (!outer || position === null || position >= outer.at) continue;
    report(
      sink,
      { code: 'shadowed-name', severity, where, name },
      (shown) => `"${shown}" in a subgraph hides the outer value of that name; rename one of them.`,
    );
    return;
  }
}
