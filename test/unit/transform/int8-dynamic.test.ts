import assert from 'node:assert/strict';
import { int8Dynamic } from '../../../server/src/core/transform/quantize/dynamic';
import type { Model } from '../../../server/src/core/graph';
import { encodeModel } from '../../../server/src/core/onnx/encode';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { modelBytes } from '../../support/cli';
import { randomArray, tensorText } from '../../support/data';
import { opTypesOf, reasonsOf, transform, useOnnxRuntime } from '../../support/transform';

const rows = 64;
const columns = 40;
/** A weight matrix that is large enough to pay. */
const w = (name: string, dims: readonly number[] = [rows, columns], seed = 1): string =>
  tensorText(
    name,
    dims,
    randomArray(
      dims.reduce((a, b) => a * b, 1),
      seed,
    ),
  );

const header = (opset: number, ir = 8): string =>
  `<ir_version: ${ir}, opset_import: ["" : ${opset}, "com.microsoft" : 1]>\n`;

const x = `float[N, ${rows}] x`;
const y = `float[N, ${columns}] y`;

interface Changed {
  readonly title: string;
  readonly model: string;
  /** Paths of the nodes that are changed, in order. */
  readonly changed: readonly string[];
  /** How many int8 matrices the new file has; one a layer unless said. */
  readonly matrices?: number;
  /** How many nodes quantise inputs; one unless said. */
  readonly quantizers?: number;
  /** Names of the graph inputs afterwards. */
  readonly inputs?: readonly string[];
}

