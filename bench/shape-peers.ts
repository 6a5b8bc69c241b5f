/**
 * How many shapes are known here, to onnx.shape_inference and to ONNX Runtime's symbolic_shape_infer, and does what is
 * known here hold when ONNX Runtime runs the model?
 *
 *   npx tsx bench/shape-peers.ts PYTHON [FOLDER]      (default folder: onnx of the corpus)
 *
 * A value is resolved when its rank and every dim are a number, a symbol or an expression. Prints the totals, every
 * model in which a peer resolves more, and every contradiction. Exit status 1 at a contradiction.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { dataTypeInfo } from '../server/src/core/dtype';
import type { Model } from '../server/src/core/graph';
import { readModel } from '../server/src/core/onnx/decode';
import { createProblemSink } from '../server/src/core/problem';
import { inferShapes } from '../server/src/core/shapes/infer';
import { shapeText } from '../server/src/core/shapes/ops/common';
import { evaluate } from '../server/src/core/shapes/symbolic';
import type { InferredType, Scope } from '../server/src/core/shapes/types';
import { sourceFromBytes } from '../server/src/core/source';

export interface ShapePeerRow {
  readonly model: string;
  /** Node outputs of the main graph; the other counts are parts of it. */
  readonly values: number;
  readonly ours: number;
  readonly onnx: number;
  readonly symbolic: number;
  /** Values whose shape was seen in a run, and those of them whose dims ours evaluates to numbers. */
  readonly seen: number;
  readonly checked: number;
  readonly contradictions: readonly string[];
  /** Contradictions that come from a shape that the file declares for a value, and only from that. */
  readonly misdeclared: readonly string[];
  /** Values that a peer resolves and we do not. */
  readonly missed: readonly string[];
  /** What peers resolve to something that the run contradicts. */
  readonly onnxWrong: number;
  readonly symbolicWrong: number;
  /** Why the model did not run; null when it did. */
  readonly error: string | null;
}

/** dtype code (-1: no tensor) and dims; null dims: rank unknown. */
type PeerType = readonly [code: number, dims: readonly (number | string | null)[] | null];

interface Answer {
  readonly onnx: Readonly<Record<string, PeerType>>;
  readonly symbolic: Readonly<Record<string, PeerType>>;
  readonly seen: Readonly<Record<string, readonly [dtype: string, dims: readonly number[]]>>;
  readonly sizes: Readonly<Record<string, number>>;
  readonly error: string | null;
}

