import {
  DidChangeConfigurationNotification,
  DidChangeWatchedFilesNotification,
  type CompletionList,
  type Connection,
  type DocumentDiagnosticParams,
  type DocumentDiagnosticReport,
  type InitializeParams,
  type WorkspaceDiagnosticParams,
  type WorkspaceDiagnosticReport,
} from 'vscode-languageserver';
import { serverCapabilities, watchedGlobs } from './lsp/capabilities';
import { createChanges, type Changes } from './lsp/changes';
import { readClient } from './lsp/client';
import { handleRequests } from './lsp/custom-requests';
import type { ServerHost } from './lsp/host';
import { confined, inBackground } from './lsp/safe';
import { createSession, type Session } from './lsp/session';
import { settingsSection } from './lsp/settings';
import { createTextFeatures } from './lsp/text-features';
import { normalized } from './lsp/uris';
import { trustNotification, type TrustParams } from './protocol';

/** Serves one client over a connection that is not listening yet. */
export function startServer(connection: Connection, host: ServerHost): void {
  connection.onInitialize((params) => {
    const client = readClient(params);
    // What a client without `workspace/configuration` said last.
    let pushed: unknown = null;
    const session = createSession({
      host,
      client,
      fetchSettings: async (scopeUri) => {
        if (!client.readsConfiguration) return pushed;
        const item = { section: settingsSection, ...(scopeUri !== null && { scopeUri }) };
        return connection.workspace.getConfiguration(item) as Promise<unknown>;
      },
    });
    const changes = createChanges(connection, host, session);
    session.settings.setFolders(foldersOf(params));
    handleLifecycle(connection, host, session, changes);
    handleDocuments(connection, session, changes);
    handleDiagnostics(connection, host, session);
    handleFeatures(connection, host, session);
    handleRequests(connection, host, session, changes);
    connection.onDidChangeConfiguration(({ settings }) => {
      pushed = sectionOf(settings);
      changes.settingsChanged();
    });
    return {
      capabilities: serverCapabilities(),
      serverInfo: { name: 'green-ai', version: host.version },
    };
  });
  connection.listen();
}

function foldersOf({ workspaceFolders, rootUri }: FolderParams): string[] {
  const uris = workspaceFolders?.map(({ uri }) => uri) ?? (rootUri ? [rootUri] : []);
  return uris.map(normalized);
}

/** `rootUri` for clients that know no folders. */
type FolderParams = Pick<InitializeParams, 'workspaceFolders'> & {
  readonly rootUri?: string | null;
};

function sectionOf(settings: unknown): unknown {
  if (typeof settings !== 'object' || settings === null) return null;
  return settingsSection in settings
    ? (settings as Readonly<Record<string, unknown>>)[settingsSection]
    : null;
}

function handleLifecycle(
  connection: Connection,
  host: ServerHost,
  session: Session,
  changes: Changes,
): void {
  const { client, settings, pull, scanner, digester } = session;
  connection.onInitialized(() => {
    inBackground('start', host, async () => {
      // The client may still be busy with its own start: nothing here waits for its answer.
      if (client.registersConfiguration) {
        void connection.client
          .register(DidChangeConfigurationNotification.type, { section: settingsSection })
          .catch(logged);
      }
      if (client.registersWatchers) {
        const watchers = watchedGlobs.map((globPattern) => ({ globPattern }));
        void connection.client
          .register(DidChangeWatchedFilesNotification.type, { watchers })
          .catch(logged);
      }
      await changes.start();
    });
    if (client.changesFolders) {
      connection.workspace.onDidChangeWorkspaceFolders(({ added, removed }) => {
        const gone = new Set(removed.map(({ uri }) => normalized(uri)));
        const kept = settings.folders().filter((uri) => !gone.has(uri));
        settings.setFolders([...new Set([...kept, ...added.map(({ uri }) => normalized(uri))])]);
        changes.settingsChanged();
      });
    }
  });
  const logged = (error: unknown): void => {
    host.log(`registration failed: ${String(error)}`);
  };
  connection.onNotification(trustNotification, ({ trusted }: TrustParams) => {
    session.isTrusted = trusted;
  });
  connection.onShutdown(() => {
    pull.end();
    scanner.clear();
    digester.dispose();
  });
}