const changed: readonly Changed[] = [
  {
    title: 'MatMul',
    model: `g (${x}) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'MatMul of a batch of matrices',
    model: `g (float[N, 3, ${rows}] x) => (float[N, 3, ${columns}] y) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'MatMul of a vector',
    model: `g (float[${rows}] x) => (float[${columns}] y) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'MatMul at opset 11, the first that can',
    model: `${header(11)}g (${x}) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'MatMul at opset 21',
    model: `${header(21, 10)}g (${x}) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'Gemm without bias',
    model: `g (${x}) => (${y}) <${w('w')}> { y = Gemm (x, w) }`,
    changed: ['main/Gemm_0'],
  },
  {
    title: 'Gemm with bias',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('b', [columns], 2)}> { y = Gemm (x, w, b) }`,
    changed: ['main/Gemm_0'],
  },
  {
    title: 'Gemm with a computed bias',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('b', [columns], 2)}> { c = Neg (b) y = Gemm (x, w, c) }`,
    changed: ['main/Gemm_1'],
  },
  {
    title: 'Gemm with transB, as PyTorch writes Linear',
    model: `g (${x}) => (${y}) <${w('w', [columns, rows])}, ${w('b', [columns], 2)}> {
      y = Gemm <alpha = 1.0, beta = 1.0, transB = 1> (x, w, b) }`,
    changed: ['main/Gemm_0'],
  },
  {
    title: 'Gemm with alpha, which goes into the scales and not to the bias',
    model: `g (${x}) => (${y}) <${w('w', [columns, rows])}, ${w('b', [columns], 2)}> {
      y = Gemm <alpha = 0.125, transB = 1> (x, w, b) }`,
    changed: ['main/Gemm_0'],
  },
  {
    title: 'Gemm with a beta that multiplies nothing',
    model: `g (${x}) => (${y}) <${w('w')}> { y = Gemm <beta = 0.5> (x, w) }`,
    changed: ['main/Gemm_0'],
  },
  {
    title: 'layers that share a weight, which is stored once',
    model: `g (${x}) => (${y}) <${w('w')}> {
      a = Neg (x) p = MatMul (x, w) q = MatMul (a, w) y = Sub (p, q) }`,
    changed: ['main/MatMul_1', 'main/MatMul_2'],
    matrices: 1,
    quantizers: 2,
  },
  {
    title: 'layers that share a weight in both directions',
    model: `g (${x}) => (float[N, ${rows}] y) <${w('w', [rows, rows])}> {
      p = MatMul (x, w) q = Gemm <transB = 1> (x, w) y = Sub (p, q) }`,
    changed: ['main/MatMul_0', 'main/Gemm_1'],
    matrices: 2,
  },
  {
    title: 'layers that share an input, which is quantised once',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('v', [rows, columns], 2)}> {
      p = MatMul (x, w) q = MatMul (x, v) y = Sub (p, q) }`,
    changed: ['main/MatMul_0', 'main/MatMul_1'],
    quantizers: 1,
  },
  {
    title: 'layers one after the other',
    model: `g (${x}) => (${y}) <${w('w', [rows, rows])}, ${w('v', [rows, columns], 2)}> {
      p = MatMul (x, w) q = Relu (p) y = MatMul (q, v) }`,
    changed: ['main/MatMul_0', 'main/MatMul_2'],
    quantizers: 2,
  },
  {
    title: 'a weight in a Constant node, which goes',
    model: `g (${x}) => (${y}) <float[${rows}, ${columns}] w> {
      w = Constant <value = ${w('').replace(' =', '')}> () y = MatMul (x, w) }`,
    changed: ['main/MatMul_1'],
  },
  {
    title: 'a weight that an IR 3 file lists as an input, too: only the real input stays',
    model: `${header(11, 3)}g (${x}, float[${rows}, ${columns}] w) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
    inputs: ['x'],
  },
  {
    title: 'a layer whose output a subgraph reads',
    model: `g (bool c, ${x}) => (${y}) <${w('w')}> {
      p = MatMul (x, w)
      y = If (c) <then_branch = t () => (float[N, ${columns}] a) { a = Neg (p) },
        else_branch = e () => (float[N, ${columns}] b) { b = Relu (p) }> }`,
    changed: ['main/MatMul_0'],
    inputs: ['c', 'x'],
  },
  {
    title: 'layers with names that the new nodes and tensors would like to have',
    model: `g (${x}) => (${y}) <${w('w')}, float x_scale, float[${rows}, ${columns}] w_quantized,
        float[N, ${rows}] y_scales, ${w('w_scale', [columns], 2)}> {
      [x_quantized] x_zero_point = Neg (x)
      [p] y_quantized = MatMul (x_zero_point, w)
      [p_quant] y = Add (y_quantized, w_scale) }`,
    changed: ['main/p'],
  },
  {
    title: 'a layer without a name',
    model: `g (${x}) => (${y}) <${w('w')}> { [""] y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
  {
    title: 'columns of zeros, of tiny numbers and of one large number',
    model: `g (${x}) => (${y}) <${tensorText(
      'w',
      [rows, columns],
      randomArray(rows * columns, 1).map((value, index) => {
        const column = index % columns;
        if (column === 0) return 0;
        if (column === 1) return value * 1e-30;
        return column === 2 && index === 2 ? 1000 : value;
      }),
    )}> { y = MatMul (x, w) }`,
    changed: ['main/MatMul_0'],
  },
];

interface Declined {
  readonly title: string;
  readonly model: string;
  /** Path → reason of every candidate. */
  readonly reasons: Readonly<Record<string, RegExp>>;
}

const big = (value: number): string =>
  tensorText(
    'w',
    [rows, columns],
    randomArray(rows * columns, 1).map((one, index) => (index === 77 ? value : one)),
  );

const declined: readonly Declined[] = [
  {
    title: 'Gemm with beta and bias',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('b', [columns], 2)}> { y = Gemm <beta = 0.5> (x, w, b) }`,
    reasons: { 'main/Gemm_0': /beta is not 1/u },
  },
  {
    title: 'Gemm with transA',
    model: `g (float[${rows}, N] x) => (${y}) <${w('w')}> { y = Gemm <transA = 1> (x, w) }`,
    reasons: { 'main/Gemm_0': /transA is set/u },
  },
  {
    title: 'Gemm with alpha 0 or below',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('v', [rows, columns], 2)}> {
      p = Gemm <alpha = 0.0> (x, w) q = Gemm <alpha = -1.0> (x, v) y = Add (p, q) }`,
    reasons: { 'main/Gemm_0': /alpha is 0/u, 'main/Gemm_1': /alpha is -1/u },
  },
  {
    title: 'a call of a function of the model',
    model: `${header(17, 10)}g (${x}) => (${y}) <${w('w')}> { y = MatMul (x, w) }
      <domain: "", opset_import: ["" : 17]> MatMul (a, b) => (c) { p = Gemm (a, b) c = Neg (p) }`,
    reasons: { 'main/MatMul_0': /it calls a function of the model/u },
  },
  {
    title: 'a weight that an embedding looks up, too',
    model: `g (int64[N] i, ${x}) => (${y}, float[N, ${columns}] e) <${w('w')}> {
      e = Gather (w, i) y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_1': /also read by main\/Gather_0, so the float copy would stay/u },
  },
  {
    title: 'a weight that a subgraph reads',
    model: `g (bool c, ${x}) => (${y}) <${w('w')}> {
      p = MatMul (x, w)
      q = If (c) <then_branch = t () => (float[${rows}, ${columns}] a) { a = Neg (w) },
        else_branch = e () => (float[${rows}, ${columns}] b) { b = Relu (w) }>
      r = ReduceSum (q) y = Add (p, r) }`,
    reasons: { 'main/MatMul_0': /also read by a subgraph/u },
  },
  {
    title: 'a weight that is a graph output',
    model: `g (${x}) => (${y}, float[${rows}, ${columns}] w) <${w('w')}> { y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /also read by a graph output/u },
  },
  {
    title: 'a weight that callers may set',
    model: `g (${x}, float[${rows}, ${columns}] w) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /is a graph input that callers may set/u },
  },
  {
    title: 'a computed weight, and one on the left',
    model: `g (${x}) => (float[${columns}, N] y) <${w('w', [columns, rows])}> {
      t = Transpose <perm = [1, 0]> (x) y = MatMul (w, t) }`,
    reasons: { 'main/MatMul_1': /its second input is computed, not a constant weight/u },
  },
  {
    title: 'a Constant of another domain',
    model: `<ir_version: 8, opset_import: ["" : 17, "my.ops" : 1]>
      g (${x}) => (${y}) { w = my.ops.Constant <value = ${w('').replace(' =', '')}> () y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_1': /its second input is computed/u },
  },
  {
    title: 'few weights',
    model: `g (${x}) => (float[N, 31] y) <${w('w', [rows, 31])}> { y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /its 1984 weights are fewer than 2048: nothing to gain/u },
  },
  {
    title: 'weights of more than two dims',
    model: `g (float[2, N, ${rows}] x) => (float[2, N, ${columns}] y) <${w('w', [2, rows, columns])}> {
      y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /its weight has 3 dims; only matrices/u },
  },
  {
    title: 'float16 weights',
    model: `g (float16[N, ${rows}] x) => (float16[N, ${columns}] y)
      <float16[${rows}, ${columns}] w = {${Array.from({ length: rows * columns }, () => 15360).join(', ')}}> {
      y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /its weights are float16, not float32/u },
  },
  ...[Number.NaN, Infinity, 3e38].map((value) => ({
    title: `weights with ${value}`,
    model: `g (${x}) => (${y}) <${big(value)}> { y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /NaN, infinity or numbers too large to scale/u },
  })),
  {
    title: 'opset 10, which has MatMulInteger but nothing to quantise its input',
    model: `${header(10)}g (${x}) => (${y}) <${w('w')}> { y = MatMul (x, w) }`,
    reasons: { 'main/MatMul_0': /opset 10 has no DynamicQuantizeLinear; export with opset 11/u },
  },
  {
    title: 'convolutions',
    model: `g (float[N, 8, 8, 8] x) => (float[N, 32, 8, 8] y) <${w('w', [32, 8, 3, 3])}> {
      y = Conv <pads = [1, 1, 1, 1]> (x, w) }`,
    reasons: { 'main/Conv_0': /dynamically quantised convolutions run slower than float/u },
  },
  {
    title: 'both of two layers with one weight when one of them must stay',
    model: `g (${x}) => (${y}) <${w('w')}, ${w('b', [columns], 2)}> {
      p = MatMul (x, w) q = Gemm <beta = 2.0> (x, w, b) y = Add (p, q) }`,
    reasons: {
      'main/MatMul_0': /another layer that shares its weight stays float/u,
      'main/Gemm_1': /beta is not 1/u,
    },
  },
];

