/** A figure that is never known exactly: a central estimate and the bounds of its stated interval. */
export interface Range {
  readonly low: number;
  readonly mid: number;
  readonly high: number;
}

export function exactly(value: number): Range {
  return { low: value, mid: value, high: value };
}

/** Multiplicative uncertainty: `mid / factor … mid * factor`, factor ≥ 1. */
export function around(mid: number, factor: number): Range {
  return { low: mid / factor, mid, high: mid * factor };
}

export function scaled(range: Range, by: number): Range {
  return { low: range.low * by, mid: range.mid * by, high: range.high * by };
}

/** Bounds of a sum whose parts go up and down together (the cautious case). */
export function sum(ranges: readonly Range[]): Range {
  return ranges.reduce(
    (total, range) => ({
      low: total.low + range.low,
      mid: total.mid + range.mid,
      high: total.high + range.high,
    }),
    exactly(0),
  );
}
