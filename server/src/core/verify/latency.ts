/** Seconds of one round: original, candidate, original again, directly after each other. */
export interface LatencyRound {
  readonly before: number;
  readonly after: number;
  readonly beforeAgain: number;
}

export interface LatencyComparison {
  /** Medians over the rounds. */
  readonly beforeSeconds: number;
  readonly afterSeconds: number;
  /** Candidate over original; below 1 is faster. Confidence interval of the median. */
  readonly ratio: { readonly low: number; readonly mid: number; readonly high: number };
  /** How far the original is from itself: half-width around 1 of the same interval for original over original. */
  readonly noise: number;
  /** Chance that the interval holds the true median, at least. */
  readonly confidence: number;
  readonly rounds: number;
  readonly verdict: 'faster' | 'slower' | 'no-difference';
}

/**
 * Judges paired timings without assuming any distribution. Each round's ratio is after / mean(before, beforeAgain):
 * the candidate runs between two runs of the original, so slow drift (heat, other load) cancels.
 * The interval of the median comes from the binomial distribution of signs around it (order statistics).
 * `faster` and `slower` need the whole interval outside 1 ± noise. Null with too few rounds for that confidence.
 */
export function compareLatency(
  rounds: readonly LatencyRound[],
  confidence = 0.95,
): LatencyComparison | null {
  const usable = rounds.filter(
    (round) => round.before > 0 && round.after > 0 && round.beforeAgain > 0,
  );
  const ratio = medianInterval(
    usable.map((round) => round.after / ((round.before + round.beforeAgain) / 2)),
    confidence,
  );
  const self = medianInterval(
    usable.map((round) => round.beforeAgain / round.before),
    confidence,
  );
  if (!ratio || !self) return null;
  const noise = Math.max(Math.abs(1 - self.low), Math.abs(self.high - 1));
  const verdict =
    ratio.high < 1 - noise ? 'faster' : ratio.low > 1 + noise ? 'slower' : 'no-difference';
  return {
    beforeSeconds: median(usable.flatMap((round) => [round.before, round.beforeAgain])),
    afterSeconds: median(usable.map((round) => round.after)),
    ratio,
    noise,
    confidence,
    rounds: usable.length,
    verdict,
  };
}

/** Beyond this 2^-n underflows; more rounds say nothing new anyway. */
const maxValues = 1000;

/**
 * Distribution-free interval of the median: the k-th smallest and k-th largest value, with the largest k
 * for which 2 · P(Binomial(n, ½) < k) ≤ 1 - confidence. Null when even k = 1 is not enough (n < 6 at 95 %).
 */
export function medianInterval(
  values: readonly number[],
  confidence: number,
): { low: number; mid: number; high: number } | null {
  const sorted = values.slice(0, maxValues).sort((a, b) => a - b);
  const n = sorted.length;
  let probability = 2 ** -n;
  let below = 0;
  let k = 0;
  while (k < n && 2 * (below + probability) <= 1 - confidence) {
    below += probability;
    k += 1;
    probability *= (n - k + 1) / k;
  }
  const low = sorted[k - 1];
  const high = sorted[n - k];
  if (k === 0 || low === undefined || high === undefined) return null;
  return { low, mid: median(sorted), high };
}

/** Mean of the two middle values for an even count; NaN for none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
