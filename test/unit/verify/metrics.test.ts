import assert from 'node:assert/strict';
import { createAccuracyMeter, readLabels } from '../../../server/src/core/verify/accuracy';
import {
  createAgreementMeter,
  type OutputAgreement,
} from '../../../server/src/core/verify/agreement';
import { decide, defaultBounds, worstOf } from '../../../server/src/core/verify/decide';
import { compareLatency, median, medianInterval } from '../../../server/src/core/verify/latency';
import { createRandom } from '../../../server/src/core/verify/random';
import type { NamedTensorData, TensorData } from '../../../server/src/core/verify/tensor-data';
import { codeOf, float32, int64, valueOf } from './helpers';

function compare(before: TensorData, after: TensorData, name = 'logits'): OutputAgreement {
  const meter = createAgreementMeter();
  meter.add([{ name, data: before }], [{ name, data: after }]);
  const [output] = meter.outputs();
  assert.ok(output);
  return output;
}

function close(actual: number | null, expected: number): void {
  assert.ok(
    actual !== null && Math.abs(actual - expected) <= 1e-12 * Math.abs(expected),
    `${actual}`,
  );
}

const before = [
  [2.041, -2.556, 0.418, -0.568, -0.453],
  [-0.216, -2.02, -0.232, -0.865, 3.323],
  [0.226, -0.353, -0.281, -0.668, -1.055],
  [-0.391, 0.482, -0.239, 0.958, -0.2],
];
const after = [
  [2.048, -2.092, 0.582, -0.72, -0.508],
  [-0.054, -1.439, -0.313, -0.938, 3.624],
  [-0.04, -0.441, -0.016, -0.494, -1.028],
  [-0.19, -0.366, 0.067, 0.67, -0.701],
];

