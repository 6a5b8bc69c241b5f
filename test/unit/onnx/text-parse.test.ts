import assert from 'node:assert/strict';
import type { Model, Tensor } from '../../../server/src/core/graph';
import { encodeModel } from '../../../server/src/core/onnx/encode';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { inlineValues } from '../../../server/src/core/tensor-values';
import { acceptedTexts, header, rejectedTexts } from './text-cases';

function parse(body: string): Model {
  const { model, problems } = parseModelText(header + body);
  assert.deepEqual(problems, []);
  assert.ok(model);
  return model;
}

function initializer(declaration: string): Tensor {
  const [tensor] = parse(`g () => () <${declaration}> {}`).graph.initializers;
  assert.ok(tensor);
  return tensor;
}

function attribute(text: string) {
  const [node] = parse(`g (x) => (y) { y = Op (x) <${text}> }`).graph.nodes;
  const found = node?.attributes.get('a');
  assert.ok(found);
  return found;
}

describe('parsing ONNX text', () => {
  for (const text of acceptedTexts) {
    it(`accepts ${text.slice(0, 90)}`, () => {
      const { model, problems } = parseModelText(header + text);
      assert.deepEqual(problems, []);
      assert.ok(model);
    });
  }

  for (const [text, where] of rejectedTexts) {
    it(`rejects ${JSON.stringify(text.slice(0, 90))} at ${where}`, () => {
      const { model, problems } = parseModelText(header + text);
      assert.equal(model, null);
      assert.deepEqual(
        problems.map((problem) => [problem.code, problem.where]),
        [['onnx-text-syntax', where]],
      );
    });
  }
});

