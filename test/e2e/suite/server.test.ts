import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as vscode from 'vscode';
import {
  eventually,
  extensionId,
  fileUri,
  findingOf,
  findingsOf,
  replaceText,
  revertAndClose,
  show,
} from './support';

interface Manifest {
  readonly contributes: { readonly commands: readonly { readonly command: string }[] };
}

describe('the extension', () => {
  it('registers every command of its manifest', async () => {
    const extension = vscode.extensions.getExtension(extensionId);
    assert.ok(extension);
    await extension.activate();
    const registered = new Set(await vscode.commands.getCommands(true));
    const { contributes } = extension.packageJSON as Manifest;
    const missing = contributes.commands.filter(({ command }) => !registered.has(command));
    assert.deepEqual(missing, []);
  });
});

describe('a server that is killed', () => {
  afterEach(revertAndClose);

  it('starts again, and findings return', async function () {
    if (process.platform === 'win32') this.skip();
    const editor = await show(fileUri('hf/decoder-1b-float32/config.json'));
    const { uri } = editor.document;
    await findingOf(uri, 'float32-dtype');
    const [before] = serverProcesses();
    assert.ok(before !== undefined);
    process.kill(before, 'SIGKILL');
    const after = await eventually('another server', () =>
      serverProcesses().find((pid) => pid !== before),
    );
    assert.notEqual(after, before);
    await replaceText(editor, '"float32"', '"bfloat16"');
    await eventually('no finding', () => findingsOf(uri, 'float32-dtype').length === 0);
    await replaceText(editor, '"bfloat16"', '"float32"');
    await findingOf(uri, 'float32-dtype');
  });

  it('starts again when the user says so', async function () {
    if (process.platform === 'win32') this.skip();
    const [before] = serverProcesses();
    await vscode.commands.executeCommand('greenAi.restartServer');
    await eventually('another server', () => serverProcesses().find((pid) => pid !== before));
    const { document } = await show(fileUri('hf/decoder-1b-float32/config.json'));
    await findingOf(document.uri, 'float32-dtype');
  });
});

/** Children of this extension host that run the language server. */
function serverProcesses(): readonly number[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return rows.split('\n').flatMap((row) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/u.exec(row);
    const isServer = match?.[2] === String(process.pid) && match[3]?.includes('dist/server.js');
    return isServer ? [Number(match[1])] : [];
  });
}
