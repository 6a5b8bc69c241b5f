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

/** Findings as SARIF 2.1.0, for code scanning. Paths are relative URIs with forward slashes. */
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
  return {
    id,
    shortDescription: { text: rule.meta.title },
    help: { text: rule.meta.description, markdown: rule.meta.description },
    defaultConfiguration: { level: levels[rule.meta.severity] },
  };
}

function fileResults({ path, findings, text }: LintedFile): Result[] {
  const uri = path.split(/[\\/]/u).map(encodeURIComponent).join('/');
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
