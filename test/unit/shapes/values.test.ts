import assert from 'node:assert/strict';
import { bools, float32s, graphValue, ints, tensorValue } from '../../support/model';
import type { ModelInput } from '../../support/model';
import { infer } from './helpers';

/** Shape computations as exporters write them: what is known of `y`'s elements or type at the end. */
const cases: readonly {
  readonly title: string;
  readonly model: ModelInput;
  readonly values?: string;
  readonly type?: string;
}[] = [
  {
    title: 'view(x.size(0), -1): Shape, Gather, Unsqueeze, Concat, Reshape',
    model: {
      inputs: { x: 'float32[N,3,4]' },
      initializers: { zero: ints([0], []), axes: ints([0]), rest: ints([-1]) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'zero'], outputs: ['n'] },
        { op: 'Unsqueeze', inputs: ['n', 'axes'], outputs: ['u'] },
        { op: 'Concat', inputs: ['u', 'rest'], outputs: ['t'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 't'], outputs: ['y'] },
      ],
    },
    type: 'float32[N, 12]',
  },
  {
    title: 'upsampling to twice the size through floats',
    model: {
      inputs: { x: 'float32[1,8,H,W]' },
      initializers: {
        two: ints([2], []),
        from: ints([2]),
        to: ints([4]),
        head: ints([1, 8]),
        scale: float32s([2], []),
      },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Slice', inputs: ['s', 'from', 'to'], outputs: ['hw'] },
        { op: 'Cast', inputs: ['hw'], outputs: ['f'], attributes: { to: 1 } },
        { op: 'Mul', inputs: ['f', 'scale'], outputs: ['m'] },
        { op: 'Floor', inputs: ['m'], outputs: ['fl'] },
        { op: 'Cast', inputs: ['fl'], outputs: ['i'], attributes: { to: 7 } },
        { op: 'Concat', inputs: ['head', 'i'], outputs: ['sizes'], attributes: { axis: 0 } },
        { op: 'Resize', inputs: ['x', '', '', 'sizes'], outputs: ['y'] },
      ],
    },
    type: 'float32[1, 8, 2*H, 2*W]',
  },
  {
    title: 'integer division rounds towards zero',
    model: {
      initializers: { a: ints([-7, 7]), b: ints([2]) },
      nodes: [{ op: 'Div', inputs: ['a', 'b'], outputs: ['y'] }],
    },
    values: '-3,3',
  },
  {
    title: 'a negative size is divided towards zero, too: N/2 cut off at the end',
    model: {
      inputs: { x: 'float32[N]' },
      initializers: { two: ints([2]), zero: ints([0]) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['n'] },
        { op: 'Neg', inputs: ['n'], outputs: ['m'] },
        { op: 'Div', inputs: ['m', 'two'], outputs: ['h'] },
        { op: 'Neg', inputs: ['h'], outputs: ['y'] },
      ],
    },
    values: 'floor(N/2)',
  },
  {
    title: 'an end that may be negative or not: no size',
    model: {
      inputs: { x: 'float32[N]' },
      initializers: { three: ints([3]), zero: ints([0]) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['n'] },
        { op: 'Sub', inputs: ['n', 'three'], outputs: ['end'] },
        { op: 'Slice', inputs: ['x', 'zero', 'end'], outputs: ['y'] },
      ],
    },
    type: 'float32[y.0]',
  },
  {
    title: 'sums that do not fit into their type are not known',
    model: {
      initializers: { a: ints([200, 5]), b: ints([100, 6]) },
      nodes: [
        { op: 'Cast', inputs: ['a'], outputs: ['p'], attributes: { to: 2 } },
        { op: 'Cast', inputs: ['b'], outputs: ['q'], attributes: { to: 2 } },
        { op: 'Add', inputs: ['p', 'q'], outputs: ['y'] },
      ],
    },
    values: '?,11',
  },
  {
    title: 'half the heads of a symbolic size',
    model: {
      inputs: { x: 'float32[S,8]' },
      initializers: { two: ints([2], []), at: ints([0], []) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'at'], outputs: ['n'] },
        { op: 'Div', inputs: ['n', 'two'], outputs: ['y'] },
      ],
    },
    values: 'floor(S/2)',
  },
  {
    title: 'expand to a shape in which -1 was replaced by Where and Equal',
    model: {
      inputs: { x: 'float32[1,4]', w: 'float32[N,2]' },
      initializers: { wanted: ints([-1, 4]), minus: ints([-1]), at: ints([0]), one: ints([1]) },
      nodes: [
        { op: 'Shape', inputs: ['w'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'at'], outputs: ['n'] },
        { op: 'Concat', inputs: ['n', 'one'], outputs: ['dims'], attributes: { axis: 0 } },
        { op: 'Equal', inputs: ['wanted', 'minus'], outputs: ['open'] },
        { op: 'Where', inputs: ['open', 'dims', 'wanted'], outputs: ['target'] },
        { op: 'Expand', inputs: ['x', 'target'], outputs: ['y'] },
      ],
    },
    type: 'float32[N, 4]',
  },
  {
    title: 'positions: Range over a sequence length, reshaped',
    model: {
      inputs: { ids: 'int64[B,S]' },
      initializers: { zero: ints([0], []), one: ints([1], []), row: ints([1, -1]) },
      nodes: [
        { op: 'Shape', inputs: ['ids'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'one'], outputs: ['n'] },
        { op: 'Range', inputs: ['zero', 'n', 'one'], outputs: ['r'] },
        { op: 'Reshape', inputs: ['r', 'row'], outputs: ['y'] },
      ],
    },
    type: 'int64[1, S]',
  },
  {
    title: 'flattened batch: ReduceProd of a shape',
    model: {
      inputs: { x: 'float32[B,S,16]' },
      initializers: { rows: ints([0, 1]), width: ints([16]) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'rows'], outputs: ['bs'] },
        { op: 'ReduceProd', inputs: ['bs'], outputs: ['p'], attributes: { axes: [0] } },
        { op: 'Concat', inputs: ['p', 'width'], outputs: ['t'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['x', 't'], outputs: ['y'] },
      ],
    },
    type: 'float32[B*S, 16]',
  },
  {
    title: 'pads made by ConstantOfShape, Concat, Slice backwards and Transpose (PyTorch)',
    model: {
      inputs: { x: 'float32[N,3,H,W]' },
      initializers: {
        given: ints([1, 2, 3, 4]),
        count: ints([4]),
        pairs: ints([-1, 2]),
        flat: ints([-1]),
        last: ints([-1]),
        first: ints([-(2n ** 63n) + 1n]),
        zero: ints([0]),
        back: ints([-1]),
      },
      nodes: [
        {
          op: 'ConstantOfShape',
          inputs: ['count'],
          outputs: ['zeros'],
          attributes: { value: tensorValue(ints([0])) },
        },
        { op: 'Concat', inputs: ['given', 'zeros'], outputs: ['all'], attributes: { axis: 0 } },
        { op: 'Reshape', inputs: ['all', 'pairs'], outputs: ['p'] },
        { op: 'Slice', inputs: ['p', 'last', 'first', 'zero', 'back'], outputs: ['r'] },
        { op: 'Transpose', inputs: ['r'], outputs: ['t'], attributes: { perm: [1, 0] } },
        { op: 'Reshape', inputs: ['t', 'flat'], outputs: ['pads'] },
        { op: 'Pad', inputs: ['x', 'pads'], outputs: ['y'] },
      ],
    },
    type: 'float32[N, 3, H + 7, W + 3]',
  },
  {
    title: 'Split, Squeeze, Min and Max of sizes',
    model: {
      inputs: { x: 'float32[3,20]' },
      initializers: { axes: ints([0]), cap: ints([10], []) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Split', inputs: ['s'], outputs: ['a', 'b'], attributes: { axis: 0 } },
        { op: 'Max', inputs: ['a', 'b'], outputs: ['m'] },
        { op: 'Squeeze', inputs: ['m', 'axes'], outputs: ['q'] },
        { op: 'Min', inputs: ['q', 'cap'], outputs: ['y'] },
      ],
    },
    values: '10',
  },
  {
    title: 'Gather along an inner axis, indices from the end too',
    model: {
      initializers: { a: ints([1, 2, 3, 4, 5, 6], [2, 3]), at: ints([2, -1, 0, 1], [2, 2]) },
      nodes: [{ op: 'Gather', inputs: ['a', 'at'], outputs: ['y'], attributes: { axis: -1 } }],
    },
    values: '3,3,1,2,6,6,4,5',
    type: 'int64[2, 2, 2]',
  },
  {
    title: 'Gather of rows, one of them outside',
    model: {
      initializers: { a: ints([1, 2, 3, 4, 5, 6], [3, 2]), at: ints([2, 3]) },
      nodes: [{ op: 'Gather', inputs: ['a', 'at'], outputs: ['y'] }],
    },
    values: '5,6,?,?',
  },
  {
    title: 'Concat along an inner axis',
    model: {
      initializers: { a: ints([1, 2, 3, 4], [2, 2]), b: ints([5, 6], [2, 1]) },
      nodes: [{ op: 'Concat', inputs: ['a', 'b'], outputs: ['y'], attributes: { axis: -1 } }],
    },
    values: '1,2,5,3,4,6',
  },
  {
    title: 'Concat around a part whose elements are not known',
    model: {
      inputs: { x: 'int64[2,1]' },
      initializers: { a: ints([1, 2, 3, 4], [2, 2]), b: ints([5, 6], [2, 1]) },
      nodes: [{ op: 'Concat', inputs: ['a', 'x', 'b'], outputs: ['y'], attributes: { axis: 1 } }],
    },
    values: '1,2,?,5,3,4,?,6',
  },
  {
    title: 'an element of a sequence: sizes in which the elements differ are its own',
    model: {
      inputs: { a: 'float32[2,N,4]', b: 'float32[3,N,4]' },
      initializers: { at: ints([1], []) },
      nodes: [
        { op: 'SequenceConstruct', inputs: ['a', 'b'], outputs: ['s'] },
        { op: 'SequenceAt', inputs: ['s', 'at'], outputs: ['y'] },
      ],
    },
    type: 'float32[y.0, N, 4]',
  },
  {
    title: 'Tile and Expand of known values',
    model: {
      initializers: { a: ints([1, 2], [2, 1]), to: ints([2, 2]), repeats: ints([1, 2]) },
      nodes: [
        { op: 'Expand', inputs: ['a', 'to'], outputs: ['e'] },
        { op: 'Tile', inputs: ['e', 'repeats'], outputs: ['y'] },
      ],
    },
    values: '1,1,1,1,2,2,2,2',
  },
  {
    title: 'NonZero of known values',
    model: {
      initializers: { a: bools([true, false, true]) },
      nodes: [{ op: 'NonZero', inputs: ['a'], outputs: ['y'] }],
    },
    values: '0,2',
    type: 'int64[1, 2]',
  },
  {
    title: 'an If whose condition is known takes its branch, values included',
    model: {
      inputs: { x: 'float32[N,1,4]' },
      initializers: { one: ints([1], []), axis: ints([1], []) },
      nodes: [
        { op: 'Shape', inputs: ['x'], outputs: ['s'] },
        { op: 'Gather', inputs: ['s', 'axis'], outputs: ['n'] },
        { op: 'Equal', inputs: ['n', 'one'], outputs: ['c'] },
        {
          op: 'If',
          inputs: ['c'],
          outputs: ['y'],
          attributes: {
            then_branch: graphValue({
              outputs: { t: 'float32' },
              initializers: { axes: ints([1]) },
              nodes: [{ op: 'Squeeze', inputs: ['x', 'axes'], outputs: ['t'] }],
            }),
            else_branch: graphValue({
              outputs: { e: 'float32' },
              nodes: [{ op: 'Identity', inputs: ['x'], outputs: ['e'] }],
            }),
          },
        },
      ],
    },
    type: 'float32[N, 4]',
  },
];

