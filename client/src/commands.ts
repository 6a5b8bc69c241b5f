import {
  CancellationError,
  Disposable,
  ProgressLocation,
  Range,
  Uri,
  commands,
  env,
  extensions,
  version,
  window,
  workspace,
  type ExtensionContext,
  type QuickPickItem,
} from 'vscode';
import { formatJoules } from '../../server/src/protocol';
import {
  compareDevicesRequest,
  debugInfoRequest,
  editorCommands,
  lintWorkspaceRequest,
  textUriRequest,
  type ReportEstimate,
} from '../../server/src/protocol';
import type { Server } from './client';
import { chooseDevice, pickDevices } from './devicePicker';
import { isConfig, modelViewType, nameOf } from './documents';
import type { ModelViews } from './modelView';
import { withoutLinks } from './notify';
import type { Optimizer } from './optimize';
import { showFixes } from './quickFix';
import { activeDocument, modelOrConfigTarget, modelTarget, uriArgument } from './target';

/** What the commands work with. */
export interface CommandContext {
  readonly extension: ExtensionContext;
  readonly server: Server;
  readonly optimizer: Optimizer;
  readonly views: ModelViews;
}

type Handler = (
  context: CommandContext,
  target: unknown,
  argument: unknown,
) => void | PromiseLike<void>;

/** Every command of the manifest. */
const handlers: Readonly<Record<string, Handler>> = {
  'greenAi.lintWorkspace': lintWorkspace,
  [editorCommands.openText]: openText,
  [editorCommands.openReport]: openReport,
  [editorCommands.chooseDevice]: ({ server }, target) =>
    chooseDevice(server, uriArgument(target) ?? activeDocument()),
  [editorCommands.compareDevices]: compareDevices,
  [editorCommands.quantize]: (context, target) =>
    optimize(context, target, ({ name }) => /^(?:u?int\d|float\d)/.test(name)),
  'greenAi.cleanUp': async ({ server, optimizer }, target) => {
    const model = await modelTarget(server, target);
    if (model) await optimizer.run(model, 'cleanup');
  },
  [editorCommands.optimize]: async (context, target, recipe) => {
    if (typeof recipe !== 'string') return optimize(context, target);
    const model = await modelTarget(context.server, target);
    if (model) await context.optimizer.run(model, recipe);
  },
  'greenAi.showFixes': showFixes,
  'greenAi.openExamples': openExamples,
  'greenAi.restartServer': ({ server }) =>
    window.withProgress({ location: ProgressLocation.Window, title: 'Green AI: restarting' }, () =>
      server.restart(),
    ),
  'greenAi.showLogs': ({ server }) => {
    server.log.show();
  },
  'greenAi.showDebugInfo': showDebugInfo,
};

export function registerCommands(context: CommandContext): Disposable {
  return Disposable.from(
    ...Object.entries(handlers).map(([id, handler]) =>
      commands.registerCommand(id, (target: unknown, argument: unknown) =>
        guarded(context, id, () => handler(context, target, argument)),
      ),
    ),
  );
}

/** The user asked for this: a failure is shown, once, in one sentence. */
async function guarded(
  { server }: CommandContext,
  id: string,
  work: () => void | PromiseLike<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (error instanceof CancellationError) return;
    server.log.error(
      `${id} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`,
    );
    const show = 'Show Logs';
    const reason = error instanceof Error ? error.message : String(error);
    void window.showErrorMessage(withoutLinks(`Green AI: ${reason}`), show).then((picked) => {
      if (picked === show) server.log.show();
    });
  }
}

async function lintWorkspace({ server }: CommandContext): Promise<void> {
  const options = {
    location: ProgressLocation.Notification,
    title: 'Linting the workspace',
    cancellable: true,
  };
  const answer = await window.withProgress(options, async (progress, token) => {
    const progressToken = crypto.randomUUID();
    const listener = server.onProgress(progressToken, (message) => {
      progress.report({ message });
    });
    try {
      return await server.request(lintWorkspaceRequest, { progressToken }, token);
    } catch (error) {
      if (token.isCancellationRequested) return null;
      throw error;
    } finally {
      listener.dispose();
    }
  });
  if (!answer) return;
  await commands.executeCommand('workbench.panel.markers.view.focus');
  const files = counted(answer.files, 'file');
  const text = `${counted(answer.findings, 'finding')} in ${files}.`;
  void window.showInformationMessage(`Green AI: ${text}`);
}

