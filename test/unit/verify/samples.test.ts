import assert from 'node:assert/strict';
import { randomData } from '../../../server/src/core/verify/random';
import { arrangeSamples, type ModelInput } from '../../../server/src/core/verify/samples';
import { convertTensor, numbersOf } from '../../../server/src/core/verify/tensor-data';
import { codeOf, float32, int64, plain, valueOf } from './helpers';

const image: ModelInput = { name: 'image', dtype: 'float32', dims: ['N', 2] };
const options = { batchRows: 1, positional: false };
const threeRows = float32([3, 2], [1, 2, 3, 4, 5, 6]);

describe('samples', () => {
  it('splits a batch file into runs of one row', () => {
    const set = valueOf(arrangeSamples([image], [{ name: 'image', data: threeRows }], options));
    assert.equal(set.count, 3);
    assert.deepEqual(
      [0, 1, 2].map((index) => set.sample(index).map(({ data }) => plain(data))),
      [[['float32', [1, 2], [1, 2]]], [['float32', [1, 2], [3, 4]]], [['float32', [1, 2], [5, 6]]]],
    );
  });

  it('splits into batches, the last one smaller', () => {
    const set = valueOf(
      arrangeSamples([image], [{ name: 'image', data: threeRows }], { ...options, batchRows: 2 }),
    );
    assert.deepEqual(
      [0, 1].map((index) => set.sample(index)[0]?.data.dims),
      [
        [2, 2],
        [1, 2],
      ],
    );
  });

  it('splits by the fixed batch of the model and says what is left over', () => {
    const fixed: ModelInput = { ...image, dims: [2, 2] };
    const set = valueOf(arrangeSamples([fixed], [{ name: 'image', data: threeRows }], options));
    assert.equal(set.count, 1);
    assert.deepEqual(set.notes, ['last 1 of 3 rows left out: the model takes 2 at once']);
  });

  it('does not cut sequences apart', () => {
    const sequence: ModelInput = { name: 'x', dtype: 'float32', dims: ['sequence_length', 2] };
    const set = valueOf(arrangeSamples([sequence], [{ name: 'x', data: threeRows }], options));
    assert.equal(set.count, 1);
    assert.deepEqual(set.sample(0)[0]?.data.dims, [3, 2]);
  });

  it('splits batched inputs together and repeats the others', () => {
    const scale: ModelInput = { name: 'scale', dtype: 'float32', dims: [] };
    const set = valueOf(
      arrangeSamples(
        [image, scale],
        [
          { name: 'scale', data: float32([], [9]) },
          { name: 'image', data: threeRows },
        ],
        options,
      ),
    );
    assert.deepEqual(
      set.sample(2).map(({ name, data }) => [name, plain(data)[2]]),
      [
        ['image', [5, 6]],
        ['scale', [9]],
      ],
    );
  });

  const arrangements: readonly (readonly [
    string,
    readonly ModelInput[],
    readonly string[],
    boolean,
    boolean,
  ])[] = [
    ['one array of any name for one input', [image], ['anything'], false, true],
    ['two arrays of which none is named so', [image], ['a', 'b'], false, false],
    [
      'arrays in order, when asked for',
      [image, { ...image, name: 'other' }],
      ['0', '1'],
      true,
      true,
    ],
    [
      'arrays in order, when not asked for',
      [image, { ...image, name: 'other' }],
      ['0', '1'],
      false,
      false,
    ],
    ['more arrays than inputs', [image], ['image', 'labels'], false, true],
    [
      'input names that objects answer to',
      [{ ...image, name: '__proto__' }],
      ['a', 'b'],
      false,
      false,
    ],
  ];
  for (const [title, inputs, names, positional, accepted] of arrangements) {
    it(`${accepted ? 'takes' : 'refuses'} ${title}`, () => {
      const arrays = names.map((name) => ({ name, data: threeRows }));
      const result = arrangeSamples(inputs, arrays, { batchRows: 1, positional });
      if (accepted) valueOf(result);
      else assert.equal(codeOf(result), 'test-data-mismatch');
    });
  }

  it('refuses another rank, other sizes, and rows that do not match', () => {
    const arrange = (dims: ModelInput['dims'], shape: readonly number[]) =>
      arrangeSamples(
        [{ ...image, dims }],
        [
          {
            name: 'image',
            data: float32(shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0)),
          },
        ],
        options,
      );
    assert.equal(codeOf(arrange(['N', 2], [3, 2, 1])), 'test-data-mismatch');
    assert.equal(codeOf(arrange(['N', 2], [3, 5])), 'test-data-mismatch');
    assert.equal(codeOf(arrange([4, 2], [3, 2])), 'test-data-mismatch');
    valueOf(arrange(null, [7]));
  });

  it('converts NumPy’s float64 and says so', () => {
    const data = convertTensor(threeRows, 'float64');
    assert.ok(data);
    const set = valueOf(arrangeSamples([image], [{ name: 'image', data }], options));
    assert.deepEqual(set.notes, ['image converted from float64 to float32']);
    assert.deepEqual(plain(set.sample(0)[0]?.data ?? data), ['float32', [1, 2], [1, 2]]);
  });

  it('never loses integer values in a conversion', () => {
    assert.equal(convertTensor(int64([1], [2n ** 40n]), 'int32'), null);
    assert.equal(convertTensor(float32([1], [0.5]), 'int64'), null);
    assert.equal(convertTensor(int64([1], [-1n]), 'uint8'), null);
    const kept = convertTensor(int64([2], [-5n, 7n]), 'int32');
    assert.deepEqual(kept && plain(kept), ['int32', [2], [-5, 7]]);
  });
});

