import assert from 'node:assert/strict';
import { dimText } from '../../../server/src/core/shapes/symbolic';
import { typeOf } from '../../../server/src/core/shapes/types';
import type { ChildScope, Scope } from '../../../server/src/core/shapes/types';
import { bools, graphValue, ints, weights } from '../../support/model';
import type { FunctionInput, GraphInput, NodeInput } from '../../support/model';
import { infer, typeText } from './helpers';
import type { Inferred } from './helpers';

function childrenOf({ scope }: Inferred, opType: string): readonly ChildScope[] {
  const node = scope.nodes.find((candidate) => candidate.opType === opType);
  return (node && scope.children.get(node)) ?? [];
}

function childType(child: ChildScope | undefined, name: string): string {
  return child ? typeText(typeOf(child.scope, name)) : 'no child';
}

function relu(input: string, output: string): NodeInput {
  return { op: 'Relu', inputs: [input], outputs: [output] };
}

describe('shapes: inputs, declarations and order', () => {
  it('names unnamed dims of inputs after input and axis', () => {
    const inferred = infer({ inputs: { x: 'float32[?,3,?]' }, nodes: [relu('x', 'y')] });
    assert.equal(inferred.type('y'), 'float32[x.0, 3, x.2]');
  });

  it('keeps derived names apart from declared ones', () => {
    const inferred = infer({
      inputs: { x: 'float32[?]', z: 'float32[x.0]' },
      nodes: [relu('x', 'y')],
    });
    assert.equal(inferred.type('y'), 'float32[x.0_2]');
    assert.equal(inferred.type('z'), 'float32[x.0]');
  });

  it('binds declared and derived symbols', () => {
    const model = {
      inputs: { x: 'float32[N,?]' },
      nodes: [{ op: 'NonZero', inputs: ['x'], outputs: ['z'] }, relu('x', 'y')],
    };
    const inferred = infer(model, { N: 4, 'x.1': 7, 'z.1': 9 });
    assert.equal(inferred.type('y'), 'float32[4, 7]');
    assert.equal(inferred.type('z'), 'int64[2, 9]');
    assert.equal(infer(model, { N: -1 }).type('y'), 'float32[N, x.1]');
  });

  it('takes weights from initializers, listed as inputs or not', () => {
    const nodes = [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }];
    const initializers = { w: weights('float32', 8, 4) };
    assert.equal(
      infer({ inputs: { x: 'float32[N,8]' }, initializers, nodes }).type('y'),
      'float32[N, 4]',
    );
    const inputs = { x: 'float32[N,8]', w: 'float32[?,?]' };
    assert.equal(infer({ irVersion: 3, inputs, initializers, nodes }).type('y'), 'float32[N, 4]');
  });

  it('fills what an unknown operator leaves open from the declaration', () => {
    const inferred = infer({
      inputs: { x: 'float32[N]' },
      valueInfos: { y: 'float32[N,7]' },
      outputs: { z: 'float32[N,?]' },
      nodes: [
        { op: 'custom::Foo', inputs: ['x'], outputs: ['y'] },
        { op: 'custom::Foo', inputs: ['x'], outputs: ['z'] },
        { op: 'custom::Foo', inputs: ['x'], outputs: ['q'] },
      ],
    });
    assert.deepEqual(['y', 'z', 'q'].map(inferred.type), [
      'float32[N, 7]',
      'float32[N, ?]',
      'unknown',
    ]);
    assert.deepEqual(inferred.problems, []);
  });

  it('prefers a declared size or name to a symbol of its own', () => {
    const nodes = [{ op: 'NonZero', inputs: ['x'], outputs: ['y'] }];
    const inputs = { x: 'float32[4,4]' };
    assert.equal(
      infer({ inputs, nodes, valueInfos: { y: 'int64[2,5]' } }).type('y'),
      'int64[2, 5]',
    );
    assert.equal(
      infer({ inputs, nodes, valueInfos: { y: 'int64[2,found]' } }).type('y'),
      'int64[2, found]',
    );
  });

  it('reports a contradiction and believes the weights', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,8]' },
      initializers: { w: weights('float32', 8, 4) },
      outputs: { y: 'float32[N,5]' },
      nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['y'] }],
    });
    assert.deepEqual(inferred.problems, ['shape-contradiction']);
    assert.equal(inferred.type('y'), 'float32[N, 4]');
  });

  it('sorts unsorted nodes, and keeps the order of sorted ones', () => {
    const unsorted = infer({
      inputs: { x: 'float32[N]' },
      nodes: [relu('b', 'y'), relu('a', 'b'), relu('x', 'a')],
    });
    assert.equal(unsorted.type('y'), 'float32[N]');
    assert.deepEqual(
      unsorted.scope.nodes.map((node) => node.outputs[0]),
      ['a', 'b', 'y'],
    );
    const sorted = infer({
      inputs: { x: 'float32[N]' },
      nodes: [relu('x', 'a'), relu('x', 'b'), relu('a', 'y')],
    });
    assert.deepEqual(
      sorted.scope.nodes.map((node) => node.outputs[0]),
      ['a', 'b', 'y'],
    );
  });

  it('leaves cycles uninferred and says so once', () => {
    const inferred = infer({
      inputs: { x: 'float32[N]' },
      valueInfos: { b: 'float32[3]' },
      nodes: [relu('b', 'a'), relu('a', 'b'), relu('x', 'y'), relu('b', 'z')],
    });
    assert.deepEqual(inferred.problems, ['graph-cycle']);
    assert.deepEqual(['y', 'a', 'b'].map(inferred.type), ['float32[N]', 'unknown', 'float32[3]']);
    assert.deepEqual(
      inferred.scope.nodes.map((node) => node.outputs[0]),
      ['y', 'a', 'b', 'z'],
    );
  });

  it('gives every name its due: __proto__, constructor, control characters', () => {
    const names = ['__proto__', 'constructor', 'a\u0000b', ' '];
    const nodes = names.map((name, index) =>
      relu(index === 0 ? 'x' : (names[index - 1] ?? ''), name),
    );
    const inferred = infer({ inputs: { x: 'float32[N]' }, nodes });
    for (const name of names) assert.equal(inferred.type(name), 'float32[N]');
  });

  it('reads an opset of the future as the newest one', () => {
    const nodes = [{ op: 'Squeeze', inputs: ['x', 'axes'], outputs: ['y'] }];
    const inferred = infer({
      opset: 99,
      inputs: { x: 'float32[1,N]' },
      initializers: { axes: ints([0]) },
      nodes,
    });
    assert.equal(inferred.type('y'), 'float32[N]');
  });
});

