/** How well a figure is founded: measured or printed by the vendor, derived, or assumed. */
export type Confidence = 'high' | 'medium' | 'low';

export const units = ['op/s', 'B/s', 'B', 'W', 's', 'op', 'cores', 'ratio', 'flag'] as const;
export type Unit = (typeof units)[number];

/** A figure the estimate rests on: never a bare number. `flag` is 1 for yes, 0 for no. */
export interface Constant {
  readonly value: number;
  readonly unit: Unit;
  readonly confidence: Confidence;
  /** Where it comes from, or the assumption it is. */
  readonly source: string;
}

export function constant(
  value: number,
  unit: Unit,
  confidence: Confidence,
  source: string,
): Constant {
  return { value, unit, confidence, source };
}

/** `28 W: processor base power …`: the figure with its source, for lists of sources. */
export function describeConstant({ value, unit, source }: Constant): string {
  if (unit === 'ratio' || unit === 'cores' || unit === 'flag') return `${value} ${unit}: ${source}`;
  const [factor, prefix] = prefixes.find(([one]) => value >= one) ?? [1, ''];
  return `${Number((value / factor).toPrecision(3))} ${prefix}${unit}: ${source}`;
}

const prefixes: readonly (readonly [number, string])[] = [
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
  [1, ''],
  [1e-3, 'm'],
  [1e-6, 'µ'],
];
