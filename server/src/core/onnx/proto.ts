import Long from 'long';
import { onnx } from 'onnx-proto';
import protobuf from 'protobufjs/minimal';
import { asciiText } from '../ascii-text';

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

/** A reader for many short names, of which protobufjs makes a kilobyte of garbage each. */
export function createReader(bytes: Uint8Array): Reader {
  const reader = protobuf.Reader.create(bytes);
  const readAnyText = reader.string.bind(reader);
  reader.string = () => {
    const start = reader.pos;
    const length = reader.uint32();
    const text = reader.pos + length > reader.len ? null : asciiText(bytes, reader.pos, length);
    if (text === null) {
      reader.pos = start;
      return readAnyText();
    }
    reader.pos += length;
    return text;
  };
  return reader;
}

export { onnx };
