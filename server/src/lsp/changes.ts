import {
  DidChangeWatchedFilesNotification,
  FileChangeType,
  type Connection,
  type FileEvent,
} from 'vscode-languageserver';
import type { CancelSignal } from '../core/source';
import { parseSettings } from '../core/settings';
import type { ServerHost } from './host';
import { inBackground } from './safe';
import type { Session } from './session';
import { isBelow, kindOf, normalized, pathOf, textAddressOf, uriOf } from './uris';

/** What happens when files, settings, folders or documents change. */
export interface Changes {
  /** The files of folders that are linted as a whole are visited for the first time. */
  start(): Promise<void>;
  /** Every file of the workspace is visited again. */
  scan(signal: CancelSignal): Promise<void>;
  opened(uri: string): void;
  changed(uri: string): void;
  closed(uri: string): void;
  files(events: readonly FileEvent[]): void;
  removed(uris: readonly string[]): void;
  /** The editor's settings, a `green-ai.json` or the folders are others now. */
  settingsChanged(): void;
}

/** Several files change at once, and settings while one types: they are taken together. */
const settleMilliseconds = 300;

const neverCancelled: CancelSignal = { cancelled: false };

export function createChanges(connection: Connection, host: ServerHost, session: Session): Changes {
  const { client, documents, settings, models, reports, linter, scanner, external } = session;
  /** What open settings files said the last time. */
  const saidByFile = new Map<string, string>();

  const findFolder = async (folderUri: string, signal: CancelSignal): Promise<string[]> => {
    const folder = pathOf(folderUri);
    const { isEnabled } = await settings.editorOf(folderUri);
    if (folder === null || !isEnabled) return [];
    return (await host.findFiles(folder, signal)).map(uriOf);
  };
  const isScanned = async (folderUri: string): Promise<boolean> =>
    (await settings.editorOf(folderUri)).lintsWorkspace;
  const scanFolders = async (folders: readonly string[], signal: CancelSignal): Promise<void> => {
    const found: string[] = [];
    for (const folder of folders) found.push(...(await findFolder(folder, signal)));
    if (signal.cancelled) return;
    const there = new Set(found.map(normalized));
    const reported = [...reports.all()].map(({ uri }) => textAddressOf(uri)?.modelUri ?? uri);
    // What was reported and was not found is gone, left out now, or open only: it is looked at again.
    scanner.add([...there, ...reported]);
  };
  const refreshDocuments = (): void => {
    if (client.pullsDiagnostics && client.refreshesDiagnostics) {
      inBackground('diagnostic refresh', host, () => connection.languages.diagnostics.refresh());
    }
    if (client.refreshesLenses) {
      inBackground('lens refresh', host, () =>
        connection.sendRequest('workspace/codeLens/refresh'),
      );
    }
  };
  const relintOpen = async (): Promise<void> => {
    for (const { uri } of documents.all()) await linter.refreshOpen(uri);
    refreshDocuments();
  };
  const start = async (): Promise<void> => {
    const folders: string[] = [];
    for (const folder of settings.folders()) if (await isScanned(folder)) folders.push(folder);
    await scanFolders(folders, neverCancelled);
  };
  const rescanLater = debounced(() => {
    inBackground('rescan', host, async () => {
      settings.forget();
      scanner.clear();
      await relintOpen();
      await start();
    });
  });
  /** What is asked from now on is answered with the new settings; going through the files can wait. */
  const rescan = (): void => {
    settings.forget();
    rescanLater();
  };
  const modelChanged = (uri: string): void => {
    models.forget(uri);
    scanner.add([uri]);
    const texts = documents.all().filter((open) => textAddressOf(open.uri)?.modelUri === uri);
    if (texts.length === 0) return;
    inBackground('text refresh', host, async () => {
      for (const { uri: textUri } of texts) {
        await linter.refreshOpen(textUri);
        if (client.refreshesContent) {
          await connection.workspace.textDocumentContent.refresh(textUri);
        }
      }
      refreshDocuments();
    });
  };
  if (client.registersWatchers && client.watchesFolders) {
    external.onNewFolder((folder) => {
      const watchers = [{ globPattern: { baseUri: uriOf(folder), pattern: '*' } }];
      inBackground('watch', host, () =>
        connection.client.register(DidChangeWatchedFilesNotification.type, { watchers }),
      );
    });
  }
  const noteSettings = (uri: string, text: string | null): void => {
    const said = text === null ? '' : JSON.stringify(parseSettings(text).settings, mapsAsLists);
    const before = saidByFile.get(uri);
    saidByFile.set(uri, said);
    // Opening says what the file said already.
    if (before !== undefined && before !== said) rescan();
  };
  const pending = new Set<string>();
  /** Clients that pull ask themselves. */
  const relint = (uri: string): void => {
    if (pending.has(uri)) return;
    pending.add(uri);
    setImmediate(() => {
      pending.delete(uri);
      inBackground(`lint of ${uri}`, host, () => linter.refreshOpen(uri));
    });
  };
  return {
    start,
    scan: async (signal) => {
      linter.includeWorkspace();
      settings.forget();
      models.clear();
      await scanFolders(settings.folders(), signal);
    },
    opened: (given) => {
      const uri = normalized(given);
      if (kindOf(uri) === 'settings')
        noteSettings(uri, documents.get(uri)?.text?.getText() ?? null);
      relint(uri);
    },
    changed: (given) => {
      const uri = normalized(given);
      if (kindOf(uri) === 'settings')
        noteSettings(uri, documents.get(uri)?.text?.getText() ?? null);
      if (!client.pullsDiagnostics) relint(uri);
    },
    closed: (given) => {
      const uri = normalized(given);
      if (kindOf(uri) === 'settings') {
        saidByFile.delete(uri);
        rescan();
      }
      relint(uri);
    },
    files: (events) => {
      for (const { uri: given, type } of events) {
        const uri = normalized(given);
        const kind = kindOf(uri);
        if (kind === 'settings') rescan();
        for (const model of external.modelsNaming(uri)) modelChanged(model);
        if (type === FileChangeType.Deleted) linter.removed(uri);
        else if (kind === 'model') modelChanged(uri);
        // An open document counts more than its file.
        else if (kind !== 'other' && !documents.get(uri)) scanner.add([uri]);
      }
    },
    removed: (uris) => {
      for (const uri of uris) linter.removed(uri);
      if (
        uris.some((uri) => settings.folders().some((folder) => isBelow(folder, normalized(uri))))
      ) {
        rescan();
      }
    },
    settingsChanged: rescan,
  };
}

function debounced(action: () => void): () => void {
  let timer: NodeJS.Timeout | null = null;
  return () => {
    if (timer) clearTimeout(timer);
    timer = setTimeout(action, settleMilliseconds);
  };
}

function mapsAsLists(_key: string, value: unknown): unknown {
  return value instanceof Map ? [...(value as ReadonlyMap<unknown, unknown>)] : value;
}
