import { execFileSync, spawnSync } from 'node:child_process';
import path from 'node:path';

export const python = process.env['PYTHON'] ?? 'python3';
export const cli = path.join(import.meta.dirname, '../../dist/cli.js');

const maxOutputBytes = 512e6;

/** One run of a process: seconds, bytes, exit status. */
export interface Measured {
  readonly wallSeconds: number;
  /** User and system time of all its threads. */
  readonly cpuSeconds: number;
  readonly peakBytes: number;
  readonly status: number;
}

/** What a script of this folder prints. Throws when it fails. */
export function runPython(script: string, ...args: readonly string[]): string {
  return execFileSync(python, [path.join(import.meta.dirname, script), ...args], {
    encoding: 'utf8',
    maxBuffer: maxOutputBytes,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

/** As `runPython`, but null when the script fails. */
export function tryPython(script: string, ...args: readonly string[]): string | null {
  try {
    return runPython(script, ...args);
  } catch {
    return null;
  }
}

/** The run of least CPU time of several: the machine may be busy with other things. */
export function measure(command: readonly string[], runs: number): Measured {
  const all = Array.from({ length: runs }, () => measureOnce(command));
  return all.reduce((best, one) => (one.cpuSeconds < best.cpuSeconds ? one : best));
}

function measureOnce(command: readonly string[]): Measured {
  const script = path.join(import.meta.dirname, '../measure.py');
  const { stdout } = spawnSync(python, [script, ...command], { encoding: 'utf8' });
  return JSON.parse(stdout) as Measured;
}

/** The parts of `inspect --format json` that are compared. */
export interface Inspected {
  readonly parameters: number;
  readonly macs: number | null;
  readonly opsets: Readonly<Record<string, number>>;
  readonly coverage: Readonly<Record<string, number>>;
  readonly inputs: readonly (InspectedValue & { readonly name: string })[];
  readonly values: Readonly<Record<string, InspectedValue>>;
  readonly nodes: readonly InspectedNode[];
}

export interface InspectedValue {
  readonly dtype: string | null;
  readonly shape: readonly (number | string | null)[] | null;
}

export interface InspectedNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly parameters: number;
  readonly macs: number | null;
}

export function inspect(file: string, dims: readonly string[] = []): Inspected {
  const options = dims.flatMap((dim) => ['--dim', dim]);
  const args = [cli, 'inspect', file, '--format', 'json', ...options];
  const spawn = { encoding: 'utf8', maxBuffer: maxOutputBytes, stdio: 'pipe' } as const;
  return JSON.parse(execFileSync(process.execPath, args, spawn)) as Inspected;
}

/** With every open size of the inputs set to 1, as `peers.py` does. */
export function inspectOfOnes(file: string): Inspected {
  const open = inspect(file);
  const names = open.inputs
    .flatMap(({ shape }) => shape ?? [])
    .filter((dim) => typeof dim === 'string');
  return names.length === 0
    ? open
    : inspect(
        file,
        [...new Set(names)].map((name) => `${name}=1`),
      );
}
