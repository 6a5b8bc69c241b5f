import assert from 'node:assert/strict';
import type { Graph, Model, SparseTensor, Tensor } from '../../../server/src/core/graph';
import { encodeModel } from '../../../server/src/core/onnx/encode';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { validateModel } from '../../../server/src/core/onnx/validate';
import { createProblemSink, type Problem } from '../../../server/src/core/problem';
import { cases, quantisationCases } from './validate-cases';

function parse(text: string): Model {
  const { model, problems } = parseModelText(text);
  assert.deepEqual(problems, []);
  assert.ok(model);
  return model;
}

function problemsOf(model: Model): readonly Problem[] {
  const sink = createProblemSink();
  validateModel(model, sink);
  return sink.problems;
}

function codesOf(model: Model): string[] {
  return problemsOf(model).map(({ code }) => code);
}

const small =
  '<ir_version: 8, opset_import: ["": 17]> g (float[1] x) => (float[1] y) { y = Relu (x) }';

/** The small model with another graph. */
function withGraph(changes: Partial<Graph>): Model {
  const model = parse(small);
  return { ...model, graph: { ...model.graph, ...changes } };
}

describe('checking a whole model', () => {
  for (const { name, text, codes } of [...cases, ...quantisationCases]) {
    it(`${name}: ${[...new Set(codes)].join(', ') || 'nothing'}`, () => {
      const problems = problemsOf(parse(text));
      assert.deepEqual([...new Set(problems.map(({ code }) => code))], [...new Set(codes)]);
      for (const { message } of problems) assert.ok(message.length <= 120, message);
    });
  }

  const list = (count: number, value: string): string =>
    `{${Array.from({ length: count }, () => value).join(', ')}}`;
  const weights: readonly (readonly [
    what: string,
    type: string,
    values: string,
    codes: string[],
  ])[] = [
    ['sixteen zeros', 'float[4, 4]', list(16, '0'), ['zero-weights']],
    ['a vector of zeros', 'float[64]', list(64, '0'), []],
    ['subnormal numbers alone', 'float[2, 8]', list(16, '1e-39'), ['zero-weights']],
    ['fifteen zeros', 'float[5, 3]', list(15, '0'), []],
    ['one number among zeros', 'float[4, 4]', `{1e-37, ${list(15, '0').slice(1)}`, []],
    ['an infinity', 'float[2]', '{1, -inf}', ['non-finite-weights']],
    ['no number', 'float[2]', '{nan, 0}', ['non-finite-weights']],
    ['a lone infinity', 'float[1]', '{inf}', []],
    ['zeros of double precision', 'double[4, 4]', list(16, '0'), ['zero-weights']],
    ['an infinity of half precision', 'float16[2]', '{15360, 31744}', ['non-finite-weights']],
  ];
  for (const [what, type, values, codes] of weights) {
    it(`a weight of ${what}: ${codes.join(', ') || 'nothing'}`, () => {
      const model = parse(
        `<ir_version: 8, opset_import: ["": 17]> g () => (${type} y) <${type} w = ${values}> { y = Identity (w) }`,
      );
      assert.deepEqual(codesOf(model), codes);
    });
  }

  it('tells each function of a ring of calls', () => {
    const ring = cases.find(({ name }) => name.startsWith('three functions'));
    assert.deepEqual(codesOf(parse(ring?.text ?? '')), ring?.codes);
  });

  it('agrees with ONNX Runtime: refused files have problems, files without problems load', async function () {
    const runtime = await import('onnxruntime-node').catch(() => null);
    if (!runtime) {
      console.log('      skipped: onnxruntime-node has no binary here');
      this.skip();
    }
    for (const { name, text, runtime: wanted } of [...cases, ...quantisationCases]) {
      if (!wanted) continue;
      let said = 'accepts';
      try {
        const session = await runtime.InferenceSession.create(encodeModel(parse(text)), {
          logSeverityLevel: 4,
        });
        await session.release();
      } catch {
        said = 'refuses';
      }
      assert.equal(said, wanted, name);
      const isRefused = problemsOf(parse(text)).some(({ severity }) => severity !== 'info');
      if (wanted === 'refuses') assert.ok(isRefused, name);
    }
  });
});

