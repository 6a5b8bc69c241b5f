import { dimText, evaluate, symbolsOf, type Dim } from '../../core/shapes/symbolic';
import type { InferredType } from '../../core/shapes/types';
import { formatCount } from '../../core/format';

/** Nobody reads a rank above this, and hostile files have them. */
const maxDims = 16;

/** `float32[N,3,224,224]`; `?` for what is not known. */
export function typeLabel(type: InferredType | undefined): string {
  switch (type?.kind) {
    case 'tensor':
    case 'sparse-tensor': {
      const dtype = type.dtype ?? '?';
      if (type.shape === null) return `${dtype}[…]`;
      const dims = type.shape.slice(0, maxDims).map(dimText);
      if (type.shape.length > maxDims) dims.push('…');
      const sparse = type.kind === 'sparse-tensor' ? 'sparse ' : '';
      return `${sparse}${dtype}[${dims.join(',')}]`;
    }
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeLabel(type.element)})`;
    case 'map':
      return `map(${type.keyType ?? '?'}, ${typeLabel(type.value)})`;
    case 'unknown':
    case undefined:
      return '?';
  }
}

const noBindings: ReadonlyMap<string, number> = new Map();

/** A count that may depend on open sizes: `1.2 M`, `2*N*768`, `unknown`. */
export function countLabel(count: Dim): string {
  if (count === null) return 'unknown';
  return symbolsOf(count).size === 0 ? formatCount(evaluate(count, noBindings)) : dimText(count);
}
