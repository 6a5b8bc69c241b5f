import { shortName } from '../core/format';
import type { Model } from '../core/graph';
import type { CancelSignal } from '../core/source';
import type { Host } from '../host';
import type { WorkerEntry } from '../runtime/process';
import { oneLine } from './terminal';

/** What a command works with; tests give their own. */
export interface Io {
  readonly host: Host;
  /** Results. With `--format json` nothing else is written here. */
  readonly out: (text: string) => void;
  /**
   * To be awaited between pieces of a long result: another program may read them slower than they are made. False when
   * nobody reads any more. Left out where results are taken at once.
   */
  readonly drained?: () => Promise<boolean>;
  /** Progress, notes and complaints. */
  readonly err: (text: string) => void;
  readonly signal: CancelSignal;
  readonly version: string;
  /** Results go to a terminal, not to a file or another program. */
  readonly isTerminal: boolean;
  /** The process that runs ONNX Runtime, when it is not the one beside this program. */
  readonly worker?: WorkerEntry;
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
  io.err(`green-ai: ${oneLine(message)}\n`);
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

/** Says on stderr which `--dim` names the model does not have: a slip of the pen would go unnoticed. */
export function noteUnknownDims(io: Io, dims: ReadonlyMap<string, number>, { graph }: Model): void {
  if (dims.size === 0) return;
  const names = new Set<string>();
  for (const { type } of [...graph.inputs, ...graph.outputs, ...graph.valueInfos]) {
    if (type.kind !== 'tensor' && type.kind !== 'sparse-tensor') continue;
    for (const dim of type.dims ?? []) if (typeof dim === 'string') names.add(dim);
  }
  for (const name of dims.keys()) {
    if (names.has(name)) continue;
    const has = [...names].slice(0, 5).map((known) => shortName(known));
    const hint = has.length > 0 ? `it has ${has.join(', ')}` : 'it has none';
    io.err(`green-ai: --dim ${shortName(name)}: the model has no dim of this name; ${hint}\n`);
  }
}

/** A whole number from 1 on, for options like `--threads`. */
export function parseCount(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/u.test(value) || Number(value) < 1) {
    throw new UsageError(`${name} ${value}: give a whole number from 1 on`);
  }
  return Number(value);
}
