/** Logarithmic axis over whole decades: figures that are known to a factor are compared by factors. */
export interface LogScale {
  /** Powers of ten, both ends included; at most `maxTicks`. */
  readonly ticks: readonly number[];
  /** 0…1 from left to right; what lies outside is put at the edge. */
  readonly position: (value: number) => number;
}

const maxTicks = 6;

/** Null when no value is a positive number. */
export function logScale(values: readonly number[]): LogScale | null {
  const logs = values.filter((value) => value > 0 && Number.isFinite(value)).map(Math.log10);
  if (logs.length === 0) return null;
  // The slack keeps 1000 in its decade: its logarithm is not exact.
  const start = Math.floor(Math.min(...logs) + 1e-9);
  const wanted = Math.max(start + 1, Math.ceil(Math.max(...logs) - 1e-9));
  const step = Math.ceil((wanted - start) / (maxTicks - 1));
  const tickCount = Math.ceil((wanted - start) / step) + 1;
  const width = (tickCount - 1) * step;
  return {
    ticks: Array.from({ length: tickCount }, (_, index) => powerOfTen(start + index * step)),
    position(value) {
      if (!(value > 0)) return 0;
      return Math.min(1, Math.max(0, (Math.log10(value) - start) / width));
    },
  };
}

/** Exact, unlike `10 ** -6`. */
function powerOfTen(exponent: number): number {
  return Number(`1e${exponent}`);
}
