import assert from 'node:assert/strict';
import fc from 'fast-check';
import { slicedSize } from '../../server/src/core/shapes/ops/cut';
import {
  add,
  ceilDivide,
  dimText,
  equalDims,
  evaluate,
  exactDivide,
  floorDivide,
  lowerBound,
  maximum,
  minimum,
  multiply,
  subtract,
  symbol,
  symbolsOf,
} from '../../server/src/core/shapes/symbolic';
import type { Dim } from '../../server/src/core/shapes/symbolic';

/** A formula as a tree: built once with the algebra, once computed with plain bigints. */
type Formula =
  | { readonly op: 'number'; readonly value: number }
  | { readonly op: 'symbol'; readonly name: string }
  | {
      readonly op: '+' | '-' | '*' | 'max' | 'min';
      readonly left: Formula;
      readonly right: Formula;
    }
  | { readonly op: 'floor'; readonly left: Formula; readonly by: number };

const names = ['N', 'H', 'W', 'x.0'];

const { formula } = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.record({ op: fc.constant('symbol' as const), name: fc.constantFrom(...names) }),
    fc.record({ op: fc.constant('number' as const), value: fc.integer({ min: -9, max: 99 }) }),
    fc.record({
      op: fc.constantFrom('+' as const, '-' as const, '*' as const, 'max' as const, 'min' as const),
      left: tie('formula'),
      right: tie('formula'),
    }),
    fc.record({
      op: fc.constant('floor' as const),
      left: tie('formula'),
      by: fc.integer({ min: 1, max: 8 }),
    }),
  ),
}));

const sizes = fc.tuple(...names.map(() => fc.integer({ min: 1, max: 50 })));

describe('property: symbolic dims', () => {
  it('evaluate to what the formula says, whatever the normal form made of it', () => {
    let compared = 0;
    fc.assert(
      fc.property(formula, sizes, (tree, values) => {
        const bindings = bind(values);
        const value = evaluate(build(tree), bindings);
        if (value === null) return;
        compared++;
        assert.equal(BigInt(value), compute(tree, bindings));
      }),
      { numRuns: 2000 },
    );
    assert.ok(compared > 1500, `only ${compared} formulas had a value`);
  });

  it('are equal by text only when they are equal by value', () => {
    fc.assert(
      fc.property(formula, formula, sizes, (a, b, values) => {
        const [left, right] = [build(a), build(b)];
        if (!equalDims(left, right)) return;
        const bindings = bind(values);
        assert.equal(evaluate(left, bindings), evaluate(right, bindings));
      }),
    );
  });

  it('do not depend on the order of sums and products', () => {
    fc.assert(
      fc.property(formula, formula, formula, (a, b, c) => {
        const [x, y, z] = [build(a), build(b), build(c)];
        for (const combine of [add, multiply]) {
          const texts = [combine(combine(x, y), z), combine(combine(z, y), x)].map(dimText);
          // A cap may be hit on one way and not on the other.
          if (!texts.includes('?')) assert.equal(texts[0], texts[1]);
        }
      }),
    );
  });

  it('divide back exactly what was multiplied', () => {
    fc.assert(
      fc.property(formula, formula, (a, b) => {
        const [left, right] = [build(a), build(b)];
        const whole = multiply(left, right);
        if (whole === null || right === 0 || right === null) return;
        assert.equal(dimText(exactDivide(whole, right)), dimText(left));
      }),
    );
  });

  it('are never below their lower bound', () => {
    fc.assert(
      fc.property(formula, sizes, (tree, values) => {
        const dim = build(tree);
        const value = evaluate(dim, bind(values));
        if (value !== null) assert.ok(value >= lowerBound(dim));
      }),
    );
  });

  it('print different names differently, and never throw on any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const [left, right] = [symbol(a), symbol(b)];
        if (left === null || right === null) return;
        assert.equal(equalDims(left, right), a === b);
        assert.equal(evaluate(add(left, 1), new Map([[a, 41]])), 42);
      }),
    );
  });

  it('give slices of a symbolic axis the size that the numbers give', () => {
    const bound = fc.integer({ min: -6, max: 6 });
    fc.assert(
      fc.property(bound, bound, fc.integer({ min: 1, max: 3 }), (start, end, step) => {
        const size = slicedSize(symbol('N'), { start, end, step });
        // Bounds within the axis, in order: what a symbolic slice takes for granted.
        const n = 20;
        const counted = slicedSize(n, { start, end, step });
        if (counted === 0) return;
        assert.equal(evaluate(size, new Map([['N', n]])), counted);
      }),
    );
  });

  it('divide by symbols and round up as integers do', () => {
    let compared = 0;
    fc.assert(
      fc.property(formula, formula, sizes, (a, b, values) => {
        const bindings = bind(values);
        const divisor = evaluate(build(b), bindings);
        const numerator = evaluate(build(a), bindings);
        // The algebra takes a divisor that is a size: at least 1.
        if (divisor === null || numerator === null || divisor < 1) return;
        const down = evaluate(floorDivide(build(a), build(b)), bindings);
        const up = evaluate(ceilDivide(build(a), build(b)), bindings);
        const rest = ((numerator % divisor) + divisor) % divisor;
        const floor = (numerator - rest) / divisor;
        if (down !== null) assert.equal(down, floor);
        if (up !== null) assert.equal(up, rest === 0 ? floor : floor + 1);
        if (down !== null && up !== null) compared++;
      }),
      { numRuns: 2000 },
    );
    assert.ok(compared > 500, `only ${compared} quotients had a value`);
  });

  it('distribute products over sums, and take back what was added', () => {
    fc.assert(
      fc.property(formula, formula, formula, (a, b, c) => {
        const [x, y, z] = [build(a), build(b), build(c)];
        sameUnlessCapped(multiply(x, add(y, z)), add(multiply(x, y), multiply(x, z)));
        sameUnlessCapped(subtract(add(x, y), y), x);
      }),
    );
  });

  it('floor a floor as one, and leave whole multiples outside', () => {
    const divisor = fc.integer({ min: 1, max: 9 });
    fc.assert(
      fc.property(formula, formula, divisor, divisor, sizes, (a, b, inner, outer, values) => {
        const [x, y] = [build(a), build(b)];
        const bindings = bind(values);
        const nested = floorDivide(floorDivide(x, inner), outer);
        sameValue(nested, floorDivide(x, inner * outer), bindings);
        const whole = floorDivide(add(x, multiply(y, inner)), inner);
        sameValue(whole, add(floorDivide(x, inner), y), bindings);
      }),
    );
  });

  it('print a chain of strides as one floor', () => {
    const stride = fc.integer({ min: 2, max: 9 });
    fc.assert(
      fc.property(fc.array(stride, { minLength: 1, maxLength: 5 }), (strides) => {
        const chained = strides.reduce<Dim>((dim, by) => floorDivide(dim, by), symbol('H'));
        const whole = strides.reduce((product, by) => product * by, 1);
        assert.equal(dimText(chained), `floor(H/${whole})`);
      }),
    );
  });

  it('have extrema that do not depend on order, repetition or nesting', () => {
    fc.assert(
      fc.property(formula, formula, sizes, (a, b, values) => {
        const [x, y] = [build(a), build(b)];
        const bindings = bind(values);
        for (const extremum of [maximum, minimum]) {
          sameUnlessCapped(extremum(x, x), x);
          const texts = [extremum(x, y), extremum(y, x), extremum(x, extremum(x, y))];
          const found = texts.map((dim) => evaluate(dim, bindings)).filter((each) => each !== null);
          assert.ok(new Set(found).size <= 1, texts.map(dimText).join(' and '));
        }
      }),
    );
  });

  it('know a value exactly when all their symbols are bound', () => {
    fc.assert(
      fc.property(formula, sizes, fc.constantFrom(...names), (tree, values, left) => {
        const dim = build(tree);
        const bindings = new Map(bind(values));
        bindings.delete(left);
        if (symbolsOf(dim).has(left)) assert.equal(evaluate(dim, bindings), null);
        else assert.equal(evaluate(dim, bindings), evaluate(dim, bind(values)));
      }),
    );
  });
});

