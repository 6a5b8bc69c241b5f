import assert from 'node:assert/strict';
import {
  formatBytes,
  formatCount,
  formatGrams,
  formatJoules,
  formatPercent,
  formatSeconds,
  markdownText,
  messageNaming,
  shortName,
} from '../../../server/src/core/format';
import { didYouMean, nearest } from '../../../server/src/core/nearest';

describe('format', () => {
  const rows: readonly (readonly [string, string])[] = [
    [formatBytes(0), '0 B'],
    [formatBytes(1), '1 B'],
    [formatBytes(999), '999 B'],
    [formatBytes(999_600), '1 MB'],
    [formatBytes(102_228_128), '102 MB'],
    [formatBytes(1_540_000), '1.54 MB'],
    [formatBytes(17_179_869_184), '17.2 GB'],
    [formatBytes(null), 'unknown'],
    [formatBytes(Infinity), 'unknown'],
    [formatJoules(0.0031), '3.1 mJ'],
    [formatJoules(2.4e-7), '240 nJ'],
    [formatJoules(12), '12 J'],
    [formatJoules({ low: 0.0012, mid: 0.002, high: 0.0034 }), '1.2–3.4 mJ'],
    [formatJoules({ low: 0.0008, mid: 0.001, high: 1.2 }), '0.0008–1.2 J'],
    [formatJoules({ low: 0, mid: 0, high: 0 }), '0 J'],
    [formatJoules({ low: 1, mid: NaN, high: NaN }), 'unknown'],
    [formatSeconds(0.0125), '12.5 ms'],
    [formatGrams({ low: 0.001, mid: 0.002, high: 0.003 }), '1–3 mg'],
    [formatCount(118_013_952), '118 M'],
    [formatCount(12), '12'],
    [formatCount(null), 'unknown'],
    [formatPercent(0.314), '31 %'],
    [formatPercent(0.001), '<1 %'],
    [formatPercent(0), '0 %'],
    [formatPercent(null), 'unknown'],
    [markdownText('a|b ![x](http://y) <z> `q`'), 'a\\|b \\!\\[x\\]\\(http://y\\) \\<z\\> \\`q\\`'],
    [shortName('conv1'), 'conv1'],
    [shortName('a\nb\u0000\u202e'), 'a\u{fffd}b\u{fffd}\u{fffd}'],
    [shortName('/encoder/layer.0/attention/self/query/MatMul', 16), '/encoder…/MatMul'],
    [shortName('x'.repeat(1_000_000), 9), 'xxxx…xxxx'],
  ];

  for (const [index, [actual, expected]] of rows.entries()) {
    it(`${index}: ${expected.slice(0, 40)}`, () => {
      assert.equal(actual, expected);
    });
  }
});

describe('messageNaming', () => {
  for (const length of [5, 30, 70, 90, 200]) {
    it(`fits a name of 200 characters beside ${length} others, as far as names shrink`, () => {
      const message = messageNaming('n'.repeat(200), (name) => `${name}${'.'.repeat(length)}`);
      assert.ok(message.length <= Math.max(120, length + 8));
      assert.ok(message.startsWith('nnnn'));
    });
  }
});

describe('nearest', () => {
  const words = ['oversized-layer', 'float-weights', 'does-not-fit'];
  const rows: readonly (readonly [string, string | undefined])[] = [
    ['oversize-layer', 'oversized-layer'],
    ['Float-Weights', 'float-weights'],
    ['does_not_fit', 'does-not-fit'],
    ['kitchen', undefined],
    ['', undefined],
    ['x'.repeat(100_000), undefined],
  ];
  for (const [word, expected] of rows) {
    it(`${word.slice(0, 20)} → ${String(expected)}`, () => {
      assert.equal(nearest(word, words), expected);
      assert.equal(didYouMean(word, words).includes('Did you mean'), expected !== undefined);
    });
  }
});
