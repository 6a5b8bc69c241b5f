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
  type WebviewPanel,
} from 'vscode';
import {
  compareDevicesRequest,
  devicesRequest,
  editorCommands,
  modelReportRequest,
  type ModelReport,
} from '../../server/src/protocol';
import type { Server } from './client';
import { modelViewType, nameOf } from './documents';
import { refusal, type Optimizer } from './optimize';
import { reportHtml } from './report/html';
import { parseViewMessage, type HostMessage, type ViewMessage } from './report/messages';

/** The editor for `.onnx`: shows what the server reports about a model. */
export interface ModelViews {
  readonly dispose: () => void;
  /** Opens the model's view and compares these devices in it. */
  readonly compare: (model: Uri, devices: readonly string[]) => Promise<void>;
}

/** Several events of one save are one reload. */
const reloadDelay = 200;

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
  /** What it shows may be wrong now: it asks again, at once or when it is seen. */
  readonly outdate: () => void;
  readonly compare: (devices: readonly string[]) => Promise<void>;
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
  let report: ModelReport | null = null;
  /** Of this view alone; null: what the settings say. */
  let device: string | null = null;
  let isReady = false;
  let isOutdated = true;
  let loading = 0;
  let timer: NodeJS.Timeout | undefined;
  let pendingComparison: readonly string[] | null = null;

  const post = (message: HostMessage): void => {
    void webview.postMessage(message);
  };
  const load = async (): Promise<void> => {
    isOutdated = false;
    const turn = ++loading;
    post({ kind: 'access', refusal: refusal() });
    post({ kind: 'busy', text: report === null ? 'Reading the model…' : 'Updating…' });
    const answer = await askForReport(server, model, device);
    // A later question is under way: its answer counts.
    if (turn !== loading) return;
    report = typeof answer === 'string' ? null : answer;
    if (typeof answer === 'string') post({ kind: 'failed', message: answer });
    else post({ kind: 'report', report: answer });
    post({ kind: 'busy', text: null });
  };
  const outdate = (): void => {
    isOutdated = true;
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (isOutdated && isReady && panel.visible) void load();
    }, reloadDelay);
  };
  const compare = async (devices: readonly string[]): Promise<void> => {
    if (!isReady) {
      pendingComparison = devices;
      return;
    }
    post({ kind: 'busy', text: 'Comparing devices…' });
    post(await askForComparison(server, model, devices));
    post({ kind: 'busy', text: null });
  };
  /** A page that was hidden is made anew and has lost what it was told. */
  const show = async (): Promise<void> => {
    if (report === null || isOutdated) await load();
    else post({ kind: 'report', report });
  };
  const start = async (): Promise<void> => {
    isReady = true;
    const [devices] = await Promise.all([
      server.request(devicesRequest, null).catch(() => []),
      show(),
    ]);
    post({ kind: 'access', refusal: refusal() });
    post({ kind: 'devices', devices });
    if (pendingComparison) await compare(pendingComparison);
    pendingComparison = null;
  };
  const handle = async (message: ViewMessage): Promise<void> => {
    switch (message.kind) {
      case 'ready':
        return start();
      case 'reload':
        return load();
      case 'setDevice':
        device = message.device;
        return load();
      case 'compareDevices':
        return compare(message.devices);
      case 'openText':
        await commands.executeCommand(editorCommands.openText, model, message.line);
        return;
      case 'optimize':
        return optimizer.choose(model);
      case 'runRecipe':
        return optimizer.run(model, message.recipe);
      case 'openModel':
        return openVariant(report, message.uri);
      case 'openHelp':
        return openHelp(report, message.uri);
    }
  };

  const media = Uri.joinPath(context.extensionUri, 'media');
  const dist = Uri.joinPath(context.extensionUri, 'dist');
  webview.options = { enableScripts: true, localResourceRoots: [media, dist] };
  const resources = Disposable.from(
    webview.onDidReceiveMessage((value) => {
      const message = parseViewMessage(value);
      if (!message) return;
      handle(message).catch((error: unknown) => {
        server.log.error(`Model view, ${message.kind}: ${String(error)}`);
        post({ kind: 'busy', text: null });
      });
    }),
    panel.onDidChangeViewState(() => {
      // A page that was hidden is gone; the next one says that it is ready.
      if (!panel.visible) isReady = false;
    }),
    watchFolder(model, outdate),
  );
  webview.html = reportHtml({
    cspSource: webview.cspSource,
    nonce: crypto.randomUUID(),
    scriptUri: webview.asWebviewUri(Uri.joinPath(dist, 'report.js')).toString(),
    styleUri: webview.asWebviewUri(Uri.joinPath(media, 'report.css')).toString(),
    title: nameOf(model),
  });
  return {
    key: model.toString(),
    isActive: () => panel.active,
    outdate,
    compare,
    dispose: () => {
      clearTimeout(timer);
      resources.dispose();
    },
  };
}

/** The report, or a sentence about why there is none. */
async function askForReport(
  server: Server,
  model: Uri,
  device: string | null,
): Promise<ModelReport | string> {
  try {
    const uri = model.toString();
    const params = device === null ? { uri } : { uri, device };
    return (await server.request(modelReportRequest, params)) ?? 'The server knows no such model.';
  } catch (error) {
    server.log.error(`No report for ${model.toString()}: ${String(error)}`);
    return 'The server did not answer. The log says more.';
  }
}

async function askForComparison(
  server: Server,
  model: Uri,
  devices: readonly string[],
): Promise<HostMessage> {
  try {
    const params = { uri: model.toString(), devices };
    const estimates = await server.request(compareDevicesRequest, params);
    if (estimates) return { kind: 'comparison', estimates };
    return { kind: 'comparisonFailed', message: 'Nothing can be estimated for this model.' };
  } catch (error) {
    server.log.error(`No comparison for ${model.toString()}: ${String(error)}`);
    return { kind: 'comparisonFailed', message: 'The server did not answer. The log says more.' };
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
  const watcher = workspace.createFileSystemWatcher(new RelativePattern(folder, '*.{onnx,json}'));
  return Disposable.from(
    watcher,
    watcher.onDidCreate(changed),
    watcher.onDidChange(changed),
    watcher.onDidDelete(changed),
  );
}
