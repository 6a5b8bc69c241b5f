import type { PrintedModel } from '../core/onnx/text-print';

/** Beyond 20 MB an editor turns highlighting, folding and more off; below it has room for edits of its own. */
export const maxPartCharacters = 15_000_000;
export const maxPartLines = 150_000;

/** A text cut into documents that an editor handles well. */
export interface Pages {
  readonly parts: readonly TextPart[];
  /** Where a line of the whole text is shown. */
  readonly locate: (line: number) => TextPlace;
  /** The line of the whole text that a document shows; null for a part's own heading. */
  readonly wholeLine: (place: TextPlace) => number | null;
}

export interface TextPart {
  readonly text: string;
  /** Of the whole text, from 0; `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface TextPlace {
  readonly part: number;
  /** From 0. */
  readonly line: number;
}

export interface PageLimits {
  readonly maxCharacters: number;
  readonly maxLines: number;
}

/**
 * One part for a text within the limits, else parts that begin at a node of the main graph or at a function where
 * the limits allow it, each under a heading line that names the others.
 */
export function paginate(
  printed: Pick<PrintedModel, 'text' | 'nodeLines' | 'blockLines'>,
  fileName: string,
  limits: PageLimits = { maxCharacters: maxPartCharacters, maxLines: maxPartLines },
): Pages {
  const starts = lineStarts(printed.text);
  const isWhole = printed.text.length <= limits.maxCharacters && starts.length <= limits.maxLines;
  const cuts = isWhole ? [0] : cutLines(printed, starts, limits);
  const heading = cuts.length > 1 ? 1 : 0;
  const parts = cuts.map((start, index): TextPart => {
    const end = cuts[index + 1] ?? starts.length;
    const text = printed.text.slice(starts[start], starts[end] ?? printed.text.length);
    if (heading === 0) return { text, start, end };
    return { text: `${headingOf(fileName, index, cuts.length)}\n${text}`, start, end };
  });
  return {
    parts,
    locate: (line) => {
      let part = cuts.length - 1;
      while (part > 0 && (cuts[part] ?? 0) > line) part--;
      return { part, line: line - (cuts[part] ?? 0) + heading };
    },
    wholeLine: ({ part, line }) => {
      const start = cuts[part];
      return start === undefined || line < heading ? null : start + line - heading;
    },
  };
}

/** `# Part 2 of 3 of model.onnx. Parts: 1 2 3`; the numbers become links. */
function headingOf(fileName: string, index: number, count: number): string {
  const numbers = Array.from({ length: count }, (_, at) => at + 1).join(' ');
  const name = fileName.replace(/\p{Cc}/gu, '\u{fffd}');
  return `# Part ${index + 1} of ${count} of ${name}. Parts: ${numbers}`;
}

/** Offset of every line. */
export function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) {
    if (at + 1 < text.length) starts.push(at + 1);
  }
  return starts;
}

function cutLines(
  { nodeLines, blockLines }: Pick<PrintedModel, 'nodeLines' | 'blockLines'>,
  starts: readonly number[],
  { maxCharacters, maxLines }: PageLimits,
): number[] {
  const isBlockStart = new Set<number>();
  // Nodes of subgraphs lie inside a node that starts before them: only outermost ones may start a part.
  let end = -1;
  const outerFirst = [...nodeLines.values()].sort((a, b) => a.start - b.start || b.end - a.end);
  for (const lines of outerFirst) {
    if (lines.start <= end) continue;
    isBlockStart.add(lines.start);
    end = lines.end;
  }
  for (const [path, { start }] of blockLines)
    if (path.startsWith('function:')) isBlockStart.add(start);
  const cuts = [0];
  let current = 0;
  let lastBlock = 0;
  starts.forEach((offset, line) => {
    if (isBlockStart.has(line)) lastBlock = line;
    const next = starts[line + 1] ?? offset;
    const fits = line + 1 - current <= maxLines && next - (starts[current] ?? 0) <= maxCharacters;
    if (fits || line === current) return;
    current = lastBlock > current ? lastBlock : line;
    cuts.push(current);
  });
  return cuts;
}
