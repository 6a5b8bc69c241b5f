import assert from 'node:assert/strict';
import { count, type NodeText, type ScopeText } from './build';

interface Row {
  readonly title: string;
  readonly scope: ScopeText;
  readonly parameters: number;
  readonly weightBytes: number;
  /** Output → parameters of the node that makes it. */
  readonly perNode?: Readonly<Record<string, number>>;
}

const conv: NodeText = { op: 'Conv', in: ['x', 'w', 'b'], out: { y: 'float32[1,8,6,6]' } };

const rows: readonly Row[] = [
  {
    title: 'float weights and bias of a convolution',
    scope: {
      inputs: { x: 'float32[1,3,8,8]' },
      weights: { w: 'float32[8,3,3,3]', b: 'float32[8]', unused: 'float32[1000]' },
      nodes: [conv],
      outputs: ['y'],
    },
    parameters: 224,
    weightBytes: 896,
    perNode: { y: 224 },
  },
  {
    title: 'a shared tensor counts for each user and once in total',
    scope: {
      inputs: { x: 'float32[2,4]' },
      weights: { w: 'float32[4,4]' },
      nodes: [
        { op: 'MatMul', in: ['x', 'w'], out: { a: 'float32[2,4]' } },
        { op: 'MatMul', in: ['a', 'w'], out: { b: 'float32[2,4]' } },
      ],
      outputs: ['b'],
    },
    parameters: 16,
    weightBytes: 64,
    perNode: { a: 16, b: 16 },
  },
  {
    title: 'shapes and indices are no parameters',
    scope: {
      inputs: { x: 'float32[2,4]' },
      weights: { shape: 'int64[2]', ids: 'int64[3]' },
      nodes: [
        { op: 'Reshape', in: ['x', 'shape'], out: { a: 'float32[4,2]' } },
        { op: 'Gather', in: ['a', 'ids'], out: { b: 'float32[3,2]' } },
      ],
      outputs: ['b'],
    },
    parameters: 0,
    weightBytes: 0,
  },
  {
    title: 'a Constant node holds weights as an initializer does',
    scope: {
      inputs: { x: 'float32[2,4]' },
      nodes: [
        {
          op: 'Constant',
          in: [],
          out: { w: 'float32[4,3]' },
          attributes: { value: 'tensor:float32[4,3]' },
        },
        { op: 'MatMul', in: ['x', 'w'], out: { y: 'float32[2,3]' } },
      ],
      outputs: ['y'],
    },
    parameters: 12,
    weightBytes: 48,
    perNode: { w: 0, y: 12 },
  },
  {
    title: 'weights that are cast and transposed at load belong to their consumer',
    scope: {
      inputs: { x: 'float32[2,4]' },
      weights: { w: 'float16[3,4]' },
      nodes: [
        { op: 'Cast', in: ['w'], out: { f: 'float32[3,4]' } },
        { op: 'Transpose', in: ['f'], out: { t: 'float32[4,3]' } },
        { op: 'MatMul', in: ['x', 't'], out: { y: 'float32[2,3]' } },
      ],
      outputs: ['y'],
    },
    parameters: 12,
    weightBytes: 24,
    perNode: { f: 0, t: 0, y: 12 },
  },
  {
    title: 'ConstantOfShape makes parameters that take no bytes in the file',
    scope: {
      inputs: { x: 'float32[2,4]' },
      weights: { shape: 'int64[2]' },
      nodes: [
        { op: 'ConstantOfShape', in: ['shape'], out: { w: 'float32[4,3]' } },
        { op: 'MatMul', in: ['x', 'w'], out: { y: 'float32[2,3]' } },
      ],
      outputs: ['y'],
    },
    parameters: 12,
    weightBytes: 0,
    perNode: { y: 12 },
  },
  {
    // 32 int8 weights, 8 int32 biases, 8 + 8 + 1 scales; zero points (8 + 8 × 4 bytes) are bytes only.
    title: 'dequantised weights: integers and scales count, zero points only as bytes',
    scope: {
      inputs: { x: 'float32[1,4]' },
      weights: {
        w: 'int8[4,8]',
        ws: 'float32[8]',
        wz: 'int8[8]',
        b: 'int32[8]',
        bs: 'float32[8]',
        bz: 'int32[8]',
      },
      nodes: [
        { op: 'DequantizeLinear', in: ['w', 'ws', 'wz'], out: { wf: 'float32[4,8]' } },
        { op: 'DequantizeLinear', in: ['b', 'bs', 'bz'], out: { bf: 'float32[8]' } },
        { op: 'Gemm', in: ['x', 'wf', 'bf'], out: { y: 'float32[1,8]' } },
      ],
      outputs: ['y'],
    },
    parameters: 32 + 8 + 16,
    weightBytes: 32 + 32 + 64 + 8 + 32,
    perNode: { wf: 0, y: 56 },
  },
  {
    // [N = 32, 2 blocks, 16 bytes] at 2 per byte is 32 × 64; scales 64 floats; zero points 32 bytes.
    title: 'MatMulNBits keeps two weights in a byte',
    scope: {
      inputs: { x: 'float32[1,64]' },
      weights: { w: 'uint8[32,2,16]', s: 'float32[64]', z: 'uint8[32]' },
      nodes: [
        {
          op: 'MatMulNBits',
          domain: 'com.microsoft',
          in: ['x', 'w', 's', 'z'],
          out: { y: 'float32[1,32]' },
          attributes: { K: 64, N: 32, bits: 4, block_size: 32 },
        },
      ],
      outputs: ['y'],
    },
    parameters: 32 * 64 + 64,
    weightBytes: 32 * 32 + 256 + 32,
  },
  {
    // The last block of each row is half empty: K is 48 of 64.
    title: 'MatMulNBits does not count the padding of the last block',
    scope: {
      inputs: { x: 'float32[1,48]' },
      weights: { w: 'uint8[32,2,16]', s: 'float32[64]' },
      nodes: [
        {
          op: 'MatMulNBits',
          domain: 'com.microsoft',
          in: ['x', 'w', 's'],
          out: { y: 'float32[1,32]' },
          attributes: { K: 48, N: 32, bits: 4, block_size: 32 },
        },
      ],
      outputs: ['y'],
    },
    parameters: 32 * 48 + 64,
    weightBytes: 1024 + 256,
  },
  {
    title: 'int4 tensors are packed by their type',
    scope: {
      inputs: { x: 'float32[1,64]' },
      weights: { w: 'int4[64,32]', s: 'float32[2,32]' },
      nodes: [
        {
          op: 'DequantizeLinear',
          in: ['w', 's'],
          out: { f: 'float32[64,32]' },
          attributes: { block_size: 32 },
        },
        { op: 'MatMul', in: ['x', 'f'], out: { y: 'float32[1,32]' } },
      ],
      outputs: ['y'],
    },
    parameters: 2048 + 64,
    weightBytes: 1024 + 256,
  },
  {
    title: 'a quantised embedding table counts',
    scope: {
      inputs: { ids: 'int64[1,7]' },
      weights: { table: 'uint8[1000,16]' },
      nodes: [{ op: 'Gather', in: ['table', 'ids'], out: { y: 'uint8[1,7,16]' } }],
      outputs: ['y'],
    },
    parameters: 16000,
    weightBytes: 16000,
  },
  {
    title: 'QLinearConv: int8 weights and int32 bias, no zero points',
    scope: {
      inputs: { x: 'uint8[1,3,8,8]' },
      weights: {
        xs: 'float32[]',
        xz: 'uint8[]',
        w: 'int8[8,3,3,3]',
        ws: 'float32[8]',
        wz: 'int8[8]',
        ys: 'float32[]',
        yz: 'uint8[]',
        b: 'int32[8]',
      },
      nodes: [
        {
          op: 'QLinearConv',
          in: ['x', 'xs', 'xz', 'w', 'ws', 'wz', 'ys', 'yz', 'b'],
          out: { y: 'uint8[1,8,6,6]' },
        },
      ],
      outputs: ['y'],
    },
    parameters: 216 + 8 + 8 + 2,
    weightBytes: 216 + 32 + 32 + 8 + 10,
  },
  {
    title: 'weights given to a function belong to the nodes of its body, once',
    scope: {
      inputs: { x: 'float32[2,4]' },
      weights: { w: 'float32[4,4]' },
      nodes: [
        {
          op: 'Body',
          domain: 'local',
          in: ['x', 'w'],
          out: { y: 'float32[2,4]' },
          children: [
            {
              role: 'function',
              tripCount: 1,
              body: {
                inputs: { a: 'float32[2,4]', m: 'float32[4,4]' },
                nodes: [
                  { op: 'MatMul', in: ['a', 'm'], out: { inner: 'float32[2,4]' } },
                  { op: 'MatMul', in: ['inner', 'm'], out: { last: 'float32[2,4]' } },
                ],
                outputs: ['last'],
              },
            },
          ],
        },
      ],
      outputs: ['y'],
    },
    parameters: 16,
    weightBytes: 64,
    perNode: { y: 0, inner: 16, last: 16 },
  },
  {
    title: 'a subgraph uses weights from around it and may hide their names',
    scope: {
      inputs: { x: 'float32[2,4]', c: 'bool[]' },
      weights: { w: 'float32[4,4]', v: 'float32[4,4]' },
      nodes: [
        {
          op: 'If',
          in: ['c'],
          out: { y: 'float32[2,4]' },
          children: [
            {
              role: 'then',
              tripCount: null,
              body: {
                nodes: [{ op: 'MatMul', in: ['x', 'w'], out: { p: 'float32[2,4]' } }],
                outputs: ['p'],
              },
            },
            {
              role: 'else',
              tripCount: null,
              body: {
                nodes: [
                  { op: 'Relu', in: ['x'], out: { v: 'float32[4,4]' } },
                  { op: 'MatMul', in: ['x', 'v'], out: { q: 'float32[2,4]' } },
                ],
                outputs: ['q'],
              },
            },
          ],
        },
      ],
      outputs: ['y'],
    },
    parameters: 16,
    weightBytes: 64,
    perNode: { p: 16, q: 0 },
  },
  {
    title: 'weights between which an If chooses',
    scope: {
      inputs: { x: 'float32[2,4]', c: 'bool[]' },
      weights: { w: 'float32[4,4]', v: 'float32[4,4]' },
      nodes: [
        {
          op: 'If',
          in: ['c'],
          out: { chosen: 'float32[4,4]' },
          children: (['then', 'else'] as const).map((role) => ({
            role,
            tripCount: null,
            body: {
              nodes: [
                {
                  op: 'Identity',
                  in: [role === 'then' ? 'w' : 'v'],
                  out: { [role]: 'float32[4,4]' },
                },
              ],
              outputs: [role],
            },
          })),
        },
        { op: 'MatMul', in: ['x', 'chosen'], out: { y: 'float32[2,4]' } },
      ],
      outputs: ['y'],
    },
    parameters: 32,
    weightBytes: 128,
    perNode: { y: 32 },
  },
];

describe('facts: parameters and weight bytes', () => {
  for (const row of rows) {
    it(row.title, () => {
      const { facts, making } = count(row.scope);
      assert.equal(facts.parameters, row.parameters);
      assert.equal(facts.weightBytes, row.weightBytes);
      for (const [output, parameters] of Object.entries(row.perNode ?? {})) {
        assert.equal(making(output).parameters, parameters, output);
      }
    });
  }

  it('generated weights are reported with the memory they take', () => {
    const { facts } = count(rows[5]?.scope ?? { nodes: [] });
    assert.equal(facts.generatedWeightBytes, 48);
  });
});
