/** The characters of a text file and how they were stored. */
export interface DecodedText {
  /** Without byte order mark, as an editor holds it: offsets into it are the editor's. */
  readonly text: string;
  readonly encoding: 'utf-8' | 'utf-16le' | 'utf-16be';
  readonly hasByteOrderMark: boolean;
  /** False when bytes were not valid in that encoding and became U+FFFD. */
  readonly valid: boolean;
}

/** Bytes of a config to text. UTF-16 is told by its byte order mark; all else is read as UTF-8. */
export function decodeText(bytes: Uint8Array): DecodedText {
  const encoding =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : 'utf-8';
  const marked =
    encoding !== 'utf-8' || (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf);
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return { text, encoding, hasByteOrderMark: marked, valid: true };
  } catch {
    const text = new TextDecoder(encoding).decode(bytes);
    return { text, encoding, hasByteOrderMark: marked, valid: false };
  }
}
