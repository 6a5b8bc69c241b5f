import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { python } from './run';
import type { Section } from './section';

const file = path.join(import.meta.dirname, '../shape-peers.ts');

export const hasShapes = existsSync(file);

/** What is used of a row of `shape-peers.ts`; counts are of values. */
interface ShapeRow {
  readonly model: string;
  readonly values: number;
  readonly ours: number;
  readonly onnx: number;
  readonly symbolic: number;
  readonly checked: number;
  readonly contradictions: readonly string[];
  readonly onnxWrong: number;
  readonly symbolicWrong: number;
  readonly error: string | null;
}

interface ShapeScript {
  readonly shapePeerRows: (
    python: string,
    files: readonly string[],
  ) => Promise<readonly ShapeRow[]>;
}

export async function shapesSection(corpus: string): Promise<Section> {
  const folder = path.join(corpus, 'onnx');
  const files = existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((name) => name.endsWith('.onnx'))
        .map((name) => path.resolve(folder, name))
        .sort()
    : [];
  const script = (await import(pathToFileURL(file).href)) as ShapeScript;
  const rows = await script.shapePeerRows(python, files);
  const real = rows.filter(({ model }) => model.split(path.sep).includes('real'));
  const right = (name: string) => ({ name, align: 'right' }) as const;
  return {
    title: 'Shapes',
    text: [
      "Node outputs whose rank and every dim are known, as a number, a symbol or an expression, over the corpus: ours, `onnx.shape_inference` and ONNX Runtime's `symbolic_shape_infer`. Contradictions are shapes that differ from those of a run in ONNX Runtime, where the model runs.",
    ],
    tables: [
      {
        columns: [
          { name: 'models' },
          right('of them ran'),
          right('values'),
          right('ours'),
          right('onnx'),
          right('symbolic'),
          right('seen in a run and equal to ours'),
          right('contradictions: ours'),
          right('onnx'),
          right('symbolic'),
        ],
        rows: [cells('all', rows), cells('real', real)],
      },
    ],
    missed: rows.flatMap(({ model, contradictions }) =>
      contradictions.map((text) => `${path.relative(folder, model)}: ${text}`),
    ),
  };
}

function cells(title: string, rows: readonly ShapeRow[]): string[] {
  const sum = (of: (row: ShapeRow) => number): number =>
    rows.reduce((total, row) => total + of(row), 0);
  const values = sum((row) => row.values);
  const share = (part: number): string => `${((100 * part) / Math.max(1, values)).toFixed(1)} %`;
  return [
    `${rows.length} ${title}`,
    String(rows.filter(({ error }) => error === null).length),
    values.toLocaleString('en'),
    share(sum((row) => row.ours)),
    share(sum((row) => row.onnx)),
    share(sum((row) => row.symbolic)),
    sum((row) => row.checked).toLocaleString('en'),
    String(sum((row) => row.contradictions.length)),
    String(sum((row) => row.onnxWrong)),
    String(sum((row) => row.symbolicWrong)),
  ];
}
