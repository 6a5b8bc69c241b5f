import { CodeActionKind, commands, window, workspace, type CodeAction } from 'vscode';

/** Rules that hit one line are few. */
const maxFixes = 50;

/**
 * Offers the fixes of the cursor's line. The editor's own quick fix wants a document that can be written to,
 * and the text of a model is read-only.
 */
export async function showFixes(): Promise<void> {
  const editor = window.activeTextEditor;
  if (!editor) return;
  const { document, selection } = editor;
  const fixes = await commands.executeCommand<readonly CodeAction[]>(
    'vscode.executeCodeActionProvider',
    document.uri,
    document.lineAt(selection.active.line).range,
    CodeActionKind.QuickFix.value,
    maxFixes,
  );
  if (fixes.length === 0) {
    window.setStatusBarMessage('No fixes on this line', 3000);
    return;
  }
  const items = fixes.map((fix) => ({ label: fix.title, fix }));
  const picked = await window.showQuickPick(items, { title: 'Quick Fix' });
  if (!picked) return;
  const { edit, command } = picked.fix;
  if (edit) await workspace.applyEdit(edit);
  if (command) {
    const given: readonly unknown[] = command.arguments ?? [];
    await commands.executeCommand(command.command, ...given);
  }
}
