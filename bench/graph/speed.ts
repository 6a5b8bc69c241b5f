import { existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import type { Setting } from './macs';
import { cli, measure, python, type Measured } from './run';
import type { Column, Section, Table } from './section';

const peersScript = path.join(import.meta.dirname, 'peers.py');

/** Whole processes that take a file and tell shapes and, but for the second, MACs. */
const tools: readonly { readonly name: string; readonly command: (file: string) => string[] }[] = [
  {
    name: 'green-ai inspect',
    command: (file) => [process.execPath, cli, 'inspect', file, '--format', 'json'],
  },
  {
    name: 'onnx: load, infer_shapes',
    command: (file) => [python, peersScript, 'infer', file],
  },
  { name: 'onnx-tool: profile', command: (file) => [python, peersScript, 'onnx-tool', file] },
];

const columns: readonly Column[] = [
  { name: 'model' },
  { name: 'MB', align: 'right' },
  ...tools.map(({ name }) => ({ name, align: 'right' }) as const),
];

export function speedSection({ cache, corpus, runs, models }: Setting): Section {
  const exported = models().flatMap(({ name, exports }) => {
    const file = exports.find((each) => each.file !== undefined)?.file;
    return file === undefined ? [] : [{ name, file: path.join(cache, file) }];
  });
  const tables = [startTable(runs), modelsTable(exported, runs), ...corpusTable(corpus)];
  return {
    title: 'Time and memory',
    text: [
      `Each tool as a process of its own, in the same run: wall seconds, CPU seconds, peak memory; the run of least CPU time of ${runs} (sums over the corpus: of one). The files are in the page cache. Starting Node or Python and importing is part of it, as it is for a user; the first table says how much that is.`,
    ],
    tables,
    missed: [],
  };
}

function startTable(runs: number): Table {
  const starts: readonly (readonly [string, readonly string[]])[] = [
    ['green-ai --version', [process.execPath, cli, '--version']],
    ['import onnx', [python, peersScript, 'import-onnx']],
    ['import onnx_tool', [python, peersScript, 'import-onnx-tool']],
  ];
  return {
    caption: 'Start alone',
    columns: [{ name: 'process' }, { name: 'wall, CPU, memory', align: 'right' }],
    rows: starts.map(([name, command]) => [name, show(measure(command, runs))]),
  };
}

function modelsTable(
  models: readonly { readonly name: string; readonly file: string }[],
  runs: number,
): Table {
  const rows = models.map(({ name, file }) => [
    name,
    (statSync(file).size / 1e6).toFixed(1),
    ...tools.map(({ command }) => show(measure(command(file), runs))),
  ]);
  return { caption: 'Well-known models', columns, rows };
}

/** Sums over all real models of the corpus; nothing without a corpus. */
function corpusTable(corpus: string): readonly Table[] {
  const folder = path.join(corpus, 'onnx/real');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => path.join(folder, file));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const sums = tools.map(({ command }) => {
    const all = files.map((file) => measure(command(file), 1));
    const failed = all.filter(({ status }) => status !== 0).length;
    return `${show(sumOf(all))}${failed > 0 ? `, ${failed} failed` : ''}`;
  });
  return [
    {
      caption: 'Real models of the corpus',
      columns,
      rows: [[`${files.length} models together`, (bytes / 1e6).toFixed(1), ...sums]],
      notes: ['Times are sums, memory is the largest.'],
    },
  ];
}

function sumOf(all: readonly Measured[]): Measured {
  return {
    wallSeconds: all.reduce((sum, { wallSeconds }) => sum + wallSeconds, 0),
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    peakBytes: Math.max(...all.map(({ peakBytes }) => peakBytes)),
    status: 0,
  };
}

function show({ wallSeconds, cpuSeconds, peakBytes, status }: Measured): string {
  const text = `${wallSeconds.toFixed(2)} s, ${cpuSeconds.toFixed(2)} s, ${(peakBytes / 1e6).toFixed(0)} MB`;
  return status === 0 ? text : `fails after ${text}`;
}
