import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import * as vscode from 'vscode';

export const extensionId = 'green-ai-lint.green-ai';

const patienceMilliseconds = 30_000;

/** Asks until there is an answer; fails with what was last seen. */
export async function eventually<T>(
  what: string,
  ask: () => T | null | undefined | false | Promise<T | null | undefined | false>,
): Promise<T> {
  const end = Date.now() + patienceMilliseconds;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) assert.fail(`waited ${patienceMilliseconds / 1000} s for ${what}`);
    await sleep(50);
  }
}

export function fileUri(relative: string): vscode.Uri {
  const folder = vscode.workspace.workspaceFolders?.[0];
  assert.ok(folder, 'a folder is open');
  return vscode.Uri.joinPath(folder.uri, relative);
}

/** The text document of a model, as docs/editor.md defines it. */
export function textUri(relative: string): vscode.Uri {
  const model = fileUri(relative);
  return model.with({ scheme: 'green-ai-onnx', authority: '', path: `${model.path}.onnxtxt` });
}

export function ruleId({ code }: vscode.Diagnostic): string {
  return String(typeof code === 'object' ? code.value : code);
}

export function findingsOf(uri: vscode.Uri, rule?: string): readonly vscode.Diagnostic[] {
  const all = vscode.languages.getDiagnostics(uri);
  return rule === undefined ? all : all.filter((one) => ruleId(one) === rule);
}

export function findingOf(uri: vscode.Uri, rule: string): Promise<vscode.Diagnostic> {
  return eventually(`${rule} in ${uri.path}`, () => findingsOf(uri, rule)[0]);
}

export async function show(uri: vscode.Uri): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

export async function quickFixes(
  uri: vscode.Uri,
  range: vscode.Range,
): Promise<readonly vscode.CodeAction[]> {
  return vscode.commands.executeCommand<vscode.CodeAction[]>(
    'vscode.executeCodeActionProvider',
    uri,
    range,
    vscode.CodeActionKind.QuickFix.value,
    10,
  );
}

/** Replaces the only occurrence of a text, as typing would. */
export async function replaceText(
  editor: vscode.TextEditor,
  before: string,
  after: string,
): Promise<void> {
  const { document } = editor;
  const start = document.getText().indexOf(before);
  assert.ok(start >= 0, `"${before}" is in ${document.fileName}`);
  const range = new vscode.Range(
    document.positionAt(start),
    document.positionAt(start + before.length),
  );
  assert.ok(
    await editor.edit((edit) => {
      edit.replace(range, after);
    }),
  );
}

export async function revertAndClose(): Promise<void> {
  await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
}
