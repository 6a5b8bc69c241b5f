import { decodeText } from './utf8';

/** Longer texts are decoded as they come. */
const maxShortText = 128;
/** A power of two. */
const recentTexts = 16_384;

/**
 * A model says the same again and again: operator types, attribute names, a node's output as the next one's input.
 * Those become one string, so that each is hashed once, however many maps look it up. What was read lately is kept
 * between models, too, which say the same as well: at most two megabytes of short texts.
 */
const recent = new Array<string>(recentTexts).fill('');
const codesOf = Array.from({ length: maxShortText + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);

/** The text of `length` bytes from `start`, in ASCII; null when a byte is not ASCII. */
export function asciiText(bytes: Uint8Array, start: number, length: number): string | null {
  if (length === 0) return '';
  const codes = codesOf[length];
  if (!codes) return longAscii(bytes, start, length);
  let all = 0;
  let hash = length;
  for (let index = start; index < start + length; index++) {
    const byte = bytes[index] ?? 0;
    all |= byte;
    hash = (Math.imul(hash, 31) + byte) | 0;
  }
  if (all > 127) return null;
  const slot = (hash ^ (hash >>> 14)) & (recentTexts - 1);
  const known = recent[slot] ?? '';
  if (known.length === length && isTextAt(known, bytes, start)) return known;
  for (let index = 0; index < length; index++) codes[index] = bytes[start + index] ?? 0;
  const text = String.fromCharCode.apply(null, codes);
  recent[slot] = text;
  return text;
}

function longAscii(bytes: Uint8Array, start: number, length: number): string | null {
  const part = bytes.subarray(start, start + length);
  return part.every((byte) => byte < 128) ? decodeText(part) : null;
}

function isTextAt(text: string, bytes: Uint8Array, start: number): boolean {
  for (let index = 0; index < text.length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
