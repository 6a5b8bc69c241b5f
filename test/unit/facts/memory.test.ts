import assert from 'node:assert/strict';
import { sizeFacts } from '../../../server/src/core/facts/workload';
import { count, type NodeText, type ScopeText } from './build';

interface Row {
  readonly title: string;
  readonly scope: ScopeText;
  readonly peak: number | null;
  readonly lowerBound?: number;
  readonly io?: number | null;
}

function matmul(from: string, weight: string, to: string, size: number): NodeText {
  return { op: 'MatMul', in: [from, weight], out: { [to]: `float32[1,${size}]` } };
}

function unary(op: string, from: string, to: string, size: number): NodeText {
  return { op, in: [from], out: { [to]: `float32[1,${size}]` } };
}

const weights = { w: 'float32[10,20]', v: 'float32[20,5]', u: 'float32[20,20]' };

const rows: readonly Row[] = [
  {
    // x 40 + a 80; then a 80 + b 20.
    title: 'a chain needs each step’s input and output',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights,
      nodes: [matmul('x', 'w', 'a', 20), matmul('a', 'v', 'b', 5)],
      outputs: ['b'],
    },
    peak: 120,
    io: 60,
  },
  {
    // a and b are both alive at their sum, which is written over one of them: a 80 + b 80.
    // At b: x is gone (40), a 80 + b 80.
    title: 'a residual keeps its value alive, the addition works in place',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights,
      nodes: [
        matmul('x', 'w', 'a', 20),
        unary('Softmax', 'a', 'b', 20),
        { op: 'Mul', in: ['a', 'b'], out: { c: 'float32[1,20]' } },
      ],
      outputs: ['c'],
    },
    peak: 160,
  },
  {
    // Each Softmax writes over its input: never more than x + a, then one of 80.
    title: 'elementwise steps write over inputs that die',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights,
      nodes: [
        matmul('x', 'w', 'a', 20),
        unary('Softmax', 'a', 'b', 20),
        unary('Exp', 'b', 'c', 20),
      ],
      outputs: ['c'],
    },
    peak: 120,
  },
  {
    title: 'the caller’s input is not written over',
    scope: {
      inputs: { x: 'float32[1,10]' },
      nodes: [unary('Exp', 'x', 'y', 10)],
      outputs: ['y'],
    },
    peak: 80,
  },
  {
    // Transpose cannot work in place: a 80 + b 80.
    title: 'an operator that moves elements needs both',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights,
      nodes: [
        matmul('x', 'w', 'a', 20),
        { op: 'Transpose', in: ['a'], out: { b: 'float32[20,1]' } },
      ],
      outputs: ['b'],
    },
    peak: 160,
  },
  {
    // a, and r as a view of it, are one storage of 80; at the product with u: 80 + 80.
    title: 'views share memory and keep it alive',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { ...weights, shape: 'int64[2]' },
      nodes: [
        matmul('x', 'w', 'a', 20),
        { op: 'Reshape', in: ['a', 'shape'], out: { r: 'float32[20,1]' } },
        { op: 'Transpose', in: ['r'], out: { t: 'float32[1,20]' } },
      ],
      outputs: ['t'],
    },
    peak: 160,
  },
  {
    // y and z are graph outputs of 80 each, alive to the end: at b they and its 20.
    title: 'outputs live to the end',
    scope: {
      inputs: { x: 'float32[1,20]' },
      weights,
      nodes: [matmul('x', 'u', 'y', 20), matmul('x', 'u', 'z', 20), matmul('z', 'v', 'b', 5)],
      outputs: ['y', 'z', 'b'],
    },
    // x 80 + y 80 + z 80 at z.
    peak: 240,
    io: 80 + 80 + 80 + 20,
  },
  {
    title: 'what is fused into a product has no memory in between',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { ...weights, b: 'float32[20]' },
      nodes: [
        matmul('x', 'w', 'a', 20),
        { op: 'Add', in: ['a', 'b'], out: { s: 'float32[1,20]' } },
        unary('Relu', 's', 'y', 20),
      ],
      outputs: ['y'],
    },
    peak: 120,
  },
  {
    // x 40 bytes, q 10, then the integer product writes p: 20 bytes of uint8.
    title: 'folded dequantisation takes integers, not floats',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { s: 'float32[]', z: 'uint8[]', w: 'int8[10,20]', ws: 'float32[]', wz: 'int8[]' },
      nodes: [
        { op: 'QuantizeLinear', in: ['x', 's', 'z'], out: { q: 'uint8[1,10]' } },
        { op: 'DequantizeLinear', in: ['q', 's', 'z'], out: { d: 'float32[1,10]' } },
        { op: 'DequantizeLinear', in: ['w', 'ws', 'wz'], out: { wf: 'float32[10,20]' } },
        { op: 'MatMul', in: ['d', 'wf'], out: { m: 'float32[1,20]' } },
        { op: 'QuantizeLinear', in: ['m', 's', 'z'], out: { p: 'uint8[1,20]' } },
      ],
      outputs: ['p'],
    },
    peak: 50,
  },
  {
    // At the If: x 80, c 1, then the branch with two values of 80 at once.
    title: 'a branch adds its own peak at its node',
    scope: {
      inputs: { x: 'float32[1,20]', c: 'bool[]' },
      weights,
      nodes: [
        {
          op: 'If',
          in: ['c'],
          out: { y: 'float32[1,20]' },
          children: [
            {
              role: 'then',
              tripCount: null,
              body: {
                nodes: [matmul('x', 'u', 'p', 20), matmul('p', 'u', 'q', 20)],
                outputs: ['q'],
              },
            },
            {
              role: 'else',
              tripCount: null,
              body: { nodes: [matmul('x', 'u', 'r', 20)], outputs: ['r'] },
            },
          ],
        },
      ],
      outputs: ['y'],
    },
    peak: 80 + 1 + 160,
  },
  {
    title: 'an unknown activation makes the peak unknown but not its lower bound',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights,
      nodes: [matmul('x', 'w', 'a', 20), { op: 'Exp', in: ['a'], out: { y: 'float32[1,?]' } }],
      outputs: ['y'],
    },
    peak: null,
    lowerBound: 120,
    io: null,
  },
  {
    title: 'a vector of indices of unknown length does not matter',
    scope: {
      inputs: { x: 'float32[1,10]' },
      nodes: [{ op: 'Unique', in: ['x'], out: { u: 'int64[?]' } }, unary('Exp', 'x', 'y', 10)],
      outputs: ['y'],
    },
    peak: 80,
  },
  {
    // x 12 + y 12: nothing can read what has no name.
    title: 'an input without a name makes nothing unknown',
    scope: {
      inputs: { x: 'float32[1,3]', '': 'float32[2,2]' },
      nodes: [{ op: 'Relu', in: ['x'], out: { y: 'float32[1,3]' } }],
      outputs: ['y'],
    },
    peak: 24,
    io: 24,
  },
  {
    title: 'weights, and what is made of them at load, are not counted',
    scope: {
      inputs: { x: 'float32[1,10]' },
      weights: { w: 'float32[20,10]' },
      nodes: [
        { op: 'Transpose', in: ['w'], out: { t: 'float32[10,20]' } },
        matmul('x', 't', 'y', 20),
      ],
      outputs: ['y'],
    },
    peak: 120,
  },
];

describe('facts: peak activation memory', () => {
  for (const row of rows) {
    it(row.title, () => {
      const { facts } = count(row.scope);
      const { memory } = sizeFacts(facts);
      assert.equal(memory.peakActivationBytes, row.peak);
      assert.equal(memory.lowerBoundBytes, row.lowerBound ?? row.peak);
      if (row.io !== undefined) assert.equal(memory.ioBytes, row.io);
    });
  }

  it('symbolic sizes take their value from the bindings', () => {
    const { facts } = count({
      inputs: { x: 'float32[batch,10]' },
      weights: { w: 'float32[10,20]' },
      nodes: [{ op: 'MatMul', in: ['x', 'w'], out: { y: 'float32[batch,20]' } }],
      outputs: ['y'],
    });
    assert.equal(sizeFacts(facts).memory.peakActivationBytes, 120);
    const dims = new Map([['batch', 8]]);
    const { memory } = sizeFacts(facts, { dims });
    assert.equal(memory.peakActivationBytes, 960);
    assert.equal(memory.peakNode?.path, 'main/MatMul_0');
  });
});
