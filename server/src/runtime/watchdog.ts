import { Worker } from 'node:worker_threads';
import { memoryLimitMarker } from './protocol';

/** Allocation is at most a few GB/s: at this rate a limit is overshot by some hundred MB at worst. */
const pollMilliseconds = 25;

/**
 * Starts a thread that ends this process when its memory exceeds the limit (after saying so on stderr)
 * or when its parent is gone. A thread, because a native call may block the main one for ever.
 */
export function startWatchdog(memoryLimitBytes: number): void {
  const workerData = {
    memoryLimitBytes,
    memoryLimitMarker,
    pollMilliseconds,
    parent: process.ppid,
  };
  new Worker(threadSource, { eval: true, workerData }).unref();
}

/**
 * Plain JavaScript in a string: a thread's file would have to be found beside the bundle and,
 * from the sources, be compiled first. Signal 0 only asks whether a process exists: Windows
 * keeps the id of a parent that has ended.
 */
const threadSource = `
const { writeSync } = require('node:fs');
const { workerData } = require('node:worker_threads');
const { memoryLimitBytes, memoryLimitMarker, pollMilliseconds, parent } = workerData;
const isAlive = (pid) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
};
setInterval(() => {
  const residentBytes = process.memoryUsage.rss();
  if (residentBytes > memoryLimitBytes) {
    writeSync(2, '\\n' + memoryLimitMarker + ' ' + residentBytes + '\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  if (process.ppid !== parent || !isAlive(parent)) process.kill(process.pid, 'SIGKILL');
}, pollMilliseconds);
`;
