import { createByteMemo, maxMemoBytes, type ByteMemo } from './byte-memo';

/** Bytes of a part of a message that is being read: the attributes of a node, the type of a value. */
export interface RunCandidate {
  readonly key: Uint8Array;
  readonly list: object;
  /** Position of the message in its list. */
  readonly index: number;
  /** To be called when they were read and nothing in them has a place of its own: no payloads, subgraphs, problems. */
  keep(): void;
}

/**
 * Which such parts were read before: a large graph has a few of each, byte for byte. Only messages of the same list
 * share them, which are decoded one after the other.
 */
export interface Runs {
  /** Position in the list of a message with these bytes; -1 when there is none. */
  find(list: object, bytes: Uint8Array, start: number, length: number): number;
  /** Null when there are too many bytes to be kept. */
  candidate(
    list: object,
    index: number,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): RunCandidate | null;
}

export function createRuns(): Runs {
  let memo: ByteMemo<RunCandidate> | null = null;
  return {
    find(list, bytes, start, length) {
      const known = memo?.find(bytes, start, length);
      return known?.list === list ? known.index : -1;
    },
    candidate(list, index, bytes, start, length) {
      if (length > maxMemoBytes) return null;
      const key = bytes.slice(start, start + length);
      const candidate: RunCandidate = {
        key,
        list,
        index,
        keep() {
          memo ??= createByteMemo();
          memo.keep(key, 0, key.byteLength, candidate);
        },
      };
      return candidate;
    },
  };
}
