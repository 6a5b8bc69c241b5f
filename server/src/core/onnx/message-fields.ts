import type { ByteSource } from '../source';
import { readLength, readTag, readVarint64 } from './protobuf-read';
import { createWindow } from './window';

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

/** The fields of a message that the scan has read before; contents are skipped, not read. */
export async function listFields(
  source: ByteSource,
  start: number,
  end: number,
): Promise<FieldSpan[]> {
  const window = createWindow(source);
  window.position = start;
  const fields: FieldSpan[] = [];
  while (window.position < end) {
    if (!window.has(20)) await window.fill(20);
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
    // Group tags (3, 4) stand alone here: their inner fields are listed as if they were the message's own,
    // so that callers must not name them; numbers inside groups are unknown to ONNX.
    fields.push({
      number: tag >>> 3,
      wireType,
      tagStart,
      valueStart,
      contentStart,
      end: window.position,
    });
  }
  return withoutGroups(fields);
}

function withoutGroups(fields: readonly FieldSpan[]): FieldSpan[] {
  let depth = 0;
  return fields.filter(({ wireType }) => {
    if (wireType === 3) depth++;
    const outside = depth === 0;
    if (wireType === 4) depth--;
    return outside;
  });
}
