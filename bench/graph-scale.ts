/**
 * Graphs of 10,000 and 100,000 nodes: the command line and Python's onnx, each as a process of its own, on the same
 * files in the same run. The graphs are described in `graph-scale-models.ts`.
 *
 *   npm run build && npx tsx bench/graph-scale.ts [RUNS]
 *
 * RUNS is 3 when it is not given; the fastest counts. PYTHON names a Python with onnx (default python3); without it
 * only our side is measured, which needs a plain Python too. Exits 1 when a bar is missed.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { graphOf, shapes, type GraphShape } from './graph-scale-models';

/** One process, measured from outside. */
export interface Measured {
  readonly seconds: number;
  readonly userSeconds: number;
  readonly peakBytes: number;
}

export interface ScaleRow {
  readonly shape: GraphShape;
  readonly nodeCount: number;
  readonly fileBytes: number;
  readonly command: 'lint' | 'inspect';
  readonly ours: Measured;
  /** onnx.load and infer_shapes; null where there is no Python with onnx. */
  readonly python: Measured | null;
  /** Of our user time from the smaller graph to this one: 1 is linear; null for the smaller graph itself. */
  readonly growth: number | null;
}

export const nodeCounts = [10_000, 100_000] as const;

/** Bars for the larger graphs. */
export const maxSeconds = 2.5;
export const maxPeakBytes = 600e6;
export const maxGrowth = 1.1;

const python = process.env['PYTHON'] ?? 'python3';
const script = path.join(import.meta.dirname, 'graph-scale.py');
const cli = path.join(import.meta.dirname, '../dist/cli.js');

/** Writes each graph once, measures every command on it, and removes it. */
export function measureScale(runs = 3): readonly ScaleRow[] {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'green-ai-scale-'));
  try {
    return shapes.flatMap((shape) => measureShape(shape, runs, folder));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measureShape(shape: GraphShape, runs: number, folder: string): readonly ScaleRow[] {
  const rows: ScaleRow[] = [];
  for (const nodeCount of nodeCounts) {
    const file = path.join(folder, `${shape}-${nodeCount}.onnx`);
    const bytes = graphOf(shape, nodeCount);
    writeFileSync(file, bytes);
    const peer = hasOnnx() ? best(runs, python, script, 'infer', file) : null;
    for (const command of ['lint', 'inspect'] as const) {
      const ours = best(runs, process.execPath, cli, command, file);
      const smaller = rows.find((row) => row.command === command);
      const growth = smaller ? exponent(smaller, nodeCount, ours) : null;
      const fileBytes = bytes.byteLength;
      rows.push({ shape, nodeCount, fileBytes, command, ours, python: peer, growth });
    }
    rmSync(file);
  }
  return rows;
}

/** Without what a process costs that does nothing, or small graphs would make growth look small. */
function exponent(smaller: ScaleRow, nodeCount: number, ours: Measured): number {
  const idle = startUp();
  const work = (userSeconds: number): number => Math.max(userSeconds - idle, 0.001);
  const times = work(ours.userSeconds) / work(smaller.ours.userSeconds);
  return Math.log(times) / Math.log(nodeCount / smaller.nodeCount);
}

let idleSeconds: number | undefined;

function startUp(): number {
  return (idleSeconds ??= best(3, process.execPath, cli, '--version').userSeconds);
}

/** The fastest run: others tell more about what else the machine did. */
function best(runs: number, ...command: readonly string[]): Measured {
  const all = Array.from({ length: runs }, () => measure(command));
  const least = (of: (one: Measured) => number): number => Math.min(...all.map(of));
  return {
    seconds: least((one) => one.seconds),
    userSeconds: least((one) => one.userSeconds),
    peakBytes: Math.max(...all.map((one) => one.peakBytes)),
  };
}

function measure(command: readonly string[]): Measured {
  const text = execFileSync(python, [script, 'run', ...command], { encoding: 'utf8' });
  return JSON.parse(text) as Measured;
}

let onnxFound: boolean | undefined;

function hasOnnx(): boolean {
  if (onnxFound !== undefined) return onnxFound;
  try {
    execFileSync(python, [script, 'version'], { stdio: 'ignore' });
    return (onnxFound = true);
  } catch {
    return (onnxFound = false);
  }
}

/** True for rows of larger graphs that miss a bar. */
export function missesBar({ nodeCount, ours, python: peer, growth }: ScaleRow): boolean {
  if (nodeCount < nodeCounts[1]) return false;
  const isSlower = peer !== null && ours.seconds > peer.seconds;
  const grows = growth !== null && growth > maxGrowth;
  return ours.seconds > maxSeconds || ours.peakBytes > maxPeakBytes || isSlower || grows;
}

function lineOf(row: ScaleRow): string {
  const { shape, nodeCount, fileBytes, command, ours, python: peer, growth } = row;
  const figures = (one: Measured | null) =>
    one
      ? [one.seconds.toFixed(2), one.userSeconds.toFixed(2), (one.peakBytes / 1e6).toFixed(0)]
      : ['', '', ''];
  return [
    shape.padEnd(11),
    String(nodeCount).padStart(6),
    (fileBytes / 1e6).toFixed(1).padStart(5),
    command.padEnd(7),
    ...[...figures(ours), ...figures(peer)].map((text) => text.padStart(7)),
    (peer ? `${(peer.seconds / ours.seconds).toFixed(2)}x` : '').padStart(7),
    (growth?.toFixed(2) ?? '').padStart(6),
    missesBar(row) ? 'missed' : '',
  ].join('  ');
}

function main(runs: number): void {
  const rows = measureScale(runs);
  console.log(
    '                                     ours: s, user s, MB        onnx: s, user s, MB',
  );
  for (const row of rows) console.log(lineOf(row));
  if (rows.some(missesBar)) process.exitCode = 1;
}

if (process.argv[1] === import.meta.filename) main(Number(process.argv[2] ?? 3));
