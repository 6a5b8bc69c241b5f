/**
 * Names in a model need not be UTF-8. Each offending byte 0xNN is kept as the lone surrogate U+DCNN (Python's
 * `surrogateescape`): two different byte strings never become the same text, as they would with U+FFFD, and the
 * bytes can be written again.
 */

/**
 * Null for valid UTF-8. Otherwise the same bytes with each offending byte in the three-byte form of its
 * surrogate, which onnx-proto decodes to that code unit.
 */
export function escapeInvalidUtf8(bytes: Uint8Array): Uint8Array | null {
  let index = firstNonAscii(bytes);
  let invalid = 0;
  while (index < bytes.byteLength) {
    const length = sequenceLength(bytes, index);
    if (length === 0) invalid++;
    index += length || 1;
  }
  return invalid === 0 ? null : escape(bytes, invalid);
}

/** The text of bytes, escaped where they are not UTF-8. */
export function decodeText(bytes: Uint8Array): string {
  const escaped = escapeInvalidUtf8(bytes);
  if (!escaped) return decoder.decode(bytes);
  let text = '';
  let start = 0;
  for (let index = 0; index < bytes.byteLength;) {
    const length = sequenceLength(bytes, index);
    if (length === 0) {
      const unit = String.fromCharCode(0xdc00 + (bytes[index] ?? 0));
      text += decoder.decode(bytes.subarray(start, index)) + unit;
      start = index + 1;
    }
    index += length || 1;
  }
  return text + decoder.decode(bytes.subarray(start));
}

/** UTF-8 bytes of a text; escaped bytes become what they were in the file. */
export function encodeText(text: string): Uint8Array {
  if (!/[\uDC80-\uDCFF]/u.test(text)) return encoder.encode(text);
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.charCodeAt(0);
    if (character.length === 1 && code >= 0xdc80 && code <= 0xdcff) bytes.push(code - 0xdc00);
    else bytes.push(...encoder.encode(character));
  }
  return Uint8Array.from(bytes);
}

/** The text with escaped bytes (lone surrogates U+DC80…U+DCFF) written as `\xNN`, for people. */
export function displayText(text: string): string {
  // With the u flag only lone surrogates match, never half of a pair.
  return text.replace(
    /[\uDC80-\uDCFF]/gu,
    (unit) => `\\x${(unit.charCodeAt(0) - 0xdc00).toString(16)}`,
  );
}

const encoder = new TextEncoder();
/** A byte order mark at the start of a name is part of the name. */
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

function firstNonAscii(bytes: Uint8Array): number {
  let index = 0;
  while (index < bytes.byteLength && (bytes[index] ?? 0) < 128) index++;
  return index;
}

function escape(bytes: Uint8Array, invalid: number): Uint8Array {
  const escaped = new Uint8Array(bytes.byteLength + 2 * invalid);
  let to = 0;
  for (let index = 0; index < bytes.byteLength;) {
    const length = sequenceLength(bytes, index);
    for (let offset = 0; offset < length; offset++) escaped[to++] = bytes[index + offset] ?? 0;
    if (length === 0) {
      const byte = bytes[index] ?? 0;
      // U+DC00 + byte in three bytes: 1110_1101 10_1100bb 10_bbbbbb.
      escaped[to++] = 0xed;
      escaped[to++] = 0xb0 | (byte >> 6);
      escaped[to++] = 0x80 | (byte & 0x3f);
    }
    index += length || 1;
  }
  return escaped;
}

/**
 * Length of the well-formed sequence at `index`, 0 when there is none: overlong forms, surrogates and what lies
 * beyond U+10FFFF are not. Source: Unicode 16, table 3-7.
 */
function sequenceLength(bytes: Uint8Array, index: number): number {
  const lead = bytes[index] ?? 0;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const second = bytes[index + 1] ?? 0;
  const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  const length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let offset = 2; offset < length; offset++) {
    if (((bytes[index + offset] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}
