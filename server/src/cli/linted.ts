import type { Finding, Severity } from '../core/finding';
import { createPositions, type PositionRange } from './positions';

export interface LintedFile {
  readonly path: string;
  readonly findings: readonly Finding[];
  /** The text that `text` anchors point into; null for models. */
  readonly text: string | null;
}

export interface LintSummary {
  readonly files: number;
  readonly findings: number;
  readonly bySeverity: Readonly<Record<Severity, number>>;
  readonly device: string;
  /** Files found in folders that are neither a model nor a config of a known format. */
  readonly skipped: readonly string[];
}

/** The place of a finding in a text; null for findings of binaries. */
export function rangeOf(anchor: Finding['anchor'], text: string | null): PositionRange | null {
  if (anchor.kind !== 'text' || text === null) return null;
  const position = createPositions(text);
  return { start: position(anchor.start), end: position(anchor.end) };
}
