import { remembered } from './kept';
import {
  divideTerms,
  fromAtom,
  fromTerms,
  maximumNameLength,
  maximumTerms,
  multiplyTerms,
  safe,
  symbolText,
  termsOf,
  usable,
} from './polynomial';
import type { Atom, Dim, Expr, Known, Term } from './polynomial';

export type { Dim, Expr, Known } from './polynomial';

/** The symbol of this name; null (unknown) for names longer than 256 characters. */
export function symbol(name: string): Dim {
  if (name.length > maximumNameLength) return null;
  const known = recentSymbols.get(name);
  if (known !== undefined) return known;
  const made = fromAtom({ kind: 'symbol', name, text: symbolText(name) });
  if (recentSymbols.size >= maximumRecentSymbols) recentSymbols.clear();
  recentSymbols.set(name, made);
  return made;
}

/** A model declares the same few symbols for all its values. */
const recentSymbols = new Map<string, Dim>();
const maximumRecentSymbols = 256;

export function isKnown(dim: Dim): dim is Known {
  return dim !== null;
}

/** The dim when it is a plain number, otherwise null. */
export function asNumber(dim: Dim): number | null {
  return typeof dim === 'number' ? dim : null;
}

/** `?` for an unknown dim. */
export function dimText(dim: Dim): string {
  if (dim === null) return '?';
  return typeof dim === 'number' ? String(dim) : dim.text;
}

/** True when both are known and have the same normal form; two unknown dims are not equal. */
export function equalDims(a: Dim, b: Dim): boolean {
  if (a === null || b === null) return false;
  if (a === b) return true;
  return typeof a === 'number' || typeof b === 'number' ? a === b : a.text === b.text;
}

/** The sum, or null when a part is unknown or a coefficient leaves the safe integers. */
export function add(a: Dim, b: Dim): Dim {
  if (!usable(a) || !usable(b)) return null;
  if (typeof a === 'number' && typeof b === 'number') return safe(a + b);
  if (a === 0) return b;
  return b === 0 ? a : sumOf(a, b);
}

const sumOf = remembered((a, b) => {
  const sum = new Map(termsOf(a).map((term) => [term.text, term]));
  for (const term of termsOf(b)) {
    const before = sum.get(term.text)?.coefficient ?? 0;
    sum.set(term.text, { ...term, coefficient: before + term.coefficient });
  }
  return fromTerms(sum);
});

export function negate(a: Dim): Dim {
  return multiply(a, -1);
}

export function subtract(a: Dim, b: Dim): Dim {
  return add(a, negate(b));
}

/** The product, or null when a part is unknown (even beside a zero) or out of range. */
export function multiply(a: Dim, b: Dim): Dim {
  if (!usable(a) || !usable(b)) return null;
  if (typeof a === 'number' && typeof b === 'number') return safe(a * b);
  if (a === 1) return b;
  return b === 1 ? a : productOf(a, b);
}

const productOf = remembered((a, b) => {
  const result = new Map<string, Term>();
  for (const left of termsOf(a)) {
    for (const right of termsOf(b)) {
      const term = multiplyTerms(left, right);
      const before = result.get(term.text)?.coefficient ?? 0;
      result.set(term.text, { ...term, coefficient: before + term.coefficient });
    }
  }
  return fromTerms(result);
});

/** The product of all dims; 1 for none. */
export function product(dims: readonly Dim[]): Dim {
  let result: Dim = 1;
  for (const dim of dims) {
    result = multiply(result, dim);
    if (result === null) return null;
  }
  return result;
}

/** ⌊a / b⌋, or null when a part is unknown, `b` is 0 or the result is out of range. */
export function floorDivide(a: Dim, b: Dim): Dim {
  if (!usable(a) || !usable(b) || b === 0) return null;
  if (typeof b === 'number') return b < 0 ? floorByInt(negate(a), -b) : floorByInt(a, b);
  const exact = exactDivide(a, b);
  if (exact !== null) return exact;
  const text = `floor(${numeratorText(a)}/${divisorText(b)})`;
  return fromAtom({ kind: 'floor', text, numerator: a, divisor: b });
}

