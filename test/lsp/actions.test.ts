import assert from 'node:assert/strict';
import type { CodeAction, WorkspaceEdit } from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import type { Finding } from '../../server/src/core/finding';
import { safeEdits } from '../../server/src/lsp/actions';
import { disableRule, globOf, ignoreFile } from '../../server/src/lsp/settings-edit';
import {
  denseModel,
  capabilitiesWithout,
  floatConfig,
  startEditor,
  type TestEditor,
  type TestEditorOptions,
} from '../support/lsp';

const weights = { 'weights.bin': new Uint8Array(512 * 512 * 4) };

describe('lsp: code actions', () => {
  let editor: TestEditor;
  const start = async (options: TestEditorOptions): Promise<void> => {
    editor = await startEditor(options);
  };
  afterEach(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  /** On the line that holds this text. */
  const actionsAt = async (uri: string, text: string, found: string): Promise<CodeAction[]> => {
    const line = text.split('\n').findIndex((one) => one.includes(found));
    const diagnostics = await editor.pull(uri);
    const range = { start: { line, character: 0 }, end: { line, character: 80 } };
    return editor.connection.sendRequest('textDocument/codeAction', {
      textDocument: { uri },
      range,
      context: { diagnostics: diagnostics === 'unchanged' ? [] : diagnostics },
    });
  };
  const resolved = (action: CodeAction | undefined): Promise<CodeAction> =>
    editor.connection.sendRequest('codeAction/resolve', action);

  it('offers the preferred fix of a config, whose edit comes when it is chosen', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const [fix, ...others] = await actionsAt(uri, floatConfig, 'torch_dtype');
    assert.equal(fix?.kind, 'quickfix');
    assert.equal(fix.isPreferred, true);
    assert.equal(fix.edit, undefined);
    assert.deepEqual(
      fix.diagnostics?.map(({ code }) => code),
      ['float32-dtype'],
    );
    const { edit } = await resolved(fix);
    assert.equal(applied(edit, uri, floatConfig), floatConfig.replace('"float32"', '"bfloat16"'));
    assert.ok(others.every(({ isPreferred }) => isPreferred !== true));
    assert.deepEqual(await actionsAt(uri, floatConfig, 'model_type'), []);
  });

  it('does not edit a text that went on', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const [fix] = await actionsAt(uri, floatConfig, 'torch_dtype');
    await editor.replace(uri, 2, `\n\n${floatConfig}`);
    assert.equal((await resolved(fix)).edit, undefined);
  });

  it('gives the edit at once to clients that do not resolve', async () => {
    await start({
      files: { 'config.json': floatConfig },
      capabilities: capabilitiesWithout('codeAction'),
    });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const [fix] = await actionsAt(uri, floatConfig, 'torch_dtype');
    assert.equal(
      applied(fix?.edit, uri, floatConfig),
      floatConfig.replace('"float32"', '"bfloat16"'),
    );
  });

  it('replaces a misspelt word of green-ai.json', async () => {
    const text = '{ "devcie": "laptop-cpu" }\n';
    await start({ files: { 'green-ai.json': text } });
    const uri = editor.uri('green-ai.json');
    await editor.open(uri, text);
    const [fix] = await actionsAt(uri, text, 'devcie');
    assert.equal(applied((await resolved(fix)).edit, uri, text), '{ "device": "laptop-cpu" }\n');
  });

  it('offers recipes as commands on the node line of a text', async () => {
    await start({ models: { 'dense.onnx': denseModel }, files: weights });
    const uri = editor.textUri('dense.onnx');
    const text = (await editor.request('greenAi/text', { uri }))?.text ?? '';
    await editor.open(uri, text);
    const [quantise] = await actionsAt(uri, text, '= MatMul');
    assert.deepEqual(quantise?.command?.command, 'greenAi.optimize');
    assert.deepEqual(quantise.command.arguments, [editor.uri('dense.onnx'), 'int8-dynamic']);
    assert.equal(quantise.isPreferred, false);
    const [clean] = await actionsAt(uri, text, '= Identity');
    assert.deepEqual(clean?.command?.arguments, [editor.uri('dense.onnx'), 'cleanup']);
    assert.equal(clean.isPreferred, true);
  });

  it('names the server’s own command to clients that have none', async () => {
    await start({ models: { 'dense.onnx': denseModel }, files: weights, initialization: {} });
    const uri = editor.textUri('dense.onnx');
    const text = (await editor.request('greenAi/text', { uri }))?.text ?? '';
    const [quantise] = await actionsAt(uri, text, '= MatMul');
    assert.ok(
      editor.capabilities.executeCommandProvider?.commands.includes(
        quantise?.command?.command ?? '',
      ),
    );
  });

  it('disables a rule in a new green-ai.json, annotated', async () => {
    await start({ files: { 'config.json': floatConfig } });
    const uri = editor.uri('config.json');
    await editor.open(uri, floatConfig);
    const actions = await actionsAt(uri, floatConfig, 'torch_dtype');
    const { edit } = await resolved(actions.find(({ title }) => title.startsWith('Disable rule')));
    assert.deepEqual(Object.keys(edit?.changeAnnotations ?? {}).length, 1);
    const [create, change] = edit?.documentChanges ?? [];
    assert.ok(create && 'kind' in create && create.kind === 'create');
    assert.equal(create.uri, editor.uri('green-ai.json'));
    assert.ok(change && 'edits' in change);
    const [one] = change.edits;
    assert.ok(one && 'newText' in one);
    assert.deepEqual(JSON.parse(one.newText), { rules: { 'float32-dtype': 'off' } });
  });

  it('disables a rule in the nearest green-ai.json, as it is in the editor', async () => {
    const settings = '{\n  "device": "laptop-cpu"\n}\n';
    await start({ files: { 'a/config.json': floatConfig, 'a/green-ai.json': settings } });
    const uri = editor.uri('a/config.json');
    const settingsUri = editor.uri('a/green-ai.json');
    await editor.open(uri, floatConfig);
    const unsaved = settings.replace('laptop-cpu', 'nvidia-t4');
    await editor.open(settingsUri, unsaved);
    const actions = await actionsAt(uri, floatConfig, 'torch_dtype');
    const { edit } = await resolved(actions.find(({ title }) => title.startsWith('Disable rule')));
    assert.deepEqual(JSON.parse(applied(edit, settingsUri, unsaved)), {
      device: 'nvidia-t4',
      rules: { 'float32-dtype': 'off' },
    });
  });

  it('leaves a file out', async () => {
    await start({ files: { 'a/config.json': floatConfig, 'green-ai.json': '{}\n' } });
    const uri = editor.uri('a/config.json');
    await editor.open(uri, floatConfig);
    const actions = await actionsAt(uri, floatConfig, 'torch_dtype');
    const { edit } = await resolved(actions.find(({ title }) => title.startsWith('Leave')));
    const text = applied(edit, editor.uri('green-ai.json'), '{}\n');
    assert.deepEqual(JSON.parse(text), { ignore: ['/a/config.json'] });
    await editor.write('green-ai.json', text);
    await editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: editor.uri('green-ai.json'), type: 2 }],
    });
    await editor.connection.sendRequest('textDocument/hover', {
      textDocument: { uri },
      position: { line: 0, character: 0 },
    });
  });
});

