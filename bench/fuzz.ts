/**
 * Changed models, model texts and configs through everything in core that reads them, in a process of its own under
 * a watchdog.
 *
 *   npx tsx bench/fuzz.ts [--count N] [--seed N] [--first N] [--minutes N]
 *     [--only wire|text|config] [--save FOLDER] [--replay FILE]
 *
 * COUNT is 1000000, SEED the time; both are printed, and the same seed gives the same inputs. The corpus is
 * GREEN_AI_CORPUS, by default ../shared/corpus; without it there are fewer kinds of models. With FOLDER, inputs that
 * fail are saved there, made smaller, and `--replay` runs one of them. Exit status 1 when a bar is missed:
 * nothing throws, no input takes 2 s or 1 GB.
 */
import { build } from 'esbuild';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import type { ChildMessage, FoundFailure, Job } from './fuzz/protocol';
import {
  inputKinds,
  makeInput,
  mutationCount,
  type FuzzInput,
  type InputKey,
  type InputKind,
} from './fuzz/input';
import { failureOf } from './fuzz/minimise';
import { loadSeeds } from './fuzz/seeds';
import { watch, type Watched } from './fuzz/watch';

/** Seconds of CPU, which the child measures: on a busy machine wall time says little. */
const maxCpuSeconds = 2;

/** What the watchdog sees from outside; an input that never ends is stopped here. */
const limits = { seconds: 20, peakBytes: 2 ** 30 };
const shownSlowest = 5;

/** Inputs between two reports of a child. */
const stride = 32;

interface Tally {
  throws: number;
  hangs: number;
  memory: number;
  crashes: number;
  peakBytes: number;
  /** The index after the last one that was run. */
  next: number;
  readonly signatures: Map<string, number>;
  readonly slow: { readonly index: number; readonly cpuSeconds: number }[];
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      count: { type: 'string', default: '1000000' },
      seed: { type: 'string', default: String(Date.now() % 2 ** 32) },
      first: { type: 'string', default: '0' },
      minutes: { type: 'string' },
      only: { type: 'string' },
      save: { type: 'string' },
      replay: { type: 'string' },
    },
  });
  if (values.replay !== undefined) {
    await replay(values.replay);
    return;
  }
  const kinds = inputKinds.filter((kind) => values.only === undefined || values.only === kind);
  const first = Number(values.first);
  const job: Job = {
    seed: Number(values.seed),
    first,
    end: first + Number(values.count),
    kinds,
    corpus: process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus',
    skip: [],
    until: values.minutes === undefined ? null : Date.now() + Number(values.minutes) * 60_000,
    stride,
  };
  const folder = mkdtempSync(path.join(tmpdir(), 'green-ai-fuzz-'));
  try {
    await run(await bundled(folder), job, values.save ?? null);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Starts faster than TypeScript, and a child has no loader that watches its memory. */
async function bundled(folder: string): Promise<string> {
  const outfile = path.join(folder, 'child.mjs');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'fuzz/child.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    banner: {
      js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
    },
    sourcemap: true,
    logLevel: 'warning',
  });
  return outfile;
}

async function run(bundle: string, job: Job, saveFolder: string | null): Promise<void> {
  const tally: Tally = {
    throws: 0,
    hangs: 0,
    memory: 0,
    crashes: 0,
    peakBytes: 0,
    next: job.first,
    signatures: new Map(),
    slow: [],
  };
  console.log(`seed ${job.seed}, inputs ${job.first} to ${job.end - 1}, ${job.kinds.join(', ')}`);
  const started = performance.now();
  let isFirst = true;
  const runPart = async (part: Job): Promise<Watched> => {
    const watched = await watch(bundle, part, limits, (message) => {
      hear(message, tally, job.seed, saveFolder, isFirst);
      isFirst = false;
    });
    tally.peakBytes = Math.max(tally.peakBytes, watched.peakBytes);
    return watched;
  };
  for (let { first } = job; first < job.end;) {
    const watched = await runPart({ ...job, first });
    if (watched.end === 'done') break;
    // One of the next few: they run again and report every single one.
    const end = Math.min(job.end, watched.index + stride);
    for (first = watched.index; first < end;) {
      const careful = await runPart({ ...job, first, end, stride: 1, until: null });
      first = careful.end === 'done' ? end : careful.index + 1;
      if (careful.end !== 'done') await judge(bundle, job, careful, tally, saveFolder);
    }
  }
  report(job, tally, (performance.now() - started) / 1000);
}

