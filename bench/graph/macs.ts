import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  compareNodes,
  expectedParameters,
  macsAs,
  type OnnxToolNode,
  type TorchCount,
} from './compare';
import { corpusNodesTable } from './corpus-nodes';
import { explainNodes, explainParameters, explainTorch } from './explanations';
import { published, publishedOfCorpus, type Published } from './published';
import { inspect, runPython, tryPython, type Inspected } from './run';
import type { Section, Table } from './section';

export interface Export {
  readonly exporter: string;
  readonly file?: string;
  readonly error?: string;
}

export interface ExportedModel {
  readonly name: string;
  readonly torch: TorchCount;
  readonly exports: readonly Export[];
}

/** What the sections work on; folders. */
export interface Setting {
  readonly cache: string;
  readonly corpus: string;
  /** How often a process is timed. */
  readonly runs: number;
  /** Exports them when they are first asked for. */
  readonly models: () => readonly ExportedModel[];
}

interface Counted {
  readonly name: string;
  readonly exporter: string;
  readonly file: string;
  readonly torch: TorchCount | null;
  readonly model: Inspected;
}

/** Largest difference to a published figure that counts the same operations. */
const maxDifference = 0.01;

/** Makes the models that the folder lacks. Nothing is downloaded. */
export function exportModels(cache: string): readonly ExportedModel[] {
  // An exporter that fails prints to the same stream, past Python.
  const lines = runPython('export.py', cache).split('\n');
  return lines
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => JSON.parse(line) as ExportedModel);
}

export function macsSection({ cache, corpus, models }: Setting): Section {
  const exported = models().flatMap(({ name, torch, exports }) =>
    exports.flatMap(({ exporter, file }): Counted[] => {
      if (file === undefined) return [];
      const full = path.join(cache, file);
      return [{ name, exporter, file: full, torch, model: inspect(full) }];
    }),
  );
  const light = publishedOfCorpus
    .map(({ model }) => ({
      model,
      file: path.join(corpus, `onnx/onnx-backend/light/${model}.onnx`),
    }))
    .filter(({ file }) => existsSync(file))
    .map(({ model, file }): Counted => {
      return { name: model, exporter: 'corpus', file, torch: null, model: inspect(file) };
    });
  const counted = [...exported, ...light];
  const missed: string[] = [];
  const tables = [
    publishedTable(counted, missed),
    toolsTable(counted, missed),
    parametersTable(exported, missed),
    ...corpusNodesTable(corpus, missed),
  ];
  return { title: 'Multiply-accumulates and parameters', text: intro, tables, missed };
}

const intro = [
  'Well-known architectures with random weights, exported from PyTorch by both of its exporters (`dynamo`, `legacy`) at batch 1. A multiply-accumulate (MAC) is one product and one addition; elementwise work is not counted as MACs.',
];

function publishedTable(counted: readonly Counted[], missed: string[]): Table {
  const rows = [...published, ...publishedOfCorpus].flatMap((figure) => {
    const found = counted.find(({ name }) => name === figure.model);
    if (!found) return [];
    const ours = macsAs(figure.counts, found.model, found.torch) / 1e9;
    const difference = ours / figure.giga - 1;
    const isClose = Math.abs(difference) <= maxDifference;
    const rounds = Math.abs(ours - figure.giga) <= figure.rounding;
    if (!isClose && !rounds && figure.differs === undefined) {
      missed.push(`${figure.model}: ${giga(ours)} against ${figure.giga} (${figure.source})`);
    }
    return [
      [
        figure.model,
        figure.counts,
        giga(figure.giga),
        giga(ours),
        percent(difference),
        figure.source,
        remark(figure, isClose, rounds),
      ],
    ];
  });
  return {
    caption: 'Against published figures',
    columns: [
      { name: 'model' },
      { name: 'what the figure counts' },
      { name: 'published, G', align: 'right' },
      { name: 'ours, G', align: 'right' },
      { name: 'difference', align: 'right' },
      { name: 'source' },
      { name: 'remark' },
    ],
    rows,
    notes: [
      `Bar: within ${maxDifference * 100} % where both count the same operations, or equal in the digits that the source gives. Figures in FLOPs of two operations per MAC are halved. "Weights" leaves out the products of attention (two activations); "norms" adds the 2 operations per element of a BatchNorm and 5 of a LayerNorm that fvcore counts.`,
    ],
  };
}

