import type { CancelSignal } from '../core/source';
import type { Host } from '../host';
import type { Digest, DigestRequest } from './digest';

/** What the language server needs from outside beyond the engine's host. */
export interface ServerHost extends Host {
  readonly version: string;
  /** Null when there is no regular file of that name. */
  stat(path: string): Promise<FileVersion | null>;
  /** Models, configs and settings below a folder, in a stable order; dependencies and build results left out. */
  findFiles(folder: string, signal: CancelSignal): Promise<readonly string[]>;
  /** Names in a folder; empty when it cannot be read. */
  listNames(folder: string): Promise<readonly string[]>;
  /** The page that explains a rule, when it is at hand. */
  readonly ruleUri: (id: string) => string | null;
  readonly process: ProcessFacts;
  /** Starts a judge of files beside this process; null where there is no such thing. */
  readonly startWorker: ((events: ScanEvents) => ScanWorker) | null;
}

/** Takes one request after the other, each after the reply to the one before. */
export interface ScanWorker {
  post(request: DigestRequest): void;
  /** At once, whatever it does; nothing is told afterwards. */
  end(): void;
}

export interface ScanEvents {
  onReply(reply: ScanReply): void;
  onLog(message: string): void;
  /** It is gone, and nobody ended it. */
  onEnd(reason: string): void;
}

export type ScanReply =
  /** Told once, before it takes requests. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'digest'; readonly digest: Digest; readonly residentBytes: number }
  /** A bug; the worker goes on. */
  | { readonly kind: 'failed'; readonly message: string };

/** Tells two states of a file apart. */
export interface FileVersion {
  /** Milliseconds since 1970. */
  readonly modifiedTime: number;
  readonly byteLength: number;
}

export interface ProcessFacts {
  readonly node: string;
  readonly platform: string;
  readonly residentBytes: () => number;
}
