import type { Range } from 'vscode-languageserver';
import { formatCount, formatJoules, maxMessageLength } from '../core/format';
import type { Finding, Severity } from '../core/finding';
import type { Host } from '../host';
import { lintText, readDocument, type LintedText } from './configs';
import { rangeInDocument, rangeOfPlaced } from './convert';
import type { FileVersion } from './host';
import { readView, type ModelView } from './model-view';
import type { PlacedFinding } from './models';
import type { FileSettings } from './settings';
import { fileNameOf, kindOf } from './uris';

/** A file to judge, a model or a config: plain data, so that another process can be asked. */
export interface DigestRequest {
  readonly uri: string;
  readonly version: FileVersion;
  readonly settings: FileSettings;
}

/** What stays of a file when all that was read is let go. Plain data. */
export interface Digest {
  /** Message of the one row on a model's own file; null when it needs none. */
  readonly summary: string | null;
  /** The most severe first. */
  readonly rows: readonly DigestRow[];
  /** Documents that a model's text is cut into. */
  readonly partCount: number;
  /** Files with a model's weights, whether they are there or not. */
  readonly externalPaths: readonly string[];
}

export interface DigestRow {
  /** Of a model's text. */
  readonly part: number;
  readonly range: Range;
  readonly ruleId: string;
  readonly severity: Severity;
  readonly message: string;
}

/** A hostile file can have a finding per node; nobody reads beyond this. */
const maxRows = 1000;

/** Reads and judges a file. Rejects only for a bug. */
export async function digestFile(host: Host, request: DigestRequest): Promise<Digest> {
  if (kindOf(request.uri) === 'model') return digestView(await readView(host, request));
  const document = await readDocument(host, request.uri);
  return document ? digestText(lintText(document, request.settings)) : emptyDigest;
}

export const emptyDigest: Digest = { summary: null, rows: [], partCount: 1, externalPaths: [] };

export function digestView(view: ModelView): Digest {
  const { findings, pages, externalPaths } = view;
  return {
    // Models that need nothing stay out of the list.
    summary: findings.length > 0 || view.kind === 'unreadable' ? summaryText(view) : null,
    rows: placedRows(findings),
    partCount: pages.parts.length,
    externalPaths,
  };
}

/** The rows alone, for a text that somebody types in: a summary would take an estimate per keystroke. */
export function placedRows(findings: readonly PlacedFinding[]): readonly DigestRow[] {
  return findings
    .slice(0, maxRows)
    .map((placed) => rowOf(placed.finding, rangeOfPlaced(placed), placed.place.part));
}

export function digestText({ findings, document }: LintedText): Digest {
  return {
    ...emptyDigest,
    rows: findings
      .slice(0, maxRows)
      .map((finding) => rowOf(finding, rangeInDocument(finding, document), 0)),
  };
}

/** For a file that could not be judged; `failure` is a sentence. */
export function failedDigest(failure: string): Digest {
  return { ...emptyDigest, summary: notRead(failure) };
}

function rowOf({ ruleId, severity, message }: Finding, range: Range, part: number): DigestRow {
  return { part, range, ruleId, severity, message };
}

function summaryText(view: ModelView): string {
  if (view.kind === 'unreadable') return notRead(view.failure);
  const total = view.findings.length;
  const { settings, editor } = view.settings;
  const shown = Math.min(editor.maxFindingsPerModel, total);
  const counted = `${total} ${total === 1 ? 'finding' : 'findings'} in its text`;
  const listed = shown < total ? `${counted}, the first ${shown} listed` : counted;
  const { energyJoules } = view.analysis.estimateOn(settings.device);
  const parameters = `${formatCount(view.analysis.facts.parameters)} parameters`;
  return `${formatJoules(energyJoules)} a run on ${settings.device.id}, ${parameters}; ${listed}.`;
}

function notRead(failure: string): string {
  return `Not read: ${failure}`.slice(0, maxMessageLength);
}

/** How the log names a file that was given up. */
export function givenUp({ uri }: DigestRequest, why: string): string {
  return `${fileNameOf(uri)} (${uri}) was given up: ${why}`;
}
