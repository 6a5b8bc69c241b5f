import { severities, type Finding } from '../core/finding';
import type { FailLevel } from '../core/settings';
import { rangeOf, type LintedFile, type LintSummary } from './linted';
import { oneLine, printable } from './terminal';

/** True when a finding is at or above the severity that fails the run. */
export function isFailing({ severity }: Finding, failOn: FailLevel): boolean {
  if (failOn === 'never') return false;
  return severities.indexOf(severity) <= severities.indexOf(failOn);
}

/** Findings for people: file, then a line each, as compilers print them. */
export function lintText(files: readonly LintedFile[], summary: LintSummary): string {
  const blocks = files.filter(({ findings }) => findings.length > 0).map(fileText);
  const { bySeverity } = summary;
  const counts = severities
    .filter((severity) => bySeverity[severity] > 0)
    .map((severity) => `${bySeverity[severity]} ${severity}`)
    .join(', ');
  const total = `${summary.findings} findings${counts === '' ? '' : ` (${counts})`}`;
  return `${blocks.join('')}${total} in ${summary.files} files, for ${summary.device}\n`;
}

function fileText(file: LintedFile): string {
  const lines = file.findings.map((finding) => {
    const at = placeOf(finding, file.text);
    return `  ${finding.severity.padEnd(7)} ${oneLine(finding.message)}  ${finding.ruleId}${at}\n${fixLines(finding)}`;
  });
  return `${oneLine(file.path)}\n${lines.join('')}\n`;
}

function placeOf({ anchor }: Finding, text: string | null): string {
  switch (anchor.kind) {
    case 'node':
      return `  at ${printable(anchor.path)}`;
    case 'tensor':
      return `  at ${printable(anchor.name)}`;
    case 'text': {
      const range = rangeOf(anchor, text);
      return range ? `  at ${range.start.line + 1}:${range.start.character + 1}` : '';
    }
    case 'file':
      return '';
  }
}

function fixLines({ fixes }: Finding): string {
  return fixes
    .map(({ title, safety }) => `          fix: ${oneLine(title)} (${safety})\n`)
    .join('');
}
