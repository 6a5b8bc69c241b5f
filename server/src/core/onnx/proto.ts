import Long from 'long';
import { onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal';

// The only importer of onnx-proto. protobufjs finds Long by itself only where modules can be required
// at run time, not in a bundle; without it 64-bit integers lose their low bits.
protobuf.util.Long = Long;
protobuf.configure();

declare global {
  /** onnx-proto's typings name a global `Long` that they do not declare. */
  interface Long {
    readonly low: number;
    readonly high: number;
    readonly unsigned: boolean;
  }
}

export type Reader = protobuf.Reader;

/** Texts up to this length are read without protobufjs. */
const maxShortText = 128;
/** A power of two. */
const recentTexts = 8192;

/**
 * A reader for many short names. protobufjs makes a kilobyte of garbage for each of them; and a model says the same
 * again and again: operator types, attribute names, a node's output as the next one's input. Those become one string.
 */
export function createReader(bytes: Uint8Array): Reader {
  const reader = protobuf.Reader.create(bytes);
  const readAnyText = reader.string.bind(reader);
  const recent: string[] = [];
  const codesOf = Array.from({ length: maxShortText }, (_, length) =>
    new Array<number>(length).fill(0),
  );
  for (let slot = 0; slot < recentTexts; slot++) recent.push('');
  reader.string = () => {
    const start = reader.pos;
    const length = reader.uint32();
    const codes = codesOf[length];
    if (!codes || reader.pos + length > reader.len) {
      reader.pos = start;
      return readAnyText();
    }
    let all = 0;
    let hash = length;
    for (let index = 0; index < length; index++) {
      const byte = bytes[reader.pos + index] ?? 0;
      all |= byte;
      hash = (Math.imul(hash, 31) + byte) | 0;
      codes[index] = byte;
    }
    if (all > 127) {
      reader.pos = start;
      return readAnyText();
    }
    reader.pos += length;
    const slot = (hash ^ (hash >>> 13)) & (recentTexts - 1);
    const known = recent[slot] ?? '';
    if (isText(known, codes)) return known;
    const text = String.fromCharCode.apply(null, codes);
    recent[slot] = text;
    return text;
  };
  return reader;
}

function isText(text: string, codes: readonly number[]): boolean {
  if (text.length !== codes.length) return false;
  for (let index = 0; index < codes.length; index++) {
    if (text.charCodeAt(index) !== codes[index]) return false;
  }
  return true;
}

export { onnx };