describe('shapes: If, Loop and Scan', () => {
  const branches = (then: GraphInput, otherwise: GraphInput): NodeInput => ({
    op: 'If',
    name: 'choose',
    inputs: ['c'],
    outputs: ['y'],
    attributes: { then_branch: graphValue(then), else_branch: graphValue(otherwise) },
  });
  const narrow: GraphInput = {
    outputs: { t: 'float32' },
    initializers: { w: weights('float32', 8, 4) },
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['t'] }],
  };
  const wide: GraphInput = {
    outputs: { e: 'float32' },
    initializers: { w: weights('float32', 8, 9) },
    nodes: [{ op: 'MatMul', inputs: ['x', 'w'], outputs: ['e'] }],
  };

  it('merges branches: equal dims stay, others become a symbol', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,8]', c: 'bool[]' },
      nodes: [branches(narrow, wide)],
    });
    assert.equal(inferred.type('y'), 'float32[N, y.1]');
    const children = childrenOf(inferred, 'If');
    assert.deepEqual(
      children.map(({ role, tripCount }) => [role, tripCount]),
      [
        ['then', null],
        ['else', null],
      ],
    );
    assert.deepEqual(
      children.map(({ scope }) => scope.path),
      ['main/choose/then_branch', 'main/choose/else_branch'],
    );
    assert.equal(childType(children[0], 't'), 'float32[N, 4]');
  });

  it('follows a condition known before the run', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,8]' },
      initializers: { c: bools([false], []) },
      nodes: [branches(narrow, wide)],
    });
    assert.equal(inferred.type('y'), 'float32[N, 9]');
    assert.deepEqual(
      childrenOf(inferred, 'If').map(({ tripCount }) => tripCount),
      [0, 1],
    );
  });

  it('does not blame the branch that may never run', () => {
    const broken: GraphInput = { ...wide, initializers: { w: weights('float32', 5, 9) } };
    const inferred = infer({
      inputs: { x: 'float32[N,8]', c: 'bool[]' },
      nodes: [branches(narrow, broken)],
    });
    assert.deepEqual(inferred.problems, []);
  });

  const loop = (
    body: GraphInput,
    inputs: readonly string[],
    outputs: readonly string[],
  ): NodeInput => ({
    op: 'Loop',
    inputs,
    outputs,
    attributes: { body: graphValue(body) },
  });
  const counting: GraphInput = {
    inputs: { i: 'int64[]', go: 'bool[]', s: 'float32' },
    outputs: { on: 'bool[]', s2: 'float32', row: 'float32' },
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['on'] },
      { op: 'Add', inputs: ['s', 'x'], outputs: ['s2'] },
      { op: 'Identity', inputs: ['s2'], outputs: ['row'] },
    ],
  };

  it('counts the trips of a Loop and stacks what it scans', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,8]', s0: 'float32[N,8]' },
      initializers: { m: ints([10], []), yes: bools([true], []) },
      nodes: [loop(counting, ['m', 'yes', 's0'], ['s', 'rows'])],
    });
    assert.deepEqual(['s', 'rows'].map(inferred.type), ['float32[N, 8]', 'float32[10, N, 8]']);
    assert.deepEqual(
      childrenOf(inferred, 'Loop').map(({ role, tripCount }) => [role, tripCount]),
      [['body', 10]],
    );
  });

  it('does not count trips that the body may end', () => {
    const ending: GraphInput = {
      ...counting,
      nodes: [{ op: 'Not', inputs: ['unknown'], outputs: ['on'] }, ...counting.nodes.slice(1)],
    };
    const inferred = infer({
      inputs: { x: 'float32[N,8]', s0: 'float32[N,8]', unknown: 'bool[]' },
      initializers: { m: ints([10], []) },
      nodes: [loop(ending, ['m', '', 's0'], ['s', 'rows'])],
    });
    assert.equal(inferred.type('rows'), 'float32[rows.0, N, 8]');
    assert.deepEqual(
      childrenOf(inferred, 'Loop').map(({ tripCount }) => tripCount),
      [null],
    );
  });

  it('generalises carried shapes that change from trip to trip', () => {
    const growing: GraphInput = {
      inputs: { i: 'int64[]', go: 'bool[]', s: 'float32' },
      outputs: { on: 'bool[]', s2: 'float32' },
      nodes: [
        { op: 'Identity', inputs: ['go'], outputs: ['on'] },
        { op: 'Concat', inputs: ['s', 'x'], outputs: ['s2'], attributes: { axis: 0 } },
      ],
    };
    const inferred = infer({
      inputs: { x: 'float32[1,8]', s0: 'float32[1,8]' },
      initializers: { m: ints([10], []) },
      nodes: [loop(growing, ['m', '', 's0'], ['s'])],
    });
    assert.equal(inferred.type('s'), 'float32[s.0, 8]');
    assert.equal(childType(childrenOf(inferred, 'Loop')[0], 's2'), 'float32[s.0.in + 1, 8]');
  });

  it('tells the sizes of elements apart from each other and from those around them', () => {
    const joined: GraphInput = {
      inputs: { a: 'float32[N,k]', q: 'float32[N,7]' },
      outputs: { r: 'float32' },
      nodes: [{ op: 'Concat', inputs: ['a', 'q'], outputs: ['r'], attributes: { axis: 1 } }],
    };
    const inferred = infer({
      inputs: { x: 'float32[N,7]', other: 'float32[k,2]' },
      initializers: { parts: ints([3], []), at: ints([0], []) },
      nodes: [
        { op: 'SplitToSequence', inputs: ['x', 'parts'], outputs: ['s'], attributes: { axis: 1 } },
        {
          op: 'SequenceMap',
          inputs: ['s', 'x'],
          outputs: ['t'],
          attributes: { body: graphValue(joined) },
        },
        { op: 'SequenceAt', inputs: ['t', 'at'], outputs: ['y'] },
      ],
    });
    assert.equal(childType(childrenOf(inferred, 'SequenceMap')[0], 'r'), 'float32[N, t.1.in0 + 7]');
    assert.equal(inferred.type('t'), 'sequence(float32[N, ?])');
    assert.equal(inferred.type('y'), 'float32[N, y.1]');
  });

  it('slices what Scan reads and stacks what it writes', () => {
    const inferred = infer({
      inputs: { h0: 'float32[B,4]', xs: 'float32[B,T,4]' },
      nodes: [
        {
          op: 'Scan',
          inputs: ['h0', 'xs'],
          outputs: ['h', 'ys'],
          attributes: {
            num_scan_inputs: 1,
            scan_input_axes: [1],
            scan_output_axes: [1],
            body: graphValue({
              inputs: { h1: 'float32', x1: 'float32' },
              outputs: { h2: 'float32', y1: 'float32' },
              nodes: [{ op: 'Add', inputs: ['h1', 'x1'], outputs: ['h2'] }, relu('h2', 'y1')],
            }),
          },
        },
      ],
    });
    assert.deepEqual(['h', 'ys'].map(inferred.type), ['float32[B, 4]', 'float32[B, T, 4]']);
    assert.deepEqual(
      childrenOf(inferred, 'Scan').map(({ tripCount }) => dimText(tripCount)),
      ['T'],
    );
  });

  it('orders a node after the producers of what its subgraph captures', () => {
    const inferred = infer({
      inputs: { c: 'bool[]', in: 'float32[N,8]' },
      nodes: [branches(narrow, narrow), relu('in', 'x')],
    });
    assert.equal(inferred.type('y'), 'float32[N, 4]');
  });
});

