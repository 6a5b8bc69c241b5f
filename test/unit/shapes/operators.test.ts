import assert from 'node:assert/strict';
import { bools, float32s, int64, ints, weights } from '../../support/model';
import { inferNode } from './helpers';
import type { NodeCase } from './helpers';
import { microsoftFamilies } from './microsoft-rows';
import { operatorFamilies } from './operator-rows';
import { versionFamilies } from './version-rows';

const maximumInt64 = 2n ** 63n - 1n;
const minimumInt64 = -(2n ** 63n);

const families = { ...operatorFamilies, ...microsoftFamilies, ...versionFamilies };

describe('shapes: operators', () => {
  for (const [family, cases] of Object.entries(families)) {
    describe(family, () => {
      for (const row of cases) {
        const inputs = row.on
          .map((input) => (typeof input === 'string' ? input : 'known'))
          .join(', ');
        const opset = row.opset === undefined ? '' : ` (opset ${row.opset})`;
        it(`${row.op}${opset} of ${inputs} gives ${row.gives.join(', ')}`, () => {
          const { outputs, messages } = inferNode(row, row.gives.length);
          const looked = outputs.map((type, index) => (row.gives[index] === '-' ? '-' : type));
          assert.deepEqual(looked, row.gives);
          assert.deepEqual(messages, []);
        });
      }
    });
  }
});

/** Attributes and shapes that no runtime accepts: a problem and an unknown shape, never a wrong one. */
const refused: readonly (Omit<NodeCase, 'gives'> & {
  readonly code: string;
  readonly dtype: string;
})[] = [
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { strides: [0, 1] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { dilations: { kind: 'ints', value: [2n ** 62n, 1n] } },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { group: -1 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 3, 3)],
    attributes: { pads: [1, 1] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,1,8,8]', weights('float32', 1, 1, 9, 9)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[1,4,8,8]', weights('float32', 1, 3, 3, 3)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Conv',
    on: ['float32[4]', weights('float32', 1, 3, 3, 3)],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'ConvTranspose',
    on: ['float32[1,1,1,1]', weights('float32', 1, 1, 1, 1)],
    attributes: { pads: [4, 4, 4, 4] },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'MaxPool',
    on: ['float32[1,1,8,8]'],
    attributes: { kernel_shape: [0, 2] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'MaxPool', on: ['float32[1,1,8,8]'], code: 'invalid-attribute', dtype: 'float32' },
  { op: 'MatMul', on: ['float32[2,3]', 'float32[4,5]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'MatMul', on: ['float32[]', 'float32[4,5]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Add', on: ['float32[2]', 'float32[3]'], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Reshape', on: ['float32[2,3]', ints([4, -1])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Reshape', on: ['float32[2,3]', ints([5])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Reshape',
    on: ['float32[2,3]', ints([-1, -1])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Reshape', on: ['float32[2,3]', ints([-2])], code: 'invalid-attribute', dtype: 'float32' },
  {
    op: 'Softmax',
    on: ['float32[2,3]'],
    attributes: { axis: 9 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'ArgMax',
    on: ['float32[2,3]'],
    attributes: { axis: int64(minimumInt64) },
    code: 'invalid-attribute',
    dtype: 'int64',
  },
  {
    op: 'Transpose',
    on: ['float32[2,3]'],
    attributes: { perm: [0, 0] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Squeeze', on: ['float32[2,3]', ints([0])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Unsqueeze',
    opset: 11,
    on: ['float32[2]'],
    attributes: { axes: [maximumAxis()] },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Concat',
    on: ['float32[2,3]', 'float32[3,3]'],
    attributes: { axis: 1 },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'Slice',
    on: ['float32[8]', ints([0]), ints([8]), ints([0]), ints([0])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  { op: 'Split', on: ['float32[7]', ints([3])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Pad', on: ['float32[2]', ints([-2, -2])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'Tile', on: ['float32[2]', ints([-1])], code: 'invalid-attribute', dtype: 'float32' },
  { op: 'Expand', on: ['float32[2]', ints([-3])], code: 'shape-mismatch', dtype: 'float32' },
  { op: 'ConstantOfShape', on: [ints([-4])], code: 'shape-mismatch', dtype: 'float32' },
  {
    op: 'Range',
    on: [ints([0], []), ints([4], []), ints([0], [])],
    code: 'invalid-attribute',
    dtype: 'int64',
  },
  {
    op: 'Resize',
    on: ['float32[1,1,2,2]', null, float32s([1, 1, -2, 2])],
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'DepthToSpace',
    on: ['float32[1,3,2,2]'],
    attributes: { blocksize: 2 },
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'DepthToSpace',
    on: ['float32[1,4,2,2]'],
    attributes: { blocksize: int64(maximumInt64) },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'OneHot',
    on: ['int64[2]', ints([-1], []), 'float32[2]'],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'LSTM',
    on: ['float32[2,3]', 'float32[1,4,4]', 'float32[1,4,4]'],
    code: 'shape-mismatch',
    dtype: 'float32',
  },
  {
    op: 'LSTM',
    on: ['float32[2,3,4]', 'float32[1,8,4]', 'float32[1,8,2]'],
    attributes: { hidden_size: 0 },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Einsum',
    on: ['float32[2,3]'],
    attributes: { equation: 'i->->' },
    code: 'invalid-attribute',
    dtype: 'float32',
  },
  {
    op: 'Cast',
    on: ['float32[2]'],
    attributes: { to: 99 },
    code: 'invalid-attribute',
    dtype: '?[2]',
  },
  { op: 'Dropout', on: ['float32[2]', bools([true], [])], code: '', dtype: 'float32[2]' },
];

function maximumAxis(): number {
  return Number.MAX_SAFE_INTEGER;
}

describe('shapes: what operators refuse', () => {
  for (const [index, row] of refused.entries()) {
    it(`${index} ${row.op}: ${row.code || 'nothing'}`, () => {
      const { outputs, problems, messages } = inferNode(row, 1);
      assert.deepEqual(problems, row.code === '' ? [] : [row.code], messages.join());
      assert.deepEqual(outputs, [row.dtype]);
      for (const message of messages) assert.ok(message.length <= 120, message);
    });
  }
});
