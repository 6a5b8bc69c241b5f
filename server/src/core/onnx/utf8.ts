const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Null for valid UTF-8. Otherwise the same bytes with each offending byte 0xNN as the three-byte form of the
 * lone surrogate U+DCNN (Python's `surrogateescape`), which onnx-proto decodes back to that code unit:
 * two different byte strings can never become the same name, as they would with U+FFFD.
 */
export function escapeInvalidUtf8(bytes: Uint8Array): Uint8Array | null {
  if (isAscii(bytes)) return null;
  try {
    strict.decode(bytes);
    return null;
  } catch {
    return escape(bytes);
  }
}

/** The text with escaped bytes (lone surrogates U+DC80…U+DCFF) written as `\xNN`, for people. */
export function displayText(text: string): string {
  // With the u flag only lone surrogates match, never half of a pair.
  return text.replace(
    /[\uDC80-\uDCFF]/gu,
    (unit) => `\\x${(unit.charCodeAt(0) - 0xdc00).toString(16)}`,
  );
}

function isAscii(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 127) return false;
  return true;
}

function escape(bytes: Uint8Array): Uint8Array {
  const escaped: number[] = [];
  for (let index = 0; index < bytes.byteLength;) {
    const length = validSequenceLength(bytes, index);
    if (length > 0) {
      for (let offset = 0; offset < length; offset++) escaped.push(bytes[index + offset] ?? 0);
      index += length;
      continue;
    }
    const byte = bytes[index] ?? 0;
    // U+DC00 + byte in three bytes: 1110_1101 10_1100bb 10_bbbbbb.
    escaped.push(0xed, 0xb0 | (byte >> 6), 0x80 | (byte & 0x3f));
    index++;
  }
  return Uint8Array.from(escaped);
}

function validSequenceLength(bytes: Uint8Array, index: number): number {
  const lead = bytes[index] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  try {
    strict.decode(bytes.subarray(index, index + length));
    return length;
  } catch {
    return 0;
  }
}

const encoder = new TextEncoder();

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
