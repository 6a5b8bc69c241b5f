import assert from 'node:assert/strict';
import {
  add,
  ceilDivide,
  dimText,
  equalDims,
  evaluate,
  exactDivide,
  floorDivide,
  maximum,
  minimum,
  multiply,
  negate,
  product,
  subtract,
  symbol,
  symbolsOf,
} from '../../../server/src/core/shapes/symbolic';
import type { Dim } from '../../../server/src/core/shapes/symbolic';

const N = symbol('N');
const H = symbol('H');
const W = symbol('W');

/** What the formula is, and how it must read. */
const texts: readonly (readonly [title: string, dim: Dim, text: string])[] = [
  ['a number', add(2, 3), '5'],
  ['an unknown dim', add(null, 3), '?'],
  ['like terms join', add(N, N), '2*N'],
  ['terms cancel', subtract(add(N, 5), N), '5'],
  ['a coefficient', multiply(118013952, N), '118013952*N'],
  ['higher degrees first, constant last', add(add(3, N), multiply(H, W)), 'H*W + N + 3'],
  ['powers', multiply(multiply(N, H), N), 'H*N^2'],
  ['products expand', multiply(add(N, 1), subtract(N, 1)), 'N^2 - 1'],
  ['negative lead', negate(add(N, 4)), '-N - 4'],
  ['whole parts leave a floor', floorDivide(add(multiply(4, N), 3), 2), '2*N + 1'],
  ['a window of 3 and stride 2', add(floorDivide(subtract(H, 1), 2), 1), 'floor((H + 1)/2)'],
  [
    'a chain of strides is one floor',
    floorDivide(add(floorDivide(add(H, 1), 2), 1), 2),
    'floor((H + 3)/4)',
  ],
  ['common factors cancel', floorDivide(multiply(6, N), 4), 'N + floor(N/2)'],
  ['ceiling', ceilDivide(N, 4), 'floor((N + 3)/4)'],
  ['division by a symbol', floorDivide(100, N), 'floor(100/N)'],
  ['division by a sum', floorDivide(H, add(N, 1)), 'floor(H/(N + 1))'],
  ['division by zero is unknown', floorDivide(N, 0), '?'],
  ['exact: the -1 of a Reshape', exactDivide(product([N, 12, 64]), 64), '12*N'],
  ['exact: by a symbol', exactDivide(product([N, 12, 64]), N), '768'],
  ['exact: by a sum', exactDivide(subtract(multiply(N, N), 1), add(N, 1)), 'N - 1'],
  ['not exact', exactDivide(add(N, 1), 2), '?'],
  ['maximum decided by bounds', maximum(N, 1), 'N'],
  ['maximum of two symbols', maximum(N, H), 'max(H, N)'],
  ['maximum is sorted and flat', maximum(maximum(N, W), H), 'max(H, N, W)'],
  ['maximum of the same', maximum(add(N, 1), N), 'N + 1'],
  ['absorption, as in a causal mask', maximum(minimum(1024, N), N), 'N'],
  ['minimum with a number', minimum(N, 512), 'min(512, N)'],
  ['minimum decided by bounds', minimum(N, 0), '0'],
  ['odd names are quoted', symbol('past_sequence_length + 1'), '"past_sequence_length + 1"'],
  ['reserved words are quoted', symbol('max'), '"max"'],
  ['derived names are plain', symbol('x.0'), 'x.0'],
  ['control characters are escaped', symbol('a\n"b'), '"a\\n\\"b"'],
  ['names without end stay unknown', symbol('n'.repeat(300)), '?'],
  ['beyond the safe integers', multiply(Number.MAX_SAFE_INTEGER, multiply(N, 2)), '?'],
  ['a fraction is no size', multiply(N, 0.5), '?'],
];

describe('shapes: symbolic', () => {
  for (const [title, dim, text] of texts) {
    it(`${title}: ${text}`, () => {
      assert.equal(dimText(dim), text);
    });
  }

  it('evaluates with every symbol bound, and only then', () => {
    const dim = add(multiply(3, floorDivide(subtract(H, 1), 2)), maximum(N, W));
    const bindings = new Map([
      ['H', 224],
      ['N', 8],
      ['W', 5],
    ]);
    assert.equal(evaluate(dim, bindings), 3 * 111 + 8);
    bindings.delete('W');
    assert.equal(evaluate(dim, bindings), null);
  });

  it('evaluates to null beyond the safe integers', () => {
    assert.equal(evaluate(multiply(N, N), new Map([['N', 2 ** 30]])), null);
    assert.equal(evaluate(multiply(N, N), new Map([['N', 2 ** 20]])), 2 ** 40);
  });

  it('names every symbol, those inside floors and maxima too', () => {
    const dim = add(floorDivide(H, add(N, 1)), maximum(W, symbol('T')));
    assert.deepEqual([...symbolsOf(dim)].sort(), ['H', 'N', 'T', 'W']);
  });

  it('does not call two unknown dims equal', () => {
    assert.equal(equalDims(null, null), false);
    assert.equal(equalDims(add(N, H), add(H, N)), true);
  });

  it('gives up on sums and products without end instead of growing', () => {
    let sum: Dim = 0;
    for (let index = 0; index < 100; index++) sum = add(sum, symbol(`s${index}`));
    assert.equal(sum, null);
    let nested: Dim = H;
    for (let index = 0; index < 5000; index++) nested = floorDivide(100, add(nested, N));
    assert.equal(nested, null);
  });

  it('divides large numbers exactly', () => {
    const big = Number.MAX_SAFE_INTEGER;
    assert.equal(floorDivide(big, 2), Number(BigInt(big) / 2n));
    assert.equal(floorDivide(-big, 2), Number(-(BigInt(big) + 1n) / 2n));
  });
});
