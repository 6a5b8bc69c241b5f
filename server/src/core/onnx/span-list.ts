import type { WireSpan } from './wire-types';

/** Where the messages of a list lie, as numbers: an object each would be a tenth of what a large graph takes. */
export class SpanList {
  /** Four for each message, in the order of `WireSpan`. */
  readonly #bounds: number[] = [];

  get length(): number {
    return this.#bounds.length / 4;
  }

  push({ tagStart, lengthStart, contentStart, end }: WireSpan): void {
    this.#bounds.push(tagStart, lengthStart, contentStart, end);
  }

  /** @param index from the end when it is negative */
  at(index: number): WireSpan | undefined {
    const first = 4 * (index < 0 ? this.length + index : index);
    const [tagStart, lengthStart, contentStart, end] = this.#bounds.slice(first, first + 4);
    if (tagStart === undefined || lengthStart === undefined) return undefined;
    if (contentStart === undefined || end === undefined) return undefined;
    return { tagStart, lengthStart, contentStart, end };
  }
}
