import { createByteMemo, maxMemoBytes, type ByteMemo } from './byte-memo';
import type { NodeListBuilder } from './wire-records';

/** The attributes of a node as they stand in the file, one behind the other, before they are read. */
export interface RunCandidate {
  readonly key: Uint8Array;
  readonly list: NodeListBuilder;
  /** Position of the node in its list. */
  readonly index: number;
}

/**
 * Which attributes of nodes were read before: the nodes of a large graph have a few, byte for byte. Only nodes of the
 * same list share them, whose messages are decoded one after the other.
 */
export interface AttributeRuns {
  /** Position in the list of a node with these attributes; -1 when there is none. */
  find(list: NodeListBuilder, bytes: Uint8Array, start: number, length: number): number;
  /** For the last node of the list; null when its attributes are too long to be kept. */
  candidate(
    list: NodeListBuilder,
    bytes: Uint8Array,
    start: number,
    length: number,
  ): RunCandidate | null;
  /** To be called when they were read and nothing in them has a place of its own: no payloads, subgraphs, problems. */
  keep(candidate: RunCandidate): void;
}

export function createAttributeRuns(): AttributeRuns {
  let memo: ByteMemo<RunCandidate> | null = null;
  return {
    find(list, bytes, start, length) {
      const known = memo?.find(bytes, start, length);
      return known?.list === list ? known.index : -1;
    },
    candidate(list, bytes, start, length) {
      if (length > maxMemoBytes) return null;
      const key = bytes.slice(start, start + length);
      return { key, list, index: list.nodes.length - 1 };
    },
    keep(candidate) {
      memo ??= createByteMemo();
      memo.keep(candidate.key, 0, candidate.key.byteLength, candidate);
    },
  };
}
