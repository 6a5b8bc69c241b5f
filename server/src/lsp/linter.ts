import type { Diagnostic } from 'vscode-languageserver';
import { lintText, readDocument, type LintedText } from './configs';
import {
  diagnosticOf,
  rangeInDocument,
  rangeOfPlaced,
  summaryDiagnostic,
  type DiagnosticOptions,
} from './convert';
import type { Documents } from './documents';
import type { ServerHost } from './host';
import type { ModelView, Models } from './models';
import type { Report, Reports } from './reports';
import type { SettingsService } from './settings';
import { isBelow, kindOf, normalized, textAddressOf, textUriOf } from './uris';

/** Makes the reports of documents: when they are asked for, opened, closed, changed or found in a folder. */
export interface Linter {
  /** The report of one document, made anew. Null when the server has nothing to say about such a document. */
  report(uri: string): Promise<Report | null>;
  /** Reports a file without keeping what was read. */
  visit(uri: string): Promise<void>;
  /** The document was opened or closed: other rows are shown. */
  refreshOpen(uri: string): Promise<void>;
  /** The file is gone, or a folder with everything in it. */
  removed(uri: string): void;
  /** A config or settings file with its findings; null when it cannot be read. */
  lintedText(uri: string): Promise<LintedText | null>;
  /** Files of the workspace are reported even where the settings leave that to open documents. */
  includeWorkspace(): void;
  totals(): LintTotals;
}

export interface LintTotals {
  readonly files: number;
  readonly findings: number;
}

export interface LinterParts {
  readonly host: ServerHost;
  readonly documents: Documents;
  readonly settings: SettingsService;
  readonly models: Models;
  readonly reports: Reports;
  readonly options: DiagnosticOptions;
}

/** A row of a model's text. */
interface Row {
  readonly part: number;
  readonly diagnostic: Diagnostic;
}

/** What stays of a model when its analysis is let go. */
interface Digest {
  readonly isLinted: boolean;
  readonly summary: Diagnostic | null;
  /** The most severe first. */
  readonly rows: readonly Row[];
  readonly partCount: number;
  /** So many rows are reported while the text is not open. */
  readonly maxUnopened: number;
}

/** A hostile model can have a finding per node; nobody reads beyond this. */
const maxRowsPerModel = 1000;

