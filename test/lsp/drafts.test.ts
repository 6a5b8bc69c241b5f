import assert from 'node:assert/strict';
import type {
  CompletionList,
  Diagnostic,
  DocumentSymbol,
  FoldingRange,
  Hover,
  Location,
} from 'vscode-languageserver';
import { startEditor, type TestEditor } from '../support/lsp';

/** `|` is where the cursor stands. */
const cursor = '|';

const model = `<ir_version: 8, opset_import: ["" : 17, "d" : 1]>
net (float[N,4] x, bool c) => (float[N,4] y)
<
  float[4,4] w = ["location": "w.bin", "offset": "0", "length": "64"]
>
{
  [product] a = MatMul (x, w)
  b = If (c) <then_branch: graph = t () => (t1) {
    t1 = Relu (a)
  }, else_branch: graph = e () => (e1) {
    e1 = d.twice <axis = 1> (a)
  }>
  y = Relu (b)
}
<domain: "d", opset_import: ["" : 17]>
twice <axis> (v) => (r)
{
  r = Add (v, v)
}
`;

describe('models written as text', () => {
  let editor: TestEditor;
  before(async () => {
    editor = await startEditor();
  });
  after(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  let count = 0;

  /** Opens a text with a cursor in it, asks, and closes it. */
  async function asked<Result>(marked: string, method: string, more: object = {}): Promise<Result> {
    const offset = marked.indexOf(cursor);
    const text = marked.replace(cursor, '');
    const lines = text.slice(0, Math.max(0, offset)).split('\n');
    const uri = editor.uri(`draft-${count++}.onnxtxt`);
    await editor.open(uri, text);
    const result = await editor.connection.sendRequest<Result>(method, {
      textDocument: { uri },
      position: { line: lines.length - 1, character: lines.at(-1)?.length ?? 0 },
      ...more,
    });
    await editor.close(uri);
    return result;
  }

  async function marked(text: string): Promise<string[]> {
    const uri = editor.uri(`draft-${count++}.onnxtxt`);
    await editor.open(uri, text);
    const items = await editor.pull(uri);
    assert.ok(items !== 'unchanged');
    await editor.close(uri);
    const lines = text.split('\n');
    return items.map(({ code, range }: Diagnostic) => {
      assert.equal(range.start.line, range.end.line);
      const line = lines[range.start.line] ?? '';
      return `${String(code)} ${range.start.line}:${line.slice(range.start.character, range.end.character)}`;
    });
  }

  const diagnosed: readonly (readonly [string, string, readonly string[]])[] = [
    ['nothing in a sound model', model, []],
    ['a syntax error', model.replace('(x, w)', '(x w)'), ['onnx-text-syntax 6:w']],
    [
      'two syntax errors, and no guesses about what they hide',
      model.replace('(x, w)', '(x w').replace('Relu (b)', 'Relu b)'),
      ['onnx-text-syntax 6:w', 'onnx-text-syntax 12:b'],
    ],
    [
      'a name that nobody defines',
      model.replace('Relu (b)', 'Relu (q)'),
      ['undefined-input 12:q', 'redundant-nodes 7:If'],
    ],
    [
      'an unknown operator',
      model.replace('MatMul', 'MatMull'),
      ['unknown-operator 6:MatMull', 'unknown-operator-cost 6:MatMull'],
    ],
    [
      'a shape that does not fit',
      model.replace('float[4,4] w', 'float[3,4] w').replace('"64"', '"48"'),
      ['shape-mismatch 6:MatMul'],
    ],
    [
      'a declared shape that cannot be',
      model.replace('(float[N,4] y)', '(float[N,5] y)'),
      ['shape-contradiction 12:Relu'],
    ],
    [
      'a finding of a rule',
      model.replace('y = Relu (b)', 'z = Identity (b)\n  y = Relu (z)'),
      ['redundant-nodes 12:Identity'],
    ],
    [
      'a mistake in a function',
      model.replace('Add (v, v)', 'Add (v, k)'),
      ['undefined-input 17:k'],
    ],
  ];
  for (const [name, text, expected] of diagnosed) {
    it(`marks ${name}`, async () => {
      assert.deepEqual(await marked(text), expected);
    });
  }

  it('follows what is typed, and forgets a closed document', async () => {
    const uri = editor.uri('typed.onnxtext');
    await editor.open(uri, model);
    assert.deepEqual(await editor.pull(uri), []);
    await editor.replace(uri, 2, model.replace('Relu (b)', 'Relu b)'));
    assert.equal((await editor.pull(uri)).length, 1);
    await editor.replace(uri, 3, model);
    assert.deepEqual(await editor.pull(uri), []);
    await editor.close(uri);
    assert.deepEqual(await editor.pull(uri), []);
  });

  it('serves a document without a name by its language', async () => {
    const uri = 'untitled:Untitled-1';
    await editor.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId: 'onnx-text', version: 1, text: 'g (x) => (y) {' },
    });
    const items = await editor.pull(uri);
    assert.ok(items !== 'unchanged' && items.length > 0);
    await editor.close(uri);
  });

  const completed: readonly (readonly [string, string, readonly string[], readonly string[]])[] = [
    ['operators', model.replace('= Relu (b)', '= Re|'), ['Relu', 'Reshape', 'd.twice'], ['a']],
    ['operators of a domain', model.replace('Relu (b)', 'd.|'), ['twice'], ['Relu']],
    ['operators of the opset only', model.replace('= Relu (b)', '= |'), ['Relu'], ['Gelu']],
    ['values in front', model.replace('Relu (b)', 'Relu (|'), ['b', 'a', 'x', 'w'], ['y', 't1']],
    ['values of outer graphs', model.replace('Relu (a)', 'Relu (|)'), ['a', 'x'], ['b', 'e1']],
    ['values of a function', model.replace('(v, v)', '(v, |)'), ['v'], ['a', 'x']],
    [
      'attributes',
      model.replace('y = Relu (b)', 'y = Gemm <alpha = 1.0, | (b)'),
      ['beta', 'transB'],
      ['alpha', 'b'],
    ],
    ['attribute types', model.replace('axis = 1', 'axis: |'), ['int', 'type_proto'], ['axis']],
    ['element types', model.replace('bool c', '|'), ['float', 'int64', 'seq'], ['x']],
  ];
  for (const [name, text, has, hasNot] of completed) {
    it(`completes ${name}`, async () => {
      const { items } = await asked<CompletionList>(text, 'textDocument/completion');
      const labels = items.map(({ label }) => label);
      assert.deepEqual(
        has.filter((label) => !labels.includes(label)),
        [],
        labels.slice(0, 20).join(),
      );
      assert.deepEqual(
        hasNot.filter((label) => labels.includes(label)),
        [],
      );
    });
  }

  it('completes values with their types and operators with their signature', async () => {
    const values = await asked<CompletionList>(
      model.replace('(b)', '(|'),
      'textDocument/completion',
    );
    const detail = (list: CompletionList, name: string) =>
      list.items.find(({ label }) => label === name)?.detail;
    assert.equal(detail(values, 'a'), 'float32[N,4]');
    const operators = await asked<CompletionList>(
      model.replace('= Relu (b)', '= |'),
      'textDocument/completion',
    );
    assert.equal(detail(operators, 'Conv'), '2–3 inputs → 1 output');
  });

  const hovered: readonly (readonly [string, RegExp])[] = [
    [
      model.replace('Mat', 'M|at'),
      /\*\*MatMul\*\* of ai\.onnx 17: 2 inputs → 1 output[^]*MACs \| 16/u,
    ],
    [model.replace('MatMul (x', 'MatMul (|x'), /`x`: float32\[N,4\]/u],
    [model.replace('N,4] x', 'N,4] |x'), /\*\*x\*\*: float32\\\[N,4\\\]/u],
    [model.replace('d.tw', 'd.t|w'), /\*\*twice\*\* \(v\) ⇒ \(r\)/u],
    [model.replace('y = Relu', 'y = Gemm <al|pha = 1.0>'), /\*\*alpha\*\*: float, optional/u],
  ];
  for (const [text, expected] of hovered) {
    it(`hover says ${expected.source}`, async () => {
      const hover = await asked<Hover | null>(text, 'textDocument/hover');
      const value = hover && 'value' in (hover.contents as object) ? hover.contents : null;
      assert.match((value as { value: string } | null)?.value ?? '', expected);
    });
  }

  /** Line and column, 0-based, of what is at these places. */
  const at = (locations: readonly Location[]): string[] =>
    locations.map(({ range: { start } }) => `${start.line}:${start.character}`);

  const navigated: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['an input', model.replace('MatMul (x', 'MatMul (|x'), '1:16', ['1:16', '6:24']],
    ['an initializer', model.replace('x, w)', 'x, |w)'), '3:13', ['3:13', '6:27']],
    [
      'an outer value',
      model.replace('t1 = Relu (a', 't1 = Relu (|a'),
      '6:12',
      ['6:12', '8:15', '10:29'],
    ],
    ['a function', model.replace('d.tw', 'd.|tw'), '15:0', ['10:9', '15:0']],
    [
      'a value of a function',
      model.replace('(v, v', '(v, |v'),
      '15:14',
      ['15:14', '17:11', '17:14'],
    ],
    ['the output of a branch', model.replace('(t1) {', '(|t1) {'), '8:4', ['7:44', '8:4']],
  ];
  for (const [name, text, definition, references] of navigated) {
    it(`finds the definition and the uses of ${name}`, async () => {
      assert.deepEqual(at(await asked(text, 'textDocument/definition')), [definition]);
      const context = { includeDeclaration: true };
      assert.deepEqual(at(await asked(text, 'textDocument/references', { context })), references);
    });
  }

  it('gives symbols and foldings, also of a text with errors', async () => {
    const broken = model.replace('(x, w)', '(x w');
    for (const text of [model, broken]) {
      const symbols = await asked<DocumentSymbol[]>(text, 'textDocument/documentSymbol');
      assert.deepEqual(
        symbols.map(({ name, children }) => [name, children?.map((child) => child.name)]),
        [
          ['net', ['product', 'b', 'y']],
          ['twice', ['r']],
        ],
      );
      const foldings = await asked<FoldingRange[]>(text, 'textDocument/foldingRange');
      assert.deepEqual(
        foldings.map(({ startLine, endLine }) => `${startLine}-${endLine}`),
        ['2-3', '5-12', '7-10', '7-8', '9-10', '16-17'],
      );
    }
  });
});