describe('what the text says', () => {
  it('header', () => {
    const { model } = parseModelText(`<
      ir_version: 9, opset_import: ["ai.onnx" : 17, "com.microsoft" : 1],
      producer_name: "p", producer_version: "1.0", domain: "d", model_version: 3,
      doc_string: "two\nlines", metadata_props: ["k": "v", "__proto__": ""]
    > g () => () {}`);
    assert.equal(model?.irVersion, 9);
    assert.deepEqual(Array.from(model.opsets), [
      ['', 17],
      ['com.microsoft', 1],
    ]);
    assert.equal(model.producer, 'p 1.0');
    assert.equal(model.producerName, 'p');
    assert.equal(model.producerVersion, '1.0');
    assert.equal(model.domain, 'd');
    assert.equal(model.modelVersion, 3n);
    assert.equal(model.docString, 'two\nlines');
    assert.deepEqual(Array.from(model.metadata), [
      ['k', 'v'],
      ['__proto__', ''],
    ]);
  });

  it('types', () => {
    const { inputs } = parse(
      'g (float s, double[] r, float[N, "a b", ?, 3, -1] d, seq(map(string, int4[2])) m) => () {}',
    ).graph;
    assert.deepEqual(
      inputs.map(({ type }) => type),
      [
        { kind: 'tensor', dtype: 'float32', dims: [] },
        { kind: 'tensor', dtype: 'float64', dims: null },
        { kind: 'tensor', dtype: 'float32', dims: ['N', 'a b', null, 3, null] },
        {
          kind: 'sequence',
          element: {
            kind: 'map',
            keyType: 'string',
            value: { kind: 'tensor', dtype: 'int4', dims: [2] },
          },
        },
      ],
    );
  });

  it('inputs with data are both inputs and initializers, list entries are one or the other', () => {
    const { graph } = parse('g (float[1] x = {1}) => () <float[1] w = {2}, float[1] v> {}');
    assert.deepEqual(
      graph.inputs.map(({ name }) => name),
      ['x'],
    );
    assert.deepEqual(
      graph.valueInfos.map(({ name }) => name),
      ['v'],
    );
    assert.deepEqual(Array.from(graph.initializerByName.keys()), ['x', 'w']);
  });

  const elements: readonly (readonly [string, readonly (number | bigint)[]])[] = [
    ['float[2] w = {0.1, -0}', [Math.fround(0.1), -0]],
    ['float[3] w = {nan, inf, -inf}', [NaN, Infinity, -Infinity]],
    ['double[1] w = {0.1}', [0.1]],
    ['int64[2] w = {-9223372036854775808, 9007199254740993}', [-(1n << 63n), 9007199254740993n]],
    ['uint64[1] w = {18446744073709551615}', [18446744073709551615n]],
    ['int32[2] w = {-2147483648, 2147483647}', [-2147483648, 2147483647]],
    ['uint16[1] w = {65535}', [65535]],
    ['int8[3] w = {-128, 127, 0}', [-128, 127, 0]],
    ['bool[2] w = {0, 1}', [0, 1]],
    // 0x3C00 is 1 in binary16 (IEEE 754), 0x3F80 is 1 in bfloat16.
    ['float16[1] w = {15360}', [1]],
    ['bfloat16[1] w = {16256}', [1]],
    ['int4[3] w = {-8, 7, -1}', [-8, 7, -1]],
    ['uint4[3] w = {15, 0, 9}', [15, 0, 9]],
    ['int2[5] w = {1, -1, 0, -2, 1}', [1, -1, 0, -2, 1]],
  ];
  for (const [declaration, expected] of elements) {
    it(declaration, () => {
      assert.deepEqual(inlineValues(initializer(declaration)), expected);
    });
  }

  it('external data', () => {
    const text = 'float[64,64] w = ["location": "w.bin", "offset": "128", "length": "16384"]';
    const { storage, elementCount } = initializer(text);
    assert.deepEqual(storage, {
      kind: 'external',
      location: 'w.bin',
      offset: 128,
      byteLength: 16384,
    });
    assert.equal(elementCount, 4096);
  });

  it('a place outside the folder is not kept', () => {
    const body = 'g () => () <float[2] w = ["location": "../../w.bin"]> {}';
    const { model, problems } = parseModelText(header + body);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['external-data-outside-folder'],
    );
    assert.equal(model?.graph.initializers[0]?.storage.kind, 'none');
  });

  it('too few or too many elements are a problem, not an end', () => {
    for (const data of ['{1}', '{1, 2, 3}']) {
      const { model, problems } = parseModelText(`${header}g () => () <float[2] w = ${data}> {}`);
      assert.ok(model);
      assert.deepEqual(
        problems.map(({ code, where }) => [code, where]),
        [['tensor-size-mismatch', '2:13']],
      );
    }
  });

  it('nodes', () => {
    const { nodes } = parse(`g (x) => (z) {
      y, "", "odd name" = ai.onnx.ml.Op:big (x, , w)
      ["a b"] z = ai.onnx.Relu (y)
      ["a b"] q = Relu (y)
    }`).graph;
    assert.deepEqual(
      nodes.map(({ index, name, path, domain, opType, overload, inputs, outputs }) => [
        index,
        name,
        path,
        domain,
        opType,
        overload,
        inputs,
        outputs,
      ]),
      [
        [0, '', 'main/Op_0', 'ai.onnx.ml', 'Op', 'big', ['x', '', 'w'], ['y', '', 'odd name']],
        [1, 'a b', 'main/a b', '', 'Relu', '', ['y'], ['z']],
        [2, 'a b', 'main/a b#2', '', 'Relu', '', ['y'], ['q']],
      ],
    );
  });

  const bytes = (text: string) => new TextEncoder().encode(text);
  const values: readonly (readonly [string, unknown])[] = [
    ['a = 1', { kind: 'int', value: 1n }],
    ['a = -9223372036854775808', { kind: 'int', value: -(1n << 63n) }],
    ['a: float = 1', { kind: 'float', value: 1 }],
    ['a = 0.1', { kind: 'float', value: Math.fround(0.1) }],
    ['a = -inf', { kind: 'float', value: -Infinity }],
    ['a = "s\\"\\\\"', { kind: 'string', value: bytes('s"\\') }],
    ['a = [1, 2]', { kind: 'ints', value: [1n, 2n] }],
    ['a: floats = [1, 2.5]', { kind: 'floats', value: [1, 2.5] }],
    ['a = ["", "b"]', { kind: 'strings', value: [bytes(''), bytes('b')] }],
    ['a: ints = []', { kind: 'ints', value: [] }],
    ['a = float[N]', { kind: 'type', value: { kind: 'tensor', dtype: 'float32', dims: ['N'] } }],
    ['a: type_protos = [opaque()]', { kind: 'types', value: [{ kind: 'opaque' }] }],
  ];
  for (const [text, expected] of values) {
    it(text, () => {
      assert.deepEqual(attribute(text).value, expected);
    });
  }

  it('a reference keeps its type', () => {
    assert.deepEqual(attribute('a: ints = @"the b"'), {
      name: 'a',
      refName: 'the b',
      value: { kind: 'ints', value: [] },
    });
  });

  it('subgraphs know where they are', () => {
    const { value } = attribute(`a: graphs = [
      t () => (z) { z = Op () },
      t () => (z) { [n] z = If () <b = u () => (w) { w = Op () }> }
    ]`);
    assert.equal(value.kind, 'graphs');
    assert.deepEqual(
      value.value.map(({ path, nodes }) => [path, nodes[0]?.path]),
      [
        ['main/Op_0/a_0', 'main/Op_0/a_0/Op_0'],
        ['main/Op_0/a_1', 'main/Op_0/a_1/n'],
      ],
    );
    const inner = value.value[1]?.nodes[0]?.attributes.get('b')?.value;
    assert.equal(inner?.kind === 'graph' && inner.value.path, 'main/Op_0/a_1/n/b');
  });

  it('an attribute given twice counts once', () => {
    const text = `${header}g () => (y) { y = Op <a = 1, a = 2> () }`;
    const { model, problems } = parseModelText(text);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['duplicate-attribute'],
    );
    assert.deepEqual(model?.graph.nodes[0]?.attributes.get('a')?.value, { kind: 'int', value: 1n });
  });

  it('functions', () => {
    const [one] = parse(`g (x) => (y) { y = d.f (x) }
      <domain: "d", overload: "o", opset_import: ["" : 18], doc_string: "doc">
      f <alpha, beta: float = 2> (u, float[2] v) => (w) <int8 q> { w = Op <c: float = @alpha> (u) }
    `).functions;
    assert.ok(one);
    assert.deepEqual([one.domain, one.name, one.overload, one.docString], ['d', 'f', 'o', 'doc']);
    assert.deepEqual([one.inputs, one.outputs], [['u', 'v'], ['w']]);
    assert.deepEqual(one.attributeNames, ['alpha']);
    assert.deepEqual(one.attributeDefaults, [
      { name: 'beta', refName: '', value: { kind: 'float', value: 2 } },
    ]);
    assert.deepEqual(
      one.valueInfos.map(({ name }) => name),
      ['v', 'q'],
    );
    assert.equal(one.nodes[0]?.path, 'function:d.f:o/Op_0');
    assert.equal(one.opsets.get(''), 18);
  });
});

