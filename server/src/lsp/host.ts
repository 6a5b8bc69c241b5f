import type { CancelSignal } from '../core/source';
import type { Host } from '../host';

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
}

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
