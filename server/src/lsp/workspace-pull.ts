import { setTimeout as delay } from 'node:timers/promises';
import type {
  CancellationToken,
  WorkspaceDiagnosticParams,
  WorkspaceDiagnosticReport,
  WorkspaceDiagnosticReportPartialResult,
  WorkspaceDocumentDiagnosticReport,
} from 'vscode-languageserver';
import { isCancelled } from '../core/source';
import type { Report, Reports } from './reports';
import { signalOf } from './safe';
import { normalized } from './uris';

export interface WorkspacePull {
  /** Answers when there is something that the client does not have yet, however long that takes. */
  answer(
    params: WorkspaceDiagnosticParams,
    token: CancellationToken,
    stream: ((part: WorkspaceDiagnosticReportPartialResult) => void) | null,
  ): Promise<WorkspaceDiagnosticReport>;
  /** Held requests are answered, so that the client can end. */
  end(): void;
}

/** Many files change at once: they are told together. */
const settleMilliseconds = 100;

export interface WorkspacePullOptions {
  readonly reports: Reports;
  /** More is on its way. */
  readonly isScanning: () => boolean;
  readonly versionOf: (uri: string) => number | null;
}

export function createWorkspacePull({
  reports,
  isScanning,
  versionOf,
}: WorkspacePullOptions): WorkspacePull {
  let isEnded = false;
  const wakers = new Set<() => void>();
  const changed = (token: CancellationToken): Promise<void> =>
    new Promise((resolve) => {
      const wake = (): void => {
        listener.dispose();
        cancelling.dispose();
        wakers.delete(wake);
        resolve();
      };
      const listener = reports.onChange(wake);
      const cancelling = token.onCancellationRequested(wake);
      wakers.add(wake);
    });
  const toItem = ({ uri, items, resultId }: Report): WorkspaceDocumentDiagnosticReport => ({
    kind: 'full',
    uri,
    version: versionOf(uri),
    resultId,
    items: [...items],
  });
  return {
    answer: async ({ previousResultIds }, token, stream) => {
      const known = new Map(previousResultIds.map(({ uri, value }) => [normalized(uri), value]));
      const signal = signalOf(token);
      const isOver = (): boolean => isEnded || isCancelled(signal);
      while (!isOver()) {
        const news = reports.changedSince(known);
        if (news.length === 0) {
          await changed(token);
          // What belongs together arrives together.
          if (!isOver()) await delay(settleMilliseconds);
          continue;
        }
        const items = news.map(toItem);
        if (!stream || !isScanning()) return { items };
        // The client asks again only seconds after an answer: while files are gone through, parts are streamed.
        stream({ items });
        for (const { uri, resultId } of news) known.set(uri, resultId);
      }
      return { items: [] };
    },
    end: () => {
      isEnded = true;
      for (const wake of [...wakers]) wake();
    },
  };
}
