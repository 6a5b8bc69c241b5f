import { symbolsOf } from '../shapes/symbolic';
import type { Scope } from '../shapes/types';
import { bodyInputs } from './body';

/** A size that the model's inputs leave open. */
export interface InputSymbol {
  readonly name: string;
  /** True when it counts samples of a batch; see `inputSymbols`. */
  readonly isBatchLike: boolean;
  /** Where it first occurs. */
  readonly input: string;
  readonly axis: number;
}

/**
 * The symbols of the model's inputs, in order. One is batch-like when it is called so, or when it
 * is the first axis of an input of at least two axes and its name does not speak of a sequence:
 * a heuristic, since ONNX does not say what an axis means.
 */
export function inputSymbols(scope: Scope): readonly InputSymbol[] {
  const found = new Map<string, InputSymbol>();
  for (const input of bodyInputs(scope)) {
    const type = scope.types.get(input);
    if (type?.kind !== 'tensor' || !type.shape) continue;
    const rank = type.shape.length;
    for (const [axis, dim] of type.shape.entries()) {
      for (const name of symbolsOf(dim)) {
        // Inference names an axis that the file leaves unnamed `input.axis`: that says nothing more.
        const isNamed = name !== `${input}.${axis}`;
        const isFirst = axis === 0 && rank > 1;
        const isBatchLike = isNamed
          ? isBatchName(name) || (isFirst && !isSequenceName(name))
          : isFirst;
        const known = found.get(name);
        if (!known) found.set(name, { name, isBatchLike, input, axis });
        else if (isBatchLike && !known.isBatchLike) found.set(name, { ...known, isBatchLike });
      }
    }
  }
  return [...found.values()];
}

function isBatchName(name: string): boolean {
  return /batch|(^|[^a-z])bs?z?($|[^a-z])/i.test(name);
}

function isSequenceName(name: string): boolean {
  if (/^[TSLU]$/.test(name)) return true;
  return /seq|time|step|tok|frame|len|word|char|phon|past|total|bytes|pixels|height|width/i.test(
    name,
  );
}
