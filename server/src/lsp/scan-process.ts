import { fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { shortName } from '../core/format';
import { memoryLimitMarker } from '../runtime/protocol';
import type { WorkerEntry } from '../runtime/process';
import type { ScanEvents, ScanReply, ScanWorker } from './host';

/** Of what V8 manages; together with buffers, `scan-worker.ts` watches it. */
const maxHeapMegabytes = 1024;

/** Short-lived objects are most of what an analysis makes: a small nursery keeps the process small. */
const maxNurseryMegabytes = 16;

/** What the process says: a reply, or a line for the log. */
export type ScanMessage = ScanReply | { readonly kind: 'log'; readonly message: string };

/** The file beside the server's bundle; from the sources, the worker's source through tsx. */
export function defaultScanWorker(): WorkerEntry {
  const bundle = path.join(__dirname, 'scan-worker.js');
  if (existsSync(bundle)) return { file: bundle, execArgv: [] };
  const tsx = pathToFileURL(createRequire(__filename).resolve('tsx')).href;
  return { file: path.join(__dirname, 'scan-worker.ts'), execArgv: ['--import', tsx] };
}

/** Starts a process that judges files. It ends with this one. */
export function startScanProcess({ file, execArgv }: WorkerEntry, events: ScanEvents): ScanWorker {
  const child = fork(file, {
    // Not the parent's: a debugger port cannot be shared.
    execArgv: [
      `--max-old-space-size=${maxHeapMegabytes}`,
      `--max-semi-space-size=${maxNurseryMegabytes}`,
      ...execArgv,
    ],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Makes VS Code's Electron a plain Node; others ignore it.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
  });
  let isOver = false;
  let lastWords = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => {
    lastWords = (lastWords + chunk).slice(-maxStderrCharacters);
  });
  const end = (reason: string): void => {
    if (isOver) return;
    isOver = true;
    events.onEnd(reason);
  };
  child.on('message', (message: ScanMessage) => {
    if (isOver) return;
    if (message.kind === 'log') events.onLog(message.message);
    else events.onReply(message);
  });
  // `close`, not `exit`: stderr is complete by then.
  child.once('close', (code, signal) => {
    end(reasonOf(lastWords, code, signal));
  });
  child.once('error', (error) => {
    end(`its process did not start (${error.message})`);
  });
  return {
    // A process that is going away is answered by its `close`.
    post: (request) => void child.send(request, () => undefined),
    end: () => {
      isOver = true;
      child.kill('SIGKILL');
    },
  };
}

/** Enough for the last words of a crash. */
const maxStderrCharacters = 4096;

/** A clause. */
function reasonOf(stderr: string, code: number | null, signal: NodeJS.Signals | null): string {
  if (stderr.includes(memoryLimitMarker) || stderr.includes('heap out of memory')) {
    return 'it takes more memory than a scan may use';
  }
  const error = stderr.split('\n').find((line) => /^\w*Error\b/u.test(line.trim()));
  const how = signal ? `by ${signal}` : `with code ${code ?? 'unknown'}`;
  return `its process ended ${how}${error ? `, ${shortName(error.trim(), 60)}` : ''}`;
}
