import { stringAttribute } from '../../attributes';
import { add, product, type Dim } from '../../shapes/symbolic';
import { inputShape, type Site } from '../site';

/** Equations are a line of letters; a longer one is no real model. */
const maxEquationLength = 512;

/**
 * Multiply-accumulates of an Einsum, contracted pairwise from the left as runtimes do: each step
 * costs the product of all axes of its two operands, and axes that nobody needs again are summed
 * away. One operand alone is a transpose or a sum: no MACs. Ellipsis axes are matched from the right.
 */
export function einsumMacs(site: Site): Dim {
  const equation = stringAttribute(site.node, 'equation')?.replaceAll(/\s/g, '');
  if (equation === undefined || equation.length > maxEquationLength) return null;
  const [left = '', output] = equation.split('->');
  const terms = left.split(',');
  if (terms.length !== site.node.inputs.length) return null;
  if (terms.length === 1) return 0;

  const sizes = new Map<string, Dim>();
  const operands: string[][] = [];
  for (const [index, term] of terms.entries()) {
    const labels = labelsOf(term, inputShape(site, index), sizes);
    if (!labels) return null;
    operands.push(labels);
  }
  const kept = output === undefined ? implicitOutput(operands) : keptLabels(output, operands);
  return contractPairwise(operands, kept, sizes);
}

/** Axis labels of one operand, `0`, `1`… from the right for those of its ellipsis; records their sizes. */
function labelsOf(
  term: string,
  shape: readonly Dim[] | null,
  sizes: Map<string, Dim>,
): string[] | null {
  if (shape === null) return null;
  const [before = '', after, extra] = term.split('...');
  const hidden = after === undefined ? 0 : shape.length - before.length - after.length;
  if (extra !== undefined || hidden < 0) return null;
  const ellipsis = Array.from({ length: hidden }, (_, index) => String(hidden - 1 - index));
  const labels = [...Array.from(before), ...ellipsis, ...Array.from(after ?? '')];
  if (labels.length !== shape.length) return null;
  for (const [axis, label] of labels.entries()) {
    const dim = shape[axis] ?? null;
    const known = sizes.get(label);
    // An axis of 1 is broadcast; of two known sizes, which must be equal, the first is kept.
    if (known === undefined || known === 1 || known === null) sizes.set(label, dim);
  }
  return labels;
}

/** Without an arrow the output has the labels that occur once, and the ellipsis. */
function implicitOutput(operands: readonly (readonly string[])[]): Set<string> {
  const counts = new Map<string, number>();
  for (const label of operands.flat()) counts.set(label, (counts.get(label) ?? 0) + 1);
  const once = [...counts].filter(([label, count]) => count === 1 || isEllipsis(label));
  return new Set(once.map(([label]) => label));
}

function keptLabels(output: string, operands: readonly (readonly string[])[]): Set<string> {
  const kept = new Set(output.replace('...', ''));
  if (output.includes('...')) {
    for (const label of operands.flat()) if (isEllipsis(label)) kept.add(label);
  }
  return kept;
}

function isEllipsis(label: string): boolean {
  return /^\d+$/.test(label);
}

function contractPairwise(
  operands: readonly (readonly string[])[],
  kept: ReadonlySet<string>,
  sizes: ReadonlyMap<string, Dim>,
): Dim {
  let current = new Set(operands[0]);
  const steps: Dim[] = [];
  for (let index = 1; index < operands.length; index++) {
    const joined = new Set([...current, ...(operands[index] ?? [])]);
    steps.push(product([...joined].map((label) => sizes.get(label) ?? null)));
    const later = new Set(operands.slice(index + 1).flat());
    current = new Set([...joined].filter((label) => kept.has(label) || later.has(label)));
  }
  return sum(steps);
}

function sum(dims: readonly Dim[]): Dim {
  return dims.reduce<Dim>((total, dim) => add(total, dim), 0);
}
