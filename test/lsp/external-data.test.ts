import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import path from 'node:path';
import { pathsBeside } from '../../server/src/lsp/external-files';
import { denseModel, startEditor, until, type TestEditor } from '../support/lsp';

const weightBytes = 512 * 512 * 4;

function modelWith(location: string): string {
  return denseModel.replace('weights.bin', location);
}

describe('lsp: external data', () => {
  let editor: TestEditor;
  afterEach(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });

  it('a data file that changes, goes or comes counts at the next look, with no event at all', async () => {
    editor = await startEditor({
      models: { 'dense.onnx': denseModel },
      files: { 'weights.bin': new Uint8Array(weightBytes) },
      settings: { lint: { workspace: false } },
    });
    const uri = editor.uri('dense.onnx');
    const codes = async (): Promise<string[]> => {
      const report = await editor.request('greenAi/modelReport', { uri });
      return report?.findings.map(({ ruleId }) => ruleId).filter(isExternal) ?? [];
    };
    assert.deepEqual(await codes(), []);
    await truncate(path.join(editor.folder, 'weights.bin'), weightBytes / 2);
    assert.deepEqual(await codes(), ['external-data-too-short']);
    await editor.write('weights.bin', new Uint8Array(weightBytes));
    assert.deepEqual(await codes(), []);
  });

  it('an event of the data file brings new rows of the models that name it', async () => {
    editor = await startEditor({
      models: { 'a/dense.onnx': modelWith('sub/odd-name'), 'other.onnx': denseModel },
      files: { 'weights.bin': new Uint8Array(weightBytes) },
    });
    const told = editor.watchWorkspace();
    const rows = (): (string | number | undefined)[] =>
      (told.get(editor.textUri('a/dense.onnx')) ?? []).map(({ code }) => code);
    await until('a row for the missing file', () => rows().includes('external-data-missing'));
    const data = await editor.write('a/sub/odd-name', new Uint8Array(weightBytes));
    // The client watches `*.bin` and such; of other names it is told.
    const watched = JSON.stringify(editor.registered);
    assert.ok(watched.includes(JSON.stringify({ baseUri: editor.uri('a/sub'), pattern: '*' })));
    await editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: data, type: 1 }],
    });
    await until('no such row', () => rows().length > 0 && !rows().some(isExternal));
  });
});

describe('lsp: names of external data', () => {
  it('only those in the model’s folder are looked at', () => {
    const names = [
      'w.bin',
      'sub/w.bin',
      './w',
      '../w.bin',
      '/etc/hosts',
      'a\0b',
      '',
      '.',
      'a/../../b',
    ];
    assert.deepEqual(pathsBeside('/models/a.onnx', names), [
      '/models/w.bin',
      '/models/sub/w.bin',
      '/models/w',
    ]);
  });
});

describe('lsp: virtual workspaces', () => {
  it('judges open configs, and says of models why not', async () => {
    const editor = await startEditor();
    const folder = 'vscode-vfs://github/owner/repository';
    await editor.connection.sendNotification('workspace/didChangeWorkspaceFolders', {
      event: { added: [{ uri: folder, name: 'repository' }], removed: [] },
    });
    const config = `${folder}/config.json`;
    await editor.open(config, '{ "model_type": "llama", "torch_dtype": "float32", }');
    assert.notDeepEqual(await editor.pull(config), []);
    const model = `${folder}/model.onnx`;
    const report = await editor.request('greenAi/modelReport', { uri: model });
    assert.match(
      report?.failure ?? '',
      /read from disks only.*"vscode-vfs:".*open it from a folder/,
    );
    await editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: model, type: 1 }],
    });
    assert.deepEqual(await editor.pull(model), []);
    assert.ok(await editor.request('greenAi/lintWorkspace', {}));
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
});

function isExternal(code: unknown): boolean {
  return String(code).startsWith('external-data-');
}
