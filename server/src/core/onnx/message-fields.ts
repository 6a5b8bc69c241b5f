import { readLength, readTag, readVarint64 } from './protobuf-read';
import type { Window } from './window';

/** One field of a message, where it lies in the file. */
export interface FieldSpan {
  readonly number: number;
  readonly wireType: number;
  readonly tagStart: number;
  /** After the tag: the value, or for length-delimited fields their length. */
  readonly valueStart: number;
  /** For length-delimited fields the first byte of the content. */
  readonly contentStart: number;
  readonly end: number;
}

/** A tag and a varint fit into this. */
const headBytes = 20;

/**
 * The fields of a message that the scan has read before, without those inside groups; contents are skipped.
 * Throws `Malformed` when the file changed since.
 */
export async function listFields(window: Window, start: number, end: number): Promise<FieldSpan[]> {
  window.position = start;
  const fields: FieldSpan[] = [];
  let groupDepth = 0;
  while (window.position < end) {
    if (!window.has(headBytes)) await window.fill(headBytes);
    const tagStart = window.position;
    const tag = readTag(window, end);
    const valueStart = window.position;
    const wireType = tag & 7;
    let contentStart = valueStart;
    if (wireType === 0) readVarint64(window, end);
    else if (wireType === 1 || wireType === 5) window.position += wireType === 1 ? 8 : 4;
    else if (wireType === 2) {
      const byteLength = readLength(window, end);
      contentStart = window.position;
      window.position += byteLength;
    }
    if (wireType === 3) groupDepth++;
    else if (wireType === 4) groupDepth--;
    else if (groupDepth === 0) {
      const number = tag >>> 3;
      fields.push({ number, wireType, tagStart, valueStart, contentStart, end: window.position });
    }
  }
  return fields;
}