describe('output agreement', () => {
  it('equals NumPy on the same numbers, run by run', () => {
    const meter = createAgreementMeter();
    for (const [row, values] of before.entries()) {
      meter.add(
        [{ name: 'logits', data: float32([1, 5], values) }],
        [{ name: 'logits', data: float32([1, 5], after[row] ?? []) }],
      );
    }
    const [output] = meter.outputs();
    assert.ok(output);
    // float32 inputs, float64 sums: (a*c).sum()/norm(a)/norm(c), 10*log10((a**2).sum()/((c-a)**2).sum()), abs(c-a).max()
    close(output.cosine, 0.9650359914368205);
    close(output.sqnrDb, 11.630082612294368);
    close(output.maxAbsError, 0.8479999899864197);
    assert.equal(output.top1Agreement, 0.75);
    assert.equal(output.identical, false);
  });

  const ones = float32([1, 2], [1, 1]);
  const cases: readonly (readonly [string, TensorData, TensorData, Partial<OutputAgreement>])[] = [
    ['equal outputs', ones, ones, { cosine: 1, sqnrDb: null, maxAbsError: 0, identical: true }],
    ['0 and -0', float32([1], [0]), float32([1], [-0]), { identical: true, cosine: 1 }],
    [
      'all zeros against ones',
      float32([1, 2], [0, 0]),
      ones,
      { cosine: 0, sqnrDb: null, maxAbsError: 1 },
    ],
    [
      'NaN and infinity in the same places',
      float32([3], [Number.NaN, Number.POSITIVE_INFINITY, 2]),
      float32([3], [Number.NaN, Number.POSITIVE_INFINITY, 2]),
      { nonFiniteMismatches: 0, identical: true, cosine: 1 },
    ],
    [
      'a new NaN and an infinity of the other sign',
      float32([3], [1, Number.POSITIVE_INFINITY, 2]),
      float32([3], [Number.NaN, Number.NEGATIVE_INFINITY, 2]),
      { nonFiniteMismatches: 2, identical: false, cosine: 1 },
    ],
    [
      'nothing finite',
      float32([1], [Number.NaN]),
      float32([1], [Number.NaN]),
      { cosine: null, sqnrDb: null, maxAbsError: null, identical: true },
    ],
    [
      'another shape',
      ones,
      float32([2, 1], [1, 1]),
      { shapeMismatch: 'before [1,2], after [2,1]', cosine: null, identical: false },
    ],
    [
      'doubles whose squares overflow',
      { dtype: 'float64', dims: [1], bytes: new Uint8Array(Float64Array.of(1e300).buffer) },
      { dtype: 'float64', dims: [1], bytes: new Uint8Array(Float64Array.of(2e300).buffer) },
      { cosine: null, sqnrDb: null, identical: false },
    ],
    [
      'strings',
      { dtype: 'string', dims: [1], strings: ['a'] },
      { dtype: 'string', dims: [1], strings: ['b'] },
      { identical: false, cosine: null },
    ],
    [
      'packed 4-bit integers',
      { dtype: 'int4', dims: [2], bytes: Uint8Array.of(0x21) },
      { dtype: 'int4', dims: [2], bytes: Uint8Array.of(0x22) },
      { identical: false, cosine: null },
    ],
    [
      'images',
      float32([1, 1, 1, 2], [1, 2]),
      float32([1, 1, 1, 2], [2, 1]),
      { top1Agreement: null },
    ],
    [
      'one value per row',
      float32([2, 1], [1, 2]),
      float32([2, 1], [2, 1]),
      { top1Agreement: null },
    ],
    ['rows of NaN', float32([1, 2], [NaN, NaN]), float32([1, 2], [NaN, NaN]), { top1Agreement: 1 }],
  ];
  for (const [title, a, b, expected] of cases) {
    it(`of ${title}`, () => {
      const actual = compare(a, b);
      for (const [key, value] of Object.entries(expected)) {
        assert.equal(actual[key as keyof OutputAgreement], value, key);
      }
    });
  }

  it('does not rank embeddings', () => {
    assert.equal(
      compare(float32([1, 2], [1, 2]), float32([1, 2], [2, 1]), 'last_hidden_state').top1Agreement,
      null,
    );
  });

  it('counts an output that is gone', () => {
    const meter = createAgreementMeter();
    meter.add([{ name: 'y', data: float32([1], [1]) }], []);
    assert.equal(meter.outputs()[0]?.shapeMismatch, 'before [1], after missing');
  });
});

describe('accuracy', () => {
  const scores = (rows: readonly (readonly number[])[]): NamedTensorData[] => [
    { name: 'logits', data: float32([rows.length, rows[0]?.length ?? 0], rows.flat()) },
  ];
  const meterFor = (labels: TensorData) => createAccuracyMeter(valueOf(readLabels(labels)));

  it('is the share of rows whose largest score is at the label', () => {
    const meter = meterFor(int64([4], [0n, 4n, 0n, 0n]));
    meter.add(scores(before.slice(0, 2)), scores(after.slice(0, 2)));
    meter.add(scores(before.slice(2)), scores(after.slice(2)));
    const result = valueOf(meter.result(true));
    assert.deepEqual(result, { before: 0.75, after: 0.5, rows: 4, output: 'logits' });
  });

  it('takes integer outputs as they are, and scores before them', () => {
    const classes = [{ name: 'label', data: int64([2], [1n, 0n]) }];
    const meter = meterFor(int64([2], [1n, 1n]));
    meter.add(classes, classes);
    assert.equal(valueOf(meter.result(true)).before, 0.5);

    const both = [
      ...classes,
      ...scores([
        [0, 9],
        [0, 9],
      ]),
    ];
    const withScores = meterFor(int64([2], [1n, 1n]));
    withScores.add(both, both);
    assert.equal(valueOf(withScores.result(true)).before, 1);
  });

  it('leaves out negative labels', () => {
    const meter = meterFor(int64([2], [-100n, 0n]));
    meter.add(
      scores([
        [1, 0],
        [1, 0],
      ]),
      scores([
        [1, 0],
        [0, 1],
      ]),
    );
    assert.deepEqual(valueOf(meter.result(true)), {
      before: 1,
      after: 0,
      rows: 1,
      output: 'logits',
    });
  });

  it('reads one-hot labels and labels of a share of the samples', () => {
    const meter = meterFor(float32([3, 2], [0, 1, 1, 0, 1, 0]));
    meter.add(
      scores([
        [0, 1],
        [1, 0],
      ]),
      scores([
        [0, 1],
        [1, 0],
      ]),
    );
    assert.equal(valueOf(meter.result(false)).before, 1);
    assert.equal(codeOf(meter.result(true)), 'labels-unusable');
  });

  it('refuses labels that fit no output', () => {
    const meter = meterFor(int64([1], [7n]));
    meter.add(scores([[0, 1]]), scores([[0, 1]]));
    assert.equal(codeOf(meter.result(true)), 'labels-unusable');
    assert.equal(codeOf(readLabels(float32([1], [0.5]))), 'labels-unusable');
    assert.equal(
      codeOf(readLabels({ dtype: 'string', dims: [1], strings: ['cat'] })),
      'labels-unusable',
    );
  });

  it('knows the share of the commonest label', () => {
    assert.equal(valueOf(readLabels(int64([4], [2n, 2n, 2n, 0n]))).majorityShare, 0.75);
  });
});

