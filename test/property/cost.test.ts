import assert from 'node:assert/strict';
import fc from 'fast-check';
import { carbonIntensity } from '../../server/src/core/cost/carbon';
import { devices, suggestDeviceIds } from '../../server/src/core/cost/devices';
import { estimate } from '../../server/src/core/cost/energy';
import type { Estimate, EstimateOptions } from '../../server/src/core/cost/energy';
import { dataTypes } from '../../server/src/core/dtype';
import type { Range } from '../../server/src/core/interval';
import { workKinds } from '../../server/src/core/workload';
import type { WorkItem, Workload } from '../../server/src/core/workload';

const amount = fc.oneof(
  fc.constant(0),
  fc.nat({ max: 1e6 }),
  fc.double({ min: 0, max: 1e18, noNaN: true }),
  fc.constant(Number.MAX_SAFE_INTEGER),
);
const maybe = fc.option(amount, { nil: null, freq: 4 });
const dtype = fc.constantFrom(...dataTypes.map(({ name }) => name));

const anyItem: fc.Arbitrary<WorkItem> = fc.record({
  name: fc.oneof(fc.string(), fc.constantFrom('__proto__', '')),
  opType: fc.constant('Op'),
  kind: fc.constantFrom(...workKinds),
  macs: maybe,
  flops: maybe,
  readBytes: maybe,
  writeBytes: maybe,
  weightBytes: amount,
  computeDtype: fc.option(dtype, { nil: null }),
});

const anyWorkload: fc.Arbitrary<Workload> = fc.record({
  items: fc.array(anyItem, { maxLength: 12 }),
  parameters: maybe,
  weightBytes: maybe,
  peakActivationBytes: maybe,
  ioBytes: maybe,
  coverage: fc.double({ min: 0, max: 1, noNaN: true }),
  assumptions: fc.constant([]),
});

const anyOptions: fc.Arbitrary<EstimateOptions> = fc.record(
  {
    batch: fc.oneof(fc.integer({ min: -1, max: 4096 }), fc.constant(Number.NaN)),
    threads: fc.integer({ min: -1, max: 512 }),
    precision: dtype,
    region: fc.oneof(fc.constantFrom('DEU', 'WLD', 'nowhere', '300'), fc.double()),
  },
  { requiredKeys: [] },
);

const anyDevice = fc.constantFrom(...devices);

function ranges(result: Estimate): readonly Range[] {
  const { latencySeconds, energyJoules, energyPerSampleJoules, carbonGrams } = result;
  return [latencySeconds, energyJoules, energyPerSampleJoules, carbonGrams].filter(
    (range) => range !== null,
  );
}

function everyNumber(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(everyNumber);
}

describe('estimate, for any workload', () => {
  it('gives ordered ranges wider than a point, and no NaN or infinity anywhere', () => {
    fc.assert(
      fc.property(anyWorkload, anyDevice, anyOptions, (workload, device, options) => {
        const result = estimate(workload, device, options);
        for (const number of everyNumber(result)) assert.ok(Number.isFinite(number));
        for (const { low, mid, high } of ranges(result)) {
          assert.ok(low >= 0 && low <= mid && mid <= high);
          if (mid > 1e-290) assert.ok(high / low > 1);
        }
        assert.ok(result.coverage >= 0 && result.coverage <= 1);
      }),
      { numRuns: 400 },
    );
  });

  it('gives shares that sum to 1 over the known items', () => {
    fc.assert(
      fc.property(anyWorkload, anyDevice, (workload, device) => {
        const { perNode, energyJoules } = estimate(workload, device);
        const shares = perNode.map(({ share }) => share).filter((share) => share !== null);
        const sum = shares.reduce((total, share) => total + share, 0);
        if (energyJoules === null) assert.equal(shares.length, 0);
        else assert.ok(Math.abs(sum - 1) < 1e-9, String(sum));
      }),
      { numRuns: 200 },
    );
  });

  const quantities = ['macs', 'flops', 'readBytes', 'writeBytes'] as const;
  it('never costs less for more work', () => {
    fc.assert(
      fc.property(
        fc.array(anyItem, { minLength: 1, maxLength: 6 }),
        anyDevice,
        fc.constantFrom(...quantities),
        fc.double({ min: 1, max: 1e6, noNaN: true }),
        fc.nat(),
        (items, device, quantity, factor, pick) => {
          const index = pick % items.length;
          const grown = items.map((one, at) =>
            at === index ? { ...one, [quantity]: scale(one[quantity], factor) } : one,
          );
          const before = estimate(toWorkload(items), device);
          const after = estimate(toWorkload(grown), device);
          for (const key of ['energyJoules', 'latencySeconds'] as const) {
            const [less, more] = [before[key], after[key]];
            assert.equal(less === null, more === null);
            if (less && more) assert.ok(more.mid >= less.mid * (1 - 1e-12));
          }
        },
      ),
      { numRuns: 400 },
    );
  });

  it('knows more when more is known', () => {
    fc.assert(
      fc.property(anyWorkload, anyDevice, (workload, device) => {
        const blank = workload.items.map((one) => ({
          ...one,
          macs: null,
          flops: null,
          readBytes: null,
          writeBytes: null,
        }));
        const known = estimate(workload, device);
        const unknown = estimate({ ...workload, items: blank }, device);
        assert.equal(unknown.energyJoules, null);
        assert.ok(unknown.coverage <= known.coverage);
      }),
    );
  });
});

describe('look-ups, for any text', () => {
  it('never throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        assert.ok(suggestDeviceIds(text).length <= 3);
        const found = carbonIntensity(text);
        if (found.kind === 'problem') assert.ok(found.problem.message.length <= 120);
        else assert.ok(found.gramsPerKwh >= 0 && found.gramsPerKwh <= 2000);
      }),
      { numRuns: 500 },
    );
  });
});

function scale(value: number | null, factor: number): number | null {
  return value === null ? null : value * factor;
}

function toWorkload(items: readonly WorkItem[]): Workload {
  return {
    items,
    parameters: null,
    weightBytes: null,
    peakActivationBytes: null,
    ioBytes: null,
    coverage: 1,
    assumptions: [],
  };
}
