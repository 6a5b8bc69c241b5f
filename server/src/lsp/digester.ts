import { formatSeconds } from '../core/format';
import { digestFile, failedDigest, givenUp, type Digest, type DigestRequest } from './digest';
import type { FileVersion, ScanReply, ScanWorker, ServerHost } from './host';

/** Judges files that nobody looks at, elsewhere where the host can: this process stays free for requests. */
export interface Digester {
  /** Answers for a file that takes too long, too much, or ends its judge, too: the digest says so. */
  digest(request: DigestRequest): Promise<Digest>;
  /** Ends what was started. */
  dispose(): void;
}

export interface DigesterLimits {
  /** For one file, the start of the process included. */
  readonly deadlineMilliseconds: number;
  /** A process above it ends after its file. */
  readonly maxResidentBytes: number;
  /** Without a file for so long it ends. */
  readonly idleMilliseconds: number;
}

/** Files of 100,000 nodes take seconds, on a busy machine some ten. */
const defaultLimits: DigesterLimits = {
  deadlineMilliseconds: 60_000,
  maxResidentBytes: 200e6,
  idleMilliseconds: 5_000,
};

/** A process that ended may have been hit by accident; a file that ends two is the reason. */
const maxAttempts = 2;

/** Processes that end before they are ready, one after the other: there will be no other. */
const maxVainStarts = 2;

type Outcome =
  | Exclude<ScanReply, { readonly kind: 'ready' }>
  | { readonly kind: 'ended'; readonly reason: string; readonly wasReady: boolean }
  | { readonly kind: 'late' };

type DigestHost = Pick<ServerHost, 'startWorker'> & Parameters<typeof digestFile>[0];

export function createDigester(host: DigestHost, limits = defaultLimits): Digester {
  /** Files that were given up, in the state they were in. */
  const failures = new Map<string, { readonly version: FileVersion; readonly digest: Digest }>();
  let worker: RunningWorker | null = null;
  let queue: Promise<unknown> = Promise.resolve();
  let idleTimer: NodeJS.Timeout | undefined;
  let vainStarts = 0;

  const end = (): void => {
    clearTimeout(idleTimer);
    worker?.end();
    worker = null;
  };
  const ask = async (request: DigestRequest): Promise<Outcome> => {
    clearTimeout(idleTimer);
    worker ??= startRunning(host);
    const outcome = await worker.ask(request, limits.deadlineMilliseconds);
    const isSpent = outcome.kind === 'digest' && outcome.residentBytes > limits.maxResidentBytes;
    if (outcome.kind === 'late' || outcome.kind === 'ended' || isSpent) end();
    else idleTimer = setTimeout(end, limits.idleMilliseconds);
    if (outcome.kind !== 'ended' || outcome.wasReady) vainStarts = 0;
    else vainStarts++;
    return outcome;
  };
  const askTwice = async (request: DigestRequest): Promise<Outcome> => {
    let outcome = await ask(request);
    for (let attempt = 1; attempt < maxAttempts && outcome.kind === 'ended'; attempt++) {
      outcome = await ask(request);
    }
    return outcome;
  };
  const giveUp = (request: DigestRequest, failure: string): Digest => {
    host.log(givenUp(request, failure));
    const digest = failedDigest(failure);
    failures.set(request.uri, { version: request.version, digest });
    return digest;
  };
  const digest = async (request: DigestRequest): Promise<Digest> => {
    if (!host.startWorker || vainStarts >= maxVainStarts) return digestFile(host, request);
    const known = failures.get(request.uri);
    if (known && isSame(known.version, request.version)) return known.digest;
    failures.delete(request.uri);
    const outcome = await askTwice(request);
    switch (outcome.kind) {
      case 'digest':
        return outcome.digest;
      case 'failed':
        throw new Error(outcome.message);
      case 'late': {
        const seconds = formatSeconds(limits.deadlineMilliseconds / 1000);
        return giveUp(request, `It took longer than ${seconds}.`);
      }
      case 'ended':
        if (outcome.wasReady) return giveUp(request, `Reading it failed: ${outcome.reason}.`);
        host.log(`Files are read in the server itself: ${outcome.reason}.`);
        return digestFile(host, request);
    }
  };
  return {
    digest: (request) => {
      const answer = queue.then(() => digest(request));
      queue = answer.catch(() => undefined);
      return answer;
    },
    dispose: end,
  };
}

function isSame(one: FileVersion, other: FileVersion): boolean {
  return one.modifiedTime === other.modifiedTime && one.byteLength === other.byteLength;
}

interface RunningWorker {
  ask(request: DigestRequest, deadlineMilliseconds: number): Promise<Outcome>;
  end(): void;
}

/** Turns the worker's events into answers. */
function startRunning(host: DigestHost): RunningWorker {
  let isReady = false;
  let ended: Outcome | null = null;
  let answer: ((outcome: Outcome) => void) | null = null;
  const worker: ScanWorker | null =
    host.startWorker?.({
      onReply: (reply) => {
        if (reply.kind === 'ready') isReady = true;
        else answer?.(reply);
      },
      onLog: (message) => {
        host.log(message);
      },
      onEnd: (reason) => {
        ended = { kind: 'ended', reason, wasReady: isReady };
        answer?.(ended);
      },
    }) ?? null;
  return {
    ask: async (request, deadlineMilliseconds) => {
      if (ended) return ended;
      let timer: NodeJS.Timeout | undefined;
      const answered = new Promise<Outcome>((resolve) => {
        answer = resolve;
        timer = setTimeout(resolve, deadlineMilliseconds, { kind: 'late' } satisfies Outcome);
      });
      worker?.post(request);
      const outcome = await answered;
      clearTimeout(timer);
      return outcome;
    },
    end: () => {
      worker?.end();
    },
  };
}