describe('checking names', () => {
  /** Names of nodes in a row, and how many of them repeat. */
  const nodeNames: readonly (readonly [names: readonly string[], repeated: number])[] = [
    [['a', 'b', 'a', 'a'], 2],
    // The paths of these are told apart by a number, although the names differ.
    [['a', '/a', '/a'], 1],
    [['x', 'x#1', 'x', 'x#3'], 1],
    [['#3', '#0', '#1', '#3'], 1],
    [['', ''], 0],
  ];
  for (const [names, repeated] of nodeNames) {
    it(`nodes named ${names.join(' ')}: ${repeated} repeated`, () => {
      const nodes = names.map((name, index) => {
        const label = name === '' ? '' : `["${name}"] `;
        return `${label}v${index + 1} = Relu (v${index})`;
      });
      const model = parse(
        `<ir_version: 8, opset_import: ["": 17]>
         g (float[1] v0) => (float[1] v${names.length}) { ${nodes.join('\n')} }`,
      );
      const codes = codesOf(model).filter((code) => code === 'duplicate-node-name');
      assert.equal(codes.length, repeated);
    });
  }

  it('an initializer without name', () => {
    const [tensor] = parse(
      '<ir_version: 8, opset_import: ["": 17]> g () => () <float w = {1.0}> { }',
    ).graph.initializers;
    assert.ok(tensor);
    const unnamed = { ...tensor, name: '' };
    assert.deepEqual(codesOf(withGraph({ initializers: [unnamed] })), ['empty-name']);
  });

  it('a node without operator type, and attributes without name', () => {
    const [node] = parse(small).graph.nodes;
    assert.ok(node);
    assert.deepEqual(codesOf(withGraph({ nodes: [{ ...node, opType: '' }] })), ['empty-name']);
    const attributes = new Map([
      ['', { name: '', refName: '', value: { kind: 'int', value: 1n } as const }],
    ]);
    assert.deepEqual(codesOf(withGraph({ nodes: [{ ...node, attributes }] })), ['empty-name']);
  });

  it('control characters, markup and absurd length, at no length of message', () => {
    const [node] = parse(small).graph.nodes;
    assert.ok(node);
    for (const [name, code] of [
      ['a\u0007b', 'control-characters'],
      ['evil\u202efdp', 'control-characters'],
      ['<img src=x>', 'markup-in-name'],
      ['[click](http://example.com)', 'markup-in-name'],
      ['n'.repeat(200_000), 'long-name'],
      ['f(x)[0]', null],
    ] as const) {
      const problems = problemsOf(withGraph({ nodes: [{ ...node, name }] }));
      assert.deepEqual(
        problems.map((problem) => problem.code),
        code === null ? [] : [code],
      );
      for (const { message, where } of problems) {
        assert.ok(message.length <= 120, message);
        assert.ok((where ?? '').length <= 200);
      }
    }
  });

  it('subgraphs deeper than people and runtimes follow', () => {
    let body = 'v0 = Identity (x)';
    for (let depth = 1; depth <= 20; depth++) {
      const inner = `t${depth} () => (float[1] v${depth - 1}) { ${body} }`;
      body = `v${depth} = If (c) <then_branch = ${inner}, else_branch = e${depth} () => (float[1] w${depth}) { w${depth} = Abs (x) }>`;
    }
    const text = `<ir_version: 8, opset_import: ["": 17]> g (float[1] x, bool c) => (float[1] v20) { ${body} }`;
    assert.deepEqual([...new Set(codesOf(parse(text)))], ['deep-nesting']);
  });

  it('a chain of functions far longer than a call stack', () => {
    const count = 20_000;
    const model = parse(
      '<ir_version: 8, opset_import: ["": 17, "f": 1]> g (float[1] x) => (float[1] y) { y = f.F0 (x) } <domain: "f", opset_import: ["": 17, "f": 1]> F0 (a) => (b) { b = f.F1 (a) }',
    );
    const [first] = model.functions;
    const [call] = first?.nodes ?? [];
    assert.ok(first && call);
    const functions = Array.from({ length: count }, (_, index) => ({
      ...first,
      name: `F${index}`,
      nodes: [{ ...call, opType: `F${(index + 1) % count}` }],
    }));
    const problems = problemsOf({ ...model, functions });
    assert.ok(problems.length > 0);
    assert.ok(problems.every(({ code }) => code === 'recursive-function'));
  });
});

describe('checking sparse tensors', () => {
  const tensor = (
    name: string,
    dtype: Tensor['dtype'],
    dims: number[],
    bytes: Uint8Array,
  ): Tensor => ({
    name,
    docString: '',
    dtype,
    dtypeCode: 0,
    dims,
    elementCount: dims.reduce((product, dim) => product * dim, 1),
    storage: { kind: 'inline', bytes },
    metadata: new Map(),
  });
  const sparse = (
    indices: readonly number[],
    shape: number[],
    dims: number[],
    dtype: 'int64' | 'int32' = 'int64',
  ): SparseTensor => ({
    values: tensor('w', 'float32', [2], new Uint8Array(new Float32Array([1, 2]).buffer)),
    indices: tensor(
      '',
      dtype,
      shape,
      new Uint8Array(BigInt64Array.from(indices.map(BigInt)).buffer),
    ),
    dims,
  });

  // Verdicts of onnx.checker 1.23 on the same tensors.
  for (const [name, one, isValid] of [
    ['flat', sparse([3, 5], [2], [4, 4]), true],
    ['rows', sparse([1, 2, 2, 2], [2, 2], [4, 4]), true],
    ['beyond the end', sparse([3, 99], [2], [4, 4]), false],
    ['negative', sparse([-1, 3], [2], [4, 4]), false],
    ['not ascending', sparse([5, 3], [2], [4, 4]), false],
    ['twice the same', sparse([5, 5], [2], [4, 4]), false],
    ['a row beyond the end', sparse([1, 2, 2, 9], [2, 2], [4, 4]), false],
    ['rows of another rank', sparse([1, 2, 3, 2, 2, 2], [2, 3], [4, 4]), false],
    ['more indices than values', sparse([1, 2, 3], [3], [4, 4]), false],
    ['int32 indices', sparse([1, 2], [2], [4, 4], 'int32'), false],
    ['no dims', sparse([1, 2], [2], []), false],
  ] as const) {
    it(`${name}: ${isValid ? 'valid' : 'invalid'}`, () => {
      const codes = codesOf(withGraph({ sparseInitializers: [one] }));
      assert.deepEqual(codes, isValid ? [] : ['invalid-sparse-tensor']);
    });
  }

  it('dims whose product no number holds', () => {
    const huge = sparse(
      [1, 2],
      [2],
      Array.from({ length: 64 }, () => 2 ** 52),
    );
    assert.deepEqual(codesOf(withGraph({ sparseInitializers: [huge] })), []);
  });
});
