import assert from 'node:assert/strict';
import { dimText, symbol, type Dim } from '../../../server/src/core/shapes/symbolic';
import { evaluateFacts } from '../../../server/src/core/facts/evaluate';
import { sizeFacts, workloadOf } from '../../../server/src/core/facts/workload';
import { count, type ChildText, type NodeText, type ScopeText } from './build';

/** 2 × 4 × 4 = 32 MACs. */
const small: NodeText = { op: 'MatMul', in: ['x', 'w'], out: { s: 'float32[2,4]' } };
/** 2 × 4 × 8 = 64 MACs. */
const large: NodeText = { op: 'MatMul', in: ['x', 'v'], out: { l: 'float32[2,8]' } };

function around(children: readonly ChildText[], op = 'If'): ScopeText {
  return {
    inputs: { x: 'float32[2,4]', c: 'bool[]' },
    weights: { w: 'float32[4,4]', v: 'float32[4,8]' },
    nodes: [{ op, in: ['c'], out: { y: 'float32[2,4]' }, children }],
    outputs: ['y'],
  };
}

function branches(thenTrips: Dim, elseTrips: Dim): ScopeText {
  return around([
    { role: 'then', tripCount: thenTrips, body: { nodes: [small], outputs: ['s'] } },
    { role: 'else', tripCount: elseTrips, body: { nodes: [large], outputs: ['l'] } },
  ]);
}

function loop(tripCount: Dim): ScopeText {
  return around([{ role: 'body', tripCount, body: { nodes: [small], outputs: ['s'] } }], 'Loop');
}

interface Row {
  readonly title: string;
  readonly scope: ScopeText;
  readonly total: string;
  /** Output → repeat of the node that makes it. */
  readonly repeat: Readonly<Record<string, string>>;
  readonly evaluated: number | null;
  readonly known: number;
  readonly items: readonly (number | null)[];
}

const rows: readonly Row[] = [
  {
    title: 'an If with unknown condition costs its costlier branch',
    scope: branches(null, null),
    total: '64',
    repeat: { s: '1', l: '1' },
    evaluated: 64,
    known: 64,
    items: [64],
  },
  {
    title: 'an If with known condition costs the branch that runs',
    scope: branches(1, 0),
    total: '32',
    repeat: { s: '1', l: '0' },
    evaluated: 32,
    known: 32,
    items: [32],
  },
  {
    title: 'a loop multiplies its body',
    scope: loop(10),
    total: '320',
    repeat: { s: '10' },
    evaluated: 320,
    known: 320,
    items: [320],
  },
  {
    title: 'a loop over a symbol keeps it',
    scope: loop(symbol('steps')),
    total: '32*steps',
    repeat: { s: 'steps' },
    evaluated: null,
    known: 32,
    items: [null],
  },
  {
    title: 'an unknown trip count makes the total unknown, not zero; the node keeps its own number',
    scope: loop(null),
    total: '?',
    repeat: { s: '?' },
    evaluated: null,
    known: 32,
    items: [null],
  },
];

describe('facts: branches, loops and calls', () => {
  for (const row of rows) {
    it(row.title, () => {
      const { facts, making } = count(row.scope);
      assert.equal(dimText(facts.macs), row.total);
      assert.equal(making('y').macs, 0);
      for (const [output, repeat] of Object.entries(row.repeat)) {
        assert.equal(dimText(making(output).repeat), repeat);
      }
      assert.equal(making('s').macs, 32);
      const evaluated = evaluateFacts(facts);
      assert.equal(evaluated.macs, row.evaluated);
      assert.equal(evaluated.knownMacs, row.known);
      const { items } = workloadOf(facts, sizeFacts(facts));
      assert.deepEqual(
        items.map((item) => item.macs),
        row.items,
      );
    });
  }

  it('loops in loops multiply', () => {
    const body: ScopeText = { nodes: [small], outputs: ['s'] };
    const inner: NodeText = {
      op: 'Loop',
      in: ['c'],
      out: { z: 'float32[2,4]' },
      children: [{ role: 'body', tripCount: 3, body }],
    };
    const outer: ChildText = {
      role: 'body',
      tripCount: symbol('n'),
      body: { nodes: [inner], outputs: ['z'] },
    };
    const { facts, making } = count(around([outer], 'Loop'));
    assert.equal(dimText(facts.macs), '96*n');
    assert.equal(dimText(making('s').repeat), '3*n');
  });

  it('a function that is called twice has two work items with different names', () => {
    const call = (output: string, input: string): NodeText => ({
      op: 'Body',
      domain: 'local',
      name: `call_${output}`,
      in: [input],
      out: { [output]: 'float32[2,4]' },
      children: [
        {
          role: 'function',
          tripCount: 1,
          body: {
            inputs: { a: 'float32[2,4]' },
            nodes: [{ op: 'Relu', name: 'act', in: ['a'], out: { r: 'float32[2,4]' } }],
            outputs: ['r'],
          },
        },
      ],
    });
    const scope: ScopeText = {
      inputs: { x: 'float32[2,4]' },
      nodes: [call('p', 'x'), call('q', 'p')],
      outputs: ['q'],
    };
    const { facts } = count(scope);
    const { items } = workloadOf(facts, sizeFacts(facts));
    assert.equal(facts.flops, 16);
    assert.deepEqual(
      items.map((item) => item.name),
      ['main/call_p/function_0/act', 'main/call_q/function_0/act'],
    );
  });

  it('a body that inference did not enter is unknown', () => {
    const graph = around([{ role: 'body', tripCount: 1, body: { nodes: [] } }], 'Loop');
    const { facts } = count({
      ...graph,
      nodes: [{ op: 'BeamSearch', domain: 'com.microsoft', in: ['x'], out: { y: 'int32[1]' } }],
    });
    assert.equal(facts.macs, null);
    assert.equal(facts.coverage.nodesWithMacs, 0);
  });

  it('an unknown operator makes totals unknown, lowers coverage and is reported once', () => {
    const { facts, problems } = count({
      inputs: { x: 'float32[2,4]' },
      weights: { w: 'float32[4,4]' },
      nodes: [
        small,
        { op: 'Mystery', domain: 'acme', in: ['s'], out: { a: 'float32[2,4]' } },
        { op: 'Mystery', domain: 'acme', in: ['a'], out: { b: 'unknown' } },
      ],
      outputs: ['b'],
    });
    assert.equal(facts.macs, null);
    assert.equal(evaluateFacts(facts).knownMacs, 32);
    assert.equal(facts.coverage.nodesWithMacs, 1 / 3);
    assert.equal(facts.coverage.valuesWithShape, 2 / 3);
    assert.deepEqual(
      problems.map(({ code, where }) => [code, where]),
      [['unknown-operator-cost', 'main/Mystery_1']],
    );
    assert.equal(workloadOf(facts, sizeFacts(facts)).coverage, 1 / 3);
  });
});