describe('shapes: values known before the run', () => {
  for (const { title, model, values, type } of cases) {
    it(title, () => {
      const inferred = infer(model);
      if (type !== undefined) assert.equal(inferred.type('y'), type);
      if (values !== undefined) assert.equal(inferred.values('y'), values);
      assert.deepEqual(inferred.messages, []);
    });
  }

  it('leaves large tensors alone', () => {
    const inferred = infer({
      initializers: { n: ints([5000]) },
      nodes: [{ op: 'ConstantOfShape', inputs: ['n'], outputs: ['y'] }],
    });
    assert.equal(inferred.type('y'), 'float32[5000]');
    assert.equal(inferred.values('y'), undefined);
  });

  it('never sizes anything by a number of the file', () => {
    const inferred = infer({
      initializers: {
        n: ints([2n ** 40n, 2n ** 40n]),
        zero: ints([0], []),
        far: ints([2n ** 50n], []),
        one: ints([1], []),
      },
      nodes: [
        { op: 'ConstantOfShape', inputs: ['n'], outputs: ['c'] },
        { op: 'Range', inputs: ['zero', 'far', 'one'], outputs: ['r'] },
        { op: 'Tile', inputs: ['c', 'n'], outputs: ['y'] },
      ],
    });
    assert.equal(inferred.type('r'), `int64[${2 ** 50}]`);
    assert.equal(inferred.type('y'), 'float32[?, ?]');
  });
});