describe('shapes: model-local functions', () => {
  const linear: FunctionInput = {
    name: 'Linear',
    inputs: ['x', 'w'],
    outputs: ['y'],
    nodes: [
      { op: 'MatMul', inputs: ['x', 'w'], outputs: ['m'] },
      { op: 'Transpose', inputs: ['m'], outputs: ['y'], references: { perm: 'order' } },
    ],
    defaults: { order: [0, 1] },
  };
  const call = (
    output: string,
    weight: string,
    attributes: NodeInput['attributes'] = {},
  ): NodeInput => ({
    op: 'local::Linear',
    name: `call_${output}`,
    inputs: ['x', weight],
    outputs: [output],
    attributes,
  });

  it('gives each call a scope of its own, with the attributes of that call', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,8]' },
      initializers: { a: weights('float32', 8, 4), b: weights('float32', 8, 5) },
      functions: [linear],
      nodes: [call('y', 'a'), call('z', 'b', { order: [1, 0] })],
    });
    assert.deepEqual(['y', 'z'].map(inferred.type), ['float32[N, 4]', 'float32[5, N]']);
    const scopes = inferred.scope.nodes.flatMap((node) => inferred.scope.children.get(node) ?? []);
    assert.deepEqual(
      scopes.map(({ scope }) => scope.path),
      ['main/call_y/Linear', 'main/call_z/Linear'],
    );
    assert.deepEqual(
      scopes.map((child) => childType(child, 'm')),
      ['float32[N, 4]', 'float32[N, 5]'],
    );
    assert.ok(scopes.every(({ scope }) => scope.parent === null));
  });

  it('passes known values in and out', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,3]' },
      functions: [
        {
          name: 'Size0',
          inputs: ['v'],
          outputs: ['n'],
          nodes: [{ op: 'Shape', inputs: ['v'], outputs: ['n'] }],
        },
      ],
      nodes: [
        { op: 'local::Size0', inputs: ['x'], outputs: ['s'] },
        { op: 'ConstantOfShape', inputs: ['s'], outputs: ['y'] },
      ],
    });
    assert.equal(inferred.type('y'), 'float32[N, 3]');
  });

  it('tells overloads apart', () => {
    const inferred = infer({
      inputs: { x: 'float32[N,3]' },
      functions: [{ ...linear, overload: 'other' }],
      nodes: [call('y', 'x')],
    });
    assert.equal(inferred.type('y'), 'unknown');
  });

  it('refuses recursion, direct and mutual', () => {
    const calling = (name: string, callee: string): FunctionInput => ({
      name,
      inputs: ['x'],
      outputs: ['y'],
      nodes: [{ op: `local::${callee}`, inputs: ['x'], outputs: ['y'] }],
    });
    const start = [{ op: 'local::A', inputs: ['x'], outputs: ['y'] }];
    const inputs = { x: 'float32[N]' };
    for (const functions of [[calling('A', 'A')], [calling('A', 'B'), calling('B', 'A')]]) {
      assert.deepEqual(infer({ inputs, functions, nodes: start }).problems, ['function-recursion']);
    }
  });

  it('stops at functions whose many parameters are named in every call', () => {
    const wide: FunctionInput = {
      name: 'Wide',
      inputs: Array.from({ length: 2000 }, (_, index) => `p${index}`),
      outputs: ['y'],
      nodes: [{ op: 'Relu', inputs: ['p0'], outputs: ['y'] }],
    };
    const calls = Array.from({ length: 600 }, (_, index) => ({
      op: 'local::Wide',
      inputs: ['x'],
      outputs: [`y${index}`],
    }));
    const inputs = { x: 'float32[N]' };
    const few = infer({ inputs, functions: [wide], nodes: calls.slice(0, 400) });
    assert.deepEqual(few.problems, []);
    const many = infer({ inputs, functions: [wide], nodes: calls });
    assert.deepEqual(many.problems, ['function-expansion-limit']);
  });

  it('stops at functions that expand without end', () => {
    const levels = 12;
    const functions = Array.from({ length: levels }, (_, level): FunctionInput => ({
      name: `F${level}`,
      inputs: ['x'],
      outputs: ['y9'],
      nodes: Array.from({ length: 10 }, (_unused, index) => ({
        op: level + 1 < levels ? `local::F${level + 1}` : 'Relu',
        inputs: [index === 0 ? 'x' : `y${index - 1}`],
        outputs: [`y${index}`],
      })),
    }));
    const inferred = infer({
      inputs: { x: 'float32[N]' },
      functions,
      nodes: [{ op: 'local::F0', inputs: ['x'], outputs: ['y'] }, relu('x', 'z')],
    });
    assert.deepEqual(inferred.problems, ['function-expansion-limit']);
    assert.equal(inferred.type('z'), 'float32[N]');
    assert.ok(countScopes(inferred.scope) < 100_000);
  });

  it('stops at loops nested without end, each run several times', () => {
    let body: GraphInput = {
      inputs: { i: 'int64[]', go: 'bool[]', s: 'float32' },
      outputs: { go: 'bool[]', s2: 'float32' },
      nodes: [{ op: 'Concat', inputs: ['s', 's'], outputs: ['s2'], attributes: { axis: 0 } }],
    };
    const nested = (inner: GraphInput): GraphInput => ({
      ...inner,
      nodes: [
        {
          op: 'Loop',
          inputs: ['', '', 's'],
          outputs: ['s2'],
          attributes: { body: graphValue(inner) },
        },
      ],
    });
    for (let depth = 0; depth < 40; depth++) body = nested(body);
    const inferred = infer({
      inputs: { s: 'float32[1,2]' },
      nodes: [
        {
          op: 'Loop',
          inputs: ['', '', 's'],
          outputs: ['y'],
          attributes: { body: graphValue(body) },
        },
      ],
    });
    assert.ok(inferred.problems.every((code) => code === 'function-expansion-limit'));
  });

  it('gives up values before memory: a thousand tensors of 4096 known elements', () => {
    const row = ints(Array.from({ length: 4096 }, () => 1));
    const nodes = Array.from({ length: 2000 }, (_, index): NodeInput => ({
      op: 'Add',
      inputs: [index === 0 ? 'a' : `y${index - 1}`, 'a'],
      outputs: [`y${index}`],
    }));
    const inferred = infer({ initializers: { a: row }, nodes });
    assert.equal(inferred.type('y1999'), 'int64[4096]');
    assert.equal(inferred.values('y1999'), undefined);
    assert.ok(inferred.values('y0')?.startsWith('2,2'));
  });
});

function countScopes(scope: Scope): number {
  let count = 0;
  const pending = [scope];
  for (let at = pending.pop(); at; at = pending.pop()) {
    count++;
    for (const children of at.children.values())
      pending.push(...children.map((child) => child.scope));
  }
  return count;
}
