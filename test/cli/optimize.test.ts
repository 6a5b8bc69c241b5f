import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import type { FileWriter, Host } from '../../server/src/host';
import { createNodeHost } from '../../server/src/host-node';
import { greenAi, greenAiJson, refused, useTempFolder, version } from '../support/cli';
import { assertShape } from '../support/contract';
import { npy, npz, randomArray, tensorText } from '../support/data';

const sha256 = (file: string): string =>
  createHash('sha256').update(readFileSync(file)).digest('hex');

/** Identity and an initializer that nothing reads. */
const leftovers = 'g (float[N, 2] x) => (float[N, 2] y) <float[3] unused = {1, 2, 3}> '.concat(
  '{ h = Identity (x) y = Relu (h) }',
);
const width = 48;
const weights = (seed: number): Float32Array => randomArray(width * width, seed);
/** Row 0 reads nothing, so that an input's first element, however large, does not matter. */
const blindWeights = (seed: number): Float32Array =>
  weights(seed).map((value, index) => (index < width ? 0 : value));

/**
 * Two layers. With `blind` the inputs' huge first element stretches the range of the first layer's quantised
 * inputs until the others become zero, though no output depends on it: float is exact, int8 is wrong.
 */
function twoLayers(first: Float32Array): string {
  return `g (float[N, ${width}] x) => (float[N, ${width}] y)
<${tensorText('w1', [width, width], first)}, ${tensorText('w2', [width, width], weights(2))}> {
  [one] h = MatMul (x, w1)
  [two] y = MatMul (h, w2)
}`;
}

/** Rows of inputs whose first element is a million times the others. */
function unevenInputs(rows: number): Uint8Array {
  const values = randomArray(rows * width, 3).map((value, index) =>
    index % width === 0 ? 1e6 : value,
  );
  return npz({ x: npy([rows, width], values) });
}

