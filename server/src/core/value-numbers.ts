import type { Graph, ModelFunction, Node } from './graph';

/**
 * A number for every value that a graph or function body mentions, in the order inputs, initializers, nodes, outputs.
 * Passes over a large graph index arrays by them: one map by name per pass took more time than the passes themselves.
 */
export interface ValueNumbers {
  /** By number. The empty name, which stands for "left out", has none. */
  readonly names: readonly string[];
  /** -1 for a name that the body does not mention. */
  readonly numberOf: (name: string) => number;
  readonly inputs: NumberRows;
  readonly outputs: NumberRows;
  /** By position in `Graph.initializers`; none in functions. */
  readonly initializers: Int32Array;
}

/** The value numbers of each node, by `Node.index`, one list behind the other; -1 for an empty name. */
export interface NumberRows {
  /** Node `n` has the numbers from `starts[n]` up to `starts[n + 1]`. */
  readonly starts: Int32Array;
  readonly numbers: Int32Array;
}

const numbersByBody = new WeakMap<Graph | ModelFunction, ValueNumbers>();

/** The numbers of a body: made once, the same for all of its evaluations. */
export function valueNumbers(body: Graph | ModelFunction): ValueNumbers {
  const known = numbersByBody.get(body);
  if (known) return known;
  const made = numberValues(body);
  numbersByBody.set(body, made);
  return made;
}

function numberValues(body: Graph | ModelFunction): ValueNumbers {
  const names: string[] = [];
  const byName = new Map<string, number>();
  const numberFor = (name: string): number => {
    if (name === '') return -1;
    const known = byName.get(name);
    if (known !== undefined) return known;
    byName.set(name, names.length);
    return names.push(name) - 1;
  };
  for (const input of body.inputs) numberFor(nameOf(input));
  let initializers = noNumbers;
  if ('initializerByName' in body) {
    initializers = Int32Array.from(body.initializers, ({ name }) => numberFor(name));
    for (const { values } of body.sparseInitializers) numberFor(values.name);
  }
  const { nodes } = body;
  const inputs = emptyRows(nodes, (node) => node.inputs);
  const outputs = emptyRows(nodes, (node) => node.outputs);
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index];
    if (!node) continue;
    fillRow(inputs, index, node.inputs, numberFor);
    fillRow(outputs, index, node.outputs, numberFor);
  }
  for (const output of body.outputs) numberFor(nameOf(output));
  return { names, numberOf: (name) => byName.get(name) ?? -1, inputs, outputs, initializers };
}

const noNumbers = new Int32Array(0);

function nameOf(value: string | { readonly name: string }): string {
  return typeof value === 'string' ? value : value.name;
}

function emptyRows(
  nodes: readonly Node[],
  namesOf: (node: Node) => readonly string[],
): { starts: Int32Array; numbers: Int32Array } {
  const starts = new Int32Array(nodes.length + 1);
  let total = 0;
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index];
    if (node) total += namesOf(node).length;
    starts[index + 1] = total;
  }
  return { starts, numbers: new Int32Array(total) };
}

function fillRow(
  { starts, numbers }: NumberRows,
  row: number,
  names: readonly string[],
  numberFor: (name: string) => number,
): void {
  const start = starts[row] ?? 0;
  for (let index = 0; index < names.length; index++) {
    numbers[start + index] = numberFor(names[index] ?? '');
  }
}

/** Value number of entry `index` of a node's list; -1 where it is left out or the list is shorter. */
export function numberAt({ starts, numbers }: NumberRows, node: Node, index: number): number {
  const at = (starts[node.index] ?? 0) + index;
  return at < (starts[node.index + 1] ?? 0) ? (numbers[at] ?? -1) : -1;
}

/** Something known of the values of one body: by number in passes, by name for whoever asks about one. */
export class ValueTable<T> {
  /** Null until something is known: most scopes of a function know nothing in some of their tables. */
  #values: (T | undefined)[] | null = null;
  readonly #numbers: ValueNumbers;

  constructor(numbers: ValueNumbers) {
    this.#numbers = numbers;
  }

  /** @param number -1 for none, which has nothing */
  at(number: number): T | undefined {
    return number < 0 ? undefined : this.#values?.[number];
  }

  put(number: number, value: T): void {
    if (number < 0) return;
    this.#values ??= this.#numbers.names.map(() => undefined);
    this.#values[number] = value;
  }

  get(name: string): T | undefined {
    return this.at(this.#numbers.numberOf(name));
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  set(name: string, value: T): void {
    this.put(this.#numbers.numberOf(name), value);
  }

  /** Names that something is known of, in the order of their numbers. */
  *[Symbol.iterator](): Generator<[name: string, value: T]> {
    for (const [number, name] of this.#numbers.names.entries()) {
      const value = this.at(number);
      if (value !== undefined) yield [name, value];
    }
  }
}
