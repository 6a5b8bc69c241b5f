import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { zipSync } from 'fflate';
import { createNodeHost } from '../../../server/src/host-node';
import {
  findLabels,
  findTestData,
  readLabelsFile,
  readTestData,
  type DataSet,
} from '../../../server/src/runtime/find-data';
import { codeOf, plain, valueOf } from '../verify/helpers';
import { npyBytes, tensorProtoBytes } from './data-files';
import { testFolder, type TestFolder } from './helpers';

describe('finding test data', () => {
  const host = createNodeHost(() => undefined);
  let folder: TestFolder;
  beforeEach(() => {
    folder = testFolder();
  });
  afterEach(() => {
    folder.remove();
  });
  const at = (...names: readonly string[]) => path.join(folder.path, ...names);
  const npz = (...names: readonly string[]) =>
    zipSync(Object.fromEntries(names.map((name) => [`${name}.npy`, npyBytes([2], [1, 2])])));

  /** Sources relative to the folder, with the names of their arrays. */
  function summary(sets: readonly DataSet[]): readonly string[] {
    return sets.map(({ source, arrays }) => {
      const relative = path.relative(folder.path, source).replaceAll(path.sep, '/');
      return `${relative}: ${arrays.map((array) => array.name).join(' ')}`;
    });
  }
  const beside = async (inputs: readonly string[] = ['x']) =>
    summary(valueOf(await findTestData(host, at('net.onnx'), inputs)));

  it('takes the most specific name beside the model', async () => {
    folder.write('inputs.npz', npz('general'));
    assert.deepEqual(await beside(), ['inputs.npz: general']);
    folder.write('net.npz', npz('stem'));
    assert.deepEqual(await beside(), ['net.npz: stem']);
    folder.write('net.inputs.npz', npz('x', 'y'));
    assert.deepEqual(await beside(), ['net.inputs.npz: x y']);
  });

  it('takes test_data_set folders in the order of their numbers, tensors too', async () => {
    for (const set of ['test_data_set_10', 'test_data_set_2']) {
      mkdirSync(at(set));
      for (const index of [10, 9])
        folder.write(`${set}/input_${index}.pb`, tensorProtoBytes(`in${index}`));
      folder.write(`${set}/output_0.pb`, tensorProtoBytes('out'));
      folder.write(`${set}/notes.txt`, 'nothing');
    }
    mkdirSync(at('test_data_set_x'));
    const sets = valueOf(await findTestData(host, at('net.onnx'), []));
    assert.deepEqual(summary(sets), ['test_data_set_2: in9 in10', 'test_data_set_10: in9 in10']);
    assert.ok(sets.every((set) => set.positional && set.expected[0]?.name === 'out'));
  });

  it('finds nothing where nothing is', async () => {
    assert.deepEqual(await beside(), []);
    assert.deepEqual(valueOf(await findTestData(host, at('no', 'such', 'net.onnx'), [])), []);
    assert.equal(await findLabels(host, at('net.onnx')), null);
  });

  it('reads folders of arrays: named inputs as one set, others a set each', async () => {
    mkdirSync(at('data'));
    folder.write('data/ids.npy', npyBytes([2], [1, 2]));
    folder.write('data/mask.npy', npyBytes([2], [1, 1]));
    folder.write('data/labels.npz', npz('labels'));
    const read = async (inputs: readonly string[]) =>
      summary(valueOf(await readTestData(host, [at('data')], inputs)));
    assert.deepEqual(await read(['ids', 'mask']), ['data/ids.npy: ids mask']);
    assert.deepEqual(await read(['x']), ['data/ids.npy: ids', 'data/mask.npy: mask']);
  });

  it('reads labels by name, or the only array', async () => {
    const one = folder.write('labels.npz', npz('anything'));
    assert.equal(await findLabels(host, at('net.onnx')), one);
    assert.deepEqual(plain(valueOf(await readLabelsFile(host, one))), ['float32', [2], [1, 2]]);
    const named = folder.write('net.labels.npz', npz('other', 'labels'));
    assert.equal(await findLabels(host, at('net.onnx')), named);
    valueOf(await readLabelsFile(host, named));
    const unclear = folder.write('two.npz', npz('a', 'b'));
    assert.equal(codeOf(await readLabelsFile(host, unclear)), 'labels-unusable');
  });

  it('refuses with a code what cannot be read', async () => {
    const read = async (file: string) => codeOf(await readTestData(host, [file], []));
    assert.equal(await read(at('gone.npz')), 'test-data-missing');
    assert.equal(await read(folder.write('data.csv', '1,2')), 'test-data-format');
    assert.equal(await read(folder.write('bad.npz', 'PK')), 'malformed-test-data');
    assert.equal(await read(folder.write('bad.npy', '')), 'malformed-test-data');
  });
});
