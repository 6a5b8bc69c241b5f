import assert from 'node:assert/strict';
import { sizeFacts, workloadOf } from '../../../server/src/core/facts/workload';
import { count, type ScopeText } from './build';

interface Row {
  readonly title: string;
  readonly scope: ScopeText;
  /** Work items: operator, bytes read (of which weights), bytes written. */
  readonly items: readonly (readonly [op: string, read: number, weights: number, write: number])[];
  readonly computeDtype?: string;
}

const image = 'float32[1,4,8,8]';
/** 4 × 8 × 8 floats. */
const imageBytes = 1024;
const convWeights = { w: 'float32[4,4,1,1]', b: 'float32[4]' };
/** 16 + 4 floats. */
const convBytes = 80;

const rows: readonly Row[] = [
  {
    title: 'Conv + BatchNormalization + Relu: one kernel, statistics folded into the weights',
    scope: {
      inputs: { x: image },
      weights: {
        ...convWeights,
        g: 'float32[4]',
        h: 'float32[4]',
        m: 'float32[4]',
        v: 'float32[4]',
      },
      nodes: [
        { op: 'Conv', in: ['x', 'w', 'b'], out: { c: image } },
        { op: 'BatchNormalization', in: ['c', 'g', 'h', 'm', 'v'], out: { n: image } },
        { op: 'Relu', in: ['n'], out: { y: image } },
      ],
      outputs: ['y'],
    },
    items: [['Conv', imageBytes + convBytes, convBytes, imageBytes]],
  },
  {
    title: 'a result that something else reads is written: no fusion',
    scope: {
      inputs: { x: image },
      weights: convWeights,
      nodes: [
        { op: 'Conv', in: ['x', 'w', 'b'], out: { c: image } },
        { op: 'Relu', in: ['c'], out: { y: image } },
        { op: 'GlobalAveragePool', in: ['c'], out: { p: 'float32[1,4,1,1]' } },
      ],
      outputs: ['y', 'p'],
    },
    items: [
      ['Conv', imageBytes + convBytes, convBytes, imageBytes],
      ['Relu', imageBytes, 0, imageBytes],
      ['GlobalAveragePool', imageBytes, 0, 16],
    ],
  },
  {
    title: 'a graph output is written: no fusion',
    scope: {
      inputs: { x: image },
      weights: convWeights,
      nodes: [
        { op: 'Conv', in: ['x', 'w', 'b'], out: { c: image } },
        { op: 'Relu', in: ['c'], out: { y: image } },
      ],
      outputs: ['c', 'y'],
    },
    items: [
      ['Conv', imageBytes + convBytes, convBytes, imageBytes],
      ['Relu', imageBytes, 0, imageBytes],
    ],
  },
  {
    title: 'a residual addition joins the later of two convolutions',
    scope: {
      inputs: { x: image },
      weights: { w: 'float32[4,4,1,1]' },
      nodes: [
        { op: 'Conv', in: ['x', 'w'], out: { p: image } },
        { op: 'Conv', in: ['x', 'w'], out: { q: image } },
        { op: 'Add', in: ['p', 'q'], out: { s: image } },
        { op: 'Relu', in: ['s'], out: { y: image } },
      ],
      outputs: ['y'],
    },
    items: [
      ['Conv', imageBytes + 64, 64, imageBytes],
      ['Conv', 2 * imageBytes + 64, 64, imageBytes],
    ],
  },
  {
    title: 'MatMul + Add of a bias; SiLU written out runs as one and reads its input once',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { w: 'float32[10,20]', b: 'float32[20]' },
      nodes: [
        { op: 'MatMul', in: ['x', 'w'], out: { m: 'float32[1,20]' } },
        { op: 'Add', in: ['m', 'b'], out: { a: 'float32[1,20]' } },
        { op: 'Sigmoid', in: ['a'], out: { g: 'float32[1,20]' } },
        { op: 'Mul', in: ['a', 'g'], out: { y: 'float32[1,20]' } },
      ],
      outputs: ['y'],
    },
    items: [
      ['MatMul', 40 + 800 + 80, 880, 80],
      ['Mul', 80, 0, 80],
    ],
  },
  {
    title: 'layer normalisation written out is one kernel',
    scope: {
      inputs: { x: 'float32[2,8]' },
      weights: { two: 'float32[]', eps: 'float32[]', g: 'float32[8]', b: 'float32[8]' },
      nodes: [
        { op: 'ReduceMean', in: ['x'], out: { mu: 'float32[2,1]' } },
        { op: 'Sub', in: ['x', 'mu'], out: { d: 'float32[2,8]' } },
        { op: 'Pow', in: ['d', 'two'], out: { sq: 'float32[2,8]' } },
        { op: 'ReduceMean', in: ['sq'], out: { va: 'float32[2,1]' } },
        { op: 'Add', in: ['va', 'eps'], out: { ve: 'float32[2,1]' } },
        { op: 'Sqrt', in: ['ve'], out: { sd: 'float32[2,1]' } },
        { op: 'Div', in: ['d', 'sd'], out: { n: 'float32[2,8]' } },
        { op: 'Mul', in: ['n', 'g'], out: { s: 'float32[2,8]' } },
        { op: 'Add', in: ['s', 'b'], out: { y: 'float32[2,8]' } },
      ],
      outputs: ['y'],
    },
    items: [['Add', 64 + 4 + 4 + 32 + 32, 72, 64]],
  },
  {
    title: 'a plain chain of elementwise operators is not fused: ONNX Runtime on CPU does not',
    scope: {
      inputs: { x: 'float32[2,8]' },
      nodes: [
        { op: 'Exp', in: ['x'], out: { e: 'float32[2,8]' } },
        { op: 'Neg', in: ['e'], out: { y: 'float32[2,8]' } },
      ],
      outputs: ['y'],
    },
    items: [
      ['Exp', 64, 0, 64],
      ['Neg', 64, 0, 64],
    ],
  },
  {
    // uint8 in 1024/4, int8 weights 16, scale 4 and zero point 1 each, int32 bias 16.
    title: 'quantisation around a convolution with Relu is folded: integers in, integers out',
    scope: {
      inputs: { x: 'uint8[1,4,8,8]' },
      weights: {
        s: 'float32[]',
        z: 'uint8[]',
        w: 'int8[4,4,1,1]',
        ws: 'float32[]',
        wz: 'int8[]',
        b: 'int32[4]',
        bs: 'float32[]',
        bz: 'int32[]',
      },
      nodes: [
        { op: 'DequantizeLinear', in: ['x', 's', 'z'], out: { d: image } },
        { op: 'DequantizeLinear', in: ['w', 'ws', 'wz'], out: { wf: 'float32[4,4,1,1]' } },
        { op: 'DequantizeLinear', in: ['b', 'bs', 'bz'], out: { bf: 'float32[4]' } },
        { op: 'Conv', in: ['d', 'wf', 'bf'], out: { c: image } },
        { op: 'Relu', in: ['c'], out: { r: image } },
        { op: 'QuantizeLinear', in: ['r', 's', 'z'], out: { y: 'uint8[1,4,8,8]' } },
      ],
      outputs: ['y'],
    },
    items: [['Conv', 256 + 16 + 16 + 4 + 1 + 4 + 1 + 4 + 4, 16 + 16 + 18, 256]],
    computeDtype: 'uint8',
  },
  {
    title: 'without a QuantizeLinear behind it a convolution stays float and dequantises first',
    scope: {
      inputs: { x: 'uint8[1,4,8,8]' },
      weights: { s: 'float32[]', w: 'float32[4,4,1,1]' },
      nodes: [
        { op: 'DequantizeLinear', in: ['x', 's'], out: { d: image } },
        { op: 'Conv', in: ['d', 'w'], out: { y: image } },
      ],
      outputs: ['y'],
    },
    items: [
      ['DequantizeLinear', 256 + 4, 4, imageBytes],
      ['Conv', imageBytes + 64, 64, imageBytes],
    ],
  },
  {
    // x 40, scale 4: to 10 bytes of uint8 with scale 4 and zero point 1; product 10 + 200 + 1 + 1, scales 4.
    title: 'dynamic quantisation: cast and rescaling join the integer product',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { w: 'int8[10,20]', ws: 'float32[]', wz: 'int8[]' },
      nodes: [
        {
          op: 'DynamicQuantizeLinear',
          in: ['x'],
          out: { q: 'uint8[1,10]', qs: 'float32[]', qz: 'uint8[]' },
        },
        { op: 'Mul', in: ['qs', 'ws'], out: { ss: 'float32[]' } },
        { op: 'MatMulInteger', in: ['q', 'w', 'qz', 'wz'], out: { i: 'int32[1,20]' } },
        { op: 'Cast', in: ['i'], out: { f: 'float32[1,20]' } },
        { op: 'Mul', in: ['f', 'ss'], out: { y: 'float32[1,20]' } },
      ],
      outputs: ['y'],
    },
    items: [
      ['DynamicQuantizeLinear', 40, 0, 15],
      ['Mul', 8, 4, 4],
      ['MatMulInteger', 10 + 200 + 1 + 1 + 4, 201, 80],
    ],
    computeDtype: 'uint8',
  },
  {
    // Weights 64 × 32 at 4 bits = 1024 bytes, scales 2 × 32 floats.
    title: '4-bit weights in blocks are multiplied as they are',
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
    items: [['MatMul', 256 + 1024 + 256, 1280, 128]],
    computeDtype: 'float32',
  },
  {
    // Of a table of 1000 rows 7 are read; ids 56 bytes.
    title: 'a lookup reads what it returns',
    scope: {
      inputs: { ids: 'int64[7]' },
      weights: { table: 'float32[1000,16]' },
      nodes: [{ op: 'Gather', in: ['table', 'ids'], out: { y: 'float32[7,16]' } }],
      outputs: ['y'],
    },
    items: [['Gather', 448 + 56, 448, 448]],
  },
  {
    title: 'constants, views and shape arithmetic are no work',
    scope: {
      inputs: { x: 'float32[2,8]' },
      nodes: [
        { op: 'Shape', in: ['x'], out: { sh: 'int64[2]' } },
        { op: 'Gather', in: ['sh', 'zero'], out: { d: 'int64[1]' } },
        {
          op: 'Constant',
          in: [],
          out: { k: 'float32[8]' },
          attributes: { value: 'tensor:float32[8]' },
        },
        { op: 'Reshape', in: ['x', 'd'], out: { r: 'float32[16]' } },
        { op: 'Mul', in: ['x', 'k'], out: { y: 'float32[2,8]' } },
      ],
      constants: { sh: [2, 8], d: [2] },
      weights: { zero: 'int64[1]' },
      outputs: ['r', 'y'],
    },
    items: [['Mul', 64 + 32, 32, 64]],
  },
];