/** One row per model that can be read; `onRow` hears of each as it is done. */
export async function shapePeerRows(
  python: string,
  files: readonly string[],
  onRow: (row: ShapePeerRow) => void = () => undefined,
): Promise<readonly ShapePeerRow[]> {
  const script = path.join(import.meta.dirname, 'shape_peers.py');
  // symbolic_shape_infer and models that profile themselves leave files where they run.
  const cwd = mkdtempSync(path.join(os.tmpdir(), 'shape-peers-'));
  try {
    const peer = spawn(python, [script], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
    peer.stdin.end(files.map((file) => `${path.resolve(file)}\n`).join(''));
    const rows: ShapePeerRow[] = [];
    let index = 0;
    for await (const line of createInterface({ input: peer.stdout })) {
      const file = files[index++];
      const row = file && (await compare(file, JSON.parse(line) as Answer));
      if (!row) continue;
      rows.push(row);
      onRow(row);
    }
    return rows;
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

async function compare(file: string, answer: Answer): Promise<ShapePeerRow | null> {
  const read = await readModel(sourceFromBytes(readFileSync(file)), createProblemSink());
  if (!read) return null;
  const scope = inferShapes(read.model, createProblemSink());
  const undeclared = inferShapes(withoutDeclarations(read.model), createProblemSink());
  const names = outputNames(scope);
  const bindings = new Map(Object.entries(answer.sizes));
  const count = (test: (name: string) => boolean): number => names.filter(test).length;
  const isOurs = (name: string): boolean => isResolved(scope.types.get(name));
  const byPeer = (peer: keyof Answer & ('onnx' | 'symbolic')) => (name: string) =>
    isPeerResolved(answer[peer][name]);
  const checks = names.map((name) => check(name, undeclared, answer, bindings));
  const declared = names.map((name) => check(name, scope, answer, bindings));
  const isMissed = (name: string): boolean =>
    !isOurs(name) && (byPeer('onnx')(name) || byPeer('symbolic')(name));
  return {
    model: file,
    values: names.length,
    ours: count(isOurs),
    onnx: count(byPeer('onnx')),
    symbolic: count(byPeer('symbolic')),
    seen: count((name) => name in answer.seen),
    checked: checks.filter((each) => each === true).length,
    contradictions: checks.filter((each) => typeof each === 'string'),
    misdeclared: declared
      .filter((_, at) => typeof checks[at] !== 'string')
      .filter((each) => typeof each === 'string'),
    missed: names.filter(isMissed),
    onnxWrong: count((name) => isPeerWrong(answer.onnx[name], answer.seen[name], bindings)),
    symbolicWrong: count((name) => isPeerWrong(answer.symbolic[name], answer.seen[name], bindings)),
    error: answer.error,
  };
}

/** What the file says of node outputs is no inference of ours. */
function withoutDeclarations(model: Model): Model {
  const outputs = model.graph.outputs.map((info) => ({
    ...info,
    type: { kind: 'unknown' as const },
  }));
  return { ...model, graph: { ...model.graph, outputs, valueInfos: [] } };
}

function outputNames(scope: Scope): readonly string[] {
  const names = scope.nodes.flatMap(({ outputs }) => outputs.filter((name) => name !== ''));
  return [...new Set(names)];
}

function isResolved(type: InferredType | undefined): boolean {
  if (!type || type.kind === 'unknown') return false;
  if (type.kind !== 'tensor' && type.kind !== 'sparse-tensor') return true;
  return type.dtype !== null && (type.shape?.every((dim) => dim !== null) ?? false);
}

function isPeerResolved(type: PeerType | undefined): boolean {
  if (!type) return false;
  const [code, dims] = type;
  return code !== 0 && (dims?.every((dim) => dim !== null) ?? false);
}

/** A contradiction with what was seen, true when every dim is the number that was seen, else false. */
function check(
  name: string,
  scope: Scope,
  answer: Answer,
  bindings: ReadonlyMap<string, number>,
): string | boolean {
  const seen = answer.seen[name];
  const type = scope.types.get(name);
  if (!seen || !type || type.kind === 'unknown') return false;
  const [dtypeText, dims] = seen;
  if (type.kind !== 'tensor') return `${name} is a ${type.kind}, seen as ${dtypeText}`;
  const producer = scope.nodes.find(({ outputs }) => outputs.includes(name));
  const said = `${name} (${producer?.opType ?? '?'}) is ${type.dtype ?? '?'}${shapeText(type.shape)}`;
  const found = `seen as ${dtypeText} [${dims.join(', ')}]`;
  if (type.dtype !== null && runtimeName(type.dtype) !== dtypeText) return `${said}, ${found}`;
  if (!type.shape) return false;
  const sizes = type.shape.map((dim) => evaluate(dim, bindings));
  const differs = sizes.some((size, axis) => size !== null && size !== dims[axis]);
  if (sizes.length !== dims.length || differs) return `${said}, ${found}`;
  return sizes.every((size) => size !== null);
}

function runtimeName(dtype: Parameters<typeof dataTypeInfo>[0]): string {
  const names = new Map([
    ['float32', 'float'],
    ['float64', 'double'],
  ]);
  const { name } = dataTypeInfo(dtype);
  return `tensor(${names.get(name) ?? name})`;
}

function isPeerWrong(
  type: PeerType | undefined,
  seen: readonly [string, readonly number[]] | undefined,
  bindings: ReadonlyMap<string, number>,
): boolean {
  const dims = type?.[1];
  if (!dims || !seen || type[0] === -1) return false;
  if (dims.length !== seen[1].length) return true;
  return dims.some((dim, axis) => {
    const size = typeof dim === 'string' ? bindings.get(dim) : dim;
    return typeof size === 'number' && size !== seen[1][axis];
  });
}

async function main(python: string, folder: string): Promise<void> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => path.resolve(folder, name))
    .sort();
  const rows = await shapePeerRows(python, files, (row) => {
    const name = path.relative(folder, row.model);
    for (const text of row.contradictions) console.log(`CONTRADICTION ${name}: ${text}`);
    for (const text of row.misdeclared) console.log(`MISDECLARED ${name}: ${text}`);
    if (row.ours >= Math.max(row.onnx, row.symbolic)) return;
    const counts = `ours ${row.ours}, onnx ${row.onnx}, symbolic ${row.symbolic} of ${row.values}`;
    console.log(`FEWER ${name}: ${counts}; missed ${row.missed.slice(0, 5).join(' ')}`);
  });
  print('all', rows);
  print(
    'real',
    rows.filter(({ model }) => model.split(path.sep).includes('real')),
  );
  if (rows.some(({ contradictions }) => contradictions.length > 0)) process.exitCode = 1;
}

function print(title: string, rows: readonly ShapePeerRow[]): void {
  const sum = (of: (row: ShapePeerRow) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const values = sum((row) => row.values);
  const share = (of: (row: ShapePeerRow) => number): string =>
    `${sum(of)} (${((100 * sum(of)) / Math.max(1, values)).toFixed(1)} %)`;
  const ran = rows.filter(({ error }) => error === null).length;
  console.log(`${title}: ${rows.length} models, ${ran} ran, ${values} values`);
  console.log(`  resolved: ours ${share((row) => row.ours)}, onnx ${share((row) => row.onnx)}`);
  console.log(`  resolved by symbolic_shape_infer ${share((row) => row.symbolic)}`);
  console.log(`  seen ${sum((row) => row.seen)}, evaluated and equal ${sum((row) => row.checked)}`);
  console.log(`  contradictions: ours ${sum((row) => row.contradictions.length)}`);
  console.log(
    `  contradictions: onnx ${sum((row) => row.onnxWrong)}, symbolic ${sum((row) => row.symbolicWrong)}`,
  );
}

if (process.argv[1] === import.meta.filename) {
  const [python = 'python3', folder] = process.argv.slice(2);
  const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';
  void main(python, folder ?? path.join(corpus, 'onnx'));
}
