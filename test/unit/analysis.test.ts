import assert from 'node:assert/strict';
import { analyzeModel } from '../../server/src/core/analyze';
import { devices } from '../../server/src/core/cost/devices';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { createProblemSink } from '../../server/src/core/problem';

describe('analysis', () => {
  it('keeps the estimates of the devices asked for last, and makes the others again alike', () => {
    const { model } = parseModelText(
      '<ir_version: 8, opset_import: ["": 17]> g (float[4, 4] x) => (float[4, 4] y) { y = MatMul (x, x) }',
    );
    assert.ok(model);
    const analysis = analyzeModel(model, createProblemSink());
    const [first, second, ...others] = devices;
    assert.ok(first && second && others.length > 10);
    const made = analysis.estimateOn(first);
    for (const device of others) {
      analysis.estimateOn(device);
      assert.equal(analysis.estimateOn(first), made, device.id);
    }
    const again = analysis.estimateOn(second);
    for (const device of others) analysis.estimateOn(device);
    assert.notEqual(analysis.estimateOn(second), again);
    assert.deepEqual(analysis.estimateOn(second).energyJoules, again.energyJoules);
  });

  it('an output that a size makes smaller than nothing has unknown bytes', () => {
    const { model } = parseModelText(
      '<ir_version: 8, opset_import: ["": 17]> g (float[batch, 8] x) => (y) <int64[4] pads = {-4, 0, 0, 0}> { y = Pad (x, pads) }',
    );
    assert.ok(model);
    const bytes = (batch: number) => {
      const dims = new Map([['batch', batch]]);
      return analyzeModel(model, createProblemSink(), { dims }).workload.ioBytes;
    };
    assert.equal(bytes(6), (6 + 2) * 8 * 4);
    assert.equal(bytes(1), null);
    const open = analyzeModel(model, createProblemSink()).workload.ioBytes;
    assert.ok(open === null || open >= 0, String(open));
  });
});
