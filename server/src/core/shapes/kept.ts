import type { Dim, Expr, Known } from './polynomial';

/**
 * Results of the algebra that are kept: the sizes of a model are a few expressions that its nodes compute again and
 * again. Equal expressions become one object, so that comparing them and looking them up costs nothing.
 *
 * What is kept depends on nothing but the operands, and the tables are emptied when they are full: they change no
 * result, only how fast it is there.
 */

/** Longer expressions seldom come twice, and would make the tables large. */
const maximumKeptLength = 80;
const maximumKept = 4096;

function isKeepable(dim: Known): boolean {
  return typeof dim === 'number' || dim.text.length <= maximumKeptLength;
}

const expressions = new Map<string, Expr>();

/** The first expression that had this normal form: equal text is equal value. */
export function kept(expr: Expr): Expr {
  if (!isKeepable(expr)) return expr;
  const known = expressions.get(expr.text);
  if (known) return known;
  if (expressions.size >= maximumKept) expressions.clear();
  expressions.set(expr.text, expr);
  return expr;
}

/** An operation that remembers what it said of small operands. */
export function remembered(operation: (a: Known, b: Known) => Dim): (a: Known, b: Known) => Dim {
  const results = new Map<Known, Map<Known, Dim>>();
  let count = 0;
  return (a, b) => {
    const known = results.get(a)?.get(b);
    if (known !== undefined) return known;
    const result = operation(a, b);
    if (!isKeepable(a) || !isKeepable(b)) return result;
    if (++count > maximumKept) {
      results.clear();
      count = 1;
    }
    const ofFirst = results.get(a);
    if (ofFirst) ofFirst.set(b, result);
    else results.set(a, new Map([[b, result]]));
    return result;
  };
}
