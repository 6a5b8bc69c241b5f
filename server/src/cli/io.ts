import type { CancelSignal } from '../core/source';
import type { Host } from '../host';

/** What a command works with; tests give their own. */
export interface Io {
  readonly host: Host;
  /** Results. With `--format json` nothing else is written here. */
  readonly out: (text: string) => void;
  /** Progress, notes and complaints. */
  readonly err: (text: string) => void;
  readonly signal: CancelSignal;
  readonly version: string;
}

/** 0: nothing at the failing severity; 1: findings, or a result that missed its bound; 2: usage or unreadable input. */
export type ExitCode = 0 | 1 | 2;

/** Ends a command with exit 2 and this sentence. */
export class UsageError extends Error {}

export function writeJson(io: Io, value: unknown): void {
  io.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** One sentence on stderr, and exit status 2. */
export function fail(io: Io, message: string): ExitCode {
  io.err(`green-ai: ${message}\n`);
  return 2;
}

/** `NAME=N` options as a map. */
export function parseDims(values: readonly string[]): ReadonlyMap<string, number> {
  const dims = new Map<string, number>();
  for (const value of values) {
    const at = value.lastIndexOf('=');
    const size = value.slice(at + 1);
    if (at <= 0 || !/^\d{1,15}$/u.test(size) || Number(size) < 1) {
      throw new UsageError(
        `--dim ${value}: give a name and a size of at least 1, as in --dim batch=4`,
      );
    }
    dims.set(value.slice(0, at), Number(size));
  }
  return dims;
}

/** A whole number from 1 on, for options like `--threads`. */
export function parseCount(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/u.test(value) || Number(value) < 1) {
    throw new UsageError(`${name} ${value}: give a whole number from 1 on`);
  }
  return Number(value);
}
