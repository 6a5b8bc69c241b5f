import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { CancellationTokenSource, LSPErrorCodes, type Diagnostic } from 'vscode-languageserver';
import {
  denseModel,
  capabilitiesWithout,
  floatConfig,
  plainModel,
  startEditor,
  until,
  type TestEditor,
  type TestEditorOptions,
} from '../support/lsp';

const weights = { 'weights.bin': new Uint8Array(512 * 512 * 4) };

describe('lsp: diagnostics', () => {
  let editor: TestEditor;
  const start = async (options: TestEditorOptions = {}): Promise<TestEditor> => {
    editor = await startEditor(options);
    return editor;
  };
  afterEach(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });

  it('pulls findings of a config while one types, with exact ranges', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const [row] = await pulled(editor, uri);
    assert.equal(row?.code, 'float32-dtype');
    assert.equal(textAt(floatConfig, row), '"torch_dtype": "float32"');
    await editor.replace(uri, 2, floatConfig.replace('float32', 'bfloat16'));
    assert.deepEqual(await pulled(editor, uri), []);
    await editor.replace(uri, 3, floatConfig.replace('"float32"', 'float32'));
    assert.deepEqual(codes(await pulled(editor, uri)), ['malformed-config']);
  });

  it('answers `unchanged` for a result that the client has', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const report = await editor.connection.sendRequest<{ resultId: string }>(
      'textDocument/diagnostic',
      { textDocument: { uri } },
    );
    assert.equal(await editor.pull(uri, report.resultId), 'unchanged');
    await editor.replace(uri, 2, floatConfig.replace('float32', 'bfloat16'));
    assert.deepEqual(await editor.pull(uri, report.resultId), []);
  });

  it('checks green-ai.json as it is typed', async () => {
    await start();
    const uri = editor.uri('green-ai.json');
    const text = '{ "device": "laptop-cpuu", "rules": { "float-weight": "off" } }';
    await editor.open(uri, text);
    const rows = await pulled(editor, uri);
    assert.deepEqual(
      rows.map((row) => textAt(text, row)),
      ['"laptop-cpuu"', '"float-weight"'],
    );
  });

  it('reports findings of unopened models on their text, and one summary on the file', async () => {
    await start({ models: { 'dense.onnx': denseModel, 'plain.onnx': plainModel }, files: weights });
    const told = editor.watchWorkspace();
    await until(
      'rows of the text',
      () => (told.get(editor.textUri('dense.onnx'))?.length ?? 0) > 0,
    );
    const rows = told.get(editor.textUri('dense.onnx')) ?? [];
    assert.deepEqual(codes(rows).sort(), ['float-weights', 'redundant-nodes']);
    const text = await editor.request('greenAi/text', { uri: editor.textUri('dense.onnx') });
    assert.ok(text);
    assert.deepEqual(rows.map((row) => textAt(text.text, row)).sort(), ['Identity', 'MatMul']);
    const [summary, ...others] = told.get(editor.uri('dense.onnx')) ?? [];
    assert.deepEqual(others, []);
    assert.equal(summary?.severity, 3);
    assert.match(messageOf(summary), /2 findings in its text/);
    const link = summary.codeDescription?.href ?? '';
    assert.ok(link.startsWith('command:greenAi.openText?'));
    const linkArguments: unknown = JSON.parse(decodeURIComponent(link.split('?')[1] ?? ''));
    assert.deepEqual(linkArguments, [editor.uri('dense.onnx')]);
    assert.equal(told.has(editor.uri('plain.onnx')), false);
  });

  it('names no command to clients that have none', async () => {
    await start({ models: { 'dense.onnx': denseModel }, files: weights, initialization: {} });
    const [summary] = await pulled(editor, editor.uri('dense.onnx'));
    assert.equal(summary?.codeDescription, undefined);
  });

  it('shows the first findings of an unopened model, all of an open one, and leaves no stale rows', async () => {
    await start({
      models: { 'dense.onnx': denseModel },
      files: weights,
      settings: { maxFindingsPerModel: 1 },
    });
    const told = editor.watchWorkspace();
    const uri = editor.textUri('dense.onnx');
    const count = (wanted: number) => () => told.get(uri)?.length === wanted;
    await until('the first finding', count(1));
    await editor.open(uri, 'as the editor has it');
    assert.equal((await pulled(editor, uri)).length, 2);
    await until('all findings', count(2));
    await editor.close(uri);
    await until('the first finding again', count(1));
    assert.match(messageOf(told.get(editor.uri('dense.onnx'))?.[0]), /the first 1 listed/);
  });

  it('forgets the rows of a model outside the workspace when its text is closed', async () => {
    await start({
      models: { 'outside/dense.onnx': denseModel, 'inside/plain.onnx': plainModel },
      files: { 'outside/weights.bin': weights['weights.bin'] },
      folders: ['inside'],
    });
    const told = editor.watchWorkspace();
    const uri = editor.textUri('outside/dense.onnx');
    await editor.open(uri, '');
    await until('rows', () => told.get(uri)?.length === 2);
    await editor.close(uri);
    await until('no rows', () => told.get(uri)?.length === 0);
    assert.deepEqual(told.get(editor.uri('outside/dense.onnx')), []);
  });

  it('holds the workspace request until a file changes, and empties deleted ones', async () => {
    await start({ models: { 'dense.onnx': denseModel }, files: weights });
    const told = editor.watchWorkspace();
    const text = editor.textUri('dense.onnx');
    await until('rows', () => told.get(text)?.length === 2);
    const uri = await editor.writeModel('dense.onnx', plainModel);
    await fileChanged(editor, uri, 2);
    await until('no rows after a change', () => told.get(text)?.length === 0);
    const added = await editor.writeModel('new.onnx', denseModel);
    await fileChanged(editor, added, 1);
    await until('rows of a new file', () => told.get(editor.textUri('new.onnx'))?.length === 2);
    await rm(path.join(editor.folder, 'new.onnx'));
    await fileChanged(editor, added, 3);
    await until('no rows after deletion', () => told.get(editor.textUri('new.onnx'))?.length === 0);
    assert.deepEqual(told.get(added), []);
  });

  it('empties everything below a deleted folder', async () => {
    await start({
      models: { 'a/dense.onnx': denseModel },
      files: { 'a/weights.bin': weights['weights.bin'], 'ab/config.json': floatConfig },
    });
    const told = editor.watchWorkspace();
    await until('rows', () => (told.get(editor.textUri('a/dense.onnx'))?.length ?? 0) > 0);
    await until('rows', () => (told.get(editor.uri('ab/config.json'))?.length ?? 0) > 0);
    await rm(path.join(editor.folder, 'a'), { recursive: true });
    await editor.connection.sendNotification('workspace/didDeleteFiles', {
      files: [{ uri: editor.uri('a') }],
    });
    await until('no rows', () => told.get(editor.textUri('a/dense.onnx'))?.length === 0);
    assert.equal(told.get(editor.uri('ab/config.json'))?.length, 1);
  });

  it('empties the rows of a document whose result id the client has forgotten', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    assert.equal((await pulled(editor, uri)).length, 1);
    await editor.replace(uri, 2, floatConfig.replace('float32', 'bfloat16'));
    assert.deepEqual(await pulled(editor, uri), []);
    // As VS Code's client asks after the tab was closed.
    const told = editor.watchWorkspace();
    await until('no rows', () => told.get(uri)?.length === 0);
  });

  it('lets go of a held request that is cancelled', async () => {
    await start();
    const cancel = new CancellationTokenSource();
    const held = editor.connection.sendRequest(
      'workspace/diagnostic',
      { previousResultIds: [] },
      cancel.token,
    );
    // Anything that is answered after it shows that it was taken.
    await editor.request('greenAi/debugInfo', null);
    cancel.cancel();
    await assert.rejects(held, { code: LSPErrorCodes.RequestCancelled });
  });

  it('pushes to clients that do not pull', async () => {
    await start({
      models: { 'dense.onnx': denseModel },
      files: { ...weights, 'config.json': floatConfig },
      capabilities: capabilitiesWithout('diagnostic'),
    });
    const config = editor.uri('config.json');
    await until(
      'rows of the text',
      () => editor.pushed.get(editor.textUri('dense.onnx'))?.length === 2,
    );
    await until('rows of the config', () => editor.pushed.get(config)?.length === 1);
    await editor.open(config, floatConfig);
    await editor.replace(config, 2, floatConfig.replace('float32', 'bfloat16'));
    await until('a clean config', () => editor.pushed.get(config)?.length === 0);
    await editor.close(config);
    await until('what the file says', () => editor.pushed.get(config)?.length === 1);
  });

  it('pushes nothing to clients that pull', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const told = editor.watchWorkspace();
    await until('rows', () => told.size === 1);
    assert.ok(!editor.received.includes('textDocument/publishDiagnostics'));
  });

  it('explains a broken model on its file and in its text', async () => {
    await start({ files: { 'broken.onnx': 'not a model at all' } });
    const rows = await pulled(editor, editor.textUri('broken.onnx'));
    assert.ok(rows.some(({ severity }) => severity === 1));
    const [summary] = await pulled(editor, editor.uri('broken.onnx'));
    assert.match(messageOf(summary), /^Not read: /);
    const text = await editor.request('greenAi/text', { uri: editor.textUri('broken.onnx') });
    assert.ok(text?.failure);
    for (const line of text.text.trimEnd().split('\n')) assert.match(line, /^# /);
  });
});

