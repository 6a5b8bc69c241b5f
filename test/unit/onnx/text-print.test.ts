import assert from 'node:assert/strict';
import type { Attribute, Model, Node, Tensor, ValueInfo } from '../../../server/src/core/graph';
import { producerOf } from '../../../server/src/core/graph';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { printModel } from '../../../server/src/core/onnx/text-print';
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
    ...producerOf('', ''),
    domain: '',
    modelVersion: 0n,
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

describe('fields without a place in the syntax', () => {
  const metadata = new Map([['k', 'v']]);
  const value = (name: string, more: Partial<ValueInfo> = {}): ValueInfo => ({
    name,
    type: { kind: 'tensor', dtype: 'float32', dims: [2] },
    docString: '',
    metadata: noMetadata,
    ...more,
  });
  const constant = (more: Partial<Tensor>): Node =>
    node({
      attributes: new Map([
        ['a', { name: 'a', refName: '', value: { kind: 'tensor', value: tensor(more) } }],
      ]),
    });
  const long = 'x'.repeat(1000);
  const many = new Map(Array.from({ length: 20 }, (_, index) => [`k${index}`, 'v']));
  /** The comment, and the line behind it. */
  const cases: readonly (readonly [string, Model, string, string])[] = [
    ['graph doc', model({ docString: 'd "q"\ne' }), '# graph: doc "d \\"q\\"\\ne"', '{'],
    ['graph metadata', model({ metadata }), '# graph: metadata "k": "v"', '{'],
    ['input doc', model({ inputs: [value('x', { docString: 'd' })] }), '# input "x": doc "d"', '{'],
    [
      'output metadata',
      model({ outputs: [value('y', { metadata })] }),
      '# output "y": metadata "k": "v"',
      '{',
    ],
    [
      'value doc and metadata',
      model({ valueInfos: [value('u'), value('v', { docString: 'd', metadata })] }),
      '# value "v": doc "d"; metadata "k": "v"',
      'float[2] v',
    ],
    [
      'denotations',
      model({
        inputs: [value('x', { denotations: { type: 'IMAGE', dims: ['DATA_BATCH', ''] } })],
      }),
      '# input "x": type denotes "IMAGE"; dims denote ["DATA_BATCH", ?]',
      '{',
    ],
    [
      'quantization annotations',
      model({ quantizationAnnotationCount: 2 }),
      '# graph: quantization annotations left out: 2',
      '{',
    ],
    [
      'training info',
      { ...model({}), trainingInfoCount: 1 },
      '# training info left out: 1',
      'g () => ()',
    ],
    [
      'a type without a word',
      model({ inputs: [value('x', { type: { kind: 'tensor', dtype: null, dims: [2] } })] }),
      '# input "x": its type has no name',
      '{',
    ],
    [
      'initializer doc',
      model({ initializers: [tensor({ docString: 'd' })] }),
      '# initializer "w": doc "d"',
      'float[2] w = {}',
    ],
    [
      'node doc and metadata',
      model({}, [node({ docString: 'd', metadata })]),
      '# doc "d"; metadata "k": "v"',
      'y = Op (x)',
    ],
    [
      'the name of a tensor in an attribute',
      model({}, [constant({ name: 'a.b' })]),
      '# tensor of a: name "a.b"',
      'y = Op <a: tensor = float[2] {}> (x)',
    ],
    [
      'a long value',
      model({}, [node({ docString: long })]),
      `# doc "${long.slice(0, 80)}"… (920 more characters)`,
      'y = Op (x)',
    ],
    [
      'many values',
      model({}, [node({ metadata: many })]),
      `# metadata ${Array.from({ length: 8 }, (_, index) => `"k${index}": "v"`).join(', ')}, 12 more`,
      'y = Op (x)',
    ],
  ];
  for (const [name, printed, comment, next] of cases) {
    it(`${name} is a comment of one line`, () => {
      const lines = bodyLines(printed);
      const at = lines.indexOf(comment);
      assert.ok(at >= 0, lines.join('\n'));
      assert.equal(lines[at + 1], next);
      const { text, omissionCount } = printModel(printed, options);
      assert.equal(omissionCount, 1);
      assert.equal(text.split('\n').filter((line) => /^\s*#/.test(line)).length, 1);
      assert.ok(parseModelText(text).model);
    });
  }

  it('a comment has an end, however much there is to say', () => {
    const entries = new Map(Array.from({ length: 8 }, (_, index) => [`${index}${long}`, long]));
    const comment = lineWith(model({}, [node({ docString: long, metadata: entries })]), '# ');
    assert.ok(comment.length < 450, comment);
    assert.match(comment, /… \([0-9]+ more characters\)$/);
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

  it('count the comments', () => {
    const withDocs = {
      ...parsed,
      graph: { ...parsed.graph, nodes: parsed.graph.nodes.map(documented) },
    };
    const { text: commented, nodeLines, tensorLines } = printModel(withDocs, options);
    const commentedLines = commented.split('\n');
    for (const [path, { start, end }] of printed.nodeLines) {
      const range = nodeLines.get(path);
      assert.equal(commentedLines[range?.start ?? -1], lines[start], path);
      assert.equal(commentedLines[range?.end ?? -1], lines[end], path);
    }
    for (const [name, line] of printed.tensorLines) {
      assert.equal(commentedLines[tensorLines.get(name) ?? -1], lines[line], name);
    }
  });

  /** The node and the nodes in it, each with a doc string. */
  function documented(one: Node): Node {
    const attributes = Array.from(one.attributes.values(), (attribute): Attribute => {
      if (attribute.value.kind !== 'graph') return attribute;
      const body = attribute.value.value;
      const value = { ...body, docString: 'body', nodes: body.nodes.map(documented) };
      return { ...attribute, value: { kind: 'graph', value } };
    });
    return {
      ...one,
      docString: 'two\nlines',
      attributes: new Map(attributes.map((attribute) => [attribute.name, attribute])),
    };
  }

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
