import type { LatencyRound } from '../core/verify/latency';
import type { TimingOptions } from './protocol';

/** Below this a timer reading is mostly the call's own cost. */
const minSpanSeconds = 0.002;
/** Caches, thread pools and lazily packed weights settle in the first runs. */
const warmupRuns = 3;

/**
 * Times original, candidate, original again, round after round, in one process so that both meet the same machine.
 * Runs shorter than the timer is good for are repeated inside a reading and divided.
 */
export async function timeRounds(
  before: () => Promise<void>,
  after: () => Promise<void>,
  { maxRounds, budgetSeconds }: TimingOptions,
): Promise<readonly LatencyRound[]> {
  const end = now() + budgetSeconds;
  const repeats = Math.max(await repeatsFor(before), await repeatsFor(after));
  const rounds: LatencyRound[] = [];
  while (rounds.length < maxRounds && (rounds.length === 0 || now() < end)) {
    rounds.push({
      before: await timeRuns(before, repeats),
      after: await timeRuns(after, repeats),
      beforeAgain: await timeRuns(before, repeats),
    });
  }
  return rounds;
}

async function repeatsFor(run: () => Promise<void>): Promise<number> {
  let seconds = 0;
  for (let index = 0; index < warmupRuns; index++) seconds = await timeRuns(run, 1);
  return Math.max(1, Math.ceil(minSpanSeconds / Math.max(seconds, 1e-6)));
}

/** Seconds of one run, averaged over these. */
async function timeRuns(run: () => Promise<void>, repeats: number): Promise<number> {
  const start = now();
  for (let index = 0; index < repeats; index++) await run();
  return (now() - start) / repeats;
}

function now(): number {
  return performance.now() / 1000;
}
