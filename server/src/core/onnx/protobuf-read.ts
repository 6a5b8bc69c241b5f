/** Protocol buffer wire format, reading side: varints from a window, and small messages in memory. */

/** The bytes are no protobuf; the message says what and where. Caught in `scanModel`. */
export class Malformed extends Error {}

export function malformed(what: string): Malformed {
  return new Malformed(`Not a readable ONNX file: ${what}; export or download it again.`);
}

export interface ByteReader {
  readonly position: number;
  /** The next byte, or -1 when there is none. */
  byte(): number;
}

/** Low and high 32 bits, unsigned. Padded varints are read up to ten bytes, as protobuf does; `end` bounds the message. */
export function readVarint64(reader: ByteReader, end: number): [low: number, high: number] {
  let low = 0;
  let high = 0;
  for (let index = 0; index < 10; index++) {
    const byte = reader.position >= end ? -1 : reader.byte();
    if (byte < 0) throw malformed(`a number is cut off at byte ${reader.position}`);
    const bits = byte & 127;
    if (index < 4) low |= bits << (7 * index);
    else if (index === 4) {
      low |= bits << 28;
      high = bits >>> 4;
    } else if (index < 9) high |= bits << (7 * index - 32);
    else high |= (bits & 1) << 31;
    if (byte < 128) return [low >>> 0, high >>> 0];
  }
  throw malformed(`a number is longer than ten bytes at byte ${reader.position - 10}`);
}

/** A varint that must fit 32 bits: a tag. */
export function readTag(reader: ByteReader, end: number): number {
  const at = reader.position;
  const [low, high] = readVarint64(reader, end);
  if (high !== 0) throw malformed(`a field number is out of range at byte ${at}`);
  return low;
}

export function readLength(reader: ByteReader, end: number): number {
  const [low, high] = readVarint64(reader, end);
  return high * 2 ** 32 + low;
}

const utf8 = new TextDecoder();

export function decodeText(bytes: Uint8Array): string {
  return utf8.decode(bytes);
}

/** A StringStringEntryProto in memory; null when malformed. */
export function parseStringEntry(bytes: Uint8Array): { key: string; value: string } | null {
  const entry = { key: '', value: '' };
  const reader = {
    position: 0,
    byte(): number {
      return bytes[this.position++] ?? -1;
    },
  };
  try {
    while (reader.position < bytes.byteLength) {
      const tag = readTag(reader, bytes.byteLength);
      if ((tag & 7) !== 2) return null;
      const end = readLength(reader, bytes.byteLength) + reader.position;
      if (end > bytes.byteLength) return null;
      const text = decodeText(bytes.subarray(reader.position, end));
      if (tag >>> 3 === 1) entry.key = text;
      if (tag >>> 3 === 2) entry.value = text;
      reader.position = end;
    }
    return entry;
  } catch {
    return null;
  }
}