describe('hostile text', () => {
  const nestedGraphs = (depth: number) =>
    'g (x) => (y) { y = If (x) <a = '.repeat(depth) + 'g (x) => (y) {}' + '> }'.repeat(depth);
  const cases: readonly (readonly [string, string, string])[] = [
    ['deep subgraphs', nestedGraphs(20_000), 'onnx-text-syntax'],
    ['deep types', `g (${'seq('.repeat(50_000)}`, 'onnx-text-syntax'],
    ['many dims', `g (float[${'1,'.repeat(100_000)}1] x) => () {}`, 'onnx-text-syntax'],
    ['a huge number', `g () => () <int64 w = {${'9'.repeat(5_000_000)}}> {}`, 'onnx-text-syntax'],
    ['dims beyond 2^53', 'g () => () <int8[9007199254740991,9] w = {}> {}', 'tensor-too-large'],
    ['an open string', `g () => () { "${'\\"'.repeat(1_000_000)}`, 'onnx-text-syntax'],
    ['too long a text', ' '.repeat(64 * 1024 * 1024 + 1), 'onnx-text-too-long'],
  ];
  for (const [name, text, code] of cases) {
    it(name, () => {
      const { problems } = parseModelText(text);
      assert.deepEqual(
        problems.map((problem) => problem.code),
        [code],
      );
    });
  }

  it('a million comments are skipped', () => {
    assert.ok(parseModelText('#\n'.repeat(1_000_000) + 'g () => () {}').model);
  });

  it('subgraphs a person would write are within the cap', () => {
    assert.ok(parseModelText(nestedGraphs(10)).model);
  });

  it('names of object members are names', () => {
    const { nodes } = parse(
      'g (constructor) => (toString) { [__proto__] toString = hasOwnProperty <__proto__ = 1> (constructor) }',
    ).graph;
    assert.equal(nodes[0]?.path, 'main/__proto__');
    assert.ok(nodes[0].attributes.has('__proto__'));
  });
});

describe('a model from text', () => {
  it('runs in ONNX Runtime with the values it says', async function () {
    const runtime = await import('onnxruntime-node').catch(() => null);
    // An optional dependency: there are platforms without its binary.
    if (runtime === null) return this.skip();
    const model = parse(`g (float[N, 2] x, bool c) => (float[N, 2] y)
      <float[2] w = {10, 20}>
      {
        s = Add (x, w)
        p = Constant <value = float[2] {0.5, -1}> ()
        y = If (c) <
          then_branch = t () => (float[N, 2] a) { a = Mul (s, p) },
          else_branch = e () => (float[N, 2] b) { b = LeakyRelu <alpha: float = 1> (s) }
        >
      }`);
    const session = await runtime.InferenceSession.create(encodeModel(model));
    const x = new runtime.Tensor('float32', Float32Array.of(1, 2, 3, 4), [2, 2]);
    const run = async (condition: boolean) => {
      const c = new runtime.Tensor('bool', [condition], []);
      const { y } = await session.run({ x, c });
      return Array.from(y?.data as Float32Array);
    };
    assert.deepEqual(await run(true), [5.5, -22, 6.5, -24]);
    assert.deepEqual(await run(false), [11, 22, 13, 24]);
    await session.release();
  });
});
