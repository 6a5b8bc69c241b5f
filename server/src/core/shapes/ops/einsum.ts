/** Labels of one term: single letters, or `...` for the axes that are not named. */
export type EinsumLabels = readonly string[];

export interface EinsumEquation {
  readonly inputs: readonly EinsumLabels[];
  readonly output: EinsumLabels;
}

/** Longer equations name more axes than any tensor has. */
const maximumEquationLength = 512;

/**
 * Parses `ij,jk->ik`. Without an arrow the output is the ellipsis and the labels that occur once,
 * in alphabetical order. Undefined when it is no einsum equation.
 */
export function parseEinsum(equation: string): EinsumEquation | undefined {
  if (equation.length > maximumEquationLength) return undefined;
  const compact = equation.replaceAll(' ', '');
  const [left = '', right, ...rest] = compact.split('->');
  if (rest.length > 0) return undefined;
  const inputs: EinsumLabels[] = [];
  for (const term of left.split(',')) {
    const labels = parseLabels(term);
    if (!labels) return undefined;
    inputs.push(labels);
  }
  const output = right === undefined ? implicitOutput(inputs) : parseLabels(right);
  return output && { inputs, output };
}

function parseLabels(term: string): EinsumLabels | undefined {
  if (!/^[a-zA-Z]*(?:\.\.\.)?[a-zA-Z]*$/u.test(term)) return undefined;
  return term.match(/\.\.\.|[a-zA-Z]/gu) ?? [];
}

function implicitOutput(inputs: readonly EinsumLabels[]): EinsumLabels {
  const counts = new Map<string, number>();
  for (const label of inputs.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const once = [...counts.keys()].filter((label) => label !== '...' && counts.get(label) === 1);
  return counts.has('...') ? ['...', ...once.sort()] : once.sort();
}
