import { lintText, readDocument, type LintedText } from './configs';
import { diagnosticOf, summaryDiagnostic, type DiagnosticOptions } from './convert';
import { digestText, digestView, emptyDigest, placedRows, type Digest } from './digest';
import type { Digester } from './digester';
import type { Documents } from './documents';
import type { Drafts } from './drafts';
import type { ExternalFiles } from './external-files';
import type { ServerHost } from './host';
import type { ModelView, Models } from './models';
import type { Report, Reports } from './reports';
import type { FileSettings, SettingsService } from './settings';
import { isBelow, kindOf, normalized, pathOf, textAddressOf, textUriOf } from './uris';

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
  readonly drafts: Drafts;
  readonly reports: Reports;
  readonly digester: Digester;
  readonly external: ExternalFiles;
  readonly options: DiagnosticOptions;
}

/** What is known of a model, and how it is reported. */
interface Known extends Digest {
  readonly isLinted: boolean;
  /** So many rows are reported while the text is not open. */
  readonly maxUnopened: number;
}

/** A file that is being judged while other things happen. */
interface Visit {
  readonly uri: string;
  isGone: boolean;
}

export function createLinter(parts: LinterParts): Linter {
  const { host, documents, settings, models, drafts, reports, digester, external, options } = parts;
  const digests = new Map<string, Known>();
  const visits = new Set<Visit>();
  let includesWorkspace = false;

  const lintsFolder = async (folderUri: string | null): Promise<boolean> =>
    folderUri !== null &&
    (includesWorkspace || (await settings.editorOf(folderUri)).lintsWorkspace);
  const setModel = (uri: string, digest: Known): void => {
    const before = digests.get(uri);
    digests.set(uri, digest);
    external.note(uri, digest.externalPaths);
    reportDigest(uri, digest);
    for (let part = digest.partCount; part < (before?.partCount ?? 0); part++) {
      reports.set(textUriOf(uri, part), []);
    }
  };
  const reportDigest = (uri: string, digest: Known): void => {
    const { summary } = digest;
    reports.set(uri, summary === null ? [] : [summaryDiagnostic(uri, summary, options)]);
    const unopened = new Set(digest.rows.slice(0, digest.maxUnopened));
    for (let part = 0; part < digest.partCount; part++) {
      const textUri = textUriOf(uri, part);
      const isOpen = documents.get(textUri) !== undefined;
      const shown = digest.rows.filter((row) => row.part === part && (isOpen || unopened.has(row)));
      reports.set(
        textUri,
        shown.map((row) => diagnosticOf(row, options)),
      );
    }
  };
  /** Files outside of the workspace are reported as long as their text is open. */
  const isReported = async (uri: string, own: FileSettings): Promise<boolean> => {
    if (own.isIgnored) return false;
    const isOpen = documents.all().some((open) => textAddressOf(open.uri)?.modelUri === uri);
    return isOpen || lintsFolder(own.folderUri);
  };
  const takeModel = async (view: ModelView): Promise<void> => {
    const { uri, version, settings: own } = view;
    const isWanted = version !== null && (await isReported(uri, own));
    setModel(uri, isWanted ? linted(digestView(view), own) : unlinted(view.pages.parts.length));
  };
  const lintedText = async (uri: string): Promise<LintedText | null> => {
    const document = documents.get(uri)?.text ?? (await readDocument(host, uri));
    return document && lintText(document, await settings.of(normalized(uri)));
  };
  const reportText = async (uri: string): Promise<Report> => {
    const text = await lintedText(uri);
    const isWanted =
      documents.get(uri) !== undefined || (await lintsFolder((await settings.of(uri)).folderUri));
    return reports.set(
      uri,
      text && isWanted ? digestText(text).rows.map((row) => diagnosticOf(row, options)) : [],
    );
  };
  /** Judges a file that nobody looks at, elsewhere. */
  const visitFile = async (visit: Visit, own: FileSettings): Promise<void> => {
    const { uri } = visit;
    const path = pathOf(uri);
    const version = path === null ? null : await host.stat(path);
    const isModel = kindOf(uri) === 'model';
    const isWanted =
      version !== null && (await (isModel ? isReported(uri, own) : lintsFolder(own.folderUri)));
    const digest = isWanted ? await digester.digest({ uri, version, settings: own }) : null;
    if (visit.isGone) return;
    if (isModel) setModel(uri, digest ? linted(digest, own) : unlinted(1));
    // It may have been opened meanwhile: then its text counts.
    else if (!documents.get(uri)) {
      reports.set(uri, digest?.rows.map((row) => diagnosticOf(row, options)) ?? []);
    }
  };
  /** Reported as long as it is open: a file that nobody writes in is a copy of a model. */
  const reportDraft = async (uri: string): Promise<Report> => {
    const view = await drafts.open(uri);
    const rows = view ? placedRows(view.findings) : [];
    return reports.set(
      uri,
      rows.map((row) => diagnosticOf(row, options)),
    );
  };
  const report = async (given: string): Promise<Report | null> => {
    const uri = normalized(given);
    switch (documents.kindOf(uri)) {
      case 'draft':
        return reportDraft(uri);
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
    for (const visit of visits) if (isBelow(visit.uri, uri)) visit.isGone = true;
    const gone = [...reports.all()].map((one) => textAddressOf(one.uri)?.modelUri ?? one.uri);
    for (const one of new Set(gone)) {
      if (!isBelow(one, uri)) continue;
      models.forget(one);
      if (kindOf(one) === 'model') setModel(one, unlinted(1));
      else if (!documents.get(one)) reports.set(one, []);
      digests.delete(one);
    }
  };
  return {
    report,
    lintedText,
    visit: async (given) => {
      const uri = normalized(given);
      const kind = kindOf(uri);
      if (kind === 'other' || kind === 'text') return;
      if (documents.get(uri)) {
        await report(uri);
        return;
      }
      const own = await settings.of(uri);
      if (kind === 'model' && own.isIgnored) {
        removed(uri);
        return;
      }
      const visit = { uri, isGone: false };
      visits.add(visit);
      try {
        await visitFile(visit, own);
      } finally {
        visits.delete(visit);
      }
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

function linted(digest: Digest, { editor }: FileSettings): Known {
  return { ...digest, isLinted: true, maxUnopened: editor.maxFindingsPerModel };
}

function unlinted(partCount: number): Known {
  return { ...emptyDigest, partCount, isLinted: false, maxUnopened: 0 };
}

function totalsOf(digests: ReadonlyMap<string, Known>, reports: Reports): LintTotals {
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
