import {
  DiagnosticSeverity,
  DiagnosticTag,
  type Diagnostic,
  type Range,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import { formatCount, formatJoules, maxMessageLength } from '../core/format';
import type { Finding, Severity, TextEdit } from '../core/finding';
import { editorCommands } from '../protocol';
import type { ModelView, PlacedFinding } from './models';

/** Shown in front of every message. */
export const diagnosticSource = 'green-ai';

/** Code of the one row on the model file itself. */
export const summaryCode = 'open-as-text';

export interface DiagnosticOptions {
  /** Page of a rule. */
  readonly ruleUri: (id: string) => string | null;
  readonly hasEditorCommands: boolean;
}

const severities: Readonly<Record<Severity, DiagnosticSeverity>> = {
  error: DiagnosticSeverity.Error,
  warning: DiagnosticSeverity.Warning,
  info: DiagnosticSeverity.Information,
  hint: DiagnosticSeverity.Hint,
};

export function diagnosticOf(
  finding: Finding,
  range: Range,
  { ruleUri }: DiagnosticOptions,
): Diagnostic {
  const href = ruleUri(finding.ruleId);
  return {
    range,
    severity: severities[finding.severity],
    code: finding.ruleId,
    ...(href !== null && { codeDescription: { href } }),
    source: diagnosticSource,
    message: finding.message,
    // What does nothing is shown faded, as unused code is.
    ...(finding.ruleId === 'redundant-nodes' && { tags: [DiagnosticTag.Unnecessary] }),
  };
}

export function rangeOfPlaced({ place, start, end }: PlacedFinding): Range {
  return {
    start: { line: place.line, character: start },
    end: { line: place.line, character: end },
  };
}

/** Where a finding of a config is in its text. */
export function rangeInDocument({ anchor }: Finding, document: TextDocument): Range {
  if (anchor.kind !== 'text') {
    return { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } };
  }
  return { start: document.positionAt(anchor.start), end: document.positionAt(anchor.end) };
}

export function editsInDocument(edits: readonly TextEdit[], document: TextDocument) {
  return edits.map(({ start, end, newText }) => ({
    range: { start: document.positionAt(start), end: document.positionAt(end) },
    newText,
  }));
}

/** The row on the model file: quick fixes are never offered there, so its code leads to the text. */
export function summaryDiagnostic(
  view: ModelView,
  shownCount: number,
  options: DiagnosticOptions,
): Diagnostic {
  const command = encodeURIComponent(JSON.stringify([view.uri]));
  return {
    range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
    severity: DiagnosticSeverity.Information,
    code: summaryCode,
    ...(options.hasEditorCommands && {
      codeDescription: { href: `command:${editorCommands.openText}?${command}` },
    }),
    source: diagnosticSource,
    message: summaryText(view, shownCount),
  };
}

function summaryText(view: ModelView, shownCount: number): string {
  const total = view.findings.length;
  const counted = `${total} ${total === 1 ? 'finding' : 'findings'} in its text`;
  const shown = shownCount < total ? `${counted}, the first ${shownCount} listed` : counted;
  if (view.kind === 'unreadable') return `Not read: ${view.failure}`.slice(0, maxMessageLength);
  const { device } = view.settings.settings;
  const { energyJoules } = view.analysis.estimateOn(device);
  const parameters = `${formatCount(view.analysis.facts.parameters)} parameters`;
  return `${formatJoules(energyJoules)} a run on ${device.id}, ${parameters}; ${shown}.`;
}
