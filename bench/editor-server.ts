/**
 * The language server as an editor starts it: over stdio, on a folder with 1,000 files of the corpus.
 *
 *   npm run build && npx tsx bench/editor-server.ts      (corpus: GREEN_AI_CORPUS, default ../shared/corpus)
 *
 * Wall times hold for a quiet machine; how long an empty node takes, and the scan's own processor time, tell how quiet
 * it was. Memory is the sum over the server's processes, shared pages counted in each.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { uriOf, textUriOf } from '../server/src/lsp/uris';
import { corpus, hasCorpus } from '../test/support/corpus';
import { floatConfig, modelBytes, watchWorkspace } from '../test/support/lsp';
import { int, join, message, onnxField as f, text } from '../test/support/protobuf';
import { startServerProcess, type ServerProcess } from '../test/support/lsp-process';
import { processTree, watchTree } from './process-tree';

export interface ServerRow {
  readonly what: string;
  /** Null where it cannot be measured. */
  readonly value: number | null;
  readonly unit: 'ms' | 's' | 'MB';
  /** The value must not be above it; null for what is only told. */
  readonly bar: number | null;
}

const fileCount = 1000;
const configLines = 500;
const keystrokes = 100;
/** As fast as somebody types who is in a hurry. */
const keystrokeMilliseconds = 40;
const textLines = 60_000;
const largeModelBytes = 100e6;
/** Until V8 has given back what it does not need. */
const quietMilliseconds = 5_000;

/** Needs the built `dist/server.js` and the corpus. */
export async function measureServer(
  server = path.resolve(import.meta.dirname, '../dist/server.js'),
): Promise<readonly ServerRow[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'green-ai-bench-'));
  const outside = mkdtempSync(path.join(tmpdir(), 'green-ai-bench-'));
  try {
    copyCorpus(folder);
    return [...(await measureScan(server, folder)), ...(await measureModels(server, outside))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(outside, { recursive: true, force: true });
  }
}

async function measureScan(server: string, folder: string): Promise<ServerRow[]> {
  const emptyNode = (await timed(() => Promise.resolve(spawnSync(process.execPath, ['-e', '0']))))
    .milliseconds;
  const running = await startServerProcess({ server, folder });
  const begin = performance.now();
  const tree = watchTree(running.pid);
  watchWorkspace(running.connection, running.isOver);
  const settling = running.settled().then(() => performance.now() - begin);
  const busy = await typeInto(running, path.join(folder, 'typed-while-busy/config.json'));
  const typedUntil = performance.now() - begin;
  const settled = await settling;
  const { peakBytes, processorSeconds } = tree.stop();
  await sleep(quietMilliseconds * 2);
  const after = processTree(running.pid).residentBytes;
  const idle = await typeInto(running, path.join(folder, 'typed-idle/config.json'));
  await running.stop();
  const duringScan = typedUntil < settled ? 'during the scan' : 'during the scan and after it';
  return [
    row('start and end of an empty node', emptyNode, 'ms', null),
    row('start of the process → initialize answered', running.startMilliseconds, 'ms', 500),
    row(`scan of ${fileCount} files`, settled / 1000, 's', 20),
    row('  its processor time', processorSeconds, 's', null),
    ...keystrokeRows('idle', idle),
    ...keystrokeRows(duringScan, busy),
    row('memory, peak during the scan', megabytes(peakBytes), 'MB', null),
    row('memory after the scan', megabytes(after), 'MB', 300),
  ];
}

async function measureModels(server: string, folder: string): Promise<ServerRow[]> {
  const large = path.join(folder, 'large.onnx');
  const long = path.join(folder, 'long.onnx');
  writeFileSync(large, largeModel());
  writeFileSync(long, longModel());
  // A workspace without files: nothing but the requests is measured.
  const empty = path.join(folder, 'workspace');
  mkdirSync(empty);
  const running = await startServerProcess({ server, folder: empty });
  const report = await timed(() => running.request('greenAi/modelReport', { uri: uriOf(large) }));
  if (report.answer?.failure !== null) throw new Error('the large model was not read');
  const typing = typeInto(running, path.join(empty, 'config.json'));
  const shown = await timed(() => running.request('greenAi/text', { uri: textUriOf(uriOf(long)) }));
  const lines = shown.answer?.text.split('\n').length ?? 0;
  if (lines < textLines) throw new Error(`the long text has ${lines} lines`);
  const typed = await typing;
  await sleep(quietMilliseconds);
  const after = processTree(running.pid).residentBytes;
  await running.stop();
  return [
    row('100 MB model → report', report.milliseconds, 'ms', 1000),
    row(`text of ${lines} lines`, shown.milliseconds, 'ms', null),
    row('longest wait of a keystroke meanwhile', Math.max(...typed), 'ms', null),
    row('memory after it', megabytes(after), 'MB', 300),
  ];
}

/** Models first, then JSON configs, each in a folder of its own under the name that is linted. */
function copyCorpus(folder: string): void {
  const files = readdirSync(corpus, { recursive: true, encoding: 'utf8' }).sort();
  const models = files.filter((file) => /\.(onnx|data|bin|weights)$/u.test(file));
  const configs = files.filter((file) => file.endsWith('.json'));
  const linted = models.filter((file) => file.endsWith('.onnx'));
  for (const file of models) copyInto(folder, file, file);
  for (let index = linted.length; index < fileCount; index++) {
    const file = configs[index % configs.length] ?? '';
    copyInto(folder, file, `configs/${index}/config.json`);
  }
}

