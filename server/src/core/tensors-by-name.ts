import type { Tensor } from './graph';
import type { ValueNumbers } from './value-numbers';

/**
 * The initializers of a graph by name; of those with one name the first. The names are numbered anyway: a map of tens
 * of thousands of them would take as long as to read them.
 */
export class TensorsByName implements ReadonlyMap<string, Tensor> {
  readonly #tensors: readonly Tensor[];
  readonly #numbers: () => ValueNumbers;
  #table: Table | null = null;

  /** @param numbers of the graph that they are `initializers` of; asked for at the first question */
  constructor(tensors: readonly Tensor[], numbers: () => ValueNumbers) {
    this.#tensors = tensors;
    this.#numbers = numbers;
  }

  get size(): number {
    return this.#firsts().size;
  }

  get(name: string): Tensor | undefined {
    if (this.#tensors.length === 0) return undefined;
    const { byNumber, unnamed } = this.#firsts();
    if (name === '') return unnamed;
    const number = this.#numbers().numberOf(name);
    return number < 0 ? undefined : this.#tensors[(byNumber[number] ?? 0) - 1];
  }

  has(name: string): boolean {
    return this.get(name) !== undefined;
  }

  *values(): MapIterator<Tensor> {
    const { byNumber, unnamed } = this.#firsts();
    const { initializers } = this.#numbers();
    for (const [index, tensor] of this.#tensors.entries()) {
      const isFirst =
        tensor.name === '' ? tensor === unnamed : byNumber[initializers[index] ?? 0] === index + 1;
      if (isFirst) yield tensor;
    }
  }

  *entries(): MapIterator<[string, Tensor]> {
    for (const tensor of this.values()) yield [tensor.name, tensor];
  }

  *keys(): MapIterator<string> {
    for (const { name } of this.values()) yield name;
  }

  [Symbol.iterator](): MapIterator<[string, Tensor]> {
    return this.entries();
  }

  forEach(use: (tensor: Tensor, name: string, map: ReadonlyMap<string, Tensor>) => void): void {
    for (const tensor of this.values()) use(tensor, tensor.name, this);
  }

  #firsts(): Table {
    return (this.#table ??= tableOf(this.#tensors, this.#numbers()));
  }
}

interface Table {
  /** By value number: position of the first tensor of that name, from 1; 0 for other values. */
  readonly byNumber: Int32Array;
  readonly unnamed: Tensor | undefined;
  readonly size: number;
}

function tableOf(tensors: readonly Tensor[], { names, initializers }: ValueNumbers): Table {
  const byNumber = new Int32Array(names.length);
  let unnamed: Tensor | undefined;
  let size = 0;
  for (const [index, tensor] of tensors.entries()) {
    const number = initializers[index] ?? -1;
    if (number < 0 ? unnamed : byNumber[number]) continue;
    size++;
    if (number < 0) unnamed = tensor;
    else byNumber[number] = index + 1;
  }
  return { byNumber, unnamed, size };
}
