import os from 'node:os';
import { createNodeHost } from '../host-node';
import { startWatchdog } from '../runtime/watchdog';
import { digestFile, type DigestRequest } from './digest';
import { describeError } from './safe';
import type { ScanMessage } from './scan-process';

/** Of the whole process: what one file may take. */
const memoryLimitBytes = 1e9;

// Entry of the process that `scan-process.ts` starts: it speaks over the channel of `fork`.
if (process.send) serve(process.send.bind(process));

function serve(tell: (message: ScanMessage) => void): void {
  beModest();
  startWatchdog(memoryLimitBytes);
  const host = createNodeHost((message) => {
    tell({ kind: 'log', message });
  });
  process.on('message', (request: DigestRequest) => {
    digestFile(host, request).then(
      (digest) => {
        tell({ kind: 'digest', digest, residentBytes: process.memoryUsage.rss() });
      },
      (error: unknown) => {
        tell({ kind: 'failed', message: describeError(error) });
      },
    );
  });
  process.on('disconnect', () => process.exit(0));
  tell({ kind: 'ready' });
}

/** Whoever types comes first. */
function beModest(): void {
  try {
    os.setPriority(os.constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Some systems do not let a process do that; it is only politeness.
  }
}
