import { TabInputCustom, TabInputText, Uri, window, workspace, type QuickPickItem } from 'vscode';
import { textUriRequest } from '../../server/src/protocol';
import type { Server } from './client';
import { isConfig, isModel, isModelText, nameOf } from './documents';

/** The document of the active tab: a model's view, its text, or any other text. */
export function activeDocument(): Uri | null {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof TabInputCustom || input instanceof TabInputText ? input.uri : null;
}

/** The uri that a command was called with: menus give objects, lenses and links strings. */
export function uriArgument(argument: unknown): Uri | null {
  if (argument instanceof Uri) return argument;
  if (typeof argument !== 'string') return null;
  try {
    return Uri.parse(argument, true);
  } catch {
    return null;
  }
}

/** The model that a command is about: its argument, the active tab, or one that the user picks. */
export async function modelTarget(server: Server, argument: unknown): Promise<Uri | null> {
  const uri = uriArgument(argument) ?? activeDocument();
  if (uri && isModel(uri)) return uri;
  if (uri && isModelText(uri)) {
    const model = await server.request(textUriRequest, { uri: uri.toString() });
    if (model !== null) return Uri.parse(model, true);
  }
  return pickModel();
}

/** As `modelTarget`, or the active model config. */
export async function modelOrConfigTarget(server: Server, argument: unknown): Promise<Uri | null> {
  const uri = uriArgument(argument) ?? activeDocument();
  return uri && isConfig(uri) ? uri : modelTarget(server, argument);
}

/** More would not help anybody who looks for one by name. */
const maxPickedModels = 1000;

async function pickModel(): Promise<Uri | null> {
  const found = await workspace.findFiles('**/*.onnx', '**/node_modules/**', maxPickedModels);
  const items = found.map((uri): QuickPickItem & { readonly uri: Uri } => ({
    label: nameOf(uri),
    description: workspace.asRelativePath(Uri.joinPath(uri, '..')),
    uri,
  }));
  items.sort((a, b) => a.label.localeCompare(b.label));
  if (items.length === 0) {
    void window.showInformationMessage('There is no .onnx file in this workspace.');
    return null;
  }
  const picked = await window.showQuickPick(items, {
    title: 'Green AI',
    placeHolder: 'Which model?',
    matchOnDescription: true,
  });
  return picked?.uri ?? null;
}
