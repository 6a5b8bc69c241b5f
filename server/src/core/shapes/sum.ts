import { fromTerms, maximumTerms, safe, usable } from './polynomial';
import type { Dim, Term } from './polynomial';
import { add } from './symbolic';

/** Adds up many dims, as `add` would one after the other, without making an expression at every step. */
export interface Sum {
  add(dim: Dim): void;
  /** Null when a part was unknown, a coefficient left the safe integers or there were too many terms. */
  value(): Dim;
}

export function createSum(): Sum {
  return new FewDims();
}

/** Most sums have one or two dims, and each node has some: no more than an object for each. */
class FewDims implements Sum {
  #sum: Dim = 0;
  #count = 0;
  #many: Sum | null = null;

  add(dim: Dim): void {
    if (++this.#count <= fewDims) this.#sum = add(this.#sum, dim);
    else (this.#many ??= createTable(this.#sum)).add(dim);
  }

  value(): Dim {
    return this.#many ? this.#many.value() : this.#sum;
  }
}

/** From here on expressions on the way cost more than a table of terms. */
const fewDims = 4;

function createTable(start: Dim): Sum {
  /** Coefficients by the text of their term. */
  const totals = new Map<string, { readonly term: Term; coefficient: number }>();
  let constant: number | null = 0;
  let isKnown = true;
  const addTerm = (term: Term): void => {
    const total = totals.get(term.text);
    if (!total) totals.set(term.text, { term, coefficient: term.coefficient });
    else {
      total.coefficient += term.coefficient;
      if (total.coefficient === 0) totals.delete(term.text);
      else if (!Number.isSafeInteger(total.coefficient)) isKnown = false;
    }
    if (totals.size > maximumTerms) isKnown = false;
  };
  const sum: Sum = {
    add(dim) {
      if (!isKnown || constant === null) return;
      if (!usable(dim)) isKnown = false;
      else if (typeof dim === 'number') constant = safe(constant + dim);
      else for (const term of dim.terms) addTerm(term);
    },
    value() {
      if (!isKnown) return null;
      const terms = new Map<string, Term>();
      for (const [text, { term, coefficient }] of totals) terms.set(text, { ...term, coefficient });
      return add(fromTerms(terms), constant);
    },
  };
  sum.add(start);
  return sum;
}
