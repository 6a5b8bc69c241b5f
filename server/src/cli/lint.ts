import path from 'node:path';
import type { Severity } from '../core/finding';
import { runConfigRules, runModelRules, problemFindings, textAnchor } from '../core/rules/run';
import {
  parseSettings,
  resolveSettings,
  settingsFileName,
  type SettingFlags,
  type Settings,
} from '../core/settings';
import { openModel } from '../engine';
import { readConfigFile, readTextFile } from '../config-file';
import { fail, UsageError, writeJson, type ExitCode, type Io } from './io';
import {
  collectFiles,
  createIgnored,
  findSettings,
  settingsFolder,
  type FoundSettings,
  type Target,
} from './lint-files';
import { isFailing, lintText } from './lint-report';
import { rangeOf, type LintedFile, type LintSummary } from './linted';
import { sarifLog } from './sarif';

export interface LintFlags extends SettingFlags {
  readonly config?: string | undefined;
  readonly format: 'text' | 'json' | 'sarif';
}

/** `green-ai lint`: findings of every model and config among the targets. */
export async function lint(
  targets: readonly string[],
  flags: LintFlags,
  io: Io,
): Promise<ExitCode> {
  const files = await collectFiles(targets.length > 0 ? targets : ['.']);
  const found = await findSettings(io.host, await settingsFolder(targets[0] ?? '.'), flags.config);
  const { settings, problems } = resolveSettings(found?.file ?? null, flags);
  const [invalid] = problems;
  if (invalid) throw new UsageError(invalid.message);
  const isIgnored = createIgnored(found);
  const linted: LintedFile[] = [];
  const skipped: string[] = [];
  for (const file of files) {
    if (io.signal.cancelled) return fail(io, 'cancelled');
    if (isIgnored(file.path)) {
      if (file.isNamed) io.err(`${file.path}: left out by the settings' ignore globs\n`);
      continue;
    }
    const result = await lintFile(file, settings, found, io);
    if (result === null) skipped.push(file.path);
    else linted.push(result);
  }
  if (found && found.problems.length > 0 && !linted.some((file) => isSame(file.path, found.path))) {
    // Settings that are not as their author thinks change every other finding.
    linted.push({ path: found.path, ...settingsFindings(found) });
  }
  for (const file of skipped) io.err(`${file}: skipped, no model or config of a known format\n`);
  const summary = summaryOf(linted, skipped, settings);
  report(linted, summary, flags, io);
  const findings = linted.flatMap((file) => file.findings);
  return findings.some((finding) => isFailing(finding, settings.failOn)) ? 1 : 0;
}

/** Null: found in a folder, and nothing that can be linted. */
async function lintFile(
  { path: file, isNamed }: Target,
  settings: Settings,
  found: FoundSettings | null,
  io: Io,
): Promise<LintedFile | null> {
  if (path.basename(file) === settingsFileName) return lintSettings(file, found, io);
  if (file.toLowerCase().endsWith('.onnx')) return lintModel(file, settings, io);
  const config = await readConfigFile(io.host, file);
  if (typeof config === 'string') {
    return { path: file, findings: problemFindings([unreadable(config)]), text: null };
  }
  const { analysis, text } = config;
  if (analysis.format === null && analysis.problems.length === 0) {
    return isNamed ? { path: file, findings: problemFindings([unknownFormat]), text } : null;
  }
  return { path: file, findings: runConfigRules(analysis, settings), text };
}

async function lintModel(file: string, settings: Settings, io: Io): Promise<LintedFile> {
  const opened = await openModel(io.host, file, { signal: io.signal });
  switch (opened.kind) {
    case 'unreadable':
      return { path: file, findings: problemFindings([unreadable(opened.reason)]), text: null };
    case 'broken':
      return { path: file, findings: problemFindings(opened.problems), text: null };
    case 'model':
      try {
        const findings = runModelRules(opened.model.analysis, settings);
        return { path: file, findings, text: null };
      } finally {
        await opened.model.close();
      }
  }
}

async function lintSettings(
  file: string,
  found: FoundSettings | null,
  io: Io,
): Promise<LintedFile> {
  if (found && isSame(found.path, file)) return { path: file, ...settingsFindings(found) };
  const text = await readTextFile(io.host, file);
  if (typeof text !== 'string') {
    return { path: file, findings: problemFindings([unreadable(text.reason)]), text: null };
  }
  return { path: file, ...settingsFindings({ text, problems: parseSettings(text).problems }) };
}

function settingsFindings({
  text,
  problems,
}: Pick<FoundSettings, 'text' | 'problems'>): Pick<LintedFile, 'findings' | 'text'> {
  return { findings: problemFindings(problems, textAnchor), text };
}

function isSame(file: string, other: string): boolean {
  return path.resolve(file) === path.resolve(other);
}

const unknownFormat = {
  code: 'unknown-format',
  severity: 'info',
  message: 'No model or model config of a known format: nothing in it was judged.',
} as const;

function unreadable(reason: string): {
  code: string;
  severity: 'error';
  message: string;
} {
  return { code: 'unreadable-file', severity: 'error', message: `Cannot be read: ${reason}.` };
}

function summaryOf(
  files: readonly LintedFile[],
  skipped: readonly string[],
  settings: Settings,
): LintSummary {
  const findings = files.flatMap((file) => file.findings);
  const count = (severity: Severity): number =>
    findings.filter((finding) => finding.severity === severity).length;
  return {
    files: files.length,
    findings: findings.length,
    bySeverity: {
      error: count('error'),
      warning: count('warning'),
      info: count('info'),
      hint: count('hint'),
    },
    device: settings.device.id,
    skipped,
  };
}

function report(
  files: readonly LintedFile[],
  summary: LintSummary,
  { format }: LintFlags,
  io: Io,
): void {
  if (format === 'text') io.out(lintText(files, summary));
  else if (format === 'sarif') writeJson(io, sarifLog(files, io.version));
  else writeJson(io, { schemaVersion: 1, files: files.map(fileJson), summary });
}

function fileJson({ path: file, findings, text }: LintedFile): unknown {
  return {
    path: file,
    findings: findings.map(({ anchor, fixes, saving = null, ...finding }) => ({
      ...finding,
      node: anchor.kind === 'node' ? anchor.path : null,
      tensor: anchor.kind === 'tensor' ? anchor.name : null,
      range: rangeOf(anchor, text),
      saving: saving && { energyJoules: saving.energyJoules ?? null, bytes: saving.bytes ?? null },
      fixes: fixes.map(({ id, title, safety }) => ({ id, title, safety })),
    })),
  };
}
