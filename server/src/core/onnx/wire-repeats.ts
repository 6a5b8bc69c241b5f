import { createByteMemo, maxMemoBytes } from './byte-memo';
import type { Output } from './output';
import type { FieldSchema } from './schema';

/** What the scan made of a message. */
interface Scanned {
  /** Which field it was: the same bytes mean something else in another. */
  readonly field: FieldSchema;
  /** Nesting at which it stood: elsewhere it may be too deep. */
  readonly depth: number;
  readonly reduced: Uint8Array;
  /** Memory that its decoded form was counted with. */
  readonly heapBytes: number;
}

/** A message that is being scanned, and whether anything in it forbids to use the result again. */
export interface Candidate {
  readonly field: FieldSchema;
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
 * same bytes again, unless it has payloads, subgraphs or problems, which lie at a place of their own, or parts to
 * be merged.
 */
const memo = createByteMemo<Scanned>();

/** The result for equal bytes at this depth. */
export function findRepeat(
  bytes: Uint8Array,
  start: number,
  length: number,
  field: FieldSchema,
  depth: number,
): Scanned | null {
  const known = memo.find(bytes, start, length);
  return known?.field === field && known.depth === depth ? known : null;
}

/** To be called where a message starts; null when it is too long to be kept. */
export function beginRepeatable(
  bytes: Uint8Array,
  start: number,
  length: number,
  field: FieldSchema,
  out: Output,
  { depth, heapBytes, sideEffects }: Progress,
): Candidate | null {
  if (length > maxMemoBytes) return null;
  const key = bytes.slice(start, start + length);
  return { key, field, depth, outputStart: out.length, heapBytes, sideEffects };
}

/** To be called where it ends. */
export function keepRepeatable(candidate: Candidate, out: Output, at: Progress): void {
  const { key, field, depth, outputStart, heapBytes, sideEffects } = candidate;
  if (at.sideEffects !== sideEffects) return;
  memo.keep(key, 0, key.byteLength, {
    field,
    depth,
    reduced: out.bytes().slice(outputStart),
    heapBytes: at.heapBytes - heapBytes,
  });
}
