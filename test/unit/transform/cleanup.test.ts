import assert from 'node:assert/strict';
import { cleanup } from '../../../server/src/core/transform/cleanup';
import { modelBytes } from '../../support/cli';
import { opTypesOf, reasonsOf, transform, useOnnxRuntime } from '../../support/transform';

interface Row {
  readonly title: string;
  readonly model: string;
  /** Operators of the main graph afterwards, in order. */
  readonly left: readonly string[];
  /** Names of the initializers afterwards; none unless given. */
  readonly initializers?: readonly string[];
  /** Path or name → why it stays. */
  readonly skipped?: Readonly<Record<string, RegExp>>;
  /** ONNX Runtime does not run the original. */
  readonly cannotRun?: string;
  /** A second run finds more, which is less than could be but not wrong. */
  readonly takesTwoRuns?: boolean;
}

const opset = (version: number, ir = 8): string =>
  `<ir_version: ${ir}, opset_import: ["" : ${version}]>\n`;

/** Branches that read `name` from outside. */
const capture = (name: string): string =>
  `If (c) <then_branch = t () => (float[2] ofThen) { ofThen = Relu (${name}) }, `.concat(
    `else_branch = e () => (float[2] ofElse) { ofElse = Neg (${name}) }>`,
  );

const rows: readonly Row[] = [
  {
    title: 'an identity between two nodes',
    model: 'g (float[2] x) => (float[2] y) { a = Neg (x) b = Identity (a) y = Relu (b) }',
    left: ['Neg', 'Relu'],
  },
  {
    title: 'an identity right after the graph input',
    model: 'g (float[2] x) => (float[2] y) { a = Identity (x) y = Relu (a) }',
    left: ['Relu'],
  },
  {
    title: 'a chain of identities to a graph output, which keeps its name',
    model:
      'g (float[2] x) => (float[2] y) { a = Neg (x) b = Identity (a) c = Identity (b) y = Identity (c) }',
    left: ['Neg'],
  },
  {
    title: 'a chain with readers at every link',
    model: `g (float[2] x) => (float[2] y, float[2] z) {
      a = Neg (x) b = Identity (a) c = Identity (b) p = Relu (a) q = Abs (b) z = Add (p, q) y = Add (c, z) }`,
    left: ['Neg', 'Relu', 'Abs', 'Add', 'Add'],
  },
  {
    title: 'other readers of a value that becomes a graph output read it under its new name',
    model: `g (float[2] x) => (float[2] y, float[2] z) {
      a = Neg (x) y = Identity (a) z = Add (a, a) }`,
    left: ['Neg', 'Add'],
  },
  {
    title: 'all but one of the identities that lead one value to several graph outputs',
    model: `g (float[2] x) => (float[2] y, float[2] z) {
      a = Neg (x) y = Identity (a) z = Identity (a) }`,
    left: ['Neg', 'Identity'],
    skipped: { 'main/Identity_2': /its input is a graph output too/u },
  },
  {
    title: 'no identity from a graph input to a graph output',
    model: 'g (float[2] x) => (float[2] y) { y = Identity (x) }',
    left: ['Identity'],
    skipped: { 'main/Identity_0': /connects a graph input or weight to a graph output/u },
  },
  {
    title: 'the first of two identities between a graph input and a graph output',
    model: 'g (float[2] x) => (float[2] y) { a = Identity (x) y = Identity (a) }',
    left: ['Identity'],
    skipped: { 'main/Identity_1': /connects a graph input/u },
  },
  {
    title: 'no identity between two graph outputs',
    model: 'g (float[2] x) => (float[2] y, float[2] z) { y = Neg (x) z = Identity (y) }',
    left: ['Neg', 'Identity'],
    skipped: { 'main/Identity_1': /its input is a graph output too/u },
  },
  {
    title: 'an identity of a weight, but not one that leads it to a graph output',
    model: `g (float[2] x) => (float[2] y, float[2] z) <float[2] w = {1, 2}> {
      a = Identity (w) y = Add (x, a) z = Identity (w) }`,
    left: ['Add', 'Identity'],
    initializers: ['w'],
    skipped: { 'main/Identity_2': /connects a graph input or weight/u },
  },
  {
    title: 'no identity whose output a subgraph reads by name',
    model: `g (bool c, float[2] x) => (float[2] y) { a = Neg (x) b = Identity (a) y = ${capture('b')} }`,
    left: ['Neg', 'Identity', 'If'],
    skipped: { 'main/Identity_1': /a subgraph reads its output by name/u },
  },
  {
    title: 'an identity whose input a subgraph reads, for its own readers',
    model: `g (bool c, float[2] x) => (float[2] y) {
      a = Neg (x) b = Identity (a) d = ${capture('a')} y = Add (b, d) }`,
    left: ['Neg', 'If', 'Add'],
  },
  {
    title: 'no renaming of a value that a subgraph reads, even for a graph output',
    model: `g (bool c, float[2] x) => (float[2] y, float[2] z) {
      a = Neg (x) y = Identity (a) z = ${capture('a')} }`,
    left: ['Neg', 'Identity', 'If'],
    skipped: { 'main/Identity_1': /a subgraph reads its input by name/u },
  },
  {
    title: 'nothing inside of subgraphs',
    model: `g (bool c, float[2] x) => (float[2] y) {
      y = If (c) <then_branch = t () => (float[2] a) { h = Identity (x) a = Relu (h) },
        else_branch = e () => (float[2] b) { b = Identity (x) }> }`,
    left: ['If'],
  },
  {
    title: 'identities of sequences',
    model: `g (float[2] x) => (float[2] y) <int64 i = {0}> {
      s = SequenceConstruct (x) t = Identity (s) y = SequenceAt (t, i) }`,
    left: ['SequenceConstruct', 'SequenceAt'],
    initializers: ['i'],
  },
  {
    title: 'dead chains, from their end to their start',
    model: `g (float[2] x) => (float[2] y) <float[2] w = {1, 2}> {
      a = Neg (x) b = Add (a, w) c = Abs (b) d = Identity (c) y = Relu (a) }`,
    left: ['Neg', 'Relu'],
  },
  {
    title: 'a node that is dead only because an identity is',
    model: `g (float[2] x) => (float[2] y) { a = Neg (x) b = Identity (a) y = Relu (x) }`,
    left: ['Relu'],
  },
  {
    title: 'no node of which one output is read',
    model: `g (float[4] x) => (float[2] y) { a, b = Split (x) y = Relu (b) }`
      .replace('Split (x)', 'Split <axis = 0> (x, n)')
      .replace('=> (float[2] y)', '=> (float[2] y) <int64[2] n = {2, 2}>'),
    left: ['Split', 'Relu'],
    initializers: ['n'],
  },
  {
    title: 'a dead node with a subgraph, what it captured stays',
    model: `g (bool c, float[2] x) => (float[2] y) { a = Neg (x) b = ${capture('a')} y = Relu (x) }`,
    left: ['Neg', 'Relu'],
    takesTwoRuns: true,
  },
  {
    title: 'dead operators of com.microsoft',
    model: `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
      g (float[2] x) => (float[2] y) { a = com.microsoft.Gelu (x) y = Relu (x) }`,
    left: ['Relu'],
  },
  {
    title: 'no dead operators of unknown domains, which may have effects',
    model: `<ir_version: 8, opset_import: ["" : 17, "my.ops" : 1]>
      g (float[2] x) => (float[2] y) { a = my.ops.Log (x) y = Relu (x) }`,
    left: ['Log', 'Relu'],
    cannotRun: 'unknown operator',
  },
  {
    title: 'no Identity of another domain',
    model: `<ir_version: 8, opset_import: ["" : 17, "my.ops" : 1]>
      g (float[2] x) => (float[2] y) { a = my.ops.Identity (x) y = Relu (a) }`,
    left: ['Identity', 'Relu'],
    cannotRun: 'unknown operator',
  },
  {
    title: 'no call of a function of the model that has the name of an operator',
    model: `${opset(17, 10)}g (float[2] x) => (float[2] y) { a = Identity (x) b = Dropout (a) y = Relu (b) }
      <domain: "", opset_import: ["" : 17]> Identity (i) => (o) { o = Neg (i) }
      <domain: "ai.onnx", opset_import: ["" : 17]> Dropout (i) => (o) { o = Neg (i) }`,
    left: ['Identity', 'Dropout', 'Relu'],
  },
  {
    title: 'initializers that nothing reads',
    model: `g (float[2] x) => (float[2] y) <float[2] u = {1, 2}, float[2] w = {3, 4}, int8[1] v = {1}> {
      y = Add (x, w) }`,
    left: ['Add'],
    initializers: ['w'],
  },
  {
    title: 'no unused initializer that callers may set as an input',
    model: `g (float[2] x, float[2] u) => (float[2] y) <float[2] u = {1, 2}> { y = Relu (x) }`,
    left: ['Relu'],
    initializers: ['u'],
    skipped: { u: /it is a graph input that callers may set/u },
  },
  {
    title: 'no initializer that a subgraph or a graph output reads',
    model: `g (bool c, float[2] x) => (float[2] y, float[2] o) <float[2] w = {1, 2}, float[2] o = {3, 4}> {
      a = ${capture('w')} y = Add (a, x) }`,
    left: ['If', 'Add'],
    initializers: ['w', 'o'],
  },
  {
    title: 'a Dropout that is said to be a test (opset 6)',
    model: `${opset(6)}g (float[2] x) => (float[2] y) { a = Dropout <is_test = 1> (x) y = Relu (a) }`,
    left: ['Relu'],
    cannotRun: 'ONNX Runtime has Dropout from opset 7 on',
  },
  {
    title: 'no Dropout that trains (opset 6, the default)',
    model: `${opset(6)}g (float[2] x) => (float[2] y) { a = Dropout (x) y = Relu (a) }`,
    left: ['Dropout', 'Relu'],
    cannotRun: 'ONNX Runtime has Dropout from opset 7 on',
  },
  {
    title: 'a Dropout of opset 7, which never trains',
    model: `${opset(7)}g (float[2] x) => (float[2] y) { a = Dropout <ratio = 0.5> (x) y = Relu (a) }`,
    left: ['Relu'],
  },
  {
    title: 'a Dropout of opset 10 whose mask nothing reads',
    model: `${opset(10)}g (float[2] x) => (float[2] y) { a, m = Dropout (x) y = Relu (a) }`,
    left: ['Relu'],
  },
  {
    title: 'no Dropout whose mask is read',
    model: `g (float[2] x) => (float[2] y, bool[2] m) { a, m = Dropout (x) y = Relu (a) }`,
    left: ['Dropout', 'Relu'],
    skipped: { 'main/Dropout_0': /another of its outputs is read/u },
  },
  {
    title: 'a Dropout of opset 12 that is told not to train, and what told it so',
    model: `g (float[2] x) => (float[2] y, float[2] z) <float r = {0.5}, bool f = {0}> {
      a = Dropout (x, r, f) k = Constant <value = bool {0}> () b = Dropout (x, r, k)
      y = Relu (a) z = Neg (b) }`,
    left: ['Relu', 'Neg'],
  },
  {
    title: 'no Dropout of opset 12 that may train: told so by a weight or by a caller',
    model: `g (bool t, float[2] x) => (float[2] y) <float r = {0}, bool k = {1}> {
      a = Dropout (x, r, k) b = Dropout (a, r, t) y = Relu (b) }`,
    left: ['Dropout', 'Dropout', 'Relu'],
    initializers: ['r', 'k'],
  },
  {
    title: 'no Dropout whose training mode callers may override',
    model: `g (float[2] x, bool k) => (float[2] y) <float r = {0}, bool k = {0}> {
      a = Dropout (x, r, k) y = Relu (a) }`,
    left: ['Dropout', 'Relu'],
    initializers: ['r', 'k'],
  },
  {
    title: 'nodes out of order, as far as every output still has a producer',
    model: `g (float[2] x) => (float[2] y) { y = Identity (b) b = Identity (a) a = Neg (x) }`,
    left: ['Identity', 'Neg'],
    skipped: { 'main/Identity_1': /a graph output takes its place/u },
    cannotRun: 'ONNX wants nodes in order',
    takesTwoRuns: true,
  },
];

