import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Log, ReportingDescriptor, Result } from 'sarif';
import type { Severity } from '../core/finding';
import { ruleById } from '../core/rules/index';
import { rangeOf, type LintedFile } from './linted';

const levels: Readonly<Record<Severity, Result.level>> = {
  error: 'error',
  warning: 'warning',
  info: 'note',
  hint: 'note',
};

/** Findings as SARIF 2.1.0, for code scanning. Relative paths are relative URIs with forward slashes. */
export function sarifLog(files: readonly LintedFile[], version: string): Log {
  const ids = [...new Set(files.flatMap(({ findings }) => findings.map(({ ruleId }) => ruleId)))];
  return {
    version: '2.1.0',
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    runs: [
      {
        tool: { driver: { name: 'green-ai', version, rules: ids.map(descriptor) } },
        columnKind: 'utf16CodeUnits',
        results: files.flatMap(fileResults),
      },
    ],
  };
}

function descriptor(id: string): ReportingDescriptor {
  const rule = ruleById(id);
  if (!rule) return { id };
  const description = rule.meta.description.trim();
  return {
    id,
    shortDescription: { text: rule.meta.title },
    help: { text: description, markdown: description },
    defaultConfiguration: { level: levels[rule.meta.severity] },
  };
}

function uriOf(file: string): string {
  if (path.isAbsolute(file)) return pathToFileURL(file).href;
  // Lone surrogates occur in names on Windows; they have no UTF-8 form.
  const name = path.normalize(file).replace(/\p{Surrogate}/gu, '\u{fffd}');
  return name.split(path.sep).map(encodeURIComponent).join('/');
}

function fileResults({ path: file, findings, text }: LintedFile): Result[] {
  const uri = uriOf(file);
  return findings.map(({ ruleId, severity, message, anchor }): Result => {
    const range = rangeOf(anchor, text);
    const name =
      anchor.kind === 'node' ? anchor.path : anchor.kind === 'tensor' ? anchor.name : null;
    return {
      ruleId,
      level: levels[severity],
      message: { text: message },
      locations: [
        {
          physicalLocation: {
            artifactLocation: { uri },
            ...(range && {
              region: {
                startLine: range.start.line + 1,
                startColumn: range.start.character + 1,
                endLine: range.end.line + 1,
                endColumn: range.end.character + 1,
              },
            }),
          },
          ...(name !== null && {
            logicalLocations: [{ fullyQualifiedName: name, kind: 'element' }],
          }),
        },
      ],
    };
  });
}
