import { argmax, looksLikeScores } from './agreement';
import { parsed, refused, type Parsed } from './parsed';
import { elementCountOf, numbersOf, type NamedTensorData, type TensorData } from './tensor-data';

/** The right class of every row, in the order of the samples. */
export interface Labels {
  /** Negative: this row is not counted (frameworks mark padding so). */
  readonly classes: readonly number[];
  /** Share of the commonest class: what a model that ignores its input reaches. */
  readonly majorityShare: number;
}

export interface Accuracy {
  /** Shares 0…1 of the counted rows. */
  readonly before: number;
  readonly after: number;
  readonly rows: number;
  /** The output that holds the classes. */
  readonly output: string;
}

/** Class indices from an array of integers (any shape), or one row of scores (one-hot) per sample. */
export function readLabels(data: TensorData): Parsed<Labels> {
  const values = numbersOf(data);
  if (!values || values.length === 0) {
    return refused('labels-unusable', `Labels are ${data.dtype}; give class numbers as integers.`);
  }
  const width = data.dims.at(-1) ?? 1;
  const isFloat = data.dtype.startsWith('float');
  const oneHot = data.dims.length >= 2 && width >= 2 && isOneHot(values, width);
  const classes = oneHot
    ? Array.from({ length: values.length / width }, (_, row) => argmax(values, row * width, width))
    : Array.from(values);
  if (isFloat && classes.some((value) => !Number.isInteger(value))) {
    return refused(
      'labels-unusable',
      'Labels are not whole numbers; give class numbers as integers.',
    );
  }
  return parsed({ classes, majorityShare: majorityShareOf(classes) });
}

export interface AccuracyMeter {
  /** Adds one run's outputs; its rows take the next labels. */
  add(before: readonly NamedTensorData[], after: readonly NamedTensorData[]): void;
  /** @param complete every sample was run, so that every label must have been used. */
  result(complete: boolean): Parsed<Accuracy>;
}

/**
 * Top-1 accuracy of both models. Classes are read from the first float output whose last axis
 * holds more classes than the largest label, by largest element; else from the first integer output, directly.
 */
export function createAccuracyMeter(labels: Labels): AccuracyMeter {
  const largest = labels.classes.reduce((max, value) => Math.max(max, value), 0);
  let output: string | null = null;
  let failure: string | null = null;
  let used = 0;
  let rows = 0;
  let rightBefore = 0;
  let rightAfter = 0;
  return {
    add(before, after) {
      if (failure !== null) return;
      output ??= before.find((one) => holdsClasses(one, largest))?.name ?? null;
      const a = classesOf(before, output, largest);
      const b = classesOf(after, output, largest);
      if (a?.length !== b?.length || !a || !b) {
        failure = 'no output holds these classes';
        return;
      }
      for (const [row, predicted] of a.entries()) {
        const label = labels.classes[used + row] ?? -1;
        if (label < 0) continue;
        rows += 1;
        if (predicted === label) rightBefore += 1;
        if (b[row] === label) rightAfter += 1;
      }
      used += a.length;
    },
    result(complete) {
      const count = labels.classes.length;
      if (failure === null && (used > count || (complete && used !== count))) {
        failure = `there are ${count} labels for ${used} rows`;
      }
      if (failure !== null || output === null || rows === 0) {
        return refused(
          'labels-unusable',
          `Accuracy not measured: ${failure ?? 'no row has a label'}.`,
        );
      }
      return parsed({ before: rightBefore / rows, after: rightAfter / rows, rows, output });
    },
  };
}

function holdsClasses({ name, data }: NamedTensorData, largest: number): boolean {
  return isScores(name, data, largest) || data.dtype === 'int64' || data.dtype === 'int32';
}

function isScores(name: string, data: TensorData, largest: number): boolean {
  return looksLikeScores(name, data) && (data.dims.at(-1) ?? 0) > largest;
}

/** Scores win over an integer output that comes before them: classifiers often give both. */
function classesOf(
  outputs: readonly NamedTensorData[],
  chosen: string | null,
  largest: number,
): readonly number[] | null {
  const scores =
    outputs.find((one) => one.name === chosen && isScores(one.name, one.data, largest)) ??
    outputs.find((one) => isScores(one.name, one.data, largest));
  const source = scores ?? outputs.find((one) => one.name === chosen);
  const values = source && numbersOf(source.data);
  if (!values) return null;
  if (!scores) return Array.from(values);
  const width = scores.data.dims.at(-1) ?? 1;
  const rowCount = elementCountOf(scores.data.dims) / width;
  return Array.from({ length: rowCount }, (_, row) => argmax(values, row * width, width));
}

function isOneHot(values: ArrayLike<number>, width: number): boolean {
  for (let start = 0; start < values.length; start += width) {
    let sum = 0;
    for (let index = start; index < start + width; index++) {
      const value = values[index] ?? -1;
      if (value !== 0 && value !== 1) return false;
      sum += value;
    }
    if (sum !== 1) return false;
  }
  return true;
}

function majorityShareOf(classes: readonly number[]): number {
  const counts = new Map<number, number>();
  let counted = 0;
  for (const value of classes) {
    if (value < 0) continue;
    counted += 1;
    counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const most = Array.from(counts.values()).reduce((max, count) => Math.max(max, count), 0);
  return counted === 0 ? 0 : most / counted;
}