describe('random data', () => {
  const inputs: readonly ModelInput[] = [
    { name: 'x', dtype: 'float32', dims: ['N', 3, null, 1000] },
    { name: 'ids', dtype: 'int64', dims: [500] },
    { name: 'mask', dtype: 'bool', dims: [500] },
    { name: 'half', dtype: 'float16', dims: [4] },
  ];
  const make = (seed: number) => valueOf(randomData(inputs, { samples: 2, seed }));

  it('fills unknown dims with 1, integers with 0 and 1, floats with a standard normal', () => {
    const { sets, notes } = make(1);
    const [x, ids, mask] = (sets[0] ?? []).map(({ data }) => data);
    assert.ok(x && ids && mask);
    assert.deepEqual(x.dims, [1, 3, 1, 1000]);
    const values = Array.from(numbersOf(x) ?? []);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    // Three standard errors of 3000 samples.
    assert.ok(Math.abs(mean) < 3 / Math.sqrt(3000), `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 3 * Math.sqrt(2 / 3000), `variance ${variance}`);
    for (const tensor of [ids, mask]) {
      assert.deepEqual(new Set(numbersOf(tensor)), new Set([0, 1]));
    }
    assert.ok(notes.some((note) => note.includes('integers 0 or 1 for ids, mask')));
    assert.ok(notes.some((note) => note.includes('unknown dims are 1 in x')));
  });

  it('repeats itself for a seed and differs between seeds and samples', () => {
    assert.deepEqual(make(7), make(7));
    assert.notDeepEqual(make(7).sets, make(8).sets);
    assert.notDeepEqual(make(7).sets[0], make(7).sets[1]);
  });

  it('refuses what cannot be made up', () => {
    const one = (input: ModelInput) => codeOf(randomData([input], { samples: 1, seed: 0 }));
    assert.equal(one({ name: 's', dtype: 'string', dims: [1] }), 'random-data-dtype');
    assert.equal(one({ name: 's', dtype: null, dims: null }), 'random-data-dtype');
    assert.equal(one({ name: 's', dtype: 'float32', dims: [2 ** 40] }), 'random-data-too-large');
  });
});