describe('cleanup', () => {
  const runtime = useOnnxRuntime();

  for (const {
    title,
    model,
    left,
    initializers = [],
    skipped = {},
    cannotRun,
    takesTwoRuns = false,
  } of rows) {
    it(`removes ${title}`, async () => {
      const original = modelBytes(model);
      const result = await transform(cleanup, original);
      assert.deepEqual(opTypesOf(result.model), left);
      assert.deepEqual(
        result.model.graph.initializers.map(({ name }) => name),
        initializers,
      );
      const reasons = reasonsOf(result.plan);
      assert.deepEqual(Object.keys(reasons).sort(), Object.keys(skipped).sort());
      for (const [node, reason] of Object.entries(skipped)) {
        assert.match(reasons[node] ?? '', reason);
      }
      assertEveryNameIsMade(result.model);
      const again = await transform(cleanup, result.bytes);
      assert.equal(again.plan.changedNodes.length > 0, takesTwoRuns, 'a second run');
      if (cannotRun !== undefined) return;
      const { isIdentical } = await runtime.compare(original, result.bytes);
      assert.ok(isIdentical, 'outputs are bit-identical');
    });
  }

  it('leaves what is excluded, and everything else when only some nodes are wanted', async () => {
    const original = modelBytes(
      'g (float[2] x) => (float[2] y) { a = Identity (x) b = Identity (a) y = Relu (b) }',
    );
    const excluded = await transform(cleanup, original, {
      exclude: new Map([['main/Identity_0', 'kept']]),
    });
    assert.deepEqual(excluded.plan.changedNodes, ['main/Identity_1']);
    const only = await transform(cleanup, original, { only: new Set(['main/Identity_0']) });
    assert.deepEqual(only.plan.changedNodes, ['main/Identity_0']);
    for (const { bytes } of [excluded, only]) {
      assert.ok((await runtime.compare(original, bytes)).isIdentical);
    }
  });

  it('drops the value infos of values that are gone', async () => {
    const original = modelBytes(
      `g (float[2] x) => (float[2] y) <float[2] a, float[2] b> { a = Neg (x) b = Identity (a) y = Relu (b) }`,
    );
    const { model } = await transform(cleanup, original);
    assert.deepEqual(
      model.graph.valueInfos.map(({ name }) => name),
      ['a'],
    );
  });
});

/** Every name that the main graph reads or gives is made in it. */
function assertEveryNameIsMade({ graph }: Awaited<ReturnType<typeof transform>>['model']): void {
  const made = new Set([
    '',
    ...graph.inputs.map(({ name }) => name),
    ...graph.initializers.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  const read = [
    ...graph.nodes.flatMap(({ inputs }) => inputs),
    ...graph.outputs.map((o) => o.name),
  ];
  assert.deepEqual(
    read.filter((name) => !made.has(name)),
    [],
  );
}
