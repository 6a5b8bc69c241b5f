import { createByteMemo, maxMemoBytes } from './byte-memo';
import type { Output } from './output';

/** What the scan made of a message. */
interface Scanned {
  /** Nesting at which it stood: elsewhere it may be too deep. */
  readonly depth: number;
  readonly reduced: Uint8Array;
  /** Memory that its decoded form was counted with. */
  readonly heapBytes: number;
}

/** A message that is being scanned, and whether anything in it forbids to use the result again. */
export interface Candidate {
  readonly key: Uint8Array;
  readonly depth: number;
  readonly outputStart: number;
  readonly heapBytes: number;
  readonly sideEffects: number;
}

/** How far the scan is: what it has counted in memory, and in records and problems that are not in its output. */
interface Progress {
  readonly depth: number;
  readonly heapBytes: number;
  readonly sideEffects: number;
}

/**
 * Types and attributes repeat thousands of times in a large graph, byte for byte. The scan of such a message gives the
 * same bytes again, unless it has payloads, subgraphs or problems, which lie at a place of their own.
 */
export interface Repeats {
  /** The result for equal bytes at this depth. */
  find(bytes: Uint8Array, start: number, length: number, depth: number): Scanned | null;
  /** To be called where the message starts; null when it is too long to be kept. */
  begin(
    bytes: Uint8Array,
    start: number,
    length: number,
    out: Output,
    at: Progress,
  ): Candidate | null;
  /** To be called where it ends. */
  finish(candidate: Candidate, out: Output, at: Progress): void;
}

export function createRepeats(): Repeats {
  const memo = createByteMemo<Scanned>();
  return {
    find(bytes, start, length, depth) {
      const known = memo.find(bytes, start, length);
      return known?.depth === depth ? known : null;
    },
    begin(bytes, start, length, out, { depth, heapBytes, sideEffects }) {
      if (length > maxMemoBytes) return null;
      const key = bytes.slice(start, start + length);
      return { key, depth, outputStart: out.length, heapBytes, sideEffects };
    },
    finish({ key, depth, outputStart, heapBytes, sideEffects }, out, at) {
      if (at.sideEffects !== sideEffects) return;
      memo.keep(key, 0, key.byteLength, {
        depth,
        reduced: out.bytes().slice(outputStart),
        heapBytes: at.heapBytes - heapBytes,
      });
    },
  };
}
