import { FoldingRangeKind, type FoldingRange } from 'vscode-languageserver';
import { originOf } from '../../core/facts/module-scope';
import { lineText, type ReadableModel } from '../models';
import { lookupOf, type PrintedBlock } from './text-lookup';

/** Headers and declaration lists, subgraphs, nodes over several lines, and runs of nodes of one module. */
export function textFoldings(view: ReadableModel, part: number, limit: number): FoldingRange[] {
  const page = view.pages.parts[part];
  if (!page) return [];
  const { blocks } = lookupOf(view);
  const found = new Map<string, FoldingRange>();
  const add = (start: number, end: number, kind?: FoldingRangeKind): void => {
    const from = Math.max(start, page.start);
    const to = Math.min(end, page.end - 1);
    if (to <= from) return;
    const startLine = view.pages.locate(from).line;
    const endLine = view.pages.locate(to).line;
    const key = `${startLine}:${endLine}`;
    if (!found.has(key)) found.set(key, { startLine, endLine, ...(kind && { kind }) });
  };
  for (const block of blocks) {
    add(block.lines.start, block.lines.end);
    for (const { lines } of block.nodes) add(lines.start, lines.end);
    for (const [start, end] of moduleRuns(block)) add(start, end);
  }
  const functionEnds = new Map(
    blocks.filter(isFunction).map(({ lines }) => [lines.start, lines.end]),
  );
  for (const [start, end] of angleLists(view, blocks)) {
    add(start, end, FoldingRangeKind.Region);
    // A function's signature stands behind its header: after the line of the `>`.
    const functionEnd = functionEnds.get(start);
    if (functionEnd !== undefined) add(end + 2, functionEnd);
  }
  // Of too many the outer ones are kept.
  return [...found.values()]
    .sort((a, b) => b.endLine - b.startLine - (a.endLine - a.startLine))
    .slice(0, limit)
    .sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}

/** Shorter runs are not worth a fold. */
const minRunLines = 3;

function moduleRuns({ nodes }: PrintedBlock): [number, number][] {
  const runs: [number, number][] = [];
  let module: string | null = null;
  let start = 0;
  let end = 0;
  const finish = (): void => {
    if (module !== null && end - start + 1 >= minRunLines) runs.push([start, end]);
  };
  for (const { node, lines } of nodes) {
    const own = originOf(node).module;
    if (own === null || own !== module) {
      finish();
      module = own;
      start = lines.start;
    }
    end = lines.end;
  }
  finish();
  return runs;
}

/** Its header comes before its name. */
function isFunction({ path }: PrintedBlock): boolean {
  return path.startsWith('function:');
}

/** `<` … `>` over several lines: the model's header, and declarations behind the head of a block. */
function angleLists(view: ReadableModel, blocks: readonly PrintedBlock[]): [number, number][] {
  const starts = [0, ...blocks.map((block) => block.lines.start + (isFunction(block) ? 0 : 1))];
  return starts.flatMap((start): [number, number][] => {
    if (lineText(view, start).trim() !== '<') return [];
    let end = start;
    while (end < view.lineStarts.length && lineText(view, end).trim() !== '>') end++;
    return end < view.lineStarts.length ? [[start, end - 1]] : [];
  });
}
