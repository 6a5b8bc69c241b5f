import { makeInput, mutationCount, type FuzzInput, type InputKey } from './input';
import { bytesOfTree, placesOf, treeOf } from './protobuf-tree';
import { runInput } from './run-input';
import type { Seeds } from './seeds';

export interface Failure {
  readonly message: string;
  /** What tells one defect from another: the kind of error and the place in our code that threw it. */
  readonly signature: string;
  readonly stack: string;
}

/** What went wrong with this input; null when all was well. */
export async function failureOf(input: FuzzInput): Promise<Failure | null> {
  try {
    await runInput(input);
    return null;
  } catch (error) {
    if (!(error instanceof Error))
      return { message: String(error), signature: 'no Error', stack: '' };
    const stack = error.stack ?? '';
    const frame =
      /^\s+at .*$/mu.exec(stack.replace(/^\s+at .*(?:promise|runInput).*$/gmu, ''))?.[0] ?? '';
    const text = error.message.replace(/\d+(?:\.\d+)?(?:e[-+]\d+)?/gu, 'N').slice(0, 80);
    return { message: error.message, signature: `${error.name}: ${text} ${frame.trim()}`, stack };
  }
}

/** How often a smaller input is tried. Enough to read what is left, not for the smallest one. */
const maxTries = 600;

/** A smaller input with the same defect: fewer mutations first, then without whatever can be cut out. */
export async function minimised(
  seeds: Seeds,
  key: InputKey,
  signature: string,
): Promise<FuzzInput> {
  const stillFails = async (input: FuzzInput): Promise<boolean> =>
    (await failureOf(input))?.signature === signature;
  const skip = new Set<number>();
  for (let step = 0; step < mutationCount(key); step++) {
    skip.add(step);
    if (!(await stillFails(makeInput(seeds, key, skip)))) skip.delete(step);
  }
  const input = makeInput(seeds, key, skip);
  return input.kind === 'wire' ? cutWire(input, stillFails) : cutText(input, stillFails);
}

type StillFails = (input: FuzzInput) => Promise<boolean>;

/** Without whole fields: what encloses them gets new lengths. */
async function cutWire(
  input: Extract<FuzzInput, { kind: 'wire' }>,
  stillFails: StillFails,
): Promise<FuzzInput> {
  let best: FuzzInput = input;
  const tree = treeOf(input.bytes);
  let position = 0;
  for (let tries = 0; tries < maxTries; tries++) {
    const place = placesOf(tree)[position];
    if (!place) break;
    place.siblings.splice(place.index, 1);
    const shorter = { ...input, bytes: bytesOfTree(tree) };
    if (await stillFails(shorter)) best = shorter;
    else {
      place.siblings.splice(place.index, 0, place.field);
      position++;
    }
  }
  return best;
}

async function cutText(
  input: Extract<FuzzInput, { text: string }>,
  stillFails: StillFails,
): Promise<FuzzInput> {
  let { text } = input;
  let tries = 0;
  for (let size = Math.ceil(text.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let at = 0; at < text.length && tries < maxTries; tries++) {
      const shorter = text.slice(0, at) + text.slice(at + size);
      if (await stillFails({ ...input, text: shorter })) text = shorter;
      else at += size;
    }
  }
  return { ...input, text };
}
