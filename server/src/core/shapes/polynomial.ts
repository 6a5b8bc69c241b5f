import { kept } from './kept';

/**
 * Dims that are not plain numbers: polynomials with integer coefficients over named symbols,
 * floor-divisions and maxima / minima. Immutable and normalised, so that equal text means equal
 * value (the reverse does not hold: two texts may still be equal in value).
 *
 * Every symbol is assumed to be an integer ≥ 1, as sizes are in practice: that is what lets
 * `max(N, 1)` be `N` and `N*64/N` be `64`. A model fed an empty axis is outside these formulas.
 */
export interface Expr {
  readonly kind: 'expr';
  /** Normal form, as people write it: `4*N`, `floor((H + 1)/2)`. Odd symbol names are JSON-quoted. */
  readonly text: string;
  /** Private to the algebra (`symbolic.ts`): sorted, no term is zero, at least one has a factor. */
  readonly terms: readonly Term[];
}

/** A size, an expression over symbols, or null: not known at all. */
export type Dim = number | Expr | null;

export interface Term {
  readonly coefficient: number;
  /** Sorted by atom text; empty for the constant term. */
  readonly factors: readonly Factor[];
  /** `H*W^2`, `''` for the constant term. */
  readonly text: string;
  readonly degree: number;
}

export interface Factor {
  readonly atom: Atom;
  readonly power: number;
}

export type Atom =
  | { readonly kind: 'symbol'; readonly text: string; readonly name: string }
  | {
      readonly kind: 'floor';
      readonly text: string;
      readonly numerator: Known;
      readonly divisor: Known;
    }
  | { readonly kind: 'max' | 'min'; readonly text: string; readonly operands: readonly Known[] };

export type Known = number | Expr;

/** Longer sums come from hostile or absurd graphs only, and every operation costs terms × terms. */
export const maximumTerms = 64;
/** Bounds memory, nesting (each level takes eight characters) and what a person could ever read. */
const maximumTextLength = 2048;
/** Real exporters write names such as `past_sequence_length + 1`; a longer name stays unknown. */
export const maximumNameLength = 256;

export function usable(dim: Dim): dim is Known {
  return dim !== null && (typeof dim !== 'number' || Number.isSafeInteger(dim));
}

/** `-0` is folded into `0`. */
export function safe(value: number): number | null {
  return Number.isSafeInteger(value) ? value + 0 : null;
}

/** Identifiers as exporters write them, and our derived `x.0`; everything else is quoted. */
const plainName = /^(?!(?:floor|max|min)$)[\p{L}_][\p{L}\p{N}_.]*$/u;

export function symbolText(name: string): string {
  return plainName.test(name) ? name : JSON.stringify(name);
}

const constantTerm: Term = { coefficient: 1, factors: [], text: '', degree: 0 };

export function termsOf(dim: Known): readonly Term[] {
  if (typeof dim !== 'number') return dim.terms;
  return dim === 0 ? [] : [{ ...constantTerm, coefficient: dim }];
}

export function fromAtom(atom: Atom): Dim {
  const term = makeTerm(1, [{ atom, power: 1 }]);
  return fromTerms(new Map([[term.text, term]]));
}

export function makeTerm(coefficient: number, factors: readonly Factor[]): Term {
  const text = factors
    .map(({ atom, power }) => (power === 1 ? atom.text : `${atom.text}^${power}`))
    .join('*');
  const degree = factors.reduce((total, { power }) => total + power, 0);
  return { coefficient, factors, text, degree };
}

export function fromTerms(byText: ReadonlyMap<string, Term>): Dim {
  const terms = [...byText.values()].filter((term) => term.coefficient !== 0);
  if (!terms.every((term) => Number.isSafeInteger(term.coefficient))) return null;
  const first = terms[0];
  if (!first) return 0;
  if (terms.length === 1 && first.degree === 0) return first.coefficient;
  if (terms.length > maximumTerms) return null;
  terms.sort(compareTerms);
  const text = terms.map((term, index) => signedText(term, index === 0)).join('');
  return text.length > maximumTextLength ? null : kept({ kind: 'expr', text, terms });
}

function signedText({ coefficient, text }: Term, isFirst: boolean): string {
  const sign = coefficient < 0 ? (isFirst ? '-' : ' - ') : isFirst ? '' : ' + ';
  const size = Math.abs(coefficient);
  if (text === '') return `${sign}${size}`;
  return size === 1 ? `${sign}${text}` : `${sign}${size}*${text}`;
}

/** Graded lexicographic, highest first: an order under which polynomial division is exact. */
function compareTerms(a: Term, b: Term): number {
  if (a.degree !== b.degree) return b.degree - a.degree;
  for (let index = 0; index < a.factors.length; index++) {
    const left = a.factors[index];
    const right = b.factors[index];
    if (!left || !right) break;
    if (left.atom.text !== right.atom.text) return left.atom.text < right.atom.text ? -1 : 1;
    if (left.power !== right.power) return right.power - left.power;
  }
  return 0;
}

export function multiplyTerms(a: Term, b: Term): Term {
  const coefficient = a.coefficient * b.coefficient;
  if (a.degree === 0) return { ...b, coefficient };
  if (b.degree === 0) return { ...a, coefficient };
  const powers = new Map(a.factors.map((factor) => [factor.atom.text, factor]));
  for (const { atom, power } of b.factors) {
    powers.set(atom.text, { atom, power: power + (powers.get(atom.text)?.power ?? 0) });
  }
  const factors = [...powers.values()].sort((x, y) => (x.atom.text < y.atom.text ? -1 : 1));
  return makeTerm(coefficient, factors);
}

/** The quotient of two monomials, or null when it is none. */
export function divideTerms(a: Term, b: Term): Dim {
  if (a.coefficient % b.coefficient !== 0) return null;
  const powers = new Map(a.factors.map((factor) => [factor.atom.text, factor]));
  for (const { atom, power } of b.factors) {
    const left = (powers.get(atom.text)?.power ?? 0) - power;
    if (left < 0) return null;
    if (left === 0) powers.delete(atom.text);
    else powers.set(atom.text, { atom, power: left });
  }
  const term = makeTerm(a.coefficient / b.coefficient, [...powers.values()]);
  return fromTerms(new Map([[term.text, term]]));
}
