import type { Graph, ModelFunction, Node } from './graph';
import { NameTable } from './name-table';

/**
 * A number for every value that a graph or function body mentions. Passes over a large graph index arrays by them: one
 * map by name per pass took more time than the passes themselves.
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
  const nodes: NumberedNodes = {
    names: new NameTable(),
    nodeInputs: noRows(),
    nodeOutputs: noRows(),
  };
  for (const node of body.nodes) {
    addRow(nodes.nodeInputs, node.inputs, nodes.names);
    addRow(nodes.nodeOutputs, node.outputs, nodes.names);
  }
  return keepValueNumbers(body, nodes);
}

/** The names that the nodes of a body read and make, as they were numbered when it was read. */
export interface NumberedNodes {
  readonly names: NameTable;
  readonly nodeInputs: GrowingRows;
  readonly nodeOutputs: GrowingRows;
}

/** One list of numbers for each node, one behind the other; -1 for an empty name. */
export interface GrowingRows {
  /** Where each node's list starts. */
  readonly starts: number[];
  readonly numbers: number[];
}

export function noRows(): GrowingRows {
  return { starts: [], numbers: [] };
}

function addRow(rows: GrowingRows, texts: readonly string[], names: NameTable): void {
  rows.starts.push(rows.numbers.length);
  for (const text of texts) rows.numbers.push(numberFor(text, names));
}

function numberFor(text: string, names: NameTable): number {
  return text === '' ? -1 : names.add(text);
}

/**
 * Numbers the rest of a body whose nodes are numbered; `valueNumbers` knows it from then on.
 *
 * @param known numbers of initializers by position, null for those that have none yet
 */
export function keepValueNumbers(
  body: Graph | ModelFunction,
  { names, nodeInputs, nodeOutputs }: NumberedNodes,
  known: readonly (number | null)[] = [],
): ValueNumbers {
  for (const input of body.inputs) numberFor(nameOf(input), names);
  let initializers = noNumbers;
  if ('initializerByName' in body) {
    const isKnown = known.length === body.initializers.length;
    initializers = Int32Array.from(body.initializers, ({ name }, index) => {
      const number = isKnown ? known[index] : null;
      return number ?? numberFor(name, names);
    });
    for (const { values } of body.sparseInitializers) numberFor(values.name, names);
  }
  for (const output of body.outputs) numberFor(nameOf(output), names);
  const numbers: ValueNumbers = {
    names: names.texts,
    numberOf: (name) => names.numberOf(name),
    inputs: rowsOf(nodeInputs),
    outputs: rowsOf(nodeOutputs),
    initializers,
  };
  numbersByBody.set(body, numbers);
  return numbers;
}

const noNumbers = new Int32Array(0);

function nameOf(value: string | { readonly name: string }): string {
  return typeof value === 'string' ? value : value.name;
}

function rowsOf({ starts, numbers }: GrowingRows): NumberRows {
  const all = new Int32Array(starts.length + 1);
  all.set(starts);
  all[starts.length] = numbers.length;
  return { starts: all, numbers: new Int32Array(numbers) };
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
