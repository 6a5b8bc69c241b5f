import assert from 'node:assert/strict';
import fc from 'fast-check';
import { logScale } from '../../../client/src/report/scale';

describe('report: logarithmic scale', () => {
  const cases: readonly (readonly [values: readonly number[], ticks: readonly number[]])[] = [
    [
      [0.0027, 0.0437],
      [0.001, 0.01, 0.1],
    ],
    [
      [0.001, 0.01],
      [0.001, 0.01],
    ],
    [[1000], [1000, 10_000]],
    [
      [3, 5],
      [1, 10],
    ],
    [
      [2e-6, 5e-6, 0.3],
      [1e-6, 1e-4, 1e-2, 1],
    ],
  ];
  for (const [values, ticks] of cases) {
    it(`has whole decades around ${values.join(', ')}`, () => {
      assert.deepEqual(logScale(values)?.ticks, ticks);
    });
  }

  it('puts equal factors at equal distances', () => {
    const scale = logScale([1, 1000]);
    assert.ok(scale);
    const [a, b, c] = [2, 20, 200].map(scale.position);
    assert.ok(Math.abs((b ?? 0) - (a ?? 0) - ((c ?? 0) - (b ?? 0))) < 1e-12);
    assert.equal(scale.position(1), 0);
    assert.equal(scale.position(1000), 1);
  });

  it('knows no scale for nothing, zero and infinity', () => {
    for (const values of [[], [0], [-1], [Infinity], [NaN]]) assert.equal(logScale(values), null);
  });

  it('keeps every value inside, in order, with few ticks', () => {
    const positive = fc.double({ min: 1e-12, max: 1e12, noNaN: true });
    fc.assert(
      fc.property(fc.array(positive, { minLength: 1, maxLength: 20 }), (values) => {
        const scale = logScale(values);
        assert.ok(scale);
        const { ticks, position } = scale;
        assert.ok(ticks.length >= 2 && ticks.length <= 6, `${ticks.length} ticks`);
        const sorted = values.toSorted((a, b) => a - b);
        const places = sorted.map(position);
        assert.deepEqual(
          places,
          places.toSorted((a, b) => a - b),
        );
        // Room for the slack at the ends.
        assert.ok((ticks[0] ?? 0) <= (sorted[0] ?? 0) * (1 + 1e-8));
        assert.ok((ticks.at(-1) ?? 0) >= (sorted.at(-1) ?? 0) * (1 - 1e-8));
      }),
    );
  });
});
