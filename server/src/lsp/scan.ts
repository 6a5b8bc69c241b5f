import type { CancelSignal } from '../core/source';
import { nextTurn } from './safe';

/** Goes through files one after the other, so that requests are answered in between. */
export interface Scanner {
  /** Files to visit, each once however often it is named; a file that is waiting keeps its place. */
  add(uris: Iterable<string>): void;
  /** Everything that waits is forgotten. */
  clear(): void;
  readonly isBusy: boolean;
  /** Files to visit, the one under way included. */
  readonly left: number;
  /** When nothing is left to visit, or the signal says so. */
  settled(signal: CancelSignal, progress: (left: number) => void): Promise<void>;
}

export function createScanner(
  visit: (uri: string) => Promise<void>,
  onError: (uri: string, error: unknown) => void,
): Scanner {
  const waiting = new Set<string>();
  let running: Promise<void> | null = null;
  const run = async (): Promise<void> => {
    for (const uri of waiting) {
      waiting.delete(uri);
      await nextTurn();
      try {
        await visit(uri);
      } catch (error) {
        onError(uri, error);
      }
    }
    running = null;
  };
  return {
    add: (uris) => {
      for (const uri of uris) waiting.add(uri);
      if (waiting.size > 0) running ??= run();
    },
    clear: () => {
      waiting.clear();
    },
    get isBusy() {
      return running !== null;
    },
    get left() {
      return waiting.size + (running === null ? 0 : 1);
    },
    settled: async (signal, progress) => {
      while (running !== null && !signal.cancelled) {
        progress(waiting.size);
        await Promise.race([running, pause()]);
      }
    },
  };
}

/** How often progress is told. */
const progressMilliseconds = 200;

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, progressMilliseconds));
}
