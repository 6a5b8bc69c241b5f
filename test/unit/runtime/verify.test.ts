import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { createNodeHost } from '../../../server/src/host-node';
import { verify, type Verification, type VerifyOptions } from '../../../server/src/runtime/verify';
import { npyBytes, tensorProtoBytes } from './data-files';
import { projectRoot, runtimeKinds, testFolder, worker, type TestFolder } from './helpers';
import {
  addModel,
  endlessModel,
  identityModel,
  initializer,
  tensorType,
  tinyModel,
} from './tiny-models';

describe('verify', () => {
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => {
    folder.remove();
  });

  /** Verifies models of these bytes; every sentence must fit a line and the result must be plain JSON. */
  async function check(
    original: Uint8Array,
    candidate: Uint8Array,
    options: Partial<VerifyOptions> = {},
  ): Promise<Verification> {
    const result = await verify({
      host: createNodeHost(() => undefined),
      original: folder.model('net.onnx', original),
      candidate: folder.model('net.int8.onnx', candidate),
      data: { inputs: 'beside' },
      worker: await worker(),
      ...options,
    });
    assert.deepEqual(JSON.parse(JSON.stringify(result)), result);
    for (const reason of result.reasons) assert.ok(reason.length <= 120, reason);
    return result;
  }

  // Class 0 wins in rows 0 and 1, class 1 in rows 2 and 3.
  const rows = [3, 1, 2, 1, 0, 5, 1, 4];
  const writeInputs = (values = rows) =>
    folder.write('net.inputs.npz', zipSync({ 'x.npy': npyBytes([values.length / 2, 2], values) }));
  const writeLabels = (labels: readonly number[]) =>
    folder.write(
      'net.labels.npz',
      zipSync({ 'labels.npy': npyBytes([labels.length], labels, '<i8') }),
    );

  for (const runtime of runtimeKinds) {
    it(`passes an equal model on data and labels beside it (${runtime})`, async () => {
      writeInputs();
      writeLabels([0, 0, 1, 0]);
      const result = await check(addModel([0, 0]), addModel([0, 0]), {
        runtime,
        measureLatency: true,
      });
      assert.equal(result.decision, 'pass');
      assert.equal(result.state, 'run');
      assert.equal(result.data, 'calibration');
      assert.equal(result.runtime, runtime);
      assert.equal(result.threads, 1);
      assert.equal(result.samples, 4);
      assert.deepEqual(result.accuracy, { before: 0.75, after: 0.75 });
      assert.equal(result.cosine, 1);
      assert.equal(result.maxAbsError, 0);
      assert.equal(result.identical, true);
      // Only the native runtime's clock is evidence.
      assert.equal(result.latencySeconds !== null, runtime === 'native');
    });
  }

  it('fails a model that loses accuracy', async () => {
    writeInputs();
    writeLabels([0, 0, 1, 1]);
    // Class 1 gains 1.5: row 1 is lost.
    const result = await check(addModel([0, 0]), addModel([0, 1.5]));
    assert.equal(result.decision, 'fail');
    assert.deepEqual(result.accuracy, { before: 1, after: 0.75 });
    assert.equal(result.maxAbsError, 1.5);
    assert.equal(result.top1Agreement, 0.75);
    assert.deepEqual(result.reasons, ['Accuracy 100 % → 75 % on 4 rows; 0.5 % may be lost.']);
    const allowed = await check(addModel([0, 0]), addModel([0, 1.5]), {
      bounds: { maxDrop: 0.25 },
    });
    assert.equal(allowed.decision, 'pass');
  });

  it('decides by the outputs when there are no labels', async () => {
    writeInputs();
    assert.equal((await check(addModel([0, 0]), addModel([0, 0.01]))).decision, 'pass');
    assert.equal((await check(addModel([0, 0]), addModel([0, 0.5]))).decision, 'fail');
    const exact = await check(addModel([0, 0]), addModel([0, 1e-5]), { bounds: { exact: true } });
    assert.equal(exact.decision, 'fail');
  });

  it('says that random data proves nothing', async () => {
    const result = await check(addModel([0, 0]), addModel([0, 0]));
    assert.equal(result.data, 'random');
    assert.equal(result.decision, 'unproven');
    assert.ok(result.samples > 0);
    assert.ok(result.notes.some((note) => note.includes('standard normal')));
    assert.ok(result.notes.some((note) => note.includes('unknown dims are 1')));
  });

  it('goes on with random data when what lies beside does not fit, and says so', async () => {
    folder.write('net.inputs.npz', zipSync({ 'x.npy': npyBytes([2, 3], [1, 2, 3, 4, 5, 6]) }));
    const beside = await check(addModel([0, 0]), addModel([0, 0]));
    assert.equal(beside.data, 'random');
    assert.equal(beside.problems[0]?.code, 'test-data-mismatch');
    const inputs = [path.join(folder.path, 'net.inputs.npz')];
    const given = await check(addModel([0, 0]), addModel([0, 0]), { data: { inputs } });
    assert.equal(given.state, 'load');
    assert.equal(given.decision, 'unproven');
    assert.equal(given.problems[0]?.code, 'test-data-mismatch');
  });

  it('reports labels that do not fit, and still compares', async () => {
    writeInputs();
    writeLabels([0, 1, 0]);
    const result = await check(addModel([0, 0]), addModel([0, 0]));
    assert.equal(result.decision, 'pass');
    assert.equal(result.accuracy, null);
    assert.ok(result.notes.some((note) => note.includes('3 labels for 4 rows')));
  });

  it('takes no more samples than asked for', async () => {
    writeInputs();
    const data = { inputs: 'beside', maxSamples: 3 } as const;
    const result = await check(addModel([0, 0]), addModel([0, 0]), { data });
    assert.equal(result.samples, 3);
    assert.ok(result.notes.includes('3 of 4 samples were asked for'));
  });

  it('notices when the original does not give its reference outputs', async () => {
    const scalar = (opType: string) =>
      tinyModel({
        inputs: { x: tensorType('float32', [1]) },
        outputs: { y: tensorType('float32', [1]) },
        nodes: [{ opType, inputs: ['x'], outputs: ['y'] }],
      });
    mkdirSync(path.join(folder.path, 'test_data_set_0'));
    // One element, 1.0, in and out.
    for (const name of ['input_0', 'output_0']) {
      folder.write(`test_data_set_0/${name}.pb`, tensorProtoBytes('any'));
    }
    const note = 'the original does not give the reference outputs of its test data';
    const same = await check(scalar('Abs'), scalar('Abs'));
    assert.equal(same.data, 'calibration');
    assert.ok(!same.notes.includes(note));
    const other = await check(scalar('Neg'), scalar('Neg'));
    assert.ok(other.notes.includes(note));
  });

  const failures: readonly (readonly [string, () => Uint8Array, RegExp])[] = [
    ['does not load', () => new TextEncoder().encode('no model'), /does not load/],
    ['has another output', () => otherNames('x', 'z'), /other outputs: y differs/],
    ['has another input', () => otherNames('a', 'y'), /other inputs: x differs/],
    ['has another dtype', () => identityModel('float64'), /other inputs: x differs/],
    ['changes the shape', widening, /changed shape/],
    ['gives NaN', () => addModel([0, Number.NaN]), /NaN/],
    ['fails to run', failing, /does not run/],
  ];
  for (const [title, candidate, reason] of failures) {
    it(`fails a candidate that ${title}, even on random data`, async () => {
      const result = await check(addModel([0, 0]), candidate());
      assert.equal(result.decision, 'fail');
      assert.match(result.reasons.join(' '), reason);
    });
  }

  it('fails a candidate that does not end, and says where the time went', async () => {
    const result = await check(addModel([0, 0]), endlessModel(), { deadlineSeconds: 2 });
    assert.equal(result.decision, 'fail');
    assert.match(result.reasons[0] ?? '', /did not finish "run" in .* and was stopped/);
  });

  it('does not blame a candidate for an original that draws random numbers', async () => {
    const random = tinyModel({
      inputs: { x: tensorType('float32', ['N', 2]) },
      outputs: { y: tensorType('float32', ['N', 2]) },
      nodes: [{ opType: 'RandomNormalLike', inputs: ['x'], outputs: ['y'] }],
    });
    writeInputs();
    const result = await check(random, random);
    assert.equal(result.decision, 'unproven');
    assert.match(result.reasons.join(' '), /other outputs every time/);
  });

  it('calls an original that cannot run impossible to verify', async () => {
    const result = await check(endlessModel(), endlessModel(), { deadlineSeconds: 1 });
    assert.equal(result.state, 'impossible');
    assert.equal(result.decision, 'unproven');
    const broken = await check(new TextEncoder().encode('x'), addModel([0, 0]));
    assert.equal(broken.state, 'impossible');
  });

  it('only loads when asked to', async () => {
    const result = await check(addModel([0, 0]), addModel([0, 9]), { level: 'load' });
    assert.equal(result.state, 'load');
    assert.equal(result.decision, 'unproven');
    assert.equal(result.cosine, null);
  });

  it('stops when cancelled', async () => {
    const result = await check(addModel([0, 0]), addModel([0, 0]), { signal: { cancelled: true } });
    assert.equal(result.state, 'none');
    assert.equal(result.decision, 'unproven');
  });

  it('answers for a runtime that cannot start', async () => {
    const file = folder.write('broken.js', 'process.exit(7)');
    const result = await check(addModel([0, 0]), addModel([0, 0]), {
      worker: { file, execArgv: [] },
    });
    assert.equal(result.state, 'impossible');
    assert.match(result.reasons[0] ?? '', /code 7/);
  });

  it('measures the accuracy that training recorded for the example', async function () {
    const model = path.join(projectRoot, 'examples/tabular-mlp/tabular-mlp.onnx');
    if (!existsSync(model)) return this.skip();
    const file = { path: model, externalLocations: [] };
    const result = await verify({
      host: createNodeHost(() => undefined),
      original: file,
      candidate: file,
      data: { inputs: 'beside' },
      worker: await worker(),
    });
    const recorded = (await import('../../../examples/accuracy.json')) as unknown as Readonly<
      Record<string, { readonly floatTop1: number; readonly rows: number }>
    >;
    const expected = recorded['tabular-mlp'];
    assert.ok(expected && result.accuracy);
    assert.equal(result.samples, expected.rows);
    assert.ok(Math.abs(result.accuracy.before - expected.floatTop1) < 1e-6);
    assert.equal(result.decision, 'pass');
  });
});

function otherNames(input: string, output: string): Uint8Array {
  return tinyModel({
    inputs: { [input]: tensorType('float32', ['N', 2]) },
    outputs: { [output]: tensorType('float32', ['N', 2]) },
    nodes: [{ opType: 'Identity', inputs: [input], outputs: [output] }],
  });
}

/** y = x beside itself: twice as wide. */
function widening(): Uint8Array {
  return tinyModel({
    inputs: { x: tensorType('float32', ['N', 2]) },
    outputs: { y: tensorType('float32', ['N', 4]) },
    nodes: [
      {
        opType: 'Concat',
        inputs: ['x', 'x'],
        outputs: ['y'],
        attributes: { axis: { kind: 'int', value: 1n } },
      },
    ],
  });
}

/** Reshapes to seven columns, which two elements do not fill: found only when it runs. */
function failing(): Uint8Array {
  return tinyModel({
    inputs: { x: tensorType('float32', ['N', 2]) },
    outputs: { y: tensorType('float32', ['M', 7]) },
    nodes: [{ opType: 'Reshape', inputs: ['x', 'shape'], outputs: ['y'] }],
    initializers: [initializer('shape', 'int64', [2], BigInt64Array.of(-1n, 7n))],
  });
}