/** Two forms may differ in text and still be equal; what they evaluate to may not. */
function sameValue(a: Dim, b: Dim, bindings: ReadonlyMap<string, number>): void {
  const [left, right] = [evaluate(a, bindings), evaluate(b, bindings)];
  if (left !== null && right !== null) assert.equal(left, right);
}

/** Both normal forms, unless a cap made one of them unknown. */
function sameUnlessCapped(a: Dim, b: Dim): void {
  if (a !== null && b !== null) assert.equal(dimText(a), dimText(b));
}

function bind(values: readonly number[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, index) => [name, values[index] ?? 1]));
}

function build(tree: Formula): Dim {
  switch (tree.op) {
    case 'number':
      return tree.value;
    case 'symbol':
      return symbol(tree.name);
    case 'floor':
      return floorDivide(build(tree.left), tree.by);
    case '+':
      return add(build(tree.left), build(tree.right));
    case '-':
      return subtract(build(tree.left), build(tree.right));
    case '*':
      return multiply(build(tree.left), build(tree.right));
    case 'max':
      return maximum(build(tree.left), build(tree.right));
    case 'min':
      return minimum(build(tree.left), build(tree.right));
  }
}

function compute(tree: Formula, bindings: ReadonlyMap<string, number>): bigint {
  if (tree.op === 'number') return BigInt(tree.value);
  if (tree.op === 'symbol') return BigInt(bindings.get(tree.name) ?? 0);
  const left = compute(tree.left, bindings);
  if (tree.op === 'floor') {
    const by = BigInt(tree.by);
    const quotient = left / by;
    return left % by < 0n ? quotient - 1n : quotient;
  }
  const right = compute(tree.right, bindings);
  if (tree.op === '+') return left + right;
  if (tree.op === '-') return left - right;
  if (tree.op === '*') return left * right;
  const isLeft = tree.op === 'max' ? left > right : left < right;
  return isLeft ? left : right;
}
