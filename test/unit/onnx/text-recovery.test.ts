import assert from 'node:assert/strict';
import { parseDraftText, parseModelText } from '../../../server/src/core/onnx/text-parse';
import { header } from './text-cases';

/** Texts with mistakes that somebody makes while typing; what each error marks; the nodes that are known in spite of it. */
const drafts: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['g (x) => (y) {\n  a = Relu (x\n  y = Relu (a)\n}', ['x'], ['a = Relu', 'y = Relu']],
  ['g (x) => (y) {\n  a =\n  y = Relu (x)\n}', ['='], ['a = ', 'y = Relu']],
  ['g (x) => (y) {\n  a\n  y = Relu (x)\n}', ['a'], ['a = ', 'y = Relu']],
  ['g (x) => (y) {\n  a = Re\n  y = Relu (a)\n}', ['Re'], ['a = Re', 'y = Relu']],
  ['g (x) => (y) {\n  a = Op <m = "s> (x)\n  y = Relu (a)\n}', ['"s> (x)'], ['a = Op', 'y = Relu']],
  ['g (x) => (y) {\n  a = Op <m = , n = 1> (x)\n  y = Relu (a)\n}', [','], ['a = Op', 'y = Relu']],
  ['g (x) => (y) {\n  a = Op (x) $\n  y = Relu (a)\n}', ['$'], ['a = Op', ' = ', 'y = Relu']],
  [
    'g (x) => (y) {\n  a = Op (x x)\n  b = Op (a a)\n  y = Op (b)\n}',
    ['x', 'a'],
    ['a = Op', 'b = Op', 'y = Op'],
  ],
  ['g (x) => (y) <float w = {1}\n float v = {2}> { y = Op (x) }', ['}'], ['y = Op']],
  ['g (float[2 x, float z) => (y) { y = Op (x) }', ['x'], ['y = Op']],
  ['g (x = (y) { y = Op (x) }', ['x'], ['y = Op']],
  ['g (x) (y) { y = Op (x) }', ['('], ['y = Op']],
  ['g (x) => (y) { y = Op (x)', [''], ['y = Op']],
  [
    'g (x) => (y) {\n  a = If (x) <t = t () => (z) {\n    z = Op (x)\n  b = Op (x)\n}',
    [')'],
    ['a = If', 'b = Op'],
  ],
  [
    'g (x) => (y) {\n  y = Op (x\n}\n<domain: "d">\nf (a) => (b) { b = Op (a) }',
    ['x'],
    ['y = Op', 'b = Op'],
  ],
  [
    'g (x) => (y) {\n  y = Op (x)\n\n<domain: "d">\nf (a) => (b) { b = Op (a) }',
    [')'],
    ['y = Op', 'b = Op'],
  ],
];

describe('reading on after an error', () => {
  for (const [text, marked, nodes] of drafts) {
    it(JSON.stringify(text), () => {
      const whole = header + text;
      const { model, problems, isWellFormed, places } = parseDraftText(whole);
      assert.equal(isWellFormed, false);
      assert.equal(parseModelText(whole).model, null);
      assert.deepEqual(
        problems.map(({ start, end }) => whole.slice(start, end)),
        marked,
      );
      const all = [...model.graph.nodes, ...model.functions.flatMap((one) => one.nodes)];
      assert.deepEqual(
        all.map(({ outputs, opType }) => `${outputs.join()} = ${opType}`),
        nodes,
      );
      const placed = places.blocks.flatMap((block) => block.nodes.map(({ path }) => path));
      assert.deepEqual(placed.toSorted(), all.map(({ path }) => path).toSorted());
    });
  }

  it('marks the same error as the strict reader, by offsets and by line and column', () => {
    const whole = `${header}g (x) => (y) {\n  y = Op (x\n}`;
    const [problem] = parseModelText(whole).problems;
    assert.equal(problem?.where, '3:11');
    assert.equal(whole.slice(problem.start, problem.end), 'x');
  });

  it('takes time in proportion to the text, whatever is wrong with it', () => {
    // One error in each of many lines, and many lines that could each be read again from the first.
    const lines = 'a = Op (x\n'.repeat(5000);
    const nested = 'a = If (x) <t = t () => (z) {\n'.repeat(25) + 'b = Op (\n'.repeat(2000);
    for (const body of [lines, nested, '"\n'.repeat(5001), 'x\n'.repeat(5000)]) {
      const { problems } = parseDraftText(`${header}g (x) => (y) {\n${body}`);
      assert.ok(problems.length > 0 && problems.length <= 100);
    }
  });
});

describe('where the parts of a text stand', () => {
  const text = `${header}g (float[2] x) => (y) <float[2] w = {1, 2}> {
  [first] a = Mul (x, w)
  y = If (c) <then_branch = t () => (z) { z = d.f <axis: int = 1> (a, , x) }>
}
<domain: "d", opset_import: ["" : 17]>
f <axis> (u, v, t) => (r) { r = Op <axis: int = @axis> (u) }
`;
  const shown = ({ start, end }: { readonly start: number; readonly end: number }): string =>
    text.slice(start, end);

  it('blocks, values and nodes', () => {
    const { blocks, header: head } = parseDraftText(text).places;
    assert.equal(head && shown(head), header.trim());
    assert.deepEqual(
      blocks.map((block) => [
        block.path,
        shown(block.name),
        block.owner?.path ?? null,
        block.values.map((value) => `${value.role} ${shown(value)}`),
        block.nodes.map((node) => [
          node.path,
          shown(node.operator),
          node.inputs.map(shown),
          node.outputs.map(shown),
          node.attributes.map(({ name, reference }) => [name, reference?.name ?? null]),
        ]),
      ]),
      [
        [
          'main',
          'g',
          null,
          ['input x', 'output y', 'initializer w'],
          [
            ['main/first', 'Mul', ['x', 'w'], ['a'], []],
            ['main/If_1', 'If', ['c'], ['y'], [['then_branch', null]]],
          ],
        ],
        [
          'main/If_1/then_branch',
          't',
          'main/If_1',
          ['output z'],
          [['main/If_1/then_branch/f_0', 'd.f', ['a', '', 'x'], ['z'], [['axis', null]]]],
        ],
        [
          'function:d.f',
          'f',
          null,
          ['attribute axis', 'input u', 'input v', 'input t', 'output r'],
          [['function:d.f/Op_0', 'Op', ['u'], ['r'], [['axis', 'axis']]]],
        ],
      ],
    );
  });
});