describe('int8-dynamic', () => {
  const runtime = useOnnxRuntime();

  for (const row of changed) {
    it(`quantises ${row.title}`, async () => {
      const original = modelBytes(row.model);
      const result = await transform(int8Dynamic, original);
      assert.deepEqual(result.plan.changedNodes, row.changed);
      const ops = opTypesOf(result.model);
      const count = (opType: string): number => ops.filter((one) => one === opType).length;
      assert.equal(count('MatMulInteger'), row.changed.length);
      assert.equal(count('DynamicQuantizeLinear'), row.quantizers ?? 1);
      const matrices = result.model.graph.initializers.filter(
        ({ dtype, dims }) => dtype === 'uint8' && dims.length === 2,
      );
      assert.equal(matrices.length, row.matrices ?? row.changed.length);
      assertNoFloatMatrix(result.model);
      assertNamesAreUnique(result.model);
      const inputs = result.model.graph.inputs.map(({ name }) => name);
      assert.deepEqual(inputs, row.inputs ?? ['x']);
      const { cosine } = await runtime.compare(original, result.bytes, { samples: 4 });
      assert.ok((cosine ?? 0) >= 0.999, `cosine ${cosine}`);
      const again = await transform(int8Dynamic, result.bytes);
      assert.deepEqual(again.plan.changedNodes, [], 'nothing is quantised twice');
    });
  }

  for (const { title, model, reasons } of declined) {
    it(`declines ${title}, with the reason`, async () => {
      const original = modelBytes(model);
      const { plan, bytes } = await transform(int8Dynamic, original);
      assert.deepEqual(plan.changedNodes, []);
      const given = reasonsOf(plan);
      assert.deepEqual(Object.keys(given).sort(), Object.keys(reasons).sort());
      for (const [node, reason] of Object.entries(reasons)) assert.match(given[node] ?? '', reason);
      assert.deepEqual(Buffer.from(bytes), Buffer.from(original), 'not a byte is changed');
    });
  }

  it('keeps what is excluded with its reason, and the layers that share its weight', async () => {
    const original = modelBytes(`g (${x}) => (${y}) <${w('w')}, ${w('v', [rows, columns], 2)}> {
      p = MatMul (x, w) q = MatMul (x, w) r = MatMul (x, v) s = Sub (p, q) y = Add (s, r) }`);
    const { plan, bytes } = await transform(int8Dynamic, original, {
      exclude: new Map([['main/MatMul_0', 'it missed its bound']]),
    });
    assert.deepEqual(plan.changedNodes, ['main/MatMul_2']);
    assert.deepEqual(reasonsOf(plan), {
      'main/MatMul_0': 'it missed its bound',
      'main/MatMul_1': 'another layer that shares its weight stays float',
    });
    assert.ok(((await runtime.compare(original, bytes)).cosine ?? 0) >= 0.999);
    const only = await transform(int8Dynamic, original, { only: new Set(['main/MatMul_2']) });
    assert.deepEqual(only.plan.changedNodes, ['main/MatMul_2']);
    assert.deepEqual(only.plan.skipped, []);
  });

  it('says which layers change together', async () => {
    const original = modelBytes(`g (${x}) => (${y}) <${w('w')}, ${w('v', [rows, columns], 2)}> {
      p = MatMul (x, w) q = MatMul (x, w) r = MatMul (x, v) s = Sub (p, q) y = Add (s, r) }`);
    const { plan } = await transform(int8Dynamic, original);
    assert.deepEqual(plan.groups, [['main/MatMul_0', 'main/MatMul_1']]);
  });

  it('writes codes and scales of the transposed matrix, alpha in the scales', async () => {
    // Stored [columns, rows]: row c holds 1 + c everywhere but a -4·(1 + c) at its start.
    const values = Float32Array.from({ length: columns * rows }, (_, index) => {
      const size = 1 + Math.floor(index / rows);
      return index % rows === 0 ? -4 * size : size;
    });
    const text = `g (${x}) => (${y}) <${tensorText('w', [columns, rows], values)}> {
      y = Gemm <alpha = 0.5, transB = 1> (x, w) }`;
    const { model, payload } = await transform(int8Dynamic, modelBytes(text));
    const [zeroPoint, codes, scales] = model.graph.initializers;
    assert.ok(zeroPoint && codes && scales);
    assert.deepEqual(await payload(zeroPoint), Uint8Array.of(128));
    assert.deepEqual(codes.dims, [rows, columns]);
    // 1 · 127 / 4 = 31.75.
    const expected = Uint8Array.from(
      { length: rows * columns },
      (_, at) => 128 + (at < columns ? -127 : 32),
    );
    assert.deepEqual(await payload(codes), expected);
    const wanted = Float32Array.from(
      { length: columns },
      (_, column) => Math.fround((8 * (1 + column)) / 254) * 0.5,
    );
    assert.deepEqual(await payload(scales), new Uint8Array(wanted.buffer));
  });

  it('keeps what the author wrote beside the node: doc string, scope, one stack trace', async () => {
    const { model } = parseModelText(
      `${header(17)}g (${x}) => (${y}) <${w('w')}> { [fc] y = MatMul (x, w) }`,
    );
    assert.ok(model);
    const trace = 'at line\n'.repeat(100);
    const metadata = new Map([
      ['scope', 'model.fc'],
      ['stack_trace', trace],
    ]);
    const nodes = model.graph.nodes.map((node) => ({ ...node, docString: 'a doc', metadata }));
    const original = encodeModel({ ...model, graph: { ...model.graph, nodes } });
    const made = (await transform(int8Dynamic, original)).model.graph.nodes;
    assert.ok(made.length >= 5);
    for (const node of made) assert.equal(node.metadata.get('scope'), 'model.fc');
    const [traced, ...others] = made.filter((node) => node.metadata.has('stack_trace'));
    assert.deepEqual(others, [], 'long values are not repeated');
    assert.equal(traced?.opType, 'MatMulInteger');
    assert.equal(traced.metadata.get('stack_trace'), trace);
    assert.equal(traced.docString, 'a doc');
  });
});

function assertNoFloatMatrix({ graph }: Model): void {
  const left = graph.initializers.filter(
    ({ dtype, elementCount }) => dtype === 'float32' && (elementCount ?? 0) >= 2048,
  );
  assert.deepEqual(
    left.map(({ name }) => name),
    [],
    'the float weights are gone',
  );
}

function assertNamesAreUnique({ graph }: Model): void {
  const values = [
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ];
  assert.equal(new Set(values).size, values.length, values.join(' '));
  const nodes = graph.nodes.map(({ name }) => name).filter((name) => name !== '');
  assert.equal(new Set(nodes).size, nodes.length, nodes.join(' '));
}
