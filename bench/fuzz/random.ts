import { createRandom } from '../../server/src/core/verify/random';

/** Deterministic decisions. */
export interface Choices {
  /** 0 ≤ n < `count`; 0 when there is nothing to choose from. */
  readonly below: (count: number) => number;
  /** True once in `times`. */
  readonly oneIn: (times: number) => boolean;
  readonly pick: <T>(list: readonly T[], otherwise: T) => T;
}

/**
 * Choices that depend on these numbers and nothing else: a step of an input can be left out without changing
 * what the other steps do.
 */
export function choicesOf(...key: readonly number[]): Choices {
  let seed = 0;
  for (const part of key) seed = mixed(seed ^ (part >>> 0));
  const { uniform } = createRandom(seed);
  const below = (count: number): number => Math.floor(uniform() * count);
  return {
    below,
    oneIn: (times) => below(times) === 0,
    pick: (list, otherwise) =>
      list.length === 0 ? otherwise : (list[below(list.length)] ?? otherwise),
  };
}

function mixed(value: number): number {
  let hash = (value + 0x9e3779b9) | 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  hash = Math.imul(hash ^ (hash >>> 15), 0x735a2d97);
  return (hash ^ (hash >>> 15)) >>> 0;
}
