/** Protocol buffer wire format, reading side: varints from a window, and small messages in memory. */

import { decodeText } from './utf8';

/** The bytes are no protobuf; the message says what and where. Caught in `scanModel`. */
export class Malformed extends Error {}

export function malformed(what: string): Malformed {
  return new Malformed(`Not a readable ONNX file: ${what}; get it again.`);
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
    const byte = nextByte(reader, end);
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

/** A field number and wire type, at most five bytes and 32 bits as Google's parser has it. */
export function readTag(reader: ByteReader, end: number): number {
  const tag = readVarint35(reader, end);
  if (tag >= 2 ** 32) throw malformed(`a field number is out of range at byte ${reader.position}`);
  return tag;
}

/** A length in bytes: five bytes at most, which reaches 32 GiB. */
export function readLength(reader: ByteReader, end: number): number {
  return readVarint35(reader, end);
}

function readVarint35(reader: ByteReader, end: number): number {
  let byte = nextByte(reader, end);
  let value = byte & 127;
  // Multiplied, not shifted: the fifth byte goes beyond 32 bits.
  for (let scale = 128; byte > 127; scale *= 128) {
    if (scale === 2 ** 35) {
      throw malformed(`a tag or length is longer than five bytes at byte ${reader.position - 5}`);
    }
    byte = nextByte(reader, end);
    value += (byte & 127) * scale;
  }
  return value;
}

function nextByte(reader: ByteReader, end: number): number {
  const byte = reader.position >= end ? -1 : reader.byte();
  if (byte < 0) throw malformed(`a number is cut off at byte ${reader.position}`);
  return byte;
}

/** How many varints a packed list holds; -1 when one is cut off or longer than ten bytes. */
export function countVarints(packed: Uint8Array): number {
  let count = 0;
  let run = 0;
  for (const byte of packed) {
    if (byte < 128) {
      count++;
      run = 0;
    } else if (++run === 10) return -1;
  }
  return run === 0 ? count : -1;
}

/** A StringStringEntryProto in memory; null when malformed. Other fields are skipped. */
export function parseStringEntry(bytes: Uint8Array): { key: string; value: string } | null {
  const entry = { key: '', value: '' };
  const reader = {
    position: 0,
    byte(): number {
      return bytes[this.position++] ?? -1;
    },
  };
  const end = bytes.byteLength;
  try {
    while (reader.position < end) {
      const tag = readTag(reader, end);
      const wireType = tag & 7;
      if (wireType === 0) readVarint64(reader, end);
      else if (wireType === 1 || wireType === 5) reader.position += wireType === 1 ? 8 : 4;
      else if (wireType === 2) {
        const length = readLength(reader, end);
        const content = bytes.subarray(reader.position, reader.position + length);
        if (tag >>> 3 === 1) entry.key = decodeText(content);
        if (tag >>> 3 === 2) entry.value = decodeText(content);
        reader.position += length;
      } else return null;
    }
    return reader.position === end ? entry : null;
  } catch {
    return null;
  }
}
