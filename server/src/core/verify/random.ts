import type { DataType } from '../dtype';
import { formatBytes, shortName } from '../format';
import { maxArrayBytes } from './npy';
import { parsed, refused, type Parsed } from './parsed';
import type { ModelInput } from './samples';
import {
  bytesFromNumbers,
  elementCountOf,
  type NamedTensorData,
  type TensorData,
} from './tensor-data';

export interface RandomData {
  /** One map of named tensors per sample. */
  readonly sets: readonly (readonly NamedTensorData[])[];
  /** What was chosen, for the report: ranges and sizes that nobody gave. */
  readonly notes: readonly string[];
}

/**
 * Made-up inputs for a model nobody gave data for: floats of a standard normal distribution,
 * integers and bools 0 or 1 (the only values that are valid indices of almost every table), unknown dims 1.
 * The same seed gives the same data. They show that a model runs; they prove nothing about accuracy.
 */
export function randomData(
  inputs: readonly ModelInput[],
  options: { readonly samples: number; readonly seed: number },
): Parsed<RandomData> {
  const random = createRandom(options.seed);
  const sets: NamedTensorData[][] = [];
  for (let sample = 0; sample < options.samples; sample++) {
    const set: NamedTensorData[] = [];
    for (const input of inputs) {
      const data = randomTensor(input, random);
      if (!data.ok) return data;
      set.push({ name: input.name, data: data.value });
    }
    sets.push(set);
  }
  return parsed({ sets, notes: notesOn(inputs) });
}

function randomTensor(input: ModelInput, random: Random): Parsed<TensorData> {
  const dims = (input.dims ?? []).map((dim) => (typeof dim === 'number' ? dim : 1));
  const elementCount = elementCountOf(dims);
  // Eight bytes is the widest element; negated so that NaN is refused as well.
  if (!(elementCount * 8 <= maxArrayBytes)) {
    return refused(
      'random-data-too-large',
      `Input ${shortName(input.name)} takes ${formatBytes(elementCount * 8)}; give data for it instead.`,
    );
  }
  const values = new Float64Array(elementCount);
  const next = isFloatingPoint(input.dtype) ? random.normal : random.bit;
  for (let index = 0; index < elementCount; index++) values[index] = next();
  const bytes = input.dtype && bytesFromNumbers(input.dtype, values);
  if (!input.dtype || input.dtype === 'string' || !bytes) {
    return refused(
      'random-data-dtype',
      `Input ${shortName(input.name)} is ${input.dtype ?? 'no tensor'}: no random data can be made; give some.`,
    );
  }
  return parsed({ dtype: input.dtype, dims, bytes });
}

function notesOn(inputs: readonly ModelInput[]): string[] {
  const notes = ['inputs are random: floats from a standard normal distribution'];
  const integers = inputs.filter((input) => !isFloatingPoint(input.dtype));
  if (integers.length > 0) {
    notes.push(`integers 0 or 1 for ${integers.map((input) => shortName(input.name)).join(', ')}`);
  }
  const open = inputs.filter((input) => input.dims?.some((dim) => typeof dim !== 'number') ?? true);
  if (open.length > 0) {
    notes.push(`unknown dims are 1 in ${open.map((input) => shortName(input.name)).join(', ')}`);
  }
  return notes;
}

function isFloatingPoint(dtype: DataType | null): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

export interface Random {
  /** 0 ≤ x < 1, 32 bits. */
  readonly uniform: () => number;
  readonly normal: () => number;
  readonly bit: () => number;
}

/** Small seeded generator: a Weyl sequence through a 32-bit avalanche hash. Not for secrets. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
  };
  return {
    uniform,
    // Box and Muller; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    bit: () => (uniform() < 0.5 ? 0 : 1),
  };
}