describe('lsp: edits of green-ai.json', () => {
  const edited = (
    text: string,
    edits: readonly { start: number; end: number; newText: string }[] | null,
  ) => {
    assert.ok(edits);
    return [...edits]
      .sort((a, b) => b.start - a.start)
      .reduce((so, { start, end, newText }) => so.slice(0, start) + newText + so.slice(end), text);
  };

  for (const [what, text, wanted] of [
    ['no rules yet', '{}', '"off"'],
    ['a level', '{"rules": {"float-weights": "info"}}', '"off"'],
    [
      'a level with options',
      '{"rules": {"float-weights": ["info", {"minimumBytes": 5}]}}',
      '["off",{"minimumBytes":5}]',
    ],
    [
      'an object',
      '{"rules": {"float-weights": {"minimumBytes": 5}}}',
      '{"minimumBytes":5,"severity":"off"}',
    ],
  ] as const) {
    it(`switches a rule off: ${what}`, () => {
      const after = JSON.parse(edited(text, disableRule(text, 'float-weights'))) as {
        rules: Record<string, unknown>;
      };
      assert.equal(JSON.stringify(after.rules['float-weights']), wanted);
    });
  }

  it('keeps comments and the rest', () => {
    const text = '{\n\t// why\n\t"device": "laptop-cpu"\n}\n';
    const after = edited(text, disableRule(text, 'float-weights'));
    assert.match(after, /\/\/ why/);
    assert.match(after, /\n\t"rules": \{\n\t\t"float-weights": "off"/);
  });

  it('leaves alone what it does not understand', () => {
    for (const text of ['', '[]', '{', '{"rules": []}']) {
      assert.equal(disableRule(text, 'float-weights'), null, text);
      assert.equal(ignoreFile(text, '/a'), null, text);
    }
    assert.equal(ignoreFile('{"ignore": "a"}', '/a'), null);
  });

  it('adds to the globs that are there, special characters escaped', () => {
    const text = '{"ignore": ["a/**"]}';
    const after = JSON.parse(edited(text, ignoreFile(text, globOf('b [1]/m*.onnx')))) as unknown;
    assert.deepEqual(after, { ignore: ['a/**', String.raw`/b \[1\]/m\*.onnx`] });
  });
});

describe('lsp: fix all', () => {
  const finding = (
    safety: Finding['fixes'][number]['safety'],
    start: number,
    end: number,
  ): Finding => ({
    ruleId: 'r',
    severity: 'info',
    message: '',
    anchor: { kind: 'text', start, end },
    fixes: [
      {
        id: 'f',
        title: '',
        safety,
        change: { kind: 'edit', edits: [{ start, end, newText: 'x' }] },
      },
    ],
  });

  it('takes safe edits only, and of those that overlap the first', () => {
    const edits = safeEdits([
      finding('safe', 10, 20),
      finding('lossy', 0, 5),
      finding('safe', 15, 25),
      finding('needs-verification', 30, 40),
      finding('safe', 1, 2),
    ]);
    assert.deepEqual(
      edits.map(({ start, end }) => [start, end]),
      [
        [1, 2],
        [10, 20],
      ],
    );
  });

  it('is not offered where no fix is safe', async () => {
    const editor = await startEditor({ files: { 'config.json': floatConfig } });
    try {
      const uri = editor.uri('config.json');
      await editor.open(uri, floatConfig);
      const actions = await editor.connection.sendRequest('textDocument/codeAction', {
        textDocument: { uri },
        range: { start: { line: 0, character: 0 }, end: { line: 20, character: 0 } },
        context: { diagnostics: [], only: ['source.fixAll'] },
      });
      assert.deepEqual(actions, []);
    } finally {
      await editor.dispose();
    }
  });
});

function applied(edit: WorkspaceEdit | undefined, uri: string, text: string): string {
  const document = TextDocument.create(uri, 'json', 1, text);
  for (const change of edit?.documentChanges ?? []) {
    if (!('edits' in change) || change.textDocument.uri !== uri) continue;
    return TextDocument.applyEdits(
      document,
      change.edits.flatMap((one) => ('newText' in one ? [one] : [])),
    );
  }
  throw new Error('no edit of this document');
}
