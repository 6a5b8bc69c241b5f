import { FoldingRangeKind, type FoldingRange } from 'vscode-languageserver';
import type { Span } from '../../core/onnx/text-cursor';
import type { DraftView } from '../drafts';

/** Header, lists of heads, nodes in braces and nodes over several lines. Of too many the outer ones are kept. */
export function draftFoldings({ draft, document }: DraftView, limit: number): FoldingRange[] {
  const found = new Map<string, FoldingRange>();
  const add = ({ start, end }: Span, kind?: FoldingRangeKind): void => {
    const startLine = document.positionAt(start).line;
    // The closing bracket stays in view.
    const endLine = document.positionAt(end).line - 1;
    const key = `${startLine}:${endLine}`;
    if (endLine <= startLine || found.has(key)) return;
    found.set(key, { startLine, endLine, ...(kind && { kind }) });
  };
  const { header, blocks } = draft.places;
  if (header) add(header, FoldingRangeKind.Region);
  for (const block of blocks) {
    add(block.body);
    for (const list of block.lists) add(list, FoldingRangeKind.Region);
    for (const node of block.nodes) add(node);
  }
  return [...found.values()]
    .sort((a, b) => b.endLine - b.startLine - (a.endLine - a.startLine))
    .slice(0, limit)
    .sort((a, b) => a.startLine - b.startLine || b.endLine - a.endLine);
}
