import assert from 'node:assert/strict';
import { findOperator, newestOpset } from '../../../server/src/core/onnx/operator-signatures';

/** Facts of onnx/docs/Operators.md and Changelog.md. */
describe('operator signatures', () => {
  for (const [domain, opType, opset, wanted] of [
    ['', 'Clip', 6, { inputs: [1, 1], attributes: ['max', 'min'] }],
    ['', 'Clip', 11, { inputs: [1, 3], attributes: [] }],
    ['', 'Squeeze', 12, { inputs: [1, 1], attributes: ['axes'] }],
    ['', 'Squeeze', 13, { inputs: [1, 2], attributes: [] }],
    ['', 'Concat', 17, { inputs: [1, Infinity], attributes: ['axis'] }],
    ['', 'Loop', 17, { inputs: [2, Infinity], attributes: ['body'] }],
    ['', 'LSTM', 17, { inputs: [3, 8], outputs: [0, 3] }],
    ['', 'Dropout', 12, { inputs: [1, 3], outputs: [1, 2], attributes: ['seed'] }],
    [
      'ai.onnx.ml',
      'LabelEncoder',
      1,
      { attributes: ['classes_strings', 'default_int64', 'default_string'] },
    ],
  ] as const) {
    it(`${domain}:${opType} in opset ${opset}`, () => {
      const found = findOperator(domain, opType, opset);
      assert.ok(found?.kind === 'known');
      const { inputs, outputs, attributes } = found.signature;
      if ('inputs' in wanted) assert.deepEqual([inputs.min, inputs.max], wanted.inputs);
      if ('outputs' in wanted) assert.deepEqual([outputs.min, outputs.max], wanted.outputs);
      if ('attributes' in wanted) assert.deepEqual([...attributes.keys()], wanted.attributes);
    });
  }

  it('the trip count and condition of Loop may be left out, its position not', () => {
    const found = findOperator('', 'Loop', 17);
    assert.ok(found?.kind === 'known');
    assert.deepEqual(found.signature.inputs.needed, [false, false]);
    assert.deepEqual(found.signature.requiredAttributes, ['body']);
    assert.equal(found.signature.attributes.get('body'), 'graph');
  });

  it('tells removed, later and unknown operators apart, and leaves other domains alone', () => {
    assert.deepEqual(findOperator('', 'Upsample', 10), { kind: 'removed', since: 10 });
    assert.equal(findOperator('', 'Upsample', 9)?.kind, 'known');
    assert.deepEqual(findOperator('', 'Gelu', 19), { kind: 'later', since: 20 });
    assert.deepEqual(findOperator('', 'toString', 17), { kind: 'unknown' });
    assert.equal(findOperator('com.microsoft', 'Gelu', 1), null);
    for (const opset of [0, -1, newestOpset + 1, NaN])
      assert.equal(findOperator('', 'Relu', opset), null);
  });
});
