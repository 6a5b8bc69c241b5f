import { elementCountOf, numbersOf, type NamedTensorData, type TensorData } from './tensor-data';

/**
 * How far one output of the candidate is from the original's, over all samples together.
 * With a the original's elements, b the candidate's, both finite, d = b - a, sums over all of them:
 * cosine = Σab / √(Σa² Σb²); SQNR = 10 log10(Σa² / Σd²) dB; maximum error = max |d|.
 */
export interface OutputAgreement {
  readonly name: string;
  /** Null without finite elements; 1 when both are all zero, 0 when one of them is. */
  readonly cosine: number | null;
  /** Null without finite elements, and when signal or error is all zero (it would be infinite). */
  readonly sqnrDb: number | null;
  readonly maxAbsError: number | null;
  /** Share of rows (last axis) with the same largest element; null unless the output looks like class scores. */
  readonly top1Agreement: number | null;
  /** Every element equal; NaN equals NaN, and 0 equals -0. */
  readonly identical: boolean;
  /** Elements where one is NaN or infinite and the other is not the same. */
  readonly nonFiniteMismatches: number;
  /** `before [1,10], after [1,9]`: the shape differed once, and nothing more was compared. */
  readonly shapeMismatch: string | null;
}

export interface AgreementMeter {
  /** Adds one run: outputs are paired by name; a missing one counts as a shape mismatch. */
  add(before: readonly NamedTensorData[], after: readonly NamedTensorData[]): void;
  outputs(): readonly OutputAgreement[];
}

export function createAgreementMeter(): AgreementMeter {
  const sums = new Map<string, Sums>();
  return {
    add(before, after) {
      const afterByName = new Map(after.map((one) => [one.name, one.data]));
      for (const { name, data } of before) {
        let sum = sums.get(name);
        if (!sum) sums.set(name, (sum = emptySums()));
        addPair(sum, name, data, afterByName.get(name));
      }
    },
    outputs: () => Array.from(sums, ([name, sum]) => summarize(name, sum)),
  };
}

interface Sums {
  dot: number;
  beforeSquares: number;
  afterSquares: number;
  errorSquares: number;
  maxAbsError: number;
  finite: number;
  rows: number;
  rowsAgreeing: number;
  different: boolean;
  nonFiniteMismatches: number;
  shapeMismatch: string | null;
}

function emptySums(): Sums {
  return {
    dot: 0,
    beforeSquares: 0,
    afterSquares: 0,
    errorSquares: 0,
    maxAbsError: 0,
    finite: 0,
    rows: 0,
    rowsAgreeing: 0,
    different: false,
    nonFiniteMismatches: 0,
    shapeMismatch: null,
  };
}

function addPair(sum: Sums, name: string, before: TensorData, after: TensorData | undefined): void {
  if (after?.dims.join() !== before.dims.join()) {
    sum.shapeMismatch ??= `before [${before.dims.join()}], after ${after ? `[${after.dims.join()}]` : 'missing'}`;
    sum.different = true;
    return;
  }
  if (before.dtype === 'string' || after.dtype === 'string') {
    sum.different ||= !sameStrings(before, after);
    return;
  }
  const a = numbersOf(before);
  const b = numbersOf(after);
  if (!a || !b) {
    // A dtype without plain numbers: equal bytes are all that can be told.
    sum.different ||= before.dtype !== after.dtype || !sameBytes(before.bytes, after.bytes);
    return;
  }
  addElements(sum, a, b);
  if (looksLikeScores(name, before)) addRows(sum, a, b, before.dims.at(-1) ?? 1);
}

function addElements(sum: Sums, a: ArrayLike<number>, b: ArrayLike<number>): void {
  for (let index = 0; index < a.length; index++) {
    const before = a[index] ?? 0;
    const after = b[index] ?? 0;
    const error = after - before;
    if (!Number.isFinite(before) || !Number.isFinite(after)) {
      if (!Object.is(before, after)) {
        sum.nonFiniteMismatches += 1;
        sum.different = true;
      }
      continue;
    }
    sum.finite += 1;
    sum.dot += before * after;
    sum.beforeSquares += before * before;
    sum.afterSquares += after * after;
    if (error === 0) continue;
    sum.different = true;
    sum.errorSquares += error * error;
    sum.maxAbsError = Math.max(sum.maxAbsError, Math.abs(error));
  }
}

function addRows(sum: Sums, a: ArrayLike<number>, b: ArrayLike<number>, width: number): void {
  for (let start = 0; start < a.length; start += width) {
    sum.rows += 1;
    if (argmax(a, start, width) === argmax(b, start, width)) sum.rowsAgreeing += 1;
  }
}

/** Position of the first largest element of a row; NaN never wins, and a row of NaN gives -1. */
export function argmax(values: ArrayLike<number>, start: number, width: number): number {
  let best = -1;
  let bestValue = Number.NEGATIVE_INFINITY;
  for (let index = 0; index < width; index++) {
    const value = values[start + index] ?? Number.NaN;
    if (value > bestValue || (best === -1 && value === bestValue)) {
      best = index;
      bestValue = value;
    }
  }
  return best;
}

/** Largest elements mean nothing in these. */
const featureName = /hidden|embed|feature|pool|present|cache|state/i;

/** [classes], [rows, classes] or [rows, positions, classes] of floats: higher ranks are images and feature maps. */
export function looksLikeScores(name: string, tensor: TensorData): boolean {
  const { dtype, dims } = tensor;
  const isFloat = dtype === 'float32' || dtype === 'float16' || dtype === 'float64';
  const width = dims.at(-1) ?? 0;
  return (
    isFloat && dims.length <= 3 && width >= 2 && elementCountOf(dims) > 0 && !featureName.test(name)
  );
}

function summarize(name: string, sum: Sums): OutputAgreement {
  const known = sum.finite > 0 && sum.shapeMismatch === null;
  const sqnrDb = 10 * Math.log10(sum.beforeSquares / sum.errorSquares);
  return {
    name,
    cosine: known ? finiteOrNull(cosineOf(sum)) : null,
    sqnrDb: known ? finiteOrNull(sqnrDb) : null,
    maxAbsError: known ? finiteOrNull(sum.maxAbsError) : null,
    top1Agreement: sum.rows > 0 && sum.shapeMismatch === null ? sum.rowsAgreeing / sum.rows : null,
    identical: !sum.different,
    nonFiniteMismatches: sum.nonFiniteMismatches,
    shapeMismatch: sum.shapeMismatch,
  };
}

/** Sums of squares of huge doubles overflow; a signal of nothing but zeros has no SQNR. */
function finiteOrNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

function cosineOf({ dot, beforeSquares, afterSquares, errorSquares }: Sums): number {
  if (errorSquares === 0) return 1;
  if (beforeSquares === 0 || afterSquares === 0) return 0;
  // Two roots: the product of two sums of squares overflows first.
  const cosine = dot / (Math.sqrt(beforeSquares) * Math.sqrt(afterSquares));
  return Math.min(1, Math.max(-1, cosine));
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, index) => byte === b[index]);
}

function sameStrings(a: TensorData, b: TensorData): boolean {
  if (a.dtype !== 'string' || b.dtype !== 'string') return false;
  return a.strings.length === b.strings.length && a.strings.every((one, i) => one === b.strings[i]);
}