/** ⌈a / b⌉ for positive `b`. */
export function ceilDivide(a: Dim, b: Dim): Dim {
  return floorDivide(add(a, subtract(b, 1)), b);
}

/**
 * a / b when it divides without rest as polynomials (`768*N / 64` is `12*N`), otherwise null.
 * Assumes that `b` is not zero for the values its symbols take.
 */
export function exactDivide(a: Dim, b: Dim): Dim {
  if (!usable(a) || !usable(b) || b === 0) return null;
  if (typeof a === 'number' && typeof b === 'number') return a % b === 0 ? a / b : null;
  const divisor = termsOf(b);
  const lead = divisor[0];
  if (!lead) return null;
  let rest: Known = a;
  let quotient: Dim = 0;
  for (let step = 0; step < maximumTerms; step++) {
    if (rest === 0) return quotient;
    const first: Term | undefined = termsOf(rest)[0];
    const part: Dim = first ? divideTerms(first, lead) : null;
    quotient = add(quotient, part);
    const left: Dim = subtract(rest, multiply(part, b));
    if (left === null || quotient === null) return null;
    rest = left;
  }
  return null;
}

/** The larger one; decided where the lower bounds of the symbols allow it, else a `max(…)` atom. */
export function maximum(a: Dim, b: Dim): Dim {
  return extremum('max', a, b);
}

export function minimum(a: Dim, b: Dim): Dim {
  return extremum('min', a, b);
}

/** The value under these bindings; null for an unbound symbol, a zero divisor or an unsafe result. */
export function evaluate(dim: Dim, bindings: ReadonlyMap<string, number>): number | null {
  if (dim === null || typeof dim === 'number') return dim;
  let sum = 0;
  for (const term of dim.terms) {
    let value = term.coefficient;
    for (const { atom, power } of term.factors) {
      const base = evaluateAtom(atom, bindings);
      if (base === null) return null;
      value *= base ** power;
      if (!Number.isSafeInteger(value)) return null;
    }
    sum += value;
    if (!Number.isSafeInteger(sum)) return null;
  }
  return sum;
}

/** Names of all symbols in the dim, those inside floors and maxima included. */
export function symbolsOf(dim: Dim): ReadonlySet<string> {
  const names = new Set<string>();
  const pending: Dim[] = [dim];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (at === null || typeof at === 'number') continue;
    for (const { atom } of at.terms.flatMap((term) => term.factors)) {
      if (atom.kind === 'symbol') names.add(atom.name);
      else if (atom.kind === 'floor') pending.push(atom.numerator, atom.divisor);
      else pending.push(...atom.operands);
    }
  }
  return names;
}

/** A number no dim with these symbols is below; -Infinity when nothing can be said. */
export function lowerBound(dim: Dim): number {
  if (dim === null) return -Infinity;
  if (typeof dim === 'number') return dim;
  let sum = 0;
  for (const { coefficient, factors } of withoutNegativeFloors(dim.terms)) {
    let bound = coefficient;
    for (const { atom, power } of factors) {
      const atomBound = atomLowerBound(atom);
      if (coefficient < 0 || atomBound < 0) return -Infinity;
      bound *= atomBound ** power;
    }
    sum += bound;
  }
  // The dim is a whole number; what is left of thirds is a rounding error.
  return Math.ceil(sum - 1e-9);
}

type Weighted = Pick<Term, 'coefficient' | 'factors'>;

/** Terms of a sum that is not larger: -⌊a/b⌋ is at least -a/b, so that N - ⌊N/2⌋ is at least N/2. */
function withoutNegativeFloors(terms: readonly Term[]): Iterable<Weighted> {
  if (!terms.some(isNegativeFloor)) return terms;
  const sum = new Map<string, Weighted>();
  const addTerm = ({ text, factors }: Term, coefficient: number): void => {
    const before = sum.get(text)?.coefficient ?? 0;
    sum.set(text, { factors, coefficient: before + coefficient });
  };
  for (const term of terms) {
    const atom = isNegativeFloor(term) ? term.factors[0]?.atom : undefined;
    if (atom?.kind !== 'floor' || typeof atom.divisor !== 'number') {
      addTerm(term, term.coefficient);
      continue;
    }
    for (const inner of termsOf(atom.numerator)) {
      addTerm(inner, (term.coefficient * inner.coefficient) / atom.divisor);
    }
  }
  return sum.values();
}

