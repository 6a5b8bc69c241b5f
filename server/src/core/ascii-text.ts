/** Texts up to here are made byte by byte, which is faster than a decoder for names. */
const maxShortText = 128;
const codesOf = Array.from({ length: maxShortText + 1 }, (_, length) =>
  new Array<number>(length).fill(0),
);
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** The text of `length` bytes from `start`; null when one of them is not ASCII. */
export function asciiText(bytes: Uint8Array, start: number, length: number): string | null {
  const codes = codesOf[length];
  if (!codes) {
    const part = bytes.subarray(start, start + length);
    return part.every((byte) => byte < 128) ? decoder.decode(part) : null;
  }
  let all = 0;
  for (let index = 0; index < length; index++) {
    const byte = bytes[start + index] ?? 0;
    all |= byte;
    codes[index] = byte;
  }
  return all < 128 ? String.fromCharCode.apply(null, codes) : null;
}
