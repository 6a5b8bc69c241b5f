import { writeSync } from 'node:fs';
import { inputKinds, makeInput, type FuzzInput, type InputKey, type InputKind } from './input';
import { failureOf, minimised } from './minimise';
import { progressFd, type ChildMessage, type Job } from './protocol';
import { loadSeeds, type Seeds } from './seeds';

/** Slower inputs are told about; those that hang are the watchdog's. */
const slowSeconds = 0.2;

async function main(job: Job): Promise<void> {
  const seeds = await loadSeeds(job.corpus);
  const counts = Object.fromEntries(inputKinds.map((kind) => [kind, seeds[kind].length]));
  tell({ kind: 'ready', counts: counts as Record<InputKind, number> });
  const reported = new Set<string>();
  let index = job.first;
  for (; index < job.end; index++) {
    if ((index - job.first) % job.stride === 0) {
      if (job.until !== null && Date.now() > job.until) break;
      tellProgress(index);
    }
    await runOne(seeds, { seed: job.seed, index, kinds: job.kinds }, job, reported);
  }
  tellProgress(index);
  tell({ kind: 'done', next: index });
  process.disconnect();
}

function tellProgress(index: number): void {
  writeSync(progressFd, Uint32Array.of(index, process.resourceUsage().maxRSS));
}

async function runOne(
  seeds: Seeds,
  key: InputKey,
  { skip }: Job,
  reported: Set<string>,
): Promise<void> {
  const input = makeInput(seeds, key, new Set(skip));
  const started = performance.now();
  const failure = await failureOf(input);
  if (performance.now() - started > slowSeconds * 1000) {
    const cpuSeconds = await cpuSecondsOf(input);
    if (cpuSeconds > slowSeconds) tell({ kind: 'slow', index: key.index, cpuSeconds });
  }
  if (!failure) return;
  const { signature } = failure;
  let smaller: string | null = null;
  if (!reported.has(signature)) {
    reported.add(signature);
    const found = await minimised(seeds, key, signature);
    smaller = Buffer.from(found.kind === 'wire' ? found.bytes : found.text).toString('base64');
  }
  const { index } = key;
  tell({
    kind: 'failure',
    found: { ...failure, index, inputKind: input.kind, input: smaller },
  });
}

/** Asking for CPU time takes a system call, and on a busy machine wall time says little: the slow ones run again. */
async function cpuSecondsOf(input: FuzzInput): Promise<number> {
  const before = process.cpuUsage();
  await failureOf(input);
  return process.cpuUsage(before).user / 1e6;
}

function tell(message: ChildMessage): void {
  process.send?.(message);
}

void main(JSON.parse(process.argv[2] ?? '') as Job);