describe('median interval', () => {
  // Ranks for 95 %, as tabulated for the sign test: k-th smallest to k-th largest.
  for (const [count, rank] of [
    [6, 1],
    [10, 2],
    [20, 6],
    [25, 8],
    [100, 40],
  ] as const) {
    it(`of ${count} values reaches from rank ${rank} to ${count + 1 - rank}`, () => {
      const values = Array.from({ length: count }, (_, index) => index + 1).reverse();
      assert.deepEqual(medianInterval(values, 0.95), {
        low: rank,
        mid: median(values),
        high: count + 1 - rank,
      });
    });
  }

  it('of five values is not there at 95 %', () => {
    assert.equal(medianInterval([1, 2, 3, 4, 5], 0.95), null);
    assert.equal(medianInterval([], 0.95), null);
  });

  it('holds the true median of a skewed distribution as often as it says', () => {
    const random = createRandom(5);
    const trials = 2000;
    let held = 0;
    for (let trial = 0; trial < trials; trial++) {
      const interval = medianInterval(
        Array.from({ length: 15 }, () => Math.exp(2 * random.normal())),
        0.95,
      );
      if (interval && interval.low <= 1 && interval.high >= 1) held += 1;
    }
    // n = 15 gives 96.5 %; three standard errors of 2000 trials below 95 % would be 93.5 %.
    assert.ok(held / trials > 0.935, `${held / trials}`);
  });
});

describe('latency', () => {
  const rounds = (ratio: number, noise: number, count = 31) => {
    const random = createRandom(11);
    const jitter = () => Math.exp(noise * random.normal());
    return Array.from({ length: count }, () => ({
      before: 0.01 * jitter(),
      after: 0.01 * ratio * jitter(),
      beforeAgain: 0.01 * jitter(),
    }));
  };
  const cases: readonly (readonly [string, number, number, string])[] = [
    ['half the time', 0.5, 0.05, 'faster'],
    ['double the time', 2, 0.05, 'slower'],
    ['the same time', 1, 0.05, 'no-difference'],
    ['3 % under 30 % noise', 0.97, 0.3, 'no-difference'],
  ];
  for (const [title, ratio, noise, verdict] of cases) {
    it(`of ${title} is ${verdict}`, () => {
      const result = compareLatency(rounds(ratio, noise));
      assert.equal(result?.verdict, verdict);
      assert.ok(result.ratio.low <= ratio && result.ratio.high >= ratio);
    });
  }

  it('sees no difference smaller than the original’s difference from itself', () => {
    // Always 10 % slower the second time (a cache that fills): 5 % is then no evidence.
    const drifting = Array.from({ length: 20 }, () => ({
      before: 1,
      after: 1.1025,
      beforeAgain: 1.1,
    }));
    const result = compareLatency(drifting);
    assert.equal(result?.verdict, 'no-difference');
    assert.ok(Math.abs(result.noise - 0.1) < 1e-9);
  });

  it('needs enough rounds, and readings above zero', () => {
    assert.equal(compareLatency(rounds(0.5, 0, 5)), null);
    assert.equal(compareLatency([]), null);
    assert.equal(compareLatency(rounds(0, 0)), null);
  });
});

