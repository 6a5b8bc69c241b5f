import type { DataType } from '../dtype';
import type { DeclaredDim } from '../graph';
import { shortName } from '../format';
import { parsed, refused, type Parsed } from './parsed';
import { convertTensor, sliceRows, type NamedTensorData, type TensorData } from './tensor-data';

/** An input as the runtime reports it; dtype null: not a tensor. Dims: a size, a symbol's name, or null. */
export interface ModelInput {
  readonly name: string;
  readonly dtype: DataType | null;
  readonly dims: readonly DeclaredDim[] | null;
}

/** One run's inputs, in the order of the model's. */
export type Sample = readonly NamedTensorData[];

export interface SampleSet {
  readonly count: number;
  readonly sample: (index: number) => Sample;
  /** What was changed or left out on the way from the file to the model. */
  readonly notes: readonly string[];
}

/**
 * Pairs arrays with a model's inputs by name (one array and one input: any name; `positional`: by order),
 * converts element types where no value is lost, and splits batch files along axis 0.
 *
 * An input is split when its first dim is symbolic, or a smaller size than the array's.
 * @param batchRows rows per run where the first dim is symbolic.
 */
export function arrangeSamples(
  inputs: readonly ModelInput[],
  arrays: readonly NamedTensorData[],
  options: { readonly batchRows: number; readonly positional: boolean },
): Parsed<SampleSet> {
  const matched = matchInputs(inputs, arrays, options.positional);
  if (!matched.ok) return matched;
  const notes: string[] = [];
  const fitted: Fitted[] = [];
  for (const { input, data } of matched.value) {
    const one = fit(input, data, notes);
    if (!one.ok) return one;
    fitted.push(one.value);
  }
  return split(fitted, options.batchRows, notes);
}

interface Fitted {
  readonly name: string;
  readonly data: TensorData;
  /** Rows the model takes at once: its fixed first dim, `any`, or null when this input is not split. */
  readonly rows: number | 'any' | null;
}

interface Matched {
  readonly input: ModelInput;
  readonly data: TensorData;
}

function matchInputs(
  inputs: readonly ModelInput[],
  arrays: readonly NamedTensorData[],
  positional: boolean,
): Parsed<readonly Matched[]> {
  const [only] = arrays;
  const byName = new Map(arrays.map((array) => [array.name, array.data]));
  const matched: Matched[] = [];
  for (const [index, input] of inputs.entries()) {
    const data =
      byName.get(input.name) ??
      (inputs.length === 1 && arrays.length === 1 ? only?.data : undefined) ??
      (positional ? arrays[index]?.data : undefined);
    if (data === undefined) {
      const names = arrays.map((array) => shortName(array.name, 16)).slice(0, 3);
      return refused(
        'test-data-mismatch',
        `No data for input ${shortName(input.name, 24)}: the arrays are ${names.join(', ') || 'none'}. Name one so.`,
      );
    }
    matched.push({ input, data });
  }
  return parsed(matched);
}

function fit(input: ModelInput, data: TensorData, notes: string[]): Parsed<Fitted> {
  const name = shortName(input.name, 24);
  if (input.dtype === null) {
    return refused(
      'test-data-mismatch',
      `Input ${name} is no tensor: it cannot be fed from a file.`,
    );
  }
  const converted = convertTensor(data, input.dtype);
  if (!converted) {
    return refused(
      'test-data-mismatch',
      `Input ${name} takes ${input.dtype}; the array is ${data.dtype} and would lose values. Convert it first.`,
    );
  }
  if (converted !== data) notes.push(`${name} converted from ${data.dtype} to ${input.dtype}`);
  const { dims } = input;
  if (dims && !fits(dims, data.dims)) {
    const wanted = dims.map((dim) =>
      dim === null || dim === '' ? '?' : shortName(dim.toString(), 12),
    );
    return refused(
      'test-data-mismatch',
      `Input ${name} takes [${wanted.join(',')}]; the array is [${data.dims.join(',')}]. Reshape it.`,
    );
  }
  return parsed({ name: input.name, data: converted, rows: rowsTaken(dims, data.dims) });
}

function fits(wanted: readonly DeclaredDim[], given: readonly number[]): boolean {
  if (wanted.length !== given.length) return false;
  return wanted.every((dim, axis) => {
    if (typeof dim !== 'number') return true;
    const size = given[axis] ?? 0;
    return axis === 0 ? dim === size || (dim > 0 && size > dim) : dim === size;
  });
}

/** Symbols that stand for time, not for independent samples: splitting there would cut sequences apart. */
const sequenceSymbol = /seq|time|step|len|frame|token|past/i;

function rowsTaken(
  wanted: readonly DeclaredDim[] | null,
  given: readonly number[],
): Fitted['rows'] {
  const [first] = wanted ?? [];
  if (first === undefined || given.length === 0) return null;
  if (typeof first === 'number') return first === given[0] ? null : first;
  return sequenceSymbol.test(first ?? '') ? null : 'any';
}

function split(fitted: readonly Fitted[], batchRows: number, notes: string[]): Parsed<SampleSet> {
  const batched = fitted.filter((one) => one.rows !== null);
  const totals = new Set(batched.map((one) => one.data.dims[0] ?? 0));
  const [total] = totals;
  const fixed = new Set(batched.flatMap((one) => (typeof one.rows === 'number' ? [one.rows] : [])));
  const whole: Sample = fitted.map(({ name, data }) => ({ name, data }));
  if (total === undefined || total === 0 || totals.size > 1 || fixed.size > 1) {
    if (fixed.size > 0) {
      return refused(
        'test-data-mismatch',
        `Inputs have ${Array.from(totals).join(' and ')} rows; give every batched input the same number.`,
      );
    }
    return parsed({ count: 1, sample: () => whole, notes });
  }
  const [fixedRows] = fixed;
  const rows = fixedRows ?? Math.min(Math.max(1, batchRows), total);
  const count = fixedRows === undefined ? Math.ceil(total / rows) : Math.floor(total / rows);
  if (count * rows < total) {
    notes.push(
      `last ${total - count * rows} of ${total} rows left out: the model takes ${rows} at once`,
    );
  }
  const sample = (index: number): Sample =>
    fitted.map(({ name, data, rows: taken }) => ({
      name,
      data: taken === null ? data : (sliceRows(data, index * rows, (index + 1) * rows) ?? data),
    }));
  return parsed({ count, sample, notes });
}
