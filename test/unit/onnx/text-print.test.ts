import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Attribute, Model, Node, Tensor, ValueInfo } from '../../../server/src/core/graph';
import { readModel } from '../../../server/src/core/onnx/decode';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { printModel } from '../../../server/src/core/onnx/text-print';
import { createProblemSink } from '../../../server/src/core/problem';
import { sourceFromBytes } from '../../../server/src/core/source';
import { acceptedTexts, header } from './text-cases';

const noMetadata = new Map<string, string>();
const options = { weightsLocation: 'model.onnx' };

function tensor(more: Partial<Tensor>): Tensor {
  return {
    name: 'w',
    docString: '',
    dtype: 'float32',
    dtypeCode: 1,
    dims: [2],
    elementCount: 2,
    storage: { kind: 'none' },
    metadata: noMetadata,
    ...more,
  };
}

function node(more: Partial<Node>): Node {
  return {
    index: 0,
    name: '',
    path: 'main/Op_0',
    opType: 'Op',
    domain: '',
    overload: '',
    inputs: ['x'],
    outputs: ['y'],
    attributes: new Map(),
    docString: '',
    metadata: noMetadata,
    ...more,
  };
}

function model(more: Partial<Model['graph']>, nodes: readonly Node[] = []): Model {
  return {
    irVersion: 8,
    producer: '',
    domain: '',
    docString: '',
    metadata: noMetadata,
    opsets: new Map([['', 17]]),
    functions: [],
    graph: {
      name: 'g',
      path: 'main',
      docString: '',
      inputs: [],
      outputs: [],
      valueInfos: [],
      nodes,
      initializers: [],
      sparseInitializers: [],
      initializerByName: new Map(),
      metadata: noMetadata,
      ...more,
    },
  };
}

/** The trimmed lines after the header. */
function bodyLines(printed: Model): string[] {
  const { text } = printModel(printed, options);
  return text
    .slice(text.indexOf('\n>\n') + 3)
    .split('\n')
    .map((line) => line.trim());
}

function lineWith(printed: Model, part: string): string {
  return bodyLines(printed).find((line) => line.includes(part)) ?? '';
}

describe('printing ONNX text', () => {
  const weights: readonly (readonly [string, Partial<Tensor>, string])[] = [
    [
      'raw data is a reference to the model file',
      { storage: { kind: 'raw', offset: 100, byteLength: 8 } },
      'float[2] w = ["location": "model.onnx", "offset": "100", "length": "8"]',
    ],
    [
      'one packed float record holds the same bytes',
      {
        storage: {
          kind: 'typed',
          field: 'float_data',
          segments: [{ offset: 40, byteLength: 8, packed: true }],
        },
      },
      'float[2] w = ["location": "model.onnx", "offset": "40", "length": "8"]',
    ],
    [
      'varints do not',
      {
        dtype: 'int64',
        dtypeCode: 7,
        storage: {
          kind: 'typed',
          field: 'int64_data',
          segments: [{ offset: 40, byteLength: 2, packed: true }],
        },
      },
      'int64[2] w = {}',
    ],
    [
      'nor do several records',
      {
        storage: {
          kind: 'typed',
          field: 'float_data',
          segments: [
            { offset: 40, byteLength: 4, packed: true },
            { offset: 46, byteLength: 4, packed: true },
          ],
        },
      },
      'float[2] w = {}',
    ],
    [
      'external data stays where it is',
      { storage: { kind: 'external', location: 'a b.bin', offset: 0, byteLength: null } },
      'float[2] w = ["location": "a b.bin", "offset": "0"]',
    ],
  ];
  for (const [name, more, expected] of weights) {
    it(name, () => {
      assert.equal(lineWith(model({ initializers: [tensor(more)] }), ' w = '), expected);
    });
  }
});

