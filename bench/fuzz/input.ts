import { mutateBytes } from './mutate-bytes';
import { mutateConfig } from './mutate-config';
import { mutateText } from './mutate-text';
import { mutateWire } from './mutate-wire';
import { choicesOf, type Choices } from './random';
import type { Seeds } from './seeds';

export const inputKinds = ['wire', 'text', 'config'] as const;
export type InputKind = (typeof inputKinds)[number];

export type FuzzInput = BytesInput | TextInput;

interface BytesInput {
  readonly kind: 'wire';
  readonly bytes: Uint8Array;
  /** Decides what is done with the input: device, sizes, patch. */
  readonly choice: number;
}

interface TextInput {
  readonly kind: 'text' | 'config';
  readonly text: string;
  readonly choice: number;
}

/** Names one input: with the same seeds it is always the same. */
export interface InputKey {
  readonly seed: number;
  readonly index: number;
  readonly kinds: readonly InputKind[];
}

/** No mutation makes more of it; what grows with size has cases of its own in the tests. */
const maxInputBytes = 131_072;

const maxMutations = 6;

/** The input of this key. `skip`: mutations by position that are left out, to find those that matter. */
export function makeInput(
  seeds: Seeds,
  key: InputKey,
  skip: ReadonlySet<number> = new Set(),
): FuzzInput {
  const choices = choicesOf(key.seed, key.index);
  // Models have the most code behind them.
  const [first = 'wire', ...others] = key.kinds;
  const kind = others.length === 0 || choices.oneIn(2) ? first : choices.pick(others, first);
  const stepChoices = steps(key, choices).filter((_, step) => !skip.has(step));
  if (kind === 'wire') {
    const other = choices.pick(seeds.wire, new Uint8Array(0));
    let bytes = choices.pick(seeds.wire, other);
    for (const step of stepChoices) {
      bytes = (step.oneIn(4) ? mutateBytes : mutateWire)(bytes, other, step).subarray(
        0,
        maxInputBytes,
      );
    }
    return { kind, bytes, choice: key.index };
  }
  const other = choices.pick(seeds[kind], '');
  let text = choices.pick(seeds[kind], '');
  const mutate = kind === 'text' ? mutateText : mutateConfig;
  for (const step of stepChoices) text = mutate(text, other, step).slice(0, maxInputBytes);
  return { kind, text, choice: key.index };
}

export function mutationCount(key: InputKey): number {
  return steps(key, choicesOf(key.seed, key.index)).length;
}

/** Most inputs change little, since what is broken at its start is not read to its end. */
function steps({ seed, index }: InputKey, { below }: Choices): readonly Choices[] {
  const count = 1 + Math.min(below(maxMutations), below(maxMutations));
  return Array.from({ length: count }, (_, step) => choicesOf(seed, index, step + 1));
}