describe('lsp: confinement', () => {
  it('a file that cannot be read costs its own rows only, and is logged', async () => {
    const editor = await startEditor({
      models: { 'bad.onnx': denseModel, 'good.onnx': denseModel },
      files: weights,
      host: (host) => ({
        ...host,
        open: (file) =>
          file.endsWith('bad.onnx') ? Promise.reject(new Error('a bug')) : host.open(file),
      }),
    });
    try {
      const told = editor.watchWorkspace();
      await until('rows', () => told.get(editor.textUri('good.onnx'))?.length === 2);
      assert.deepEqual(await editor.pull(editor.textUri('bad.onnx')), []);
      assert.ok(editor.log.some((line) => line.includes('a bug')));
    } finally {
      await editor.dispose();
    }
  });

  it('does not parse again what the client sends back', async () => {
    let opens = 0;
    const editor = await startEditor({
      models: { 'dense.onnx': denseModel },
      files: weights,
      settings: { lint: { workspace: false } },
      host: (host) => ({
        ...host,
        open: (file) => {
          if (file.endsWith('dense.onnx')) opens++;
          return host.open(file);
        },
      }),
    });
    try {
      const uri = editor.textUri('dense.onnx');
      const text = await editor.request('greenAi/text', { uri });
      await editor.open(uri, text?.text ?? '');
      assert.equal((await pulled(editor, uri)).length, 2);
      for (const method of ['hover', 'documentSymbol', 'foldingRange', 'codeLens']) {
        await editor.connection.sendRequest(`textDocument/${method}`, {
          textDocument: { uri },
          position: { line: 9, character: 4 },
        });
      }
      await editor.request('greenAi/modelReport', { uri: editor.uri('dense.onnx') });
      assert.equal(opens, 1);
    } finally {
      await editor.dispose();
    }
  });
});

async function pulled(editor: TestEditor, uri: string): Promise<readonly Diagnostic[]> {
  const rows = await editor.pull(uri);
  assert.notEqual(rows, 'unchanged');
  return rows === 'unchanged' ? [] : rows;
}

function messageOf(row: Diagnostic | undefined): string {
  return typeof row?.message === 'string' ? row.message : '';
}

function codes(rows: readonly Diagnostic[]): (string | number | undefined)[] {
  return rows.map(({ code }) => code);
}

function textAt(text: string, { range }: Diagnostic): string {
  assert.equal(range.start.line, range.end.line);
  return (
    text.split('\n')[range.start.line]?.slice(range.start.character, range.end.character) ?? ''
  );
}

function fileChanged(editor: TestEditor, uri: string, type: 1 | 2 | 3): Promise<void> {
  return editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
    changes: [{ uri, type }],
  });
}