describe('what the syntax cannot say', () => {
  const info = (type: ValueInfo['type']): ValueInfo => ({
    name: 'x',
    type,
    docString: '',
    metadata: noMetadata,
  });
  const withAttribute = (attribute: Partial<Attribute>) => {
    const whole = { name: 'a', refName: '', value: { kind: 'none' }, ...attribute } as const;
    return model({}, [node({ attributes: new Map([[whole.name, whole]]) })]);
  };
  const notUtf8 = Uint8Array.of(0xff, 0xfe);
  const cases: readonly (readonly [string, Model, string])[] = [
    [
      'an operator that is no identifier',
      model({}, [node({ opType: '1-bad op', domain: 'a.b-c' })]),
      'y = a.b_c._1_bad_op (x)',
    ],
    [
      'an attribute name that is no identifier',
      withAttribute({ name: 'a b', value: { kind: 'int', value: 1n } }),
      'y = Op (x)',
    ],
    [
      'bytes that are not UTF-8',
      withAttribute({ value: { kind: 'string', value: notUtf8 } }),
      'y = Op (x)',
    ],
    ['an attribute without type', withAttribute({}), 'y = Op (x)'],
    [
      'a sparse tensor',
      withAttribute({
        value: {
          kind: 'sparse-tensor',
          value: { values: tensor({}), indices: tensor({}), dims: [3] },
        },
      }),
      'y = Op (x)',
    ],
    [
      'a data type ONNX does not define',
      model({ initializers: [tensor({ dtype: null, dtypeCode: 99 })] }),
      '{',
    ],
  ];
  for (const [name, printed, expected] of cases) {
    it(`${name} is named in a comment, and the rest can be read`, () => {
      const { text, omissionCount } = printModel(printed, options);
      assert.ok(omissionCount >= 1);
      assert.equal(text.split('\n').filter((line) => /^\s*#/.test(line)).length, omissionCount);
      assert.ok(bodyLines(printed).includes(expected), text);
      assert.ok(parseModelText(text).model);
    });
  }

  it('a type without a word is left out', () => {
    const unknown = model({ inputs: [info({ kind: 'tensor', dtype: null, dims: [2] })] });
    assert.equal(bodyLines(unknown)[0], 'g (x) => ()');
  });

  it('a comment cannot be broken out of', () => {
    const name = 'a\n} evil () => () {\n#';
    const printed = withAttribute({ name, value: { kind: 'int', value: 1n } });
    assert.equal(parseModelText(printModel(printed, options).text).model?.graph.nodes.length, 1);
  });
});

describe('names', () => {
  const names = [
    '',
    'float',
    'map',
    'a b',
    'quote"and\\slash',
    'line\nbreak',
    '雪',
    '1x',
    '__proto__',
  ];
  for (const name of names) {
    it(`${JSON.stringify(name)} reads back`, () => {
      const value: ValueInfo = {
        name,
        type: { kind: 'unknown' },
        docString: '',
        metadata: noMetadata,
      };
      const printed = model({ name, inputs: [value], outputs: [value] }, [
        node({ name, inputs: [name, name], outputs: [name] }),
      ]);
      const { text } = printModel(printed, options);
      const graph = parseModelText(text).model?.graph;
      assert.equal(graph?.name, name);
      assert.deepEqual(graph.inputs, [value]);
      assert.deepEqual(graph.nodes[0]?.inputs, [name, name]);
      assert.deepEqual(graph.nodes[0].outputs, [name]);
      assert.equal(graph.nodes[0].name, name);
    });
  }

  it('bytes that are not UTF-8 stay apart', () => {
    const printed = model({}, [node({ inputs: ['\udc80', '\udc81'] })]);
    assert.ok(lineWith(printed, 'Op').endsWith('("\\\\x80", "\\\\x81")'));
  });
});

describe('line maps', () => {
  const text = `${header}g (float[2] x, bool c) => (float[2] y)
    <float[2] w = {1, 2}, float[2] s>
    {
      [first] s = Add <a: string = "two
lines"> (x, w)
      [second] y = If (c) <
        then_branch = t () => (float[2] a) <float v = {1}> { [inner] a = Mul (s, v) },
        else_branch = e () => (float[2] b) { b = Identity (s) }
      >
    }
    <domain: "d", opset_import: ["" : 17]> f (p) => (q) { q = Relu (p) }`;
  const { model: parsed } = parseModelText(text);
  assert.ok(parsed);
  const printed = printModel(parsed, options);
  const lines = printed.text.split('\n');

  it('point at every node', () => {
    assert.deepEqual(Array.from(printed.nodeLines.keys()).toSorted(), [
      'function:d.f/Relu_0',
      'main/first',
      'main/second',
      'main/second/else_branch/Identity_0',
      'main/second/then_branch/inner',
    ]);
    const startOf = (path: string) => lines[printed.nodeLines.get(path)?.start ?? -1]?.trim();
    assert.ok(startOf('main/first')?.startsWith('[first] s = Add'));
    assert.ok(startOf('main/second')?.startsWith('[second] y = If (c) <then_branch'));
    assert.ok(startOf('main/second/then_branch/inner')?.startsWith('[inner] a = Mul'));
    assert.ok(startOf('function:d.f/Relu_0')?.startsWith('q = Relu (p)'));
  });

  it('give the last line of nodes of several lines', () => {
    const first = printed.nodeLines.get('main/first');
    const second = printed.nodeLines.get('main/second');
    assert.equal((first?.end ?? 0) - (first?.start ?? 0), 1);
    assert.equal(second?.start, (first?.end ?? 0) + 1);
    assert.equal(lines[second.end]?.trim(), '}>');
  });

  it('point at initializers, inputs and what nodes make', () => {
    const lineOf = (name: string) => lines[printed.tensorLines.get(name) ?? -1]?.trim();
    assert.equal(lineOf('w'), 'float[2] w = {1,2},');
    assert.equal(lineOf('v'), 'float v = {1}');
    assert.equal(lineOf('x'), 'g (float[2] x, bool c) => (float[2] y)');
    assert.ok(lineOf('s')?.startsWith('[first] s = Add'));
  });

  it('span graphs and functions', () => {
    const main = printed.blockLines.get('main');
    assert.ok(lines[main?.start ?? -1]?.startsWith('g ('));
    assert.equal(lines[main?.end ?? -1], '}');
    const one = printed.blockLines.get('function:d.f');
    assert.equal(lines[one?.start ?? -1], '<');
    assert.equal(lines[one?.end ?? -1], '}');
  });
});

describe('print after parse', () => {
  for (const text of acceptedTexts) {
    it(`keeps ${JSON.stringify(text.slice(0, 90))}`, () => {
      const { model: first } = parseModelText(header + text);
      assert.ok(first);
      const printed = printModel(first, options);
      assert.equal(printed.omissionCount, 0);
      assert.deepEqual(parseModelText(printed.text), { model: first, problems: [] });
    });
  }
});

describe('corpus models as text', function () {
  const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';
  const folder = join(corpus, 'onnx');

  it('read back as what was printed, and print the same again', async function () {
    if (!existsSync(folder)) {
      console.log(`      no corpus at ${corpus}: skipped`);
      return this.skip();
    }
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const files = entries.filter((name) => name.endsWith('.onnx'));
    assert.ok(files.length > 0);
    for (const file of files) {
      const bytes = readFileSync(join(folder, file));
      const read = await readModel(sourceFromBytes(bytes), createProblemSink());
      if (!read) continue;
      const printed = printModel(read.model, options);
      const parsed = parseModelText(printed.text);
      assert.ok(parsed.model, `${file}: ${parsed.problems[0]?.message ?? ''}`);
      if (printed.omissionCount > 0) continue;
      assert.equal(printModel(parsed.model, options).text, printed.text, file);
      assert.deepEqual(parsed.model.graph.nodes.map(plain), read.model.graph.nodes.map(plain));
    }
  });

  /** What of a node the syntax can say, subgraphs and tensors apart. */
  function plain({
    index,
    name,
    path,
    opType,
    domain,
    overload,
    inputs,
    outputs,
    attributes,
  }: Node) {
    const values = Array.from(attributes.values(), (one) =>
      /graph|tensor|type/.test(one.value.kind) ? { ...one, value: one.value.kind } : one,
    );
    return { index, name, path, opType, domain, overload, inputs, outputs, values };
  }
});
