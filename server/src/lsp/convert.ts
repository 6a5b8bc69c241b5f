import {
  DiagnosticSeverity,
  DiagnosticTag,
  type Diagnostic,
  type Range,
} from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { Finding, Severity, TextEdit } from '../core/finding';
import { editorCommands } from '../protocol';
import type { DigestRow } from './digest';
import type { PlacedFinding } from './model-view';

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
  { ruleId, severity, message, range }: DigestRow,
  { ruleUri }: DiagnosticOptions,
): Diagnostic {
  const href = ruleUri(ruleId);
  return {
    range,
    severity: severities[severity],
    code: ruleId,
    ...(href !== null && { codeDescription: { href } }),
    source: diagnosticSource,
    message,
    // What does nothing is shown faded, as unused code is.
    ...(ruleId === 'redundant-nodes' && { tags: [DiagnosticTag.Unnecessary] }),
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
  uri: string,
  message: string,
  options: DiagnosticOptions,
): Diagnostic {
  const command = encodeURIComponent(JSON.stringify([uri]));
  return {
    range: { start: { line: 0, character: 0 }, end: { line: 0, character: 0 } },
    severity: DiagnosticSeverity.Information,
    code: summaryCode,
    ...(options.hasEditorCommands && {
      codeDescription: { href: `command:${editorCommands.openText}?${command}` },
    }),
    source: diagnosticSource,
    message,
  };
}