function isNegativeFloor({ coefficient, degree, factors }: Term): boolean {
  return coefficient < 0 && degree === 1 && factors[0]?.atom.kind === 'floor';
}

/** True when the dim is below zero whatever sizes its symbols stand for. */
export function isNegative(dim: Dim): boolean {
  return dim !== null && lowerBound(negate(dim)) > 0;
}

/**
 * ⌊a / b⌋ for an integer b ≥ 1. Whole parts are taken out of the floor, common divisors cancelled
 * and floors inside floors merged, so that a chain of strides reads `floor((H + 3)/4)`.
 */
function floorByInt(a: Dim, b: number): Dim {
  if (a === null) return null;
  if (b === 1) return a;
  if (typeof a === 'number') return floorOfNumbers(a, b);
  const whole = new Map<string, Term>();
  const rest = new Map<string, Term>();
  let constant = 0;
  let common = b;
  for (const term of a.terms) {
    if (term.degree === 0) {
      constant = term.coefficient;
      continue;
    }
    const quotient = floorOfNumbers(term.coefficient, b);
    if (quotient === null) return null;
    const remainder = term.coefficient - quotient * b;
    whole.set(term.text, { ...term, coefficient: quotient });
    if (remainder !== 0) rest.set(term.text, { ...term, coefficient: remainder });
    common = greatestCommonDivisor(common, remainder);
  }
  const wholeConstant = floorOfNumbers(constant, b);
  if (wholeConstant === null) return null;
  const outside = add(fromTerms(whole), wholeConstant);
  if (rest.size === 0) return outside;
  const innerConstant = Math.floor((constant - wholeConstant * b) / common);
  const scaled = [...rest.values()].map((term): [string, Term] => [
    term.text,
    { ...term, coefficient: term.coefficient / common },
  ]);
  const numerator = add(fromTerms(new Map(scaled)), innerConstant);
  return add(outside, floorAtom(numerator, b / common));
}

function floorAtom(numerator: Dim, divisor: number): Dim {
  if (numerator === null || divisor === 1 || typeof numerator === 'number') {
    return floorByInt(numerator, divisor);
  }
  const floors = numerator.terms.filter(({ coefficient, factors }) => {
    const [only] = factors;
    if (coefficient !== 1 || factors.length !== 1 || only?.power !== 1) return false;
    return only.atom.kind === 'floor' && typeof only.atom.divisor === 'number';
  });
  const inner = floors.length === 1 ? floors[0]?.factors[0]?.atom : undefined;
  if (inner?.kind === 'floor' && typeof inner.divisor === 'number') {
    // ⌊(⌊x/a⌋ + y)/b⌋ = ⌊(x + a·y)/(a·b)⌋ for every integer y.
    const others = subtract(numerator, fromAtom(inner));
    const merged = add(inner.numerator, multiply(others, inner.divisor));
    const mergedDivisor = safe(inner.divisor * divisor);
    if (merged !== null && mergedDivisor !== null) return floorByInt(merged, mergedDivisor);
  }
  const text = `floor(${numeratorText(numerator)}/${divisor})`;
  return fromAtom({ kind: 'floor', text, numerator, divisor });
}

/** Exact where the division of two safe integers as doubles could round up. */
function floorOfNumbers(a: number, b: number): number | null {
  const remainder = a % b;
  return safe((a - remainder) / b - (remainder < 0 ? 1 : 0));
}

function greatestCommonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}

function numeratorText(dim: Known): string {
  return typeof dim !== 'number' && dim.terms.length > 1 ? `(${dim.text})` : dimText(dim);
}

function divisorText(dim: Expr): string {
  const [only, second] = dim.terms;
  const isAtom = !second && only?.coefficient === 1 && only.degree === 1;
  return isAtom ? dim.text : `(${dim.text})`;
}

