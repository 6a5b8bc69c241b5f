import type { Diagnostic } from 'vscode-languageserver';

/** What is reported of one document. */
export interface Report {
  readonly uri: string;
  readonly items: readonly Diagnostic[];
  /** Changes with the items. */
  readonly resultId: string;
}

/** The diagnostics of every document, and who waits for them to change. */
export interface Reports {
  get(uri: string): Report | undefined;
  /** Equal items keep their result id. */
  set(uri: string, items: readonly Diagnostic[]): Report;
  all(): Iterable<Report>;
  /** Reports that a client with these result ids does not have yet; what it has and nobody reports any more is empty. */
  changedSince(known: ReadonlyMap<string, string>): readonly Report[];
  /** Called after each change, until disposed. */
  onChange(listener: (report: Report) => void): { dispose(): void };
}

export function createReports(): Reports {
  const reports = new Map<string, Report>();
  /** Documents that had rows at some time. */
  const everListed = new Set<string>();
  const listeners = new Set<(report: Report) => void>();
  // Clients send the ids of a server that ended to the next one.
  const session = Date.now().toString(36);
  let count = 0;
  const nextId = (): string => {
    count++;
    return `${session}-${count}`;
  };
  return {
    get: (uri) => reports.get(uri),
    all: () => reports.values(),
    set: (uri, items) => {
      const known = reports.get(uri);
      if (known && JSON.stringify(known.items) === JSON.stringify(items)) return known;
      const report: Report = { uri, items, resultId: nextId() };
      reports.set(uri, report);
      if (items.length > 0) everListed.add(uri);
      for (const listener of [...listeners]) listener(report);
      return report;
    },
    changedSince: (known) => {
      const changed: Report[] = [];
      for (const report of reports.values()) {
        const before = known.get(report.uri);
        // A document that never had rows needs no report that it is clean. One that had needs it, known or not:
        // clients forget the result id when its tab is closed, and go on showing the rows.
        const isNews = before !== undefined || everListed.has(report.uri);
        if (before !== report.resultId && isNews) changed.push(report);
      }
      for (const [uri, resultId] of known) {
        // `gone` is what it was told the last time.
        if (!reports.has(uri) && resultId !== gone)
          changed.push({ uri, items: [], resultId: gone });
      }
      return changed;
    },
    onChange: (listener) => {
      listeners.add(listener);
      return { dispose: () => void listeners.delete(listener) };
    },
  };
}

/** Result id of documents that nobody reports; never one of `nextId`. */
const gone = 'gone';