function handleDocuments(connection: Connection, { documents }: Session, changes: Changes): void {
  connection.onDidOpenTextDocument((params) => {
    documents.open(params);
    changes.opened(params.textDocument.uri);
  });
  connection.onDidChangeTextDocument((params) => {
    documents.change(params);
    changes.changed(params.textDocument.uri);
  });
  connection.onDidCloseTextDocument((params) => {
    documents.close(params);
    changes.closed(params.textDocument.uri);
  });
  connection.onDidChangeWatchedFiles((params) => {
    changes.files(params.changes);
  });
  connection.workspace.onDidDeleteFiles(({ files }) => {
    changes.removed(files.map(({ uri }) => uri));
  });
  connection.workspace.onDidRenameFiles(({ files }) => {
    changes.removed(files.map(({ oldUri }) => oldUri));
  });
}

function handleDiagnostics(connection: Connection, host: ServerHost, session: Session): void {
  const { client, reports, linter, pull, documents } = session;
  connection.languages.diagnostics.on(
    confined<DocumentDiagnosticParams, DocumentDiagnosticReport>(
      'diagnostics',
      host,
      () => ({ kind: 'full', items: [] }),
      async ({ textDocument: { uri }, previousResultId }) => {
        const report = await linter.report(uri);
        if (!report) return { kind: 'full', items: [] };
        const { resultId, items } = report;
        if (resultId === previousResultId) return { kind: 'unchanged', resultId };
        return { kind: 'full', resultId, items: [...items] };
      },
    ),
  );
  connection.languages.diagnostics.onWorkspace(async (params, token, _progress, stream) => {
    const send = stream ? stream.report.bind(stream) : null;
    const answer = confined<WorkspaceDiagnosticParams, WorkspaceDiagnosticReport>(
      'workspace diagnostics',
      host,
      () => ({ items: [] }),
      () => pull.answer(params, token, send),
    );
    return answer(params, token);
  });
  if (client.pullsDiagnostics) return;
  reports.onChange(({ uri, items }) => {
    const version = documents.get(uri)?.version;
    const published = { uri, diagnostics: [...items], ...(version !== undefined && { version }) };
    inBackground('publish', host, () => connection.sendDiagnostics(published));
  });
}

const emptyList: CompletionList = { isIncomplete: false, items: [] };

function handleFeatures(connection: Connection, host: ServerHost, session: Session): void {
  const features = createTextFeatures(session);
  connection.workspace.textDocumentContent.on(
    confined(
      'text',
      host,
      () => null,
      async ({ uri }) => {
        const found = await features.text(uri);
        return found && { text: found.text };
      },
    ),
  );
  connection.onHover(confined('hover', host, () => null, features.hover));
  connection.onCompletion(
    confined('completion', host, (): CompletionList => emptyList, features.completion),
  );
  connection.onDefinition(confined('definition', host, () => [], features.definition));
  connection.onReferences(confined('references', host, () => [], features.references));
  connection.onDocumentSymbol(
    confined(
      'symbols',
      host,
      () => [],
      ({ textDocument }) => features.symbols(textDocument.uri),
    ),
  );
  connection.onFoldingRanges(
    confined(
      'folding',
      host,
      () => [],
      ({ textDocument }) => features.foldings(textDocument.uri),
    ),
  );
  connection.onCodeLens(
    confined(
      'lenses',
      host,
      () => [],
      ({ textDocument }) => features.lenses(textDocument.uri),
    ),
  );
  connection.onDocumentLinks(
    confined(
      'links',
      host,
      () => [],
      ({ textDocument }) => features.links(textDocument.uri),
    ),
  );
  connection.onCodeAction(
    confined(
      'code actions',
      host,
      () => [],
      (params) => session.actions.list(params),
    ),
  );
  connection.onCodeActionResolve(async (action, token) => {
    const resolve = confined('code action', host, () => action, session.actions.resolve);
    return resolve(action, token);
  });
}
