import type { Dim } from './symbolic';
import type { InferredType } from './types';

/** Shapes along one path of dims; `types` are those that end here, by element type. */
interface Step {
  readonly next: Map<Dim, Step>;
  readonly types: Map<string | null, InferredType>;
}

/** Nothing real has more different shapes, and the table would only take memory. */
const maximumSteps = 65_536;

/**
 * Answers with the first tensor type of the same element type and dims that it was asked for, so that the values of a
 * model share a few objects. Expressions are the same when they are the same object, as small ones are.
 */
export function createTypeTable(): (type: InferredType) => InferredType {
  const root: Step = { next: new Map(), types: new Map() };
  let steps = 0;
  return (type) => {
    if (type.kind !== 'tensor' || !type.shape || steps > maximumSteps) return type;
    let at = root;
    for (const dim of type.shape) {
      let step = at.next.get(dim);
      if (!step) {
        step = { next: new Map(), types: new Map() };
        at.next.set(dim, step);
        steps++;
      }
      at = step;
    }
    const known = at.types.get(type.dtype);
    if (known) return known;
    at.types.set(type.dtype, type);
    return type;
  };
}