function copyInto(folder: string, file: string, name: string): void {
  const target = path.join(folder, name);
  mkdirSync(path.dirname(target), { recursive: true });
  copyFileSync(path.join(corpus, file), target);
}

/** Milliseconds from each keystroke to its diagnostics. */
async function typeInto({ connection }: ServerProcess, file: string): Promise<number[]> {
  const uri = uriOf(file);
  const textDocument = { uri, languageId: 'json', version: 1, text: longConfig() };
  await connection.sendNotification('textDocument/didOpen', { textDocument });
  const waits: number[] = [];
  for (let key = 0; key < keystrokes; key++) {
    const begin = performance.now();
    const position = { line: 1, character: 0 };
    await connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: key + 2 },
      contentChanges: [{ range: { start: position, end: position }, text: ' ' }],
    });
    const answer = await connection.sendRequest<{ items: unknown[] }>('textDocument/diagnostic', {
      textDocument: { uri },
    });
    waits.push(performance.now() - begin);
    if (answer.items.length === 0) throw new Error('no findings while typing');
    await sleep(keystrokeMilliseconds);
  }
  return waits;
}

function longConfig(): string {
  const [head = '', ...rest] = floatConfig.split('\n');
  const filler = Array.from(
    { length: configLines - rest.length - 1 },
    (_, index) => `  "id2label_${index}": "a label of some length, number ${index}",`,
  );
  return [head, ...filler, ...rest].join('\n');
}

/** One product whose weight fills the file. */
function largeModel(): Uint8Array {
  const sizes = [25_000, largeModelBytes / 4 / 25_000];
  const [rows = 0, columns = 0] = sizes;
  return join([
    int(f.model.irVersion, 8),
    message(f.model.opset, int(f.opset.version, 17)),
    message(
      f.model.graph,
      message(
        f.graph.node,
        ...['x', 'w'].map((name) => text(f.node.input, name)),
        text(f.node.output, 'y'),
        text(f.node.opType, 'MatMul'),
      ),
      message(
        f.graph.initializer,
        ...sizes.map((size) => int(f.tensor.dims, size)),
        int(f.tensor.dataType, 1),
        text(f.tensor.name, 'w'),
        message(f.tensor.rawData, new Uint8Array(largeModelBytes)),
      ),
      message(f.graph.input, ...valueInfo('x', [1, rows])),
      message(f.graph.output, ...valueInfo('y', [1, columns])),
    ),
  ]);
}

function valueInfo(name: string, sizes: readonly number[]): Uint8Array[] {
  const dims = sizes.map((size) => message(f.shape.dim, int(f.dim.value, size)));
  const tensor = [int(f.tensorType.elemType, 1), message(f.tensorType.shape, ...dims)];
  return [
    text(f.valueInfo.name, name),
    message(f.valueInfo.type, message(f.type.tensor, ...tensor)),
  ];
}

/** Layers of a transformer without their products: many nodes with few bytes. */
function longModel(): Uint8Array {
  const weights: string[] = [];
  const nodes: string[] = [];
  const operators = ['Add', 'Transpose <perm = [0, 2, 1]>', 'Relu', 'Transpose <perm = [0, 2, 1]>'];
  let previous = 'x';
  for (let index = 0; nodes.length + weights.length < textLines; index++) {
    const operator = operators[index % operators.length] ?? '';
    const isSum = operator === 'Add';
    if (isSum) weights.push(`float[4] w${index} = {1, 2, 3, 4}`);
    const inputs = isSum ? `${previous}, w${index}` : previous;
    const name = `/model/layers.${Math.floor(index / 40)}/self_attn/Op_${index}`;
    nodes.push(`  ["${name}"] v${index} = ${operator} (${inputs})`);
    previous = `v${index}`;
  }
  return modelBytes(`
<ir_version: 8, opset_import: ["" : 17]>
long (float[1,4,4] x) => (float[1,4,4] ${previous})
<${weights.join(',\n')}>
{
${nodes.join('\n')}
}
`);
}

async function timed<T>(work: () => Promise<T>): Promise<{ answer: T; milliseconds: number }> {
  const begin = performance.now();
  const answer = await work();
  return { answer, milliseconds: performance.now() - begin };
}

function keystrokeRows(when: string, waits: readonly number[]): ServerRow[] {
  const sorted = [...waits].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return [
    row(`keystroke in ${configLines} lines, p50, ${when}`, at(0.5), 'ms', null),
    row(`keystroke in ${configLines} lines, p95, ${when}`, at(0.95), 'ms', 50),
  ];
}

function row(
  what: string,
  value: number | null,
  unit: ServerRow['unit'],
  bar: number | null,
): ServerRow {
  return { what, value, unit, bar };
}

function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1e6;
}

function tableOf(rows: readonly ServerRow[]): string {
  const cells = rows.map(({ what, value, unit, bar }) => [
    what,
    value === null ? 'not measured here' : `${value.toFixed(unit === 's' ? 1 : 0)} ${unit}`,
    bar === null ? '' : `≤ ${bar} ${unit}`,
    bar === null || value === null ? '' : value <= bar ? 'holds' : 'MISSED',
  ]);
  const widths = [0, 1, 2].map((at) => Math.max(...cells.map((one) => one[at]?.length ?? 0)));
  return cells
    .map((one) =>
      one
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

async function main(): Promise<void> {
  if (hasCorpus()) console.log(tableOf(await measureServer()));
  else console.log(`no corpus at ${corpus}: nothing was measured`);
}

if (path.resolve(process.argv[1] ?? '') === import.meta.filename) void main();
