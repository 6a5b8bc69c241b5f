/**
 * Remembers something that follows from a short run of bytes and from nothing else, for those met lately. Made once:
 * models say the same as each other.
 */
export interface ByteMemo<T> {
  /** What was kept for equal bytes; null when nothing was, or something else has taken its place. */
  find(bytes: Uint8Array, start: number, length: number): T | null;
  keep(bytes: Uint8Array, start: number, length: number, value: T): void;
}

/** Longer runs are not looked at: what repeats in a model, types and attributes, is short. */
export const maxMemoBytes = 256;
/** A power of two. */
const slots = 4096;

interface Kept<T> {
  readonly key: Uint8Array;
  readonly value: T;
}

export function createByteMemo<T>(): ByteMemo<T> {
  const kept = new Array<Kept<T> | null>(slots).fill(null);
  return {
    find(bytes, start, length) {
      if (length > maxMemoBytes) return null;
      const one = kept[slotOf(bytes, start, length)] ?? null;
      return one && isSame(one.key, bytes, start, length) ? one.value : null;
    },
    keep(bytes, start, length, value) {
      if (length > maxMemoBytes) return;
      const key = bytes.slice(start, start + length);
      kept[slotOf(bytes, start, length)] = { key, value };
    },
  };
}

function slotOf(bytes: Uint8Array, start: number, length: number): number {
  let hash = length;
  for (let index = start; index < start + length; index++) {
    hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  }
  return (hash ^ (hash >>> 15)) & (slots - 1);
}

function isSame(key: Uint8Array, bytes: Uint8Array, start: number, length: number): boolean {
  if (key.byteLength !== length) return false;
  for (let index = 0; index < length; index++)
    if (key[index] !== bytes[start + index]) return false;
  return true;
}