function remark({ differs }: Published, isClose: boolean, rounds: boolean): string {
  if (differs !== undefined) return differs;
  if (isClose) return '';
  return rounds ? 'equal in the digits given' : 'not explained';
}

function toolsTable(counted: readonly Counted[], missed: string[]): Table {
  const rows = counted.map(({ name, exporter, file, torch, model }) => {
    const ours = macsAs('products', model, null);
    const coverage = model.coverage['nodesWithMacs'] ?? 0;
    if (coverage < 1)
      missed.push(`${name} (${exporter}): MACs of ${coverage * 100} % of the nodes`);
    const torchExplained = torch ? explainTorch(name, torch.macs - ours) : '';
    if (torch && torchExplained === null) {
      missed.push(`${name} (${exporter}): PyTorch counts ${torch.macs}, ours ${ours}`);
    }
    const output = tryPython('peers.py', 'onnx-tool', file);
    const theirs = output === null ? null : (JSON.parse(output) as Record<string, OnnxToolNode>);
    const nodes = theirs && compareNodes(model, theirs);
    const explained = nodes ? explainNodes(nodes) : 'it fails on this model';
    if (explained === null) missed.push(`${name} (${exporter}): ${nodes?.different[0] ?? ''}`);
    return [
      name,
      `${exporter}, opset ${model.opsets[''] ?? '?'}`,
      ours.toLocaleString('en'),
      torch ? equalOr(torch.macs, ours) : '–',
      nodes ? equalOr(nodes.macs, ours) : '–',
      nodes ? `${nodes.compared - nodes.different.length} of ${nodes.compared}` : '–',
      [torchExplained ?? 'PyTorch: not explained', explained ?? 'onnx-tool: not explained']
        .filter((part) => part !== '')
        .join('; '),
    ];
  });
  return {
    caption: 'Against PyTorch and onnx-tool',
    columns: [
      { name: 'model' },
      { name: 'export' },
      { name: 'our MACs', align: 'right' },
      { name: 'PyTorch', align: 'right' },
      { name: 'onnx-tool', align: 'right' },
      { name: 'nodes equal', align: 'right' },
      { name: 'remark' },
    ],
    rows,
    notes: [
      'PyTorch: half of what `torch.utils.flop_counter` counts of the module before it is exported. onnx-tool: its MACs of Conv, ConvTranspose, Gemm, MatMul, Einsum and Attention, node by node, without the addition of a bias, which it counts as one more MAC per output; its elementwise MACs (Softmax, normalisation, activations) are in our `flops`.',
    ],
  };
}

function parametersTable(counted: readonly Counted[], missed: string[]): Table {
  const rows = counted.map(({ name, exporter, torch, model }) => {
    if (!torch) throw new Error(`${name} is not from PyTorch`);
    const expected = expectedParameters(torch, model);
    const explained = explainParameters(name, model, model.parameters - expected);
    if (explained === null) {
      missed.push(`${name} (${exporter}): ${model.parameters} parameters, expected ${expected}`);
    }
    return [
      name,
      exporter,
      torch.parameters.toLocaleString('en'),
      model.parameters.toLocaleString('en'),
      (expected - torch.parameters).toLocaleString('en'),
      (model.parameters - expected).toLocaleString('en'),
      explained ?? 'not explained',
    ];
  });
  return {
    caption: 'Parameters',
    columns: [
      { name: 'model' },
      { name: 'export' },
      { name: 'PyTorch', align: 'right' },
      { name: 'ours', align: 'right' },
      { name: 'by BatchNorm', align: 'right' },
      { name: 'by other things', align: 'right' },
      { name: 'remark' },
    ],
    rows,
    notes: [
      'PyTorch: `sum(p.numel())`, shared tensors once. By BatchNorm: folded into the convolution before it, its two parameters per channel become one bias; kept, its mean and variance are in the file, too.',
    ],
  };
}

function equalOr(theirs: number, ours: number): string {
  return theirs === ours ? 'equal' : percent(theirs / ours - 1);
}

function giga(value: number): string {
  return value.toFixed(3);
}

function percent(share: number): string {
  const text = (100 * share).toFixed(2);
  return `${share >= 0 ? '+' : ''}${text} %`;
}