async function openText({ server }: CommandContext, target: unknown, line: unknown): Promise<void> {
  const model = await modelTarget(server, target);
  if (!model) return;
  const text = await server.request(textUriRequest, { uri: model.toString() });
  if (text === null) throw new Error(`${nameOf(model)} cannot be shown as text.`);
  // Shown as soon as the editor has the text: `showTextDocument` waits until it was sent to every extension too.
  await commands.executeCommand('vscode.open', Uri.parse(text), {
    preview: true,
    ...(typeof line === 'number' && { selection: new Range(line, 0, line, 0) }),
  });
}

async function openReport({ server }: CommandContext, target: unknown): Promise<void> {
  const model = await modelTarget(server, target);
  if (model) await commands.executeCommand('vscode.openWith', model, modelViewType);
}

async function compareDevices({ server, views }: CommandContext, target: unknown): Promise<void> {
  const uri = await modelOrConfigTarget(server, target);
  if (!uri) return;
  const devices = await pickDevices(server, uri);
  if (!devices) return;
  if (!isConfig(uri)) {
    await views.compare(uri, devices);
    return;
  }
  const estimates = await server.request(compareDevicesRequest, { uri: uri.toString(), devices });
  if (!estimates) throw new Error(`Nothing can be estimated for ${nameOf(uri)}.`);
  await window.showQuickPick(estimates.map(estimateItem), {
    title: `${nameOf(uri)} on ${counted(estimates.length, 'device')}`,
    matchOnDescription: true,
  });
}

function estimateItem(estimate: ReportEstimate): QuickPickItem {
  const { energyJoules: energy, fits } = estimate;
  const fitText = fits === null ? '' : fits ? ' · fits' : ' · does not fit';
  return {
    label: estimate.deviceName,
    description: (energy ? formatJoules(energy) : 'energy unknown') + fitText,
    detail: `${estimate.runtime}, ${estimate.precision}; covers ${estimate.boundary}`,
  };
}

async function optimize(
  { server, optimizer }: CommandContext,
  target: unknown,
  isOffered?: Parameters<Optimizer['choose']>[1],
): Promise<void> {
  const model = await modelTarget(server, target);
  if (model) await optimizer.choose(model, isOffered);
}

/** The extension's folder is replaced by updates, and fixes write beside their models: the user gets a copy. */
async function openExamples({ extension }: CommandContext): Promise<void> {
  const source = Uri.joinPath(extension.extensionUri, 'examples');
  const copy = Uri.joinPath(extension.globalStorageUri, 'examples');
  await workspace.fs.createDirectory(extension.globalStorageUri);
  await workspace.fs.copy(source, copy, { overwrite: true });
  await commands.executeCommand('vscode.openFolder', copy, { forceNewWindow: true });
}

async function showDebugInfo({ extension, server }: CommandContext): Promise<void> {
  const info = await server.request(debugInfoRequest, null).catch(() => null);
  const own: unknown = extensions.getExtension(extension.extension.id)?.packageJSON;
  const facts = {
    extension: versionOf(own),
    editor: `${env.appName} ${version} (${env.appHost}, ${env.remoteName ?? 'local'})`,
    server: info ?? server.state(),
    serverReadyMilliseconds: await server.readyMilliseconds(),
    recentProblems: server.log.recentProblems(),
    settings: workspace.getConfiguration('greenAi'),
  };
  const content = JSON.stringify(facts, null, 2);
  await window.showTextDocument(await workspace.openTextDocument({ language: 'json', content }));
}

function versionOf(manifest: unknown): unknown {
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? manifest.version
    : null;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
