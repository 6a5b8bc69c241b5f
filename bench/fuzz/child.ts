import { writeSync } from 'node:fs';
import { inputKinds, makeInput, type InputKey, type InputKind } from './input';
import { failureOf, minimised } from './minimise';
import { progressBytes, progressFd, type ChildMessage, type Job } from './protocol';
import { loadSeeds, type Seeds } from './seeds';

/** Slower inputs are told about; those that hang are the watchdog's. */
const slowSeconds = 0.2;

async function main(job: Job): Promise<void> {
  const seeds = await loadSeeds(job.corpus);
  const counts = Object.fromEntries(inputKinds.map((kind) => [kind, seeds[kind].length]));
  tell({ kind: 'ready', counts: counts as Record<InputKind, number> });
  const reported = new Set<string>();
  const progress = new Uint32Array(progressBytes / 4);
  for (let index = job.first; index < job.end; index++) {
    progress[0] = index;
    progress[1] = process.resourceUsage().maxRSS;
    writeSync(progressFd, progress);
    await runOne(seeds, { seed: job.seed, index, kinds: job.kinds }, job, reported);
  }
  progress[0] = job.end;
  progress[1] = process.resourceUsage().maxRSS;
  writeSync(progressFd, progress);
  tell({ kind: 'done' });
  process.disconnect();
}

async function runOne(
  seeds: Seeds,
  key: InputKey,
  { skip }: Job,
  reported: Set<string>,
): Promise<void> {
  const before = process.cpuUsage();
  const input = makeInput(seeds, key, new Set(skip));
  const failure = await failureOf(input);
  const { user } = process.cpuUsage(before);
  if (user / 1e6 > slowSeconds) tell({ kind: 'slow', index: key.index, cpuSeconds: user / 1e6 });
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

function tell(message: ChildMessage): void {
  process.send?.(message);
}

void main(JSON.parse(process.argv[2] ?? '') as Job);