export function createLinter(parts: LinterParts): Linter {
  const { host, documents, settings, models, reports, options } = parts;
  const digests = new Map<string, Digest>();
  let includesWorkspace = false;

  const lintsFolder = async (folderUri: string | null): Promise<boolean> =>
    folderUri !== null &&
    (includesWorkspace || (await settings.editorOf(folderUri)).lintsWorkspace);
  const setModel = (uri: string, digest: Digest): void => {
    const before = digests.get(uri);
    digests.set(uri, digest);
    reportDigest(uri, digest);
    for (let part = digest.partCount; part < (before?.partCount ?? 0); part++) {
      reports.set(textUriOf(uri, part), []);
    }
  };
  const reportDigest = (uri: string, digest: Digest): void => {
    reports.set(uri, digest.summary ? [digest.summary] : []);
    const unopened = new Set(digest.rows.slice(0, digest.maxUnopened));
    for (let part = 0; part < digest.partCount; part++) {
      const textUri = textUriOf(uri, part);
      const isOpen = documents.get(textUri) !== undefined;
      const shown = digest.rows.filter((row) => row.part === part && (isOpen || unopened.has(row)));
      reports.set(
        textUri,
        shown.map(({ diagnostic }) => diagnostic),
      );
    }
  };
  /** Files outside of the workspace are reported as long as their text is open. */
  const isReported = async (view: ModelView): Promise<boolean> => {
    const { folderUri, isIgnored } = view.settings;
    if (isIgnored || view.version === null) return false;
    const textOpen = view.pages.parts.some((_, part) => documents.get(textUriOf(view.uri, part)));
    return textOpen || lintsFolder(folderUri);
  };
  const takeModel = async (view: ModelView): Promise<void> => {
    const digest = (await isReported(view)) ? digestOf(view, options) : noDigest(view);
    setModel(view.uri, digest);
  };
  const lintedText = async (uri: string): Promise<LintedText | null> => {
    const document = documents.get(uri)?.text ?? (await readDocument(host, uri));
    return document && lintText(document, await settings.of(normalized(uri)));
  };
  const reportText = async (uri: string): Promise<Report> => {
    const linted = await lintedText(uri);
    const isWanted =
      documents.get(uri) !== undefined || (await lintsFolder((await settings.of(uri)).folderUri));
    return reports.set(uri, linted && isWanted ? textDiagnostics(linted, options) : []);
  };
  const report = async (given: string): Promise<Report | null> => {
    const uri = normalized(given);
    switch (kindOf(uri)) {
      case 'config':
      case 'settings':
        return reportText(uri);
      case 'model':
        await takeModel(await models.open(uri));
        return reports.get(uri) ?? null;
      case 'text': {
        const address = textAddressOf(uri);
        if (!address) return null;
        await takeModel(await models.open(address.modelUri));
        return reports.get(uri) ?? null;
      }
      case 'other':
        return null;
    }
  };
  const removed = (given: string): void => {
    const uri = normalized(given);
    const gone = [...reports.all()].map((one) => textAddressOf(one.uri)?.modelUri ?? one.uri);
    for (const one of new Set(gone)) {
      if (!isBelow(one, uri)) continue;
      models.forget(one);
      if (kindOf(one) === 'model') setModel(one, { ...emptyDigest, partCount: 1 });
      else if (!documents.get(one)) reports.set(one, []);
      digests.delete(one);
    }
  };
  return {
    report,
    lintedText,
    visit: async (given) => {
      const uri = normalized(given);
      if (kindOf(uri) !== 'model') await report(uri);
      else if ((await settings.of(uri)).isIgnored) removed(uri);
      else await takeModel(await models.openOnce(uri));
    },
    refreshOpen: async (given) => {
      const uri = normalized(given);
      const address = textAddressOf(uri);
      if (!address) await report(uri);
      else if (documents.get(uri) || digests.has(address.modelUri)) {
        await takeModel(await models.open(address.modelUri));
      }
    },
    removed,
    includeWorkspace: () => {
      includesWorkspace = true;
    },
    totals: () => totalsOf(digests, reports),
  };
}

const emptyDigest: Digest = {
  isLinted: false,
  summary: null,
  rows: [],
  partCount: 0,
  maxUnopened: 0,
};

function noDigest({ pages }: ModelView): Digest {
  return { ...emptyDigest, partCount: pages.parts.length };
}

function digestOf(view: ModelView, options: DiagnosticOptions): Digest {
  const maxUnopened = view.settings.editor.maxFindingsPerModel;
  const shownCount = Math.min(maxUnopened, view.findings.length);
  return {
    isLinted: true,
    // Models that need nothing stay out of the list.
    summary:
      view.findings.length > 0 || view.kind === 'unreadable'
        ? summaryDiagnostic(view, shownCount, options)
        : null,
    rows: view.findings.slice(0, maxRowsPerModel).map((placed) => ({
      part: placed.place.part,
      diagnostic: diagnosticOf(placed.finding, rangeOfPlaced(placed), options),
    })),
    partCount: view.pages.parts.length,
    maxUnopened,
  };
}

function textDiagnostics(
  { findings, document }: LintedText,
  options: DiagnosticOptions,
): Diagnostic[] {
  return findings
    .slice(0, maxRowsPerModel)
    .map((finding) => diagnosticOf(finding, rangeInDocument(finding, document), options));
}

function totalsOf(digests: ReadonlyMap<string, Digest>, reports: Reports): LintTotals {
  let files = 0;
  let findings = 0;
  for (const { isLinted, rows } of digests.values()) {
    if (!isLinted) continue;
    files++;
    findings += rows.length;
  }
  for (const { uri, items } of reports.all()) {
    const kind = kindOf(uri);
    if (kind !== 'config' && kind !== 'settings') continue;
    files++;
    findings += items.length;
  }
  return { files, findings };
}