describe('facts: bytes moved after fusion', () => {
  for (const row of rows) {
    it(row.title, () => {
      const { facts } = count(row.scope);
      const { items } = workloadOf(facts, sizeFacts(facts));
      assert.deepEqual(
        items.map((item) => [item.opType, item.readBytes, item.weightBytes, item.writeBytes]),
        row.items,
      );
      if (row.computeDtype !== undefined)
        assert.equal(items.at(-1)?.computeDtype, row.computeDtype);
    });
  }

  it('a kernel does the arithmetic of all its nodes', () => {
    const { facts } = count(rows[0]?.scope ?? { nodes: [] });
    const [item] = workloadOf(facts, sizeFacts(facts)).items;
    assert.equal(item?.macs, 4 * 64 * 4);
    // Bias 1, scale and shift 2, Relu 1.
    assert.equal(item.flops, 4 * 64 * 4);
  });

  for (const tail of [13, 14, 15, 40]) {
    it(`a region of at most 16 nodes: x + relu(x) and ${tail} more behind it`, () => {
      const chain = Array.from({ length: tail }, (_, index) => ({
        op: 'Neg',
        in: [index === 0 ? 's' : `n${index - 1}`],
        out: { [index === tail - 1 ? 'y' : `n${index}`]: image },
      }));
      const { facts } = count({
        inputs: { x: image },
        nodes: [
          { op: 'Relu', in: ['x'], out: { r: image } },
          { op: 'Add', in: ['r', 'x'], out: { s: image } },
          ...chain,
        ],
        outputs: ['y'],
      });
      const { items } = workloadOf(facts, sizeFacts(facts));
      // What does not fit behind the longest region runs alone.
      assert.equal(items.length, 1 + Math.max(0, tail + 2 - 16));
    });
  }
});
