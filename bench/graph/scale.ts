import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Section } from './section';

const file = path.join(import.meta.dirname, '../graph-scale.ts');

export const hasScale = existsSync(file);

interface Measured {
  readonly seconds: number;
  readonly userSeconds: number;
  readonly peakBytes: number;
}

/** A row of `graph-scale.ts`. */
interface ScaleRow {
  readonly shape: string;
  readonly nodeCount: number;
  readonly fileBytes: number;
  readonly command: string;
  readonly ours: Measured;
  readonly python: Measured | null;
  readonly growth: number | null;
}

interface ScaleScript {
  readonly measureScale: (runs: number) => readonly ScaleRow[];
  readonly missesBar: (row: ScaleRow) => boolean;
}

export async function scaleSection(runs: number): Promise<Section> {
  const script = (await import(pathToFileURL(file).href)) as ScaleScript;
  const rows = script.measureScale(runs);
  const right = (name: string) => ({ name, align: 'right' }) as const;
  return {
    title: 'Large graphs',
    text: [
      `Made graphs (see \`bench/graph-scale-models.ts\`); \`green-ai\` and Python's onnx (load, infer_shapes) as processes of their own on the same file: the fastest of ${runs}, wall seconds, user seconds, peak memory. Growth is the exponent of our user time over the number of nodes: 1 is linear.`,
    ],
    tables: [
      {
        columns: [
          { name: 'graph' },
          right('nodes'),
          right('MB'),
          { name: 'command' },
          right('green-ai'),
          right('onnx'),
          right('growth'),
        ],
        rows: rows.map(cells),
      },
    ],
    missed: rows
      .filter(script.missesBar)
      .map(({ shape, nodeCount, command }) => `${command} of ${shape} with ${nodeCount} nodes`),
  };
}

function cells({ shape, nodeCount, fileBytes, command, ours, python, growth }: ScaleRow): string[] {
  return [
    shape,
    nodeCount.toLocaleString('en'),
    (fileBytes / 1e6).toFixed(1),
    command,
    show(ours),
    python ? show(python) : '–',
    growth?.toFixed(2) ?? '',
  ];
}

function show({ seconds, userSeconds, peakBytes }: Measured): string {
  return `${seconds.toFixed(2)} s, ${userSeconds.toFixed(2)} s, ${(peakBytes / 1e6).toFixed(0)} MB`;
}
