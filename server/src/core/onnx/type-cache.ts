import { createByteMemo } from './byte-memo';
import { onnx, type Reader } from './proto';
import { readVarint } from './reduced';

const types = createByteMemo<onnx.ITypeProto>();

/**
 * Decodes ValueInfoProtos of the scan's reduced bytes. The values of a model share a few types: each is decoded once,
 * and equal ones are the same object.
 */
export function createValueInfoDecoder(
  bytes: Uint8Array,
): (reader: Reader, byteLength: number) => onnx.IValueInfoProto {
  function typeAt(reader: Reader, length: number): onnx.ITypeProto {
    const start = reader.pos;
    const known = types.find(bytes, start, length);
    if (known) {
      reader.pos = start + length;
      return known;
    }
    const type = onnx.TypeProto.decode(reader, length);
    types.keep(bytes, start, length, type);
    return type;
  }

  return (reader, byteLength) => {
    const start = reader.pos;
    const end = start + byteLength;
    let name = '';
    let type: onnx.ITypeProto | null = null;
    while (reader.pos < end) {
      const tag = bytes[reader.pos];
      if (tag === nameTag) {
        reader.pos++;
        name = reader.string();
      } else if (tag === typeTag) {
        const length = readVarint(bytes, reader.pos + 1);
        reader.pos = length.next;
        type = typeAt(reader, length.value);
      } else {
        reader.pos = start;
        return onnx.ValueInfoProto.decode(reader, byteLength);
      }
    }
    return { name, type };
  };
}

/** Fields 1 and 2, length-delimited. */
const [nameTag, typeTag] = [0x0a, 0x12];
