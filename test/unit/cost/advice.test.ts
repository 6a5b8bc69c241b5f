import assert from 'node:assert/strict';
import { quantizationAdvice } from '../../../server/src/core/cost/advice';
import { devices, findDevice } from '../../../server/src/core/cost/devices';
import { workKinds } from '../../../server/src/core/workload';
import type { WorkKind } from '../../../server/src/core/workload';

describe('quantizationAdvice', () => {
  const rows: readonly (readonly [string, WorkKind, string])[] = [
    ['laptop-cpu', 'conv', 'int8-static'],
    ['laptop-cpu', 'depthwise-conv', 'int8-static'],
    ['laptop-cpu', 'matmul', 'int8-dynamic'],
    ['laptop-cpu', 'recurrent', 'int8-dynamic'],
    ['laptop-cpu', 'elementwise', 'none'],
    ['raspberry-pi-4b', 'conv', 'int8-static'],
    ['raspberry-pi-4b', 'matmul', 'none'],
    ['raspberry-pi-5', 'matmul', 'int8-dynamic'],
    ['nvidia-a100-sxm-80gb', 'conv', 'float16'],
    ['rk3588s-mali-g610', 'conv', 'float16'],
    ['st-stm32l4r5', 'conv', 'int8-static'],
    ['st-stm32l4r5', 'matmul', 'int8-static'],
    ['google-coral-usb', 'conv', 'int8-static'],
    ['apple-m1-ane', 'matmul', 'float16'],
    ['google-tpu-v4', 'matmul', 'none'],
    ['qualcomm-cloud-ai100-pro', 'conv', 'int8-static'],
  ];
  for (const [id, kind, pays] of rows) {
    it(`${kind} on ${id}: ${pays}`, () => {
      const device = findDevice(id);
      assert.ok(device);
      assert.equal(quantizationAdvice(device, kind).pays, pays);
    });
  }

  it('gives a reason and a source everywhere, and never dynamic int8 for a convolution', () => {
    for (const device of devices) {
      for (const kind of workKinds) {
        const { pays, why, source } = quantizationAdvice(device, kind);
        assert.ok(
          why.length > 20 && why.length <= 120 && source.length > 3,
          `${device.id} ${kind}`,
        );
        if (kind.endsWith('conv')) assert.notEqual(pays, 'int8-dynamic', device.id);
        if (pays === 'float16') assert.ok(device.peakOpsPerSecond.has('float16'), device.id);
        if (pays.startsWith('int8')) assert.ok(device.peakOpsPerSecond.has('int8'), device.id);
      }
    }
  });
});
