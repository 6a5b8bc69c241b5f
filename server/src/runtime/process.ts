import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { formatBytes, formatSeconds, shortName } from '../core/format';
import {
  memoryLimitMarker,
  memoryLimitVariable,
  type Envelope,
  type ReplyEnvelope,
  type RequestKind,
  type RequestOf,
  type RuntimeKind,
  type RuntimeReplies,
  type RuntimeRequest,
} from './protocol';

/**
 * `failed`: the runtime said no (the model is invalid, an operator unknown) and is still there.
 * `crashed`, `timeout`, `memory`: its process is gone, and every later request answers the same.
 */
export type RuntimeResult<T> =
  | { readonly outcome: 'ok'; readonly value: T }
  | { readonly outcome: RuntimeFailure; readonly message: string };

export type RuntimeFailure = 'crashed' | 'timeout' | 'memory' | 'failed';

/** ONNX Runtime in a process of its own. */
export interface RuntimeProcess {
  readonly runtime: RuntimeKind;
  readonly version: string;
  readonly pid: number;
  request<Kind extends RequestKind>(
    request: RequestOf<Kind>,
    deadlineSeconds: number,
  ): Promise<RuntimeResult<RuntimeReplies[Kind]>>;
  /** Ends the process; resolves when it is gone. */
  stop(): Promise<void>;
}

export interface RuntimeOptions {
  readonly runtime: RuntimeKind | 'auto';
  /** Of the runtime within one operator; 1 makes timings comparable. */
  readonly threads: number;
  readonly memoryLimitBytes: number;
  readonly worker?: WorkerEntry;
}

/** The file the process runs, and the options its Node needs for it. */
export interface WorkerEntry {
  readonly file: string;
  readonly execArgv: readonly string[];
}

/** Loading the runtime itself takes well under a second; a cold disk may take longer. */
const startDeadlineSeconds = 30;

/** Never throws: what goes wrong is the result's outcome. A native binary that crashes gives way to wasm in `auto`. */
export async function startRuntime(
  options: RuntimeOptions,
): Promise<RuntimeResult<RuntimeProcess>> {
  const started = await startOnce(options, options.runtime);
  if (started.outcome !== 'crashed' || options.runtime !== 'auto') return started;
  return startOnce(options, 'wasm');
}

async function startOnce(
  options: RuntimeOptions,
  runtime: RuntimeKind | 'auto',
): Promise<RuntimeResult<RuntimeProcess>> {
  const { file, execArgv } = options.worker ?? defaultWorker();
  const child = fork(file, {
    // Not the parent's: a debugger port cannot be shared.
    execArgv: [...execArgv],
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    env: {
      ...process.env,
      [memoryLimitVariable]: String(options.memoryLimitBytes),
      // Makes VS Code's Electron a plain Node; others ignore it.
      ELECTRON_RUN_AS_NODE: '1',
    },
  });
  const connection = connect(child, options.memoryLimitBytes);
  const reply = await connection.request(
    { kind: 'start', runtime, threads: options.threads },
    startDeadlineSeconds,
  );
  if (reply.outcome !== 'ok') {
    await connection.stop();
    return reply;
  }
  return { outcome: 'ok', value: { ...connection, ...reply.value, pid: child.pid ?? 0 } };
}

/** The bundle beside this one; from the sources, the worker's source through tsx. */
function defaultWorker(): WorkerEntry {
  const bundle = path.join(__dirname, 'runtime-worker.js');
  if (existsSync(bundle)) return { file: bundle, execArgv: [] };
  const tsx = pathToFileURL(createRequire(__filename).resolve('tsx')).href;
  return { file: path.join(__dirname, 'worker.ts'), execArgv: ['--import', tsx] };
}

type Connection = Pick<RuntimeProcess, 'request' | 'stop'>;
type Failure = Extract<RuntimeResult<never>, { message: string }>;

interface Pending {
  readonly resolve: (result: RuntimeResult<RuntimeReplies[RequestKind]>) => void;
  readonly timer: NodeJS.Timeout;
}

