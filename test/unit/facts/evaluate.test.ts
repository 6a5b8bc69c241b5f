import assert from 'node:assert/strict';
import {
  bindSymbols,
  evaluateFacts,
  type DimOptions,
} from '../../../server/src/core/facts/evaluate';
import { sizeFacts, workloadOf } from '../../../server/src/core/facts/workload';
import { count, type ScopeText } from './build';

function model(shape: string, out: string): ScopeText {
  return {
    inputs: { x: `float32[${shape}]` },
    weights: { w: 'float32[10,20]' },
    nodes: [{ op: 'MatMul', in: ['x', 'w'], out: { y: `float32[${out}]` } }],
    outputs: ['y'],
  };
}

interface Row {
  readonly title: string;
  readonly scope: ScopeText;
  readonly options?: DimOptions;
  readonly macs: number | null;
  readonly assumptions: readonly string[];
  readonly unbound?: readonly string[];
}

const rows: readonly Row[] = [
  {
    title: 'a batch that nobody gave is 1, and says so',
    scope: model('N,10', 'N,20'),
    macs: 200,
    assumptions: ['N = 1 (not given)'],
  },
  {
    title: 'a given size is no assumption',
    scope: model('N,10', 'N,20'),
    options: { dims: new Map([['N', 8]]) },
    macs: 1600,
    assumptions: [],
  },
  {
    title: 'a batch size applies to batch-like symbols',
    scope: model('N,10', 'N,20'),
    options: { batch: 4 },
    macs: 800,
    assumptions: ['N = 4 (as batch size)'],
  },
  {
    title: 'a sequence length is never assumed',
    scope: model('batch,seq_len,10', 'batch,seq_len,20'),
    macs: null,
    assumptions: ['batch = 1 (not given)'],
    unbound: ['seq_len'],
  },
  {
    title: 'a symbol called batch is one on any axis',
    scope: model('7,batch_size,10', '7,batch_size,20'),
    macs: 1400,
    assumptions: ['batch_size = 1 (not given)'],
  },
  {
    title: 'a sequence on the first axis is none',
    scope: model('num_tokens,10', 'num_tokens,20'),
    macs: null,
    assumptions: [],
    unbound: ['num_tokens'],
  },
  {
    title: 'the length of a vector is no batch',
    scope: {
      inputs: { x: 'float32[K]' },
      weights: { w: 'float32[20]' },
      nodes: [{ op: 'MatMul', in: ['x', 'w'], out: { y: 'float32[]' } }],
      outputs: ['y'],
    },
    macs: null,
    assumptions: [],
    unbound: ['K'],
  },
  {
    title: 'a batch of 0 is a number too',
    scope: model('N,10', 'N,20'),
    options: { dims: new Map([['N', 0]]) },
    macs: 0,
    assumptions: [],
  },
];

describe('facts: sizes and assumptions', () => {
  for (const row of rows) {
    it(row.title, () => {
      const { facts } = count(row.scope);
      const evaluated = evaluateFacts(facts, row.options);
      assert.equal(evaluated.macs, row.macs);
      assert.deepEqual(evaluated.bindings.assumptions, row.assumptions);
      assert.deepEqual(evaluated.bindings.unbound, row.unbound ?? []);
    });
  }

  it('the workload says what is missing', () => {
    const { facts } = count(model('batch,seq_len,10', 'batch,seq_len,20'));
    const workload = workloadOf(facts, sizeFacts(facts));
    assert.equal(workload.coverage, 0);
    assert.equal(workload.peakActivationBytes, null);
    assert.equal(workload.items[0]?.macs, null);
    assert.deepEqual(workload.assumptions, [
      'batch = 1 (not given)',
      'seq_len not given: what depends on it is unknown',
    ]);
  });

  it('symbols of all inputs are found, each once', () => {
    const { facts } = count({
      inputs: { ids: 'int64[B,S]', mask: 'int64[B,S]', past: 'float32[2,B,12,P,64]' },
      nodes: [],
    });
    assert.deepEqual(
      facts.symbols.map(({ name, isBatchLike }) => [name, isBatchLike]),
      [
        ['B', true],
        ['S', false],
        ['P', false],
      ],
    );
    assert.deepEqual(bindSymbols(facts).unbound, ['S', 'P']);
  });
});
