import {
  Disposable,
  RelativePattern,
  Uri,
  commands,
  env,
  languages,
  window,
  workspace,
  type CustomReadonlyEditorProvider,
  type ExtensionContext,
  type Webview,
  type WebviewPanel,
} from 'vscode';
import { editorCommands, type ModelReport } from '../../server/src/protocol';
import type { Server } from './client';
import { modelViewType, nameOf } from './documents';
import type { Optimizer } from './optimize';
import { reportHtml } from './report/html';
import { parseViewMessage, type HostMessage, type ViewMessage } from './report/messages';
import { createReportFeed, type ReportFeed } from './reportFeed';

/** The editor for `.onnx`: shows what the server reports about a model. */
export interface ModelViews {
  readonly dispose: () => void;
  /** Opens the model's view and compares these devices in it. */
  readonly compare: (model: Uri, devices: readonly string[]) => Promise<void>;
}

export function registerModelView(
  context: ExtensionContext,
  server: Server,
  optimizer: Optimizer,
): ModelViews {
  const views = new Set<View>();
  const outdateAll = (): void => {
    for (const view of views) view.outdate();
  };
  const settingsFiles = workspace.createFileSystemWatcher('**/green-ai.json');
  const provider: CustomReadonlyEditorProvider = {
    openCustomDocument: (uri) => ({ uri, dispose: () => undefined }),
    resolveCustomEditor: ({ uri }, panel) => {
      const view = showModel(context, server, optimizer, uri, panel);
      views.add(view);
      panel.onDidDispose(() => {
        views.delete(view);
        view.dispose();
      });
    },
  };
  const registration = Disposable.from(
    window.registerCustomEditorProvider(modelViewType, provider, {
      supportsMultipleEditorsPerDocument: true,
    }),
    settingsFiles,
    settingsFiles.onDidChange(outdateAll),
    settingsFiles.onDidCreate(outdateAll),
    settingsFiles.onDidDelete(outdateAll),
    workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration('greenAi')) outdateAll();
    }),
    workspace.onDidGrantWorkspaceTrust(outdateAll),
    // The row of the model says what it takes: when that changes, so does the report.
    languages.onDidChangeDiagnostics(({ uris }) => {
      const changed = new Set(uris.map(String));
      for (const view of views) if (changed.has(view.key)) view.outdate();
    }),
    server.onDidChangeState((state) => {
      if (state === 'running') outdateAll();
    }),
    optimizer.onDidWrite(outdateAll),
  );
  return {
    dispose: () => {
      registration.dispose();
    },
    compare: async (model, devices) => {
      await commands.executeCommand('vscode.openWith', model, modelViewType);
      const key = model.toString();
      // The editor opens only after it was resolved.
      const open = [...views].filter((view) => view.key === key);
      await (open.find((view) => view.isActive()) ?? open[0])?.compare(devices);
    },
  };
}

interface View {
  readonly key: string;
  readonly isActive: () => boolean;
  readonly outdate: ReportFeed['outdate'];
  readonly compare: ReportFeed['compare'];
  readonly dispose: () => void;
}

function showModel(
  context: ExtensionContext,
  server: Server,
  optimizer: Optimizer,
  model: Uri,
  panel: WebviewPanel,
): View {
  const { webview } = panel;
  let isDisposed = false;
  const post = (message: HostMessage): void => {
    // An answer may come after the tab was closed.
    if (!isDisposed) void webview.postMessage(message);
  };
  const feed = createReportFeed(server, model, post);
  const resources = Disposable.from(
    feed,
    webview.onDidReceiveMessage((value) => {
      const message = parseViewMessage(value);
      if (!message) return;
      handleMessage(message, model, feed, optimizer).catch((error: unknown) => {
        server.log.error(`Model view, ${message.kind}: ${String(error)}`);
        post({ kind: 'busy', text: null });
      });
    }),
    panel.onDidChangeViewState(() => {
      if (!panel.visible) feed.pause();
    }),
    watchFolder(model, feed.outdate),
  );
  loadPage(context, webview, nameOf(model));
  return {
    key: model.toString(),
    isActive: () => panel.active,
    outdate: feed.outdate,
    compare: feed.compare,
    dispose: () => {
      isDisposed = true;
      resources.dispose();
    },
  };
}

function loadPage({ extensionUri }: ExtensionContext, webview: Webview, title: string): void {
  const media = Uri.joinPath(extensionUri, 'media');
  const dist = Uri.joinPath(extensionUri, 'dist');
  webview.options = { enableScripts: true, localResourceRoots: [media, dist] };
  webview.html = reportHtml({
    cspSource: webview.cspSource,
    nonce: crypto.randomUUID(),
    scriptUri: webview.asWebviewUri(Uri.joinPath(dist, 'report.js')).toString(),
    styleUri: webview.asWebviewUri(Uri.joinPath(media, 'report.css')).toString(),
    title,
  });
}

async function handleMessage(
  message: ViewMessage,
  model: Uri,
  feed: ReportFeed,
  optimizer: Optimizer,
): Promise<void> {
  switch (message.kind) {
    case 'ready':
      return feed.start();
    case 'reload':
      return feed.load();
    case 'setDevice':
      return feed.setDevice(message.device);
    case 'compareDevices':
      return feed.compare(message.devices);
    case 'openText':
      await commands.executeCommand(editorCommands.openText, model, message.line);
      return;
    case 'optimize':
      return optimizer.choose(model);
    case 'runRecipe':
      return optimizer.run(model, message.recipe);
    case 'openModel':
      return openVariant(feed.report(), message.uri);
    case 'openHelp':
      return openHelp(feed.report(), message.uri);
  }
}

/** The view shows what a hostile file says: only what the report itself names is opened. */
async function openVariant(report: ModelReport | null, uri: string): Promise<void> {
  if (!report?.variants.some((variant) => variant.uri === uri)) return;
  await commands.executeCommand('vscode.openWith', Uri.parse(uri), modelViewType);
}

async function openHelp(report: ModelReport | null, uri: string): Promise<void> {
  if (!report?.findings.some(({ helpUri }) => helpUri === uri)) return;
  const page = Uri.parse(uri);
  if (page.scheme === 'file') await commands.executeCommand('markdown.showPreview', page);
  else if (page.scheme === 'https') await env.openExternal(page);
}

/** The model, its weights, its variants and what was noted about them lie in one folder. */
function watchFolder(model: Uri, changed: () => void): Disposable {
  const folder = Uri.joinPath(model, '..');
  const names = '*.{onnx,json,data,onnx_data,bin,weights,pb}';
  const watcher = workspace.createFileSystemWatcher(new RelativePattern(folder, names));
  return Disposable.from(
    watcher,
    watcher.onDidCreate(changed),
    watcher.onDidChange(changed),
    watcher.onDidDelete(changed),
  );
}