function hear(
  message: ChildMessage,
  tally: Tally,
  seed: number,
  saveFolder: string | null,
  isFirst: boolean,
): void {
  if (message.kind === 'ready' && isFirst) {
    const counts = Object.entries(message.counts).map(([kind, count]) => `${count} ${kind}`);
    console.log(`starting from ${counts.join(', ')}`);
  } else if (message.kind === 'done') tally.next = message.next;
  else if (message.kind === 'slow') {
    tally.slow.push(message);
    if (message.cpuSeconds > maxCpuSeconds) tally.hangs++;
  } else if (message.kind === 'failure') {
    const { found } = message;
    tally.throws++;
    const times = tally.signatures.get(found.signature) ?? 0;
    tally.signatures.set(found.signature, times + 1);
    if (times === 0) {
      console.log(
        `\n#${found.index} ${found.inputKind}: ${found.message}\n${found.stack.slice(0, 900)}`,
      );
      save(saveFolder, seed, found);
    }
  }
}

/** An input that ended a process is run again alone, and with fewer of its mutations. */
async function judge(
  bundle: string,
  job: Job,
  { end, index }: Watched,
  tally: Tally,
  saveFolder: string | null,
): Promise<void> {
  const fails = async (skip: readonly number[]): Promise<boolean> => {
    let cpuSeconds = 0;
    const alone = { ...job, first: index, end: index + 1, stride: 1, until: null, skip };
    const watched = await watch(bundle, alone, limits, (message) => {
      if (message.kind === 'slow') ({ cpuSeconds } = message);
    });
    return (
      watched.end !== 'done' || cpuSeconds > maxCpuSeconds || watched.peakBytes > limits.peakBytes
    );
  };
  if (!(await fails([]))) {
    console.log(`\n#${index} ${end}: not again when run alone`);
    return;
  }
  if (end === 'hang') tally.hangs++;
  else if (end === 'memory') tally.memory++;
  else tally.crashes++;
  const key: InputKey = { seed: job.seed, index, kinds: job.kinds };
  const skip: number[] = [];
  for (let step = 0; step < mutationCount(key); step++) {
    if (await fails([...skip, step])) skip.push(step);
  }
  console.log(`\n#${index} ${end}: again alone, also without mutations [${skip.join(', ')}]`);
  if (saveFolder === null) return;
  mkdirSync(saveFolder, { recursive: true });
  const input = makeInput(await loadSeeds(job.corpus), key, new Set(skip));
  const file = path.join(saveFolder, `${input.kind}-${job.seed}-${index}-${end}`);
  writeFileSync(file, input.kind === 'wire' ? input.bytes : input.text);
}

function save(
  folder: string | null,
  seed: number,
  { inputKind, index, input }: FoundFailure,
): void {
  if (folder === null || input === null) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    path.join(folder, `${inputKind}-${seed}-${index}-throw`),
    Buffer.from(input, 'base64'),
  );
}

async function replay(file: string): Promise<void> {
  const [, kind, choice] = /(\w+)-\d+-(\d+)-\w+$/u.exec(file) ?? [];
  const bytes = new Uint8Array(readFileSync(file));
  const input: FuzzInput =
    kind === 'wire'
      ? { kind, bytes, choice: Number(choice) }
      : {
          kind: kind as Exclude<InputKind, 'wire'>,
          text: Buffer.from(bytes).toString(),
          choice: Number(choice),
        };
  const failure = await failureOf(input);
  console.log(failure ? failure.stack : 'no failure');
}

function report({ seed, first }: Job, tally: Tally, seconds: number): void {
  const count = tally.next - first;
  const { throws, hangs, memory, crashes, peakBytes, signatures, slow } = tally;
  console.log(`\n${count} inputs, seed ${seed}, ${seconds.toFixed(0)} s`);
  console.log(`${(count / seconds).toFixed(0)} inputs per second`);
  console.log(
    `${throws} throws of ${signatures.size} kinds, ${hangs} hangs, ${memory} over memory, ${crashes} crashes`,
  );
  console.log(`peak memory ${(peakBytes / 1e6).toFixed(0)} MB`);
  const slowest = slow.toSorted((a, b) => b.cpuSeconds - a.cpuSeconds).slice(0, shownSlowest);
  for (const { index, cpuSeconds } of slowest)
    console.log(`slow: #${index} ${cpuSeconds.toFixed(2)} s of CPU`);
  for (const [signature, times] of signatures) console.log(`${times} × ${signature}`);
  const isMissed = throws + hangs + memory + crashes > 0;
  console.log(isMissed ? 'bars MISSED' : 'bars hold');
  if (isMissed) process.exitCode = 1;
}

void main();