function connect(child: ChildProcess, memoryLimitBytes: number): Connection {
  const pending = new Map<number, Pending>();
  let lastId = 0;
  let killedFor: Failure | null = null;
  let ended: Failure | null = null;
  const stderr = tailOf(child);

  const end = (failure: Failure): void => {
    ended ??= failure;
    for (const { resolve, timer } of pending.values()) {
      clearTimeout(timer);
      resolve(ended);
    }
    pending.clear();
  };
  const kill = (failure: Failure): void => {
    killedFor ??= failure;
    child.kill('SIGKILL');
  };
  const closed = new Promise<void>((resolve) => {
    // `close`, not `exit`: stderr is complete by then.
    child.once('close', (code, signal) => {
      end(killedFor ?? failureFrom(stderr(), code, signal, memoryLimitBytes));
      resolve();
    });
    child.once('error', (error) => {
      end({ outcome: 'crashed', message: `The runtime process did not start: ${error.message}` });
      resolve();
    });
  });
  child.on('message', (reply: ReplyEnvelope) => {
    const waiting = pending.get(reply.id);
    if (!waiting) return;
    if (!reply.ok && reply.broken) {
      kill({ outcome: 'crashed', message: `ONNX Runtime broke down: ${firstLine(reply.message)}` });
      return;
    }
    pending.delete(reply.id);
    clearTimeout(waiting.timer);
    waiting.resolve(
      reply.ok
        ? { outcome: 'ok', value: reply.value }
        : { outcome: 'failed', message: firstLine(reply.message) },
    );
  });

  const exchange = (
    request: RuntimeRequest,
    deadlineSeconds: number,
  ): Promise<RuntimeResult<RuntimeReplies[RequestKind]>> => {
    if (ended) return Promise.resolve(ended);
    return new Promise((resolve) => {
      lastId += 1;
      const timer = setTimeout(
        () => {
          const message = `ONNX Runtime did not finish "${request.kind}" in ${formatSeconds(deadlineSeconds)} and was stopped.`;
          kill({ outcome: 'timeout', message });
        },
        Math.min(deadlineSeconds * 1000, maxTimerMilliseconds),
      );
      pending.set(lastId, { resolve, timer });
      const envelope: Envelope = { id: lastId, request };
      // A process that is going away is answered by its `close`.
      child.send(envelope, () => undefined);
    });
  };
  return {
    // The reply's type follows from the request's kind: the worker's handler answers by the same table.
    request: (request, deadlineSeconds) =>
      exchange(request, deadlineSeconds) as Promise<RuntimeResult<never>>,
    stop: async () => {
      kill({ outcome: 'crashed', message: 'The runtime process was stopped.' });
      await closed;
    },
  };
}

/** `setTimeout` takes 31 bits; longer would fire at once. */
const maxTimerMilliseconds = 2 ** 31 - 1;

/** Enough for the last words of a crash; a model must not fill our memory through a log. */
const maxStderrCharacters = 4096;

function tailOf(child: ChildProcess): () => string {
  let tail = '';
  child.stderr?.setEncoding('utf8');
  child.stderr?.on('data', (chunk: string) => {
    tail = (tail + chunk).slice(-maxStderrCharacters);
  });
  return () => tail;
}

function failureFrom(
  stderr: string,
  code: number | null,
  signal: NodeJS.Signals | null,
  memoryLimitBytes: number,
): Failure {
  const marker = stderr.indexOf(memoryLimitMarker);
  if (marker !== -1) {
    const residentBytes = Number.parseInt(stderr.slice(marker + memoryLimitMarker.length), 10);
    return {
      outcome: 'memory',
      message: `ONNX Runtime took ${formatBytes(residentBytes)}, above the limit of ${formatBytes(memoryLimitBytes)}, and was stopped.`,
    };
  }
  const how = signal ? `by ${signal}` : `with code ${code ?? 'unknown'}`;
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  // An uncaught error is followed by its stack; an abort says its reason last.
  const lastWords = lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1);
  return {
    outcome: 'crashed',
    message: `The runtime process ended ${how}${lastWords ? `: ${shortName(lastWords, 60)}` : ''}.`,
  };
}

/** What the packages put before the runtime's own sentence. */
const messagePrefix =
  /^(?:Load model from .*? failed:|(?:Can't create a session|failed to call OrtRun\(\))\. ERROR_CODE: \d+, ERROR_MESSAGE: )/;

function firstLine(message: string): string {
  const [line = ''] = message.trim().replace(messagePrefix, '').split('\n');
  return shortName(line, 200);
}