describe('decision', () => {
  const same = compare(float32([1, 2], [1, 2]), float32([1, 2], [1, 2]));
  const context = {
    data: 'calibration',
    accuracy: null,
    majorityShare: 0.5,
    bounds: defaultBounds,
    deterministic: true,
  } as const;
  const accuracy = (a: number, b: number) => ({ before: a, after: b, rows: 1000, output: 'y' });
  const bad = { ...same, identical: false, cosine: 0.9, maxAbsError: 1 };
  const cases: readonly (readonly [
    string,
    OutputAgreement,
    Partial<Parameters<typeof decide>[1]>,
    string,
  ])[] = [
    ['equal outputs', same, {}, 'pass'],
    ['cosine at the bound', { ...bad, cosine: 0.999, top1Agreement: null }, {}, 'pass'],
    ['cosine below the bound', { ...bad, cosine: 0.9989, top1Agreement: 1 }, {}, 'fail'],
    ['top-1 agreement below the bound', { ...bad, cosine: 1, top1Agreement: 0.98 }, {}, 'fail'],
    ['a drop of exactly the bound', bad, { accuracy: accuracy(0.905, 0.9) }, 'pass'],
    ['a larger drop', bad, { accuracy: accuracy(0.906, 0.9) }, 'fail'],
    ['a gain', bad, { accuracy: accuracy(0.9, 0.95) }, 'pass'],
    ['labels that the original itself cannot tell', bad, { accuracy: accuracy(0.4, 0.4) }, 'fail'],
    ['random data, however equal', same, { data: 'random' }, 'unproven'],
    ['random data, however different', bad, { data: 'random' }, 'unproven'],
    ['another shape on random data', { ...same, shapeMismatch: 'x' }, { data: 'random' }, 'fail'],
    [
      'new NaN with good accuracy',
      { ...same, nonFiniteMismatches: 1 },
      { accuracy: accuracy(0.9, 0.9) },
      'fail',
    ],
    [
      'an exact rewrite that is not',
      bad,
      { bounds: { ...defaultBounds, exact: true }, accuracy: accuracy(0.9, 0.9) },
      'fail',
    ],
    ['an original that draws random numbers', bad, { deterministic: false }, 'unproven'],
    [
      'an original that draws random numbers, and labels',
      bad,
      { deterministic: false, accuracy: accuracy(0.9, 0.8) },
      'fail',
    ],
    ['outputs with nothing finite', { ...bad, cosine: null }, {}, 'fail'],
  ];
  for (const [title, output, change, expected] of cases) {
    it(`on ${title}: ${expected}`, () => {
      const { decision, reasons } = decide([output], { ...context, ...change });
      assert.equal(decision, expected);
      assert.ok(reasons.length > 0);
      for (const reason of reasons) assert.ok(reason.length <= 120, reason);
    });
  }

  it('reports the worst output', () => {
    const worst = worstOf([same, { ...bad, sqnrDb: 20, top1Agreement: 0.5 }]);
    assert.deepEqual(worst, {
      cosine: 0.9,
      sqnrDb: 20,
      maxAbsError: 1,
      top1Agreement: 0.5,
      identical: false,
    });
    assert.equal(worstOf([]).cosine, null);
    assert.equal(worstOf([]).identical, false);
  });
});
