import { TextDocument } from 'vscode-languageserver-textdocument';
import { readTextFile } from '../config-file';
import { analyzeConfig, type ConfigAnalysis } from '../core/config/config';
import type { ConfigProblem } from '../core/config/tree';
import type { Finding } from '../core/finding';
import { problemFindings, runConfigRules, textAnchor } from '../core/rules/run';
import { parseSettings } from '../core/settings';
import type { Host } from '../host';
import type { FileSettings } from './settings';
import { kindOf, pathOf } from './uris';

/** A `config.json` or `green-ai.json` with its findings, which point into `text`. */
export interface LintedText {
  readonly document: TextDocument;
  readonly settings: FileSettings;
  readonly findings: readonly Finding[];
  /** Null for settings, and for files that are no model config. */
  readonly config: ConfigAnalysis | null;
}

export function lintText(document: TextDocument, settings: FileSettings): LintedText {
  const text = document.getText();
  if (kindOf(document.uri) === 'settings') {
    const findings = settings.editor.isEnabled ? settingsFindings(text) : [];
    return { document, settings, findings, config: null };
  }
  const analysis = analyzeConfig(text, pathOf(document.uri) ?? document.uri);
  return {
    document,
    settings,
    findings: settings.isIgnored ? [] : runConfigRules(analysis, settings.settings),
    config: analysis.format === null ? null : analysis,
  };
}

/** Null when the file is not there or cannot be read as text. */
export async function readDocument(host: Host, uri: string): Promise<TextDocument | null> {
  const path = pathOf(uri);
  if (path === null) return null;
  const text = await readTextFile(host, path);
  return typeof text === 'string' ? TextDocument.create(uri, 'json', 0, text) : null;
}

function settingsFindings(text: string): readonly Finding[] {
  return parseSettings(text).problems.flatMap((problem) =>
    problemFindings([problem], textAnchor).map((finding) => ({
      ...finding,
      fixes: replacementFixes(problem),
    })),
  );
}

function replacementFixes({ start, end, replacement }: ConfigProblem): Finding['fixes'] {
  if (replacement === undefined) return [];
  return [
    {
      id: 'replace-word',
      title: `Replace with ${replacement}`,
      safety: 'lossy',
      change: { kind: 'edit', edits: [{ start, end, newText: replacement }] },
    },
  ];
}
