import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { compareNodes, type OnnxToolNode } from './compare';
import { inspectOfOnes, tryPython } from './run';
import type { Table } from './section';

/** Node by node against onnx-tool over the corpus' real models; nothing without a corpus. */
export function corpusNodesTable(corpus: string, missed: string[]): readonly Table[] {
  const folder = path.join(corpus, 'onnx/real');
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnx'))
    .sort();
  let compared = 0;
  const different: string[] = [];
  const failing: string[] = [];
  for (const file of files) {
    const full = path.join(folder, file);
    const output = tryPython('peers.py', 'onnx-tool', full);
    if (output === null) {
      failing.push(path.basename(file));
      continue;
    }
    const theirs = JSON.parse(output) as Record<string, OnnxToolNode>;
    const result = compareNodes(inspectOfOnes(full), theirs);
    compared += result.compared;
    different.push(...result.different.map((each) => `${file}: ${each}`));
  }
  missed.push(...different);
  return [
    {
      caption: 'Real models of the corpus, against onnx-tool',
      columns: [
        { name: 'models', align: 'right' },
        { name: 'onnx-tool fails', align: 'right' },
        { name: 'nodes compared', align: 'right' },
        { name: 'nodes that differ', align: 'right' },
      ],
      rows: [[files.length, failing.length, compared, different.length].map(String)],
      notes: [`Open sizes of inputs are 1. onnx-tool fails on ${failing.join(', ')}.`],
    },
  ];
}