describe('command line: optimize', () => {
  const folder = useTempFolder();

  describe('cleanup', () => {
    it('writes a verified sibling and its provenance, and leaves the original alone', async () => {
      const model = folder.example('digits-cnn-leftovers/digits-cnn-leftovers.onnx');
      const before = folder.names();
      const hash = sha256(model);
      const json = await greenAiJson(['optimize', model, '--recipe', 'cleanup']);
      assertShape('optimize', json.value);
      const output = folder.at('digits-cnn-leftovers.clean.onnx');
      const record = `${output}.green-ai.json`;
      assert.equal(json.at('output').value, output);
      assert.equal(json.at('provenance').value, record);
      assert.equal(sha256(model), hash);
      assert.deepEqual(
        folder.names(),
        [...before, path.basename(output), path.basename(record)].sort(),
      );
      const verification = json.at('verification');
      assert.equal(verification.at('state').value, 'run');
      assert.equal(verification.at('data').value, 'calibration');
      assert.equal(verification.at('maxAbsError').value, 0);
      const accuracy = verification.at('accuracy');
      assert.equal(accuracy.at('before').number(), accuracy.at('after').number());
      assert.equal(json.at('bytesBefore').value, statSync(model).size);
      assert.equal(json.at('bytesAfter').value, statSync(output).size);
      const provenance: unknown = JSON.parse(readFileSync(record, 'utf8'));
      assertShape('provenance', provenance);
      assert.deepEqual(provenance, {
        schemaVersion: 1,
        tool: `green-ai ${version}`,
        recipe: 'cleanup',
        input: { path: path.basename(model), sha256: hash, bytes: statSync(model).size },
        output: {
          path: path.basename(output),
          sha256: sha256(output),
          bytes: statSync(output).size,
        },
        changedNodes: json.at('changedNodes').value,
        rolledBack: [],
        skipped: json.at('skipped').value,
        verification: verification.value,
        device: 'laptop-cpu',
        energyJoules: json.at('energyJoules').value,
        warnings: json.at('warnings').value,
      });
      const again = await greenAiJson(['optimize', output, '--recipe', 'cleanup']);
      assert.deepEqual(again.at('changedNodes').value, [], 'nothing is left to clean');
    });

    it('does not say "nothing to change" when only an initializer goes', async () => {
      const text = leftovers.replace('h = Identity (x) y = Relu (h)', 'y = Relu (x)');
      const model = folder.model('m.onnx', text);
      const json = await greenAiJson([
        'optimize',
        model,
        '--recipe',
        'cleanup',
        '--verify',
        'none',
      ]);
      assert.equal(json.at('output').value, folder.at('m.clean.onnx'));
      assert.doesNotMatch(json.at('warnings').value?.toString() ?? '', /Nothing to change/u);
    });

    it('writes nothing when there is nothing to change, exit 0', async () => {
      const model = folder.model('m.onnx', 'g (float[2] x) => (float[2] y) { y = Relu (x) }');
      const json = await greenAiJson(['optimize', model, '--recipe', 'cleanup']);
      assertShape('optimize', json.value);
      assert.equal(json.at('output').value, null);
      assert.equal(json.at('provenance').value, null);
      assert.match(json.at('warnings', 0).text(), /Nothing to change/u);
      assert.deepEqual(folder.names(), ['m.onnx']);
    });
  });

  describe('int8-dynamic', () => {
    it('quantises an example within its bound and shows it as text', async () => {
      const model = folder.example('tabular-mlp/tabular-mlp.onnx');
      const { code, out } = await greenAi(['optimize', model, '--recipe', 'int8-dynamic']);
      assert.equal(code, 0);
      assert.match(out, /^ {2}changed {3}2 nodes, 1 left, 0 rolled back$/mu);
      assert.match(out, /^ {2}verified {2}run on calibration data, 284 samples, /mu);
      assert.match(out, /^ {2}accuracy {2}\d+\.\d\d % → \d+\.\d\d %$/mu);
      assert.match(out, /^ {2}energy .*\(-\d+ %\) on laptop-cpu$/mu);
      assert.match(out, /^ {2}kept {6}main.*1024 weights are fewer than 2048/mu);
    });

    it('writes nothing and exits 1 when verification fails', async () => {
      const text = twoLayers(blindWeights(1)).replace('[two] y = MatMul (h, w2)', 'y = Relu (h)');
      const model = folder.model('m.onnx', text);
      folder.write('m.inputs.npz', unevenInputs(8));
      const before = folder.names();
      const json = await greenAiJson(['optimize', model, '--recipe', 'int8-dynamic'], { code: 1 });
      assertShape('optimize', json.value);
      assert.equal(json.at('output').value, null);
      assert.equal(json.at('provenance').value, null);
      assert.match(json.at('warnings', 0).text(), /^Not written: /u);
      assert.deepEqual(folder.names(), before);
    });

    it('rolls back the layer that misses the bound and keeps the rest', async () => {
      const model = folder.model('m.onnx', twoLayers(blindWeights(1)));
      folder.write('m.inputs.npz', unevenInputs(8));
      const json = await greenAiJson(['optimize', model, '--recipe', 'int8-dynamic']);
      assertShape('optimize', json.value);
      assert.deepEqual(json.at('rolledBack').texts('node'), ['main/one']);
      assert.match(json.at('rolledBack', 0, 'reason').text(), /the bound was missed/u);
      assert.deepEqual(json.at('changedNodes').value, ['main/two']);
      assert.ok(json.at('verification', 'cosine').number() >= 0.999);
      assert.deepEqual(folder.names(), [
        'm.inputs.npz',
        'm.int8.onnx',
        'm.int8.onnx.green-ai.json',
        'm.onnx',
      ]);
    });

    it('takes labels and inputs that are named, and measures accuracy with them', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      const rows = 6;
      const inputs = folder.write(
        'data/in.npz',
        npz({ x: npy([rows, width], randomArray(rows * width, 5)) }),
      );
      const labels = folder.write(
        'data/in.labels.npz',
        npz({
          labels: npy(
            [rows],
            BigInt64Array.from({ length: rows }, () => 1n),
          ),
        }),
      );
      const run = (...flags: readonly string[]) =>
        greenAiJson(['optimize', model, '--recipe', 'int8-dynamic', '--force', ...flags]);
      const with6 = await run('--calibration', inputs, '--labels', labels);
      assert.equal(with6.at('verification', 'samples').value, rows);
      assert.equal(with6.at('verification', 'data').value, 'calibration');
      assert.notEqual(with6.at('verification', 'accuracy').value, null);
      const with2 = await run(
        '--calibration',
        folder.at('data'),
        '--samples',
        '2',
        '--verify',
        'run',
      );
      assert.equal(with2.at('verification', 'samples').value, 2);
    });

    it('says that random inputs prove nothing', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      const random = ['--calibration', 'random', '--samples', '2'];
      const json = await greenAiJson(['optimize', model, '--recipe', 'int8-dynamic', ...random]);
      assert.equal(json.at('verification', 'data').value, 'random');
      assert.equal(json.at('verification', 'decision').value, 'unproven');
      assert.match(json.at('warnings', 0).text(), /^Not proven: Random inputs prove nothing/u);
      assert.ok(folder.names().includes('m.int8.onnx'));
    });

    it('can only load, or not verify at all, and says so', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      const run = (level: string) =>
        greenAiJson(['optimize', model, '--recipe', 'int8-dynamic', '--force', '--verify', level]);
      const load = await run('load');
      assert.equal(load.at('verification', 'state').value, 'load');
      assert.match(
        load.at('warnings', 0).text(),
        /^Not proven: Both models load; nothing was run/u,
      );
      const none = await run('none');
      assert.equal(none.at('verification', 'state').value, 'none');
      assert.equal(none.at('verification', 'runtime').value, null);
      assert.match(none.at('warnings', 0).text(), /^Not verified: /u);
    });

    it('refuses data that is named and cannot be used, and writes nothing', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      folder.write('other.npz', npz({ z: npy([2, 3], randomArray(6, 1)) }));
      const before = folder.names();
      const args = ['optimize', model, '--recipe', 'int8-dynamic'];
      const missing = folder.at('missing.npz');
      await refused([...args, '--calibration', missing], /No such data file: missing\.npz/u);
      await refused([...args, '--calibration', folder.at('other.npz')], /\bx\b/u);
      const labels = [
        '--labels',
        folder.write('l.npz', npz({ labels: npy([1], BigInt64Array.of(1n)) })),
      ];
      await refused([...args, ...labels], /labels without their inputs tell nothing/u);
      await refused(
        [...args, ...labels, '--calibration', 'random'],
        /labels without their inputs/u,
      );
      assert.deepEqual(folder.names(), [...before, 'l.npz'].sort());
    });

    it('goes on without data that merely lies there, and says why it is not used', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      folder.write('m.inputs.npz', 'no zip file');
      const json = await greenAiJson(['optimize', model, '--recipe', 'int8-dynamic']);
      assert.equal(json.at('verification', 'data').value, 'random');
      assert.match(
        json.at('warnings').value?.toString() ?? '',
        /Data not used: Not a readable \.npz file/u,
      );
    });

    it('only plans on a dry run, and foretells the size', async () => {
      const model = folder.model('m.onnx', twoLayers(weights(1)));
      const args = ['optimize', model, '--recipe', 'int8-dynamic', '--verify', 'none'];
      const planned = await greenAiJson([...args, '--dry-run']);
      assertShape('optimize', planned.value);
      assert.equal(planned.at('output').value, null);
      assert.equal(planned.at('changedNodes').items().length, 2);
      assert.deepEqual(folder.names(), ['m.onnx']);
      const made = await greenAiJson(args);
      assert.equal(planned.at('bytesAfter').value, made.at('bytesAfter').value);
    });
  });

  describe('never loses a file', () => {
    const cleanup = (...args: readonly string[]): readonly string[] => [
      ...['optimize', folder.at('m.onnx'), '--recipe', 'cleanup', '--verify', 'none'],
      ...args,
    ];
    beforeEach(() => {
      folder.model('m.onnx', leftovers);
    });

    it('refuses to write over the original, however its name is spelled', async () => {
      symlinkSync(folder.path, folder.at('link'));
      symlinkSync(folder.at('m.onnx'), folder.at('alias.onnx'));
      const hash = sha256(folder.at('m.onnx'));
      const spellings = ['m.onnx', './m.onnx', 'x/../m.onnx', 'link/m.onnx', 'alias.onnx'];
      for (const name of spellings) {
        const output = `${folder.path}/${name}`;
        await refused(cleanup('-o', output, '--force'), /is the original; originals are never/u);
      }
      const cwd = process.cwd();
      process.chdir(folder.path);
      try {
        await refused(cleanup('-o', 'm.onnx', '--force'), /is the original/u);
      } finally {
        process.chdir(cwd);
      }
      assert.equal(sha256(folder.at('m.onnx')), hash);
      assert.deepEqual(folder.names(), ['alias.onnx', 'link', 'm.onnx']);
    });

    it('replaces an existing output or provenance only with --force', async () => {
      for (const taken of ['m.clean.onnx', 'm.clean.onnx.green-ai.json']) {
        folder.write(taken, 'precious');
        await refused(cleanup(), /exists; give another name with -o or use --force/u);
        assert.equal(readFileSync(folder.at(taken), 'utf8'), 'precious');
      }
      const json = await greenAiJson(cleanup('--force'));
      assert.equal(json.at('output').value, folder.at('m.clean.onnx'));
      assert.notEqual(readFileSync(folder.at('m.clean.onnx'), 'utf8'), 'precious');
      assertShape(
        'provenance',
        JSON.parse(readFileSync(folder.at('m.clean.onnx.green-ai.json'), 'utf8')),
      );
    });

    it('does not replace a file that appears while it works', async () => {
      const host = createNodeHost(() => undefined);
      const racing: Host = {
        ...host,
        create: (file) => {
          folder.write('m.clean.onnx', 'precious');
          return host.create(file);
        },
      };
      await refused(cleanup(), /m\.clean\.onnx failed: it exists already/u, { host: racing });
      assert.equal(readFileSync(folder.at('m.clean.onnx'), 'utf8'), 'precious');
      assert.deepEqual(folder.names(), ['m.clean.onnx', 'm.onnx']);
    });

    it('says that the output folder is missing', async () => {
      const output = folder.at('no/such/m.onnx');
      await refused(cleanup('-o', output), /no\/such: there is no such folder; make it first/u);
      await refused(cleanup('-o', folder.at('m.onnx/x.onnx')), /m\.onnx.*: /u);
    });

    it('notices that the original changed meanwhile', async () => {
      const onErr = (text: string): void => {
        if (text.startsWith('writing')) appendFileSync(folder.at('m.onnx'), '\0');
      };
      await refused(cleanup(), /m\.onnx changed while it was read; run again/u, { onErr });
      assert.deepEqual(folder.names(), ['m.onnx']);
    });

    it('notices that the original got shorter meanwhile', async () => {
      const host = createNodeHost(() => undefined);
      // Reads of the original end early from the moment on that writing starts.
      let isWriting = false;
      const early: Host = {
        ...host,
        open: async (file) => {
          const opened = await host.open(file);
          if (!opened) return null;
          const read: typeof opened.read = async (offset, length) => {
            const bytes = await opened.read(offset, length);
            return isWriting ? bytes.subarray(0, Math.max(0, bytes.length - 1)) : bytes;
          };
          return {
            path: opened.path,
            byteLength: opened.byteLength,
            close: () => opened.close(),
            read,
          };
        },
      };
      const onErr = (text: string): void => {
        if (text.startsWith('writing')) isWriting = true;
      };
      await refused(cleanup(), /changed while it was read/u, { host: early, onErr });
      assert.deepEqual(folder.names(), ['m.onnx']);
    });

    type Stage = 'create' | 'write' | 'finish' | 'commit';
    const failures: readonly (readonly [Stage, string, RegExp])[] = [
      ['create', 'EACCES', /access is denied/u],
      ['create', 'EROFS', /the disk is read-only/u],
      ['write', 'ENOSPC', /the disk is full/u],
      ['finish', 'EIO', /the disk answers with an error/u],
      ['commit', 'EPERM', /access is denied/u],
      ['commit', 'EXDEV', /EXDEV/u],
    ];
    for (const [stage, code, sentence] of failures) {
      for (const file of ['m.clean.onnx', 'm.clean.onnx.green-ai.json']) {
        it(`leaves nothing half-written when ${stage} of ${file} fails with ${code}`, async () => {
          const host = failingHost(folder.at(file), stage, code);
          await refused(cleanup(), sentence, { host });
          const isModelWritten = stage === 'commit' && file.endsWith('.json');
          assert.deepEqual(
            folder.names(),
            isModelWritten ? ['m.clean.onnx', 'm.onnx'] : ['m.onnx'],
          );
        });
      }
    }
  });

  describe('external data', () => {
    const args = ['--recipe', 'int8-dynamic', '--verify', 'none'];

    it('works beside the original, through any spelling of the folder', async () => {
      const model = folder.example('tabular-mlp-external/model.onnx');
      const hash = sha256(folder.at('model.onnx.data'));
      const verified = await greenAiJson(['optimize', model, '--recipe', 'int8-dynamic']);
      assert.equal(verified.at('verification', 'state').value, 'run');
      assert.equal(verified.at('verification', 'decision').value, 'pass');
      const bytesBefore = statSync(model).size + statSync(folder.at('model.onnx.data')).size;
      assert.equal(verified.at('bytesBefore').value, bytesBefore);
      assert.match(
        verified.at('warnings').value?.toString() ?? '',
        /still reads \d+ bytes of the orig/u,
      );
      symlinkSync(folder.path, folder.at('link'));
      for (const name of ['./a.onnx', 'link/b.onnx']) {
        const output = `${folder.path}/${name}`;
        const json = await greenAiJson(['optimize', model, ...args, '-o', output]);
        assert.equal(json.at('output').value, output);
      }
      assert.equal(sha256(folder.at('model.onnx.data')), hash);
    });

    it('is refused elsewhere, where the new model would not find its weights', async () => {
      const model = folder.example('tabular-mlp-external/model.onnx');
      folder.write('sub/x', '');
      const before = folder.names();
      await refused(
        ['optimize', model, ...args, '-o', folder.at('sub/model.onnx')],
        /has external data: write the new file into the same folder/u,
      );
      // A file of the same name there is not the original.
      folder.write('sub/model.onnx', 'other');
      await refused(
        ['optimize', model, ...args, '-o', folder.at('sub/new.onnx')],
        /write the new file into the same folder/u,
      );
      assert.deepEqual(folder.names(), [...before, 'sub/model.onnx'].sort());
    });

    it('is never replaced by the output', async () => {
      const model = folder.example('tabular-mlp-external/model.onnx');
      const hash = sha256(folder.at('model.onnx.data'));
      await refused(
        ['optimize', model, ...args, '--force', '-o', folder.at('model.onnx.data')],
        /holds weights of the original; originals are never overwritten/u,
      );
      assert.equal(sha256(folder.at('model.onnx.data')), hash);
    });
  });

  describe('cancelled', () => {
    const stagesOf = (err: string): readonly string[] =>
      err.split('\n').filter((line) => line !== '');

    it('leaves no file behind, at whichever stage', async () => {
      const model = folder.model('m.onnx', twoLayers(blindWeights(1)));
      folder.write('m.inputs.npz', unevenInputs(4));
      const before = folder.names();
      const args = ['optimize', model, '--recipe', 'int8-dynamic', '-o', folder.at('out.onnx')];
      const complete = await greenAi([...args.slice(0, -1), folder.at('full.onnx')]);
      const stages = stagesOf(complete.err);
      assert.deepEqual(stages, [
        'reading',
        'int8-dynamic',
        'writing',
        'verifying',
        'measuring layer',
        'int8-dynamic',
        'writing',
        'verifying',
        'measuring layer',
        'int8-dynamic',
        'writing',
        'verifying',
        'rolling back 1 of 2 layers',
        'int8-dynamic',
        'writing',
        'verifying',
      ]);
      const done = folder.names().filter((name) => !before.includes(name));
      assert.deepEqual(done, ['full.onnx', 'full.onnx.green-ai.json']);
      // The first of each kind, and the last.
      const indices = stages.flatMap((stage, index) =>
        stages.indexOf(stage) === index || index === stages.length - 1 ? [index] : [],
      );
      for (const index of indices) {
        const signal = { cancelled: false };
        let seen = -1;
        const onErr = (): void => {
          seen++;
          if (seen === index) signal.cancelled = true;
        };
        await refused(args, /cancelled; nothing was written/u, { signal, onErr });
        assert.deepEqual(folder.names(), [...before, ...done].sort(), `stage ${index}`);
      }
    });

    it('before it starts does nothing at all', async () => {
      const model = folder.model('m.onnx', leftovers);
      const args = ['optimize', model, '--recipe', 'cleanup'];
      await refused(args, /cancelled; nothing was written/u, { signal: { cancelled: true } });
      assert.deepEqual(folder.names(), ['m.onnx']);
    });
  });
});

/** A file system that fails at one step of writing one file. */
function failingHost(
  target: string,
  stage: 'create' | 'write' | 'finish' | 'commit',
  code: string,
): Host {
  const host = createNodeHost(() => undefined);
  const fail = (): Promise<never> =>
    Promise.reject(Object.assign(new Error(`${code}: it fails`), { code }));
  return {
    ...host,
    create: async (file) => {
      if (file !== target) return host.create(file);
      if (stage === 'create') return fail();
      const writer: FileWriter = await host.create(file);
      return { ...writer, [stage]: fail };
    },
  };
}
