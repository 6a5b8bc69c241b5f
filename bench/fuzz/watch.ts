import { fork, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { progressBytes, progressFd, type ChildMessage, type Job } from './protocol';

export interface Limits {
  /** Wall time of one input after which the child is killed. */
  readonly seconds: number;
  readonly peakBytes: number;
}

export interface Watched {
  /** `done`: ran to its end. Else an input from `index` on, before the next report, hung or took too much. */
  readonly end: 'done' | 'hang' | 'memory' | 'crash';
  readonly index: number;
  readonly peakBytes: number;
}

/** How often the clock is looked at, in milliseconds. */
const tickMilliseconds = 100;

/** A heap above this ends the process, which then counts as `crash`. */
const maxHeapMegabytes = 900;

/** Runs a job in its own process and watches over every single input. */
export function watch(
  bundle: string,
  job: Job,
  limits: Limits,
  onMessage: (message: ChildMessage) => void,
): Promise<Watched> {
  const child = fork(bundle, [JSON.stringify(job)], {
    execArgv: [
      '--enable-source-maps',
      '--max-semi-space-size=32',
      `--max-old-space-size=${maxHeapMegabytes}`,
    ],
    stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
  });
  let [index, peakBytes, since] = [job.first, 0, Infinity];
  let end: Watched['end'] = 'crash';
  const stop = (why: 'hang' | 'memory'): void => {
    end = why;
    child.kill('SIGKILL');
  };
  onProgress(child, (at, peak) => {
    if (at > index || since === Infinity) since = performance.now();
    // The peak is that of the input before, which raised it.
    if (peak > limits.peakBytes && end === 'crash') stop('memory');
    else index = at;
    peakBytes = Math.max(peakBytes, peak);
  });
  child.on('message', (message) => {
    const told = message as ChildMessage;
    if (told.kind === 'done') end = 'done';
    onMessage(told);
    // Making an input smaller takes time of its own.
    since = performance.now();
  });
  const clock = setInterval(() => {
    if (performance.now() - since > limits.seconds * 1000 && end === 'crash') stop('hang');
  }, tickMilliseconds);
  return new Promise((resolve) => {
    child.on('close', () => {
      clearInterval(clock);
      resolve({ end, index, peakBytes });
    });
  });
}

function onProgress(child: ChildProcess, tell: (index: number, peakBytes: number) => void): void {
  const stream = child.stdio[progressFd] as Readable | null | undefined;
  let rest = Buffer.alloc(0);
  stream?.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const whole = rest.byteLength - (rest.byteLength % progressBytes);
    for (let at = 0; at < whole; at += progressBytes) {
      tell(rest.readUInt32LE(at), rest.readUInt32LE(at + 4) * 1024);
    }
    rest = rest.subarray(whole);
  });
}
