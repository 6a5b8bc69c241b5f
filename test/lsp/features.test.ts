import assert from 'node:assert/strict';
import type { CodeLens, DocumentSymbol, FoldingRange, Hover } from 'vscode-languageserver';
import { denseModel, floatConfig, startEditor, until, type TestEditor } from '../support/lsp';

const weights = { 'weights.bin': new Uint8Array(512 * 512 * 4) };

const scoped = `
<ir_version: 8, opset_import: ["" : 13, "own" : 1]>
net (float[N,8] x, bool c) => (float[N,8] y)
<float[8,8] w = {${Array.from({ length: 64 }, () => '0.5').join(',')}}>
{
  ["/encoder/layer1/Relu"] a = Relu (x)
  ["/encoder/layer1/MatMul"] b = MatMul (a, w)
  ["/encoder/layer2/Tanh"] d = Tanh (b)
  [choose] e = If (c) <
    then_branch = yes () => (float[N,8] f) { [inner] f = Sigmoid (d) },
    else_branch = no () => (float[N,8] g) { g = Neg (d) }
  >
  [call] y = own.Twice (e)
}
<domain: "own", opset_import: ["" : 13]>
Twice (p) => (r)
{
  [first] q = Relu (p)
  r = Relu (q)
}
`;

describe('lsp: the text of a model', () => {
  let editor: TestEditor;
  let text = '';
  let uri = '';
  before(async () => {
    editor = await startEditor({
      models: { 'net.onnx': scoped, 'dense.onnx': denseModel },
      files: { ...weights, 'config.json': floatConfig },
    });
    uri = editor.textUri('net.onnx');
    text = (await editor.request('greenAi/text', { uri }))?.text ?? '';
    await editor.open(uri, text);
  });
  after(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  const lineOf = (found: string): number => {
    const line = text.split('\n').findIndex((one) => one.includes(found));
    assert.ok(line >= 0, found);
    return line;
  };
  const hoverAt = async (found: string, word: string): Promise<string> => {
    const line = lineOf(found);
    const character = text.split('\n')[line]?.lastIndexOf(word) ?? -1;
    const hover = await editor.connection.sendRequest<Hover | null>('textDocument/hover', {
      textDocument: { uri },
      position: { line, character },
    });
    const contents = hover?.contents;
    return contents !== undefined && typeof contents === 'object' && 'value' in contents
      ? contents.value
      : '';
  };
  const feature = <Result>(name: string): Promise<Result> =>
    editor.connection.sendRequest<Result>(`textDocument/${name}`, { textDocument: { uri } });

  it('is served to any client by workspace/textDocumentContent', async () => {
    assert.deepEqual(editor.capabilities.workspace?.textDocumentContent, {
      schemes: ['green-ai-onnx'],
    });
    const content = await editor.connection.sendRequest('workspace/textDocumentContent', { uri });
    assert.deepEqual(content, { text });
    const missing = editor.textUri('missing.onnx');
    assert.equal(
      await editor.connection.sendRequest('workspace/textDocumentContent', { uri: missing }),
      null,
    );
  });

  it('tells of a node: types, parameters, MACs, energy and how it is known', async () => {
    const hover = await hoverAt('/encoder/layer1/MatMul', 'MatMul');
    assert.match(hover, /\*\*MatMul\*\*/);
    assert.match(hover, /float32\\\[N,8\\\]/);
    assert.match(hover, /\| parameters \| 64 \(256 B\) \|/);
    assert.match(hover, /\| MACs \| 64\\\*N \|/);
    assert.match(hover, /\| energy \| [\d.]+ .?J, \d+ % of a run on laptop-cpu, bound by \w+ \|/);
    assert.match(hover, /\| module \| encoder\.layer1 \|/);
    assert.match(hover, /\| known \| shapes inferred, MACs counted/);
  });

  it('tells of the value under the cursor, of nodes in branches and functions, of weights', async () => {
    assert.match(await hoverAt('/encoder/layer2/Tanh', 'b'), /^`b`: float32\[N,8\]/);
    assert.match(await hoverAt('[inner]', 'Sigmoid'), /\*\*Sigmoid\*\* inner/);
    assert.match(await hoverAt('[first]', 'Relu'), /\*\*Relu\*\* first/);
    assert.match(
      await hoverAt('float[8,8] w', 'w'),
      /^\*\*weight\*\* w\n\nfloat32\[8,8\], 64 elements, 256 B/,
    );
    assert.match(await hoverAt('net (', 'net'), /\*\*net\.onnx\*\* on /);
  });

  it('has symbols: graph → block → node → branch, and functions', async () => {
    const symbols = await feature<DocumentSymbol[]>('documentSymbol');
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ['net', 'Twice'],
    );
    const [encoder, choose, call] = symbols[0]?.children ?? [];
    assert.equal(encoder?.name, 'encoder');
    assert.match(encoder.detail ?? '', /%$/);
    assert.deepEqual(
      encoder.children?.map(({ name }) => name),
      ['layer1', '/encoder/layer2/Tanh'],
    );
    assert.equal(choose?.name, 'choose');
    assert.deepEqual(
      choose.children?.map(({ name, detail }) => [name, detail]),
      [
        ['yes', 'then_branch'],
        ['no', 'else_branch'],
      ],
    );
    assert.equal(call?.name, 'call');
    for (const symbol of flat(symbols)) {
      const { range, selectionRange, children = [] } = symbol;
      assert.ok(contains(range, selectionRange), symbol.name);
      for (const child of children) assert.ok(contains(range, child.range), child.name);
    }
  });

  it('folds headers, blocks and modules', async () => {
    const foldings = await feature<FoldingRange[]>('foldingRange');
    const lines = text.split('\n');
    const folded = foldings.map(({ startLine }) => lines[startLine]?.trim() ?? '');
    for (const start of ['<', 'net (', '[choose]', 'yes ()', 'Twice (']) {
      assert.ok(
        folded.some((line) => line.includes(start)),
        start,
      );
    }
    for (const { startLine, endLine } of foldings) {
      assert.ok(startLine < endLine && endLine < lines.length);
    }
  });

  it('has a row of lenses at its head, which can be switched off', async () => {
    const lenses = await feature<CodeLens[]>('codeLens');
    assert.deepEqual(
      lenses.map(({ command }) => command?.command),
      ['greenAi.chooseDevice', 'greenAi.compareDevices', 'greenAi.quantize', 'greenAi.openReport'],
    );
    assert.match(lenses[0]?.command?.title ?? '', /^≈ .+J a run on Laptop CPU$/);
    assert.ok(lenses.every(({ range }) => range.start.line === 0));
    await editor.configure({ codeLens: { enable: false } });
    await until('no lenses', async () => (await feature<CodeLens[]>('codeLens')).length === 0);
    await until('a refresh', () => editor.received.includes('workspace/codeLens/refresh'));
    await editor.configure({});
    await until('lenses', async () => (await feature<CodeLens[]>('codeLens')).length > 0);
  });

  it('explains a finding of a config where it is, and totals on the model type', async () => {
    const config = editor.uri('config.json');
    await editor.open(config, floatConfig);
    const at = async (found: string): Promise<string> => {
      const line = floatConfig.split('\n').findIndex((one) => one.includes(found));
      const hover = await editor.connection.sendRequest('textDocument/hover', {
        textDocument: { uri: config },
        position: { line, character: 4 },
      });
      return JSON.stringify(hover);
    };
    assert.match(await at('model_type'), /KV cache/);
    assert.equal(await at('hidden_size'), 'null');
  });
});

function* flat(symbols: readonly DocumentSymbol[]): Generator<DocumentSymbol> {
  for (const symbol of symbols) {
    yield symbol;
    yield* flat(symbol.children ?? []);
  }
}

function contains(outer: DocumentSymbol['range'], inner: DocumentSymbol['range']): boolean {
  const order = (a: typeof outer.start, b: typeof outer.start) =>
    a.line - b.line || a.character - b.character;
  return order(outer.start, inner.start) <= 0 && order(inner.end, outer.end) <= 0;
}
