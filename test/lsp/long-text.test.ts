import assert from 'node:assert/strict';
import type { DocumentSymbol, FoldingRange } from 'vscode-languageserver';
import { startEditor, type TestEditor } from '../support/lsp';

const blocks = 400;
const nodesPerBlock = 20;

/** 8,000 nodes in 400 modules, more than an outline has, and one function. */
function longModel(): string {
  const count = blocks * nodesPerBlock;
  const nodes = Array.from({ length: count }, (_, index) => {
    const block = Math.floor(index / nodesPerBlock);
    return `["/block_${block}/relu_${index}"] h${index + 1} = Relu (h${index})`;
  });
  return `
<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
net (float[1,8] h0) => (float[1,8] y) {
${nodes.join('\n')}
y = own.Last (h${count})
}
<domain: "own", opset_import: ["" : 17]>
Last (p) => (r) { r = Tanh (p) }
`;
}

describe('lsp: a text of many lines', () => {
  let editor: TestEditor;
  /** Each time that the model was read. */
  const opened: string[] = [];
  before(async () => {
    editor = await startEditor({
      models: { 'net.onnx': longModel() },
      settings: { lint: { workspace: false } },
      host: (host) => ({
        ...host,
        open: (path) => {
          if (path.endsWith('.onnx')) opened.push(path);
          return host.open(path);
        },
      }),
    });
  });
  after(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  const feature = <Result>(name: string): Promise<Result> =>
    editor.connection.sendRequest<Result>(`textDocument/${name}`, {
      textDocument: { uri: editor.textUri('net.onnx') },
    });

  it('is opened from the report, with all that is asked of a text, without reading the model again', async () => {
    const report = await editor.request('greenAi/modelReport', { uri: editor.uri('net.onnx') });
    assert.equal(report?.failure, null);
    assert.equal(opened.length, 1);
    const uri = editor.textUri('net.onnx');
    const text = await editor.request('greenAi/text', { uri });
    assert.ok(text && text.text.split('\n').length > blocks * nodesPerBlock);
    await editor.open(uri, text.text);
    await editor.pull(uri);
    assert.ok((await feature<FoldingRange[]>('foldingRange')).length > blocks);
    assert.ok((await feature<DocumentSymbol[]>('documentSymbol')).length > 0);
    assert.ok((await feature<unknown[]>('codeLens')).length > 0);
    assert.ok(await editor.request('greenAi/modelStatus', { uri }));
    assert.equal(opened.length, 1);
  });

  it('has an outline of bounded length, which reaches to its end and keeps what is outside', async () => {
    const symbols = await feature<DocumentSymbol[]>('documentSymbol');
    assert.deepEqual(
      symbols.map(({ name }) => name),
      ['net', 'Last'],
    );
    const [graph, last] = symbols;
    // Neighbours are one block for each module, and a node beside them.
    const modules = graph?.children ?? [];
    const names = modules.map(({ name }) => name);
    assert.deepEqual(
      names.slice(0, -1),
      Array.from({ length: blocks }, (_, index) => `block_${index}`),
    );
    assert.equal(last?.children?.length, 1);
    const inner = modules.map(({ children = [] }) => children.length);
    assert.equal(inner[0], nodesPerBlock);
    assert.equal(inner[blocks - 1], 0);
    assert.equal([...flat(symbols)].length, 5000);
  });
});

function* flat(symbols: readonly DocumentSymbol[]): Generator<DocumentSymbol> {
  for (const symbol of symbols) {
    yield symbol;
    yield* flat(symbol.children ?? []);
  }
}
