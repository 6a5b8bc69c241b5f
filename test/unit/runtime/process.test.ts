import assert from 'node:assert/strict';
import { execFile, fork } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { numbersOf, type TensorData } from '../../../server/src/core/verify/tensor-data';
import { startRuntime, type RuntimeProcess } from '../../../server/src/runtime/process';
import { float32, int64 } from '../verify/helpers';
import {
  corpus,
  isRunning,
  load,
  projectRoot,
  runtimeKinds,
  start,
  testFolder,
  until,
  withRuntime,
  worker,
  type TestFolder,
} from './helpers';
import {
  addModel,
  endlessModel,
  hungryModel,
  identityModel,
  tensorType,
  tinyModel,
} from './tiny-models';

describe('runtime process', () => {
  let folder: TestFolder;
  before(() => {
    folder = testFolder();
  });
  after(() => {
    folder.remove();
  });

  const x = float32([1, 2], [1, 2]);

  for (const kind of runtimeKinds) {
    describe(kind, () => {
      // One process for all that leaves it alive: starting WebAssembly takes most of a test's time.
      let runtime: RuntimeProcess;
      before(async () => {
        runtime = await start({ runtime: kind });
      });
      after(() => runtime.stop());

      it('carries every element type both ways, bit by bit', async () => {
        const tensors: readonly TensorData[] = [
          float32([1, 2], [Math.fround(0.1), Number.NaN]),
          {
            dtype: 'float64',
            dims: [1, 2],
            bytes: new Uint8Array(Float64Array.of(0.1, -0).buffer),
          },
          // 1 and 2 as half floats.
          {
            dtype: 'float16',
            dims: [1, 2],
            bytes: new Uint8Array(Uint16Array.of(0x3c00, 0x4000).buffer),
          },
          int64([1, 2], [2n ** 53n + 1n, -(2n ** 63n)]),
          {
            dtype: 'uint64',
            dims: [1, 2],
            bytes: new Uint8Array(BigUint64Array.of(2n ** 64n - 1n, 0n).buffer),
          },
          { dtype: 'int32', dims: [1, 2], bytes: new Uint8Array(Int32Array.of(-1, 7).buffer) },
          { dtype: 'uint8', dims: [1, 2], bytes: Uint8Array.of(0, 255) },
          { dtype: 'int8', dims: [1, 2], bytes: Uint8Array.of(128, 127) },
          { dtype: 'bool', dims: [1, 2], bytes: Uint8Array.of(1, 0) },
          { dtype: 'string', dims: [1, 2], strings: ['', 'zażółć'] },
          float32([0, 2], []),
        ];
        assert.equal(runtime.runtime, kind);
        for (const data of tensors) {
          const model = folder.model(`${data.dtype}.onnx`, identityModel(data.dtype));
          const info = await load(runtime, model);
          assert.deepEqual(info.inputs, [{ name: 'x', dtype: data.dtype, dims: ['N', 2] }]);
          const samples = [[{ name: 'x', data }]];
          const reply = await runtime.request<'run'>(
            { kind: 'run', session: info.session, samples },
            20,
          );
          assert.ok(reply.outcome === 'ok', `${data.dtype}: ${JSON.stringify(reply)}`);
          assert.deepEqual(reply.value, [[{ name: 'y', data }]]);
        }
      });

      it('reports dims: sizes, names, and null for nothing said', async () => {
        const dims = [null, 'width', 3] as const;
        const info = await load(runtime, folder.model('dims.onnx', identityModel('float32', dims)));
        assert.deepEqual(info.inputs[0]?.dims, dims);
      });

      it('answers failures of models and stays usable', async () => {
        const attempt = async (file: string) => {
          const model = { path: file, externalLocations: [] };
          return (await runtime.request<'load'>({ kind: 'load', model }, 20)).outcome;
        };
        assert.equal(await attempt(path.join(folder.path, 'nowhere.onnx')), 'failed');
        assert.equal(await attempt(folder.write('garbage.onnx', 'not a model')), 'failed');
        const unknown = tinyModel({
          inputs: { x: tensorType('float32', [1]) },
          outputs: { y: tensorType('float32', [1]) },
          nodes: [{ opType: 'NoSuchOperator', inputs: ['x'], outputs: ['y'] }],
        });
        assert.equal(await attempt(folder.write('unknown.onnx', unknown)), 'failed');

        const info = await load(runtime, folder.model('add.onnx', addModel([1, 1])));
        const run = (data: TensorData, session = info.session) =>
          runtime.request<'run'>({ kind: 'run', session, samples: [[{ name: 'x', data }]] }, 20);
        assert.equal((await run(float32([1, 3], [1, 2, 3]))).outcome, 'failed');
        assert.equal((await run(int64([1, 2], [1n, 2n]))).outcome, 'failed');
        assert.equal((await run(x, 99)).outcome, 'failed');
        const good = await run(x);
        assert.ok(good.outcome === 'ok');
        const [output] = good.value[0] ?? [];
        assert.deepEqual(output && Array.from(numbersOf(output.data) ?? []), [2, 3]);
        const released = await runtime.request<'release'>(
          { kind: 'release', session: info.session },
          5,
        );
        assert.equal(released.outcome, 'ok');
        assert.equal((await run(x)).outcome, 'failed');
      });

      it('leaves out outputs that are no tensors', async () => {
        const model = tinyModel({
          inputs: { x: tensorType('float32', ['N', 2]) },
          outputs: {
            list: { kind: 'sequence', element: tensorType('float32', ['N', 2]) },
            y: tensorType('float32', ['N', 2]),
          },
          nodes: [
            { opType: 'SequenceConstruct', inputs: ['x', 'x'], outputs: ['list'] },
            { opType: 'Neg', inputs: ['x'], outputs: ['y'] },
          ],
        });
        const info = await load(runtime, folder.model('sequence.onnx', model));
        assert.deepEqual(info.outputs[0], { name: 'list', dtype: null, dims: null });
        const samples = [[{ name: 'x', data: x }]];
        const reply = await runtime.request<'run'>(
          { kind: 'run', session: info.session, samples },
          20,
        );
        assert.ok(reply.outcome === 'ok');
        assert.deepEqual(
          reply.value[0]?.map((output) => output.name),
          ['y'],
        );
      });

      it('takes names that JavaScript objects answer to', async () => {
        const model = tinyModel({
          inputs: Object.fromEntries([['__proto__', tensorType('float32', ['N', 2])]]),
          outputs: { constructor: tensorType('float32', ['N', 2]) },
          nodes: [{ opType: 'Neg', inputs: ['__proto__'], outputs: ['constructor'] }],
        });
        const info = await load(runtime, folder.model('proto.onnx', model));
        const samples = [[{ name: '__proto__', data: x }]];
        const reply = await runtime.request<'run'>(
          { kind: 'run', session: info.session, samples },
          20,
        );
        assert.ok(reply.outcome === 'ok', JSON.stringify(reply));
        assert.deepEqual(reply.value, [[{ name: 'constructor', data: float32([1, 2], [-1, -2]) }]]);
      });

      it('is stopped at the deadline, and later requests say the same', async () => {
        await withRuntime({ runtime: kind }, async (doomed) => {
          const { session } = await load(doomed, folder.model('endless.onnx', endlessModel()));
          const samples = [[{ name: 'x', data: x }]];
          const reply = await doomed.request<'run'>({ kind: 'run', session, samples }, 0.3);
          assert.equal(reply.outcome, 'timeout');
          assert.equal(isRunning(doomed.pid), false);
          const later = await doomed.request<'run'>({ kind: 'run', session, samples }, 5);
          assert.equal(later.outcome, 'timeout');
        });
      });

      it('is stopped at the memory limit', async () => {
        await withRuntime({ runtime: kind, memoryLimitBytes: 400 * 1024 ** 2 }, async (doomed) => {
          const { session } = await load(doomed, folder.model('hungry.onnx', hungryModel()));
          const samples = [[{ name: 'shape', data: int64([1], [200_000_000n]) }]];
          const reply = await doomed.request<'run'>({ kind: 'run', session, samples }, 20);
          assert.equal(reply.outcome, 'memory', JSON.stringify(reply));
          assert.equal(isRunning(doomed.pid), false);
        });
      });

      it('answers for a process that dies on the way', async () => {
        await withRuntime({ runtime: kind }, async (doomed) => {
          const { session } = await load(doomed, folder.model('dying.onnx', endlessModel()));
          const samples = [[{ name: 'x', data: x }]];
          const running = doomed.request<'run'>({ kind: 'run', session, samples }, 20);
          process.kill(doomed.pid, 'SIGSEGV');
          const reply = await running;
          assert.equal(reply.outcome, 'crashed');
          assert.match(reply.message, /SIGSEGV/);
        });
      });

      it('answers for the fixture whose outputs end the native runtime', async function () {
        const file = path.join(
          corpus,
          'onnx/fixtures/onnxruntime__onnxruntime-qnn/onnxruntime/test/testdata/optional_sequence_tensor.onnx',
        );
        if (!existsSync(file)) return this.skip();
        const { session } = await load(runtime, { path: file, externalLocations: [] });
        const data: TensorData = { dtype: 'bool', dims: [], bytes: Uint8Array.of(1) };
        const samples = [[{ name: 'cond', data }]];
        const reply = await runtime.request<'run'>({ kind: 'run', session, samples }, 20);
        assert.equal(reply.outcome, 'failed');
        assert.match(reply.message, /no output is a tensor/);
      });

      it('loads external data from the model’s folder and nowhere else', async function () {
        const example = path.join(projectRoot, 'examples/tabular-mlp-external');
        if (!existsSync(path.join(example, 'model.onnx.data'))) return this.skip();
        const model = (file: string, location: string) => ({
          path: file,
          externalLocations: [location],
        });
        await load(runtime, model(path.join(example, 'model.onnx'), 'model.onnx.data'));
        const attempt = async (location: string) => {
          const request = model(path.join(folder.path, 'add.onnx'), location);
          return runtime.request<'load'>({ kind: 'load', model: request }, 20);
        };
        folder.model('add.onnx', addModel([1, 1]));
        mkdirSync(path.join(folder.path, 'inner'), { recursive: true });
        symlinkSync(path.join(example, 'model.onnx.data'), path.join(folder.path, `link-${kind}`));
        for (const [location, why] of [
          ['../outside.bin', /outside/],
          [`link-${kind}`, /outside/],
          ['gone.bin', /missing/],
          ['inner', /not a regular file/],
        ] as const) {
          const reply = await attempt(location);
          assert.equal(reply.outcome, 'failed', location);
          assert.match(reply.message, why);
        }
      });

      it('times rounds of original, candidate, original', async () => {
        const { session } = await load(runtime, folder.model('timed.onnx', addModel([1, 1])));
        const options = { maxRounds: 4, budgetSeconds: 20 };
        const sample = [{ name: 'x', data: x }];
        const reply = await runtime.request<'time'>(
          { kind: 'time', before: session, after: session, sample, options },
          20,
        );
        assert.ok(reply.outcome === 'ok');
        assert.equal(reply.value.length, 4);
        for (const round of reply.value) {
          assert.ok(round.before > 0 && round.after > 0 && round.beforeAgain > 0);
        }
      });
    });
  }

  it('prefers the native runtime where there is one', async () => {
    await withRuntime({ runtime: 'auto' }, (runtime) => {
      assert.equal(runtime.runtime, runtimeKinds[0]);
      assert.match(runtime.version, /^\d+\.\d+/);
      return Promise.resolve();
    });
  });

  it('answers for a worker that cannot start', async () => {
    const options = { runtime: 'auto', threads: 1, memoryLimitBytes: 1e9 } as const;
    const broken = folder.write('broken.js', 'throw new TypeError("broken on purpose");');
    for (const file of [broken, path.join(folder.path, 'nowhere.js')]) {
      const started = await startRuntime({ ...options, worker: { file, execArgv: [] } });
      assert.equal(started.outcome, 'crashed');
    }
    const started = await startRuntime({ ...options, worker: { file: broken, execArgv: [] } });
    assert.match(started.outcome === 'ok' ? '' : started.message, /broken on purpose/);
  });

  it('starts from the sources', async () => {
    const entry = path.join(projectRoot, 'server/src/runtime/worker.ts');
    await withRuntime(
      { worker: { file: entry, execArgv: ['--import', 'tsx'] } },
      async (runtime) => {
        await load(runtime, folder.model('source.onnx', addModel([1, 1])));
      },
    );
  });

  it('does not outlive its parent, even in the middle of a run', async () => {
    const file = folder.write('orphan.onnx', endlessModel());
    const { file: workerFile } = await worker();
    const parent = fork(path.join(__dirname, 'orphan-probe.ts'), [file, workerFile], {
      execArgv: ['--import', 'tsx'],
      cwd: projectRoot,
    });
    const pid = await new Promise<number>((resolve) => {
      parent.once('message', resolve);
    });
    assert.ok(isRunning(pid));
    parent.kill('SIGKILL');
    await until('the runtime process is gone', () => !isRunning(pid));
  });

  it('cannot reach the network', async () => {
    let requests = 0;
    const server = http.createServer((_, response) => {
      requests += 1;
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const probe = path.join(__dirname, 'network-probe.ts');
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--import', 'tsx', probe, String(port)],
        { cwd: projectRoot },
      );
      assert.deepEqual(JSON.parse(stdout), {
        beforeRefusal: 'reached',
        fetch: 'refused',
        http: 'refused',
        lookup: 'refused',
      });
      assert.equal(requests, 1);
    } finally {
      server.close();
    }
  });
});
