import assert from 'node:assert/strict';
import { describeConstant } from '../../../server/src/core/cost/constant';
import { defaultDevice, devices, findDevice } from '../../../server/src/core/cost/devices';
import type { Device } from '../../../server/src/core/cost/devices';
import { estimate } from '../../../server/src/core/cost/energy';
import type { Estimate } from '../../../server/src/core/cost/energy';
import { launchPower, processorModel } from '../../../server/src/core/cost/processors';
import type { Range } from '../../../server/src/core/interval';
import { item, modelWorkload, workloadOf } from './published-workload';

function device(id: string): Device {
  const found = findDevice(id);
  assert.ok(found, id);
  return found;
}

function mid(range: Range | null): number {
  assert.ok(range);
  return range.mid;
}

const dense = item({ macs: 1e9, readBytes: 3e6, writeBytes: 1e6, weightBytes: 2e6 });
const resnet50 = modelWorkload('resnet50', 4.1e9, 25.6e6, 'float32');

describe('estimate', () => {
  it('is the roofline and power formula of docs/energy.md, worked by hand for one convolution', () => {
    const model = processorModel('x86-cpu');
    const launch = model.launchSeconds.value;
    // laptop-cpu: 384 GFLOP/s, 51.2 GB/s, 3 W idle, 28 W busy.
    const operations = 2e9 + model.halfEfficiencyOps.value;
    const compute = operations / (384e9 * model.floatEfficiency.value);
    const memory = 4e6 / (51.2e9 * model.memoryEfficiency.value);
    const seconds = Math.max(compute, memory) + launch;
    const joules = 3 * seconds + 25 * (compute + launchPower.value * launch);
    const result = estimate(workloadOf([dense]), defaultDevice);
    assert.ok(Math.abs(mid(result.latencySeconds) / seconds - 1) < 1e-9);
    assert.ok(Math.abs(mid(result.energyJoules) / joules - 1) < 1e-9);
    // 481 g/kWh, no data centre.
    assert.ok(Math.abs(mid(result.carbonGrams) / ((joules / 3.6e6) * 481) - 1) < 1e-9);
  });

  it('states boundary, runtime, interval, assumptions and sources on every device', () => {
    for (const target of devices) {
      const result = estimate(resnet50, target);
      assert.ok(result.energyJoules && result.latencySeconds && result.carbonGrams, target.id);
      assert.ok(result.energyJoules.low > 0, target.id);
      assert.equal(result.interval, 0.9);
      assert.equal(result.calibrated, false);
      assert.equal(result.boundary, target.boundary);
      assert.equal(result.runtime, target.runtime);
      assert.ok(result.assumptions.length > 0 && result.sources.length >= 5, target.id);
      assert.ok(result.sources.includes(describeConstant(target.activePower)), target.id);
      assert.ok(
        result.sources.some((source) => source.includes('CC BY 4.0')),
        target.id,
      );
      for (const text of result.assumptions) assert.ok(text.length <= 120, text);
    }
  });

  const bounds: readonly (readonly [string, Parameters<typeof item>[0], string])[] = [
    ['a large convolution', { macs: 1e9, readBytes: 1e6 }, 'compute'],
    [
      'a matrix-vector product',
      { kind: 'matmul', macs: 25e6, readBytes: 1e8, weightBytes: 1e8 },
      'memory',
    ],
    ['a reshape of nothing', { kind: 'data-movement', readBytes: 10, writeBytes: 10 }, 'overhead'],
  ];
  for (const [title, over, bound] of bounds) {
    it(`${title} is bound by ${bound}`, () => {
      const [node] = estimate(workloadOf([item(over)]), defaultDevice).perNode;
      assert.equal(node?.bound, bound);
    });
  }

  it('reads weights once for a whole batch', () => {
    const product = item({ kind: 'matmul', macs: 25e6, readBytes: 1e8, weightBytes: 1e8 });
    const once = estimate(workloadOf([product]), defaultDevice);
    const batch = estimate(workloadOf([product]), defaultDevice, { batch: 4 });
    assert.ok(mid(batch.energyJoules) < 1.2 * mid(once.energyJoules));
    assert.ok(mid(batch.energyPerSampleJoules) < 0.3 * mid(once.energyPerSampleJoules));
    assert.equal(batch.batch, 4);
  });

  it('takes longer and draws less on fewer threads', () => {
    const all = estimate(resnet50, defaultDevice);
    const one = estimate(resnet50, defaultDevice, { threads: 1 });
    const ratio = mid(one.latencySeconds) / mid(all.latencySeconds);
    assert.ok(ratio > 3 && ratio < 4.01, String(ratio));
    const watts = (result: Estimate) => mid(result.energyJoules) / mid(result.latencySeconds);
    assert.ok(watts(one) < watts(all));
    const gpu = estimate(resnet50, device('nvidia-t4'), { threads: 1 });
    assert.ok(gpu.assumptions.includes('threads ignored: not a CPU'));
  });

  describe('unknown stays unknown', () => {
    const unknown = item({
      name: 'main/custom',
      kind: 'unknown',
      macs: null,
      flops: null,
      readBytes: null,
      writeBytes: null,
      computeDtype: null,
    });

    it('nothing known gives no energy', () => {
      const result = estimate(workloadOf([unknown], { coverage: 0 }), defaultDevice);
      assert.equal(result.energyJoules, null);
      assert.equal(result.latencySeconds, null);
      assert.equal(result.carbonGrams, null);
      assert.equal(result.coverage, 0);
      assert.deepEqual(result.perNode, [
        { name: 'main/custom', energyJoules: null, share: null, bound: null },
      ]);
    });

    it('an empty workload gives no energy', () => {
      assert.equal(estimate(workloadOf([]), defaultDevice).energyJoules, null);
    });

    it('half known keeps the middle, lowers coverage and widens upwards', () => {
      const whole = estimate(workloadOf([dense]), defaultDevice);
      const half = estimate(workloadOf([dense, unknown], { coverage: 0.5 }), defaultDevice);
      assert.equal(mid(half.energyJoules), mid(whole.energyJoules));
      assert.equal(half.energyJoules?.low, whole.energyJoules?.low);
      assert.ok((half.energyJoules?.high ?? 0) > 1.9 * (whole.energyJoules?.high ?? 0));
      assert.equal(half.coverage, 0.5);
      assert.ok(half.assumptions.some((text) => text.includes('50 %')));
    });

    it('a convolution of unknown size is unknown even when its bytes are not', () => {
      const result = estimate(workloadOf([item({ macs: null, readBytes: 1e6 })]), defaultDevice);
      assert.equal(result.energyJoules, null);
    });

    it('unknown bytes count half', () => {
      const result = estimate(workloadOf([item({ macs: 1e6, readBytes: null })]), defaultDevice);
      assert.equal(result.coverage, 0.5);
    });

    it('an unknown region gives no carbon and says so', () => {
      const result = estimate(resnet50, defaultDevice, { region: 'Atlantis' });
      assert.equal(result.carbonGrams, null);
      assert.ok(result.energyJoules);
      assert.ok(result.assumptions.some((text) => text.includes('Atlantis')));
    });
  });

  describe('precision', () => {
    const quantized = modelWorkload('resnet50', 4.1e9, 25.6e6, 'int8');
    const cases: readonly (readonly [string, Parameters<typeof estimate>[2], string, RegExp])[] = [
      ['google-coral-usb', {}, 'int8', /no float32: estimated as if converted to int8/],
      ['apple-m1-ane', {}, 'float16', /no float32: estimated as if converted to float16/],
      [
        'laptop-cpu',
        { precision: 'float16' },
        'float32',
        /no float16: it runs at the float32 rate/,
      ],
      ['nvidia-a100-sxm-80gb', {}, 'float32', /TF32/],
      ['nvidia-a100-sxm-80gb', { precision: 'float16' }, 'float16', /tensorrt assumed/],
    ];
    for (const [id, options, precision, note] of cases) {
      it(`float32 on ${id} ${JSON.stringify(options)} runs in ${precision}`, () => {
        const result = estimate(resnet50, device(id), options);
        assert.equal(result.precision, precision);
        assert.ok(
          result.assumptions.some((text) => note.test(text)),
          result.assumptions.join('\n'),
        );
      });
    }

    it('int8 without dot product is at most twice as fast as float32', () => {
      const pi = device('raspberry-pi-4b');
      const ratio =
        mid(estimate(quantized, pi).energyJoules) / mid(estimate(resnet50, pi).energyJoules);
      // Published pairs of the board: medians 0.42 (TFLite) and 0.62 (ArmNN).
      assert.ok(ratio > 0.4 && ratio < 0.65, String(ratio));
    });

    it('float16 saves on a GPU with tensor cores and nothing on a CPU', () => {
      const saves = (id: string) =>
        mid(estimate(resnet50, device(id), { precision: 'float16', batch: 32 }).energyJoules) /
        mid(estimate(resnet50, device(id), { batch: 32 }).energyJoules);
      assert.ok(saves('nvidia-t4') < 0.5);
      assert.ok(saves('laptop-cpu') > 0.99);
    });
  });

  describe('memory', () => {
    const megabyte = 1e6;
    const sized = (weightBytes: number | null, peakActivationBytes: number | null) =>
      workloadOf([dense], { weightBytes, peakActivationBytes });
    const rows: readonly (readonly [string, number | null, number | null, boolean | null])[] = [
      ['st-stm32l4r5', 0.3 * megabyte, 0.1 * megabyte, true],
      ['st-stm32l4r5', 3 * megabyte, 0.1 * megabyte, false],
      ['st-stm32l4r5', 0.3 * megabyte, 0.7 * megabyte, false],
      ['raspberry-pi-4b', 100 * megabyte, 50 * megabyte, true],
      ['raspberry-pi-4b', 8000 * megabyte, 50 * megabyte, false],
      ['raspberry-pi-4b', 100 * megabyte, null, null],
      ['st-stm32l4r5', 30 * megabyte, null, false],
      ['google-coral-usb', 5 * megabyte, megabyte, null],
      ['nvidia-h100-sxm-80gb', 16_000 * megabyte, 1000 * megabyte, true],
      ['nvidia-h100-sxm-80gb', 140_000 * megabyte, 1000 * megabyte, false],
    ];
    for (const [id, weights, activations, fits] of rows) {
      it(`${id}: ${weights} B weights, ${activations} B activations → ${fits}`, () => {
        const int8 = {
          ...sized(weights, activations),
          items: [item({ computeDtype: 'int8', macs: 1 })],
        };
        const result = estimate(int8, device(id));
        assert.equal(result.fits, fits, JSON.stringify(result.memory));
        assert.equal(result.peakMemoryBytes === null, activations === null);
      });
    }

    it('shrinks with the precision and grows with the batch', () => {
      const peak = (options: Parameters<typeof estimate>[2]) =>
        estimate(sized(400 * megabyte, 100 * megabyte), defaultDevice, options).peakMemoryBytes ??
        0;
      assert.equal(peak({}) - peak({ precision: 'int8' }), 375 * megabyte);
      assert.equal(peak({}) - peak({ precision: 'int4' }), 350 * megabyte);
      assert.equal(peak({ batch: 3 }) - peak({}), 200 * megabyte);
    });
  });
});