function extremum(kind: 'max' | 'min', a: Dim, b: Dim): Dim {
  if (!usable(a) || !usable(b)) return null;
  if (equalDims(a, b)) return a;
  const kept: Known[] = [];
  for (const candidate of [...operandsOf(kind, a), ...operandsOf(kind, b)]) {
    if (kept.some((other) => dominates(kind, other, candidate))) continue;
    const survivors = kept.filter((other) => !dominates(kind, candidate, other));
    kept.splice(0, kept.length, ...survivors, candidate);
    if (kept.length > maximumTerms) return null;
  }
  const [first, second] = kept;
  if (first !== undefined && second === undefined) return first;
  const operands = kept.sort((x, y) => (dimText(x) < dimText(y) ? -1 : 1));
  return fromAtom({ kind, operands, text: `${kind}(${operands.map(dimText).join(', ')})` });
}

/** True when `a` makes `b` superfluous among the operands of a maximum or minimum. */
function dominates(kind: 'max' | 'min', a: Known, b: Known): boolean {
  return kind === 'max' ? isAtMost(b, a) : isAtMost(a, b);
}

/** Nested extrema are looked into this deep: more would cost time on hostile input, and finds nothing. */
const maximumExtremumDepth = 4;

/** True when `a ≤ b` for all values of the symbols, as far as bounds and absorption tell. */
function isAtMost(a: Known, b: Known, depth = 0): boolean {
  const difference = subtract(b, a);
  if (difference !== null && lowerBound(difference) >= 0) return true;
  if (depth >= maximumExtremumDepth) return false;
  const below = (operand: Known): boolean => isAtMost(operand, b, depth + 1);
  const above = (operand: Known): boolean => isAtMost(a, operand, depth + 1);
  const [lesser, greater] = [extremumOf(a), extremumOf(b)];
  if (lesser?.kind === 'min' && lesser.operands.some(below)) return true;
  if (lesser?.kind === 'max' && lesser.operands.every(below)) return true;
  if (greater?.kind === 'max' && greater.operands.some(above)) return true;
  return greater?.kind === 'min' && greater.operands.every(above);
}

function operandsOf(kind: 'max' | 'min', dim: Known): readonly Known[] {
  const atom = extremumOf(dim);
  return atom?.kind === kind ? atom.operands : [dim];
}

/** The maximum or minimum that a dim is, when it is nothing else besides. */
function extremumOf(dim: Known): (Atom & { readonly kind: 'max' | 'min' }) | undefined {
  if (typeof dim === 'number' || dim.terms.length !== 1) return undefined;
  const [term] = dim.terms;
  const atom = term?.coefficient === 1 && term.degree === 1 ? term.factors[0]?.atom : undefined;
  return atom?.kind === 'max' || atom?.kind === 'min' ? atom : undefined;
}

function evaluateAtom(atom: Atom, bindings: ReadonlyMap<string, number>): number | null {
  if (atom.kind === 'symbol') {
    const value = bindings.get(atom.name);
    return value !== undefined && Number.isSafeInteger(value) ? value : null;
  }
  if (atom.kind === 'floor') {
    const numerator = evaluate(atom.numerator, bindings);
    const divisor = evaluate(atom.divisor, bindings);
    return asNumber(floorDivide(numerator, divisor));
  }
  let best: number | null = null;
  for (const operand of atom.operands) {
    const value = evaluate(operand, bindings);
    if (value === null) return null;
    best =
      best === null ? value : atom.kind === 'max' ? Math.max(best, value) : Math.min(best, value);
  }
  return best;
}

function atomLowerBound(atom: Atom): number {
  if (atom.kind === 'symbol') return 1;
  if (atom.kind === 'floor') {
    const bound = lowerBound(atom.numerator);
    if (typeof atom.divisor === 'number') return Math.floor(bound / atom.divisor);
    return bound >= 0 && lowerBound(atom.divisor) >= 1 ? 0 : -Infinity;
  }
  const bounds = atom.operands.map(lowerBound);
  return atom.kind === 'max' ? Math.max(...bounds) : Math.min(...bounds);
}
