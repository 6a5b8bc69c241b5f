import path from 'node:path';
import { macsAs } from './compare';
import type { Setting } from './macs';
import { inspect, runPython, type Inspected } from './run';
import type { Section } from './section';

interface Variant {
  readonly source: string;
  readonly variant: string;
  readonly file: string;
  readonly error?: string;
}

/** Fusing and quantising change how the products are written down, never how many there are. */
export function variantsSection({ cache, models }: Setting): Section {
  models();
  const missed: string[] = [];
  const rows = runPython('variants.py', cache)
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Variant)
    .map((variant) => row(cache, variant, missed));
  return {
    title: 'Fused and quantised variants',
    text: [
      "Models above as ONNX Runtime's own optimiser and quantiser rewrite them. The MACs must stay, and those of every operator must be known.",
    ],
    tables: [
      {
        columns: [
          { name: 'original' },
          { name: 'variant' },
          { name: 'MACs', align: 'right' },
          { name: 'against the original', align: 'right' },
          { name: 'nodes with MACs', align: 'right' },
          { name: 'shapes known', align: 'right' },
          { name: 'operators of com.microsoft' },
        ],
        rows,
      },
    ],
    missed,
  };
}

function row(cache: string, variant: Variant, missed: string[]): string[] {
  const { source, variant: kind, file, error } = variant;
  const name = source.replace(/\.onnx$/, '');
  if (error !== undefined) return [name, kind, '–', '–', '–', '–', error];
  const before = macsAs('products', inspect(path.join(cache, source)), null);
  const model = inspect(path.join(cache, file));
  const after = macsAs('products', model, null);
  const withMacs = model.coverage['nodesWithMacs'] ?? 0;
  if (after !== before) missed.push(`${name} ${kind}: ${after} MACs, the original has ${before}`);
  if (withMacs < 1) missed.push(`${name} ${kind}: MACs of ${percent(withMacs)} of the nodes`);
  return [
    name,
    kind,
    after.toLocaleString('en'),
    after === before ? 'equal' : percent(after / before),
    percent(withMacs),
    percent(model.coverage['valuesWithShape'] ?? 0),
    microsoftOperators(model),
  ];
}

function microsoftOperators({ nodes }: Inspected): string {
  const counts = new Map<string, number>();
  for (const { domain, opType } of nodes) {
    if (domain === 'com.microsoft') counts.set(opType, (counts.get(opType) ?? 0) + 1);
  }
  return [...counts].map(([opType, count]) => `${count} ${opType}`).join(', ');
}

function percent(share: number): string {
  return `${Number((100 * share).toFixed(2))} %`;
}
