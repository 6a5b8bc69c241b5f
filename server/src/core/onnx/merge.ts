import { concatBytes, varint } from './protobuf-write';
import { contentRange, readVarint } from './reduced';
import type { FieldSchema, MessageSchema } from './schema';

interface Piece {
  /** Null when it is copied: everything but messages. */
  readonly message: FieldSchema | null;
  /** Contents of a message's occurrences; otherwise one whole field with its tag. */
  readonly parts: Uint8Array[];
}

/**
 * Merges repeated occurrences of singular message fields, as protobuf prescribes: their contents concatenated
 * (onnx-proto would keep the last one only). Of a oneof the last member stays, as Google's parser has it.
 * `bytes` is canonical output of the scan, nested at most 100 deep.
 */
export function mergeSingular(bytes: Uint8Array, schema: MessageSchema): Uint8Array {
  const pieces: Piece[] = [];
  const singular = new Map<number, Piece>();
  let oneof: { readonly number: number; readonly piece: Piece } | null = null;
  for (let position = 0; position < bytes.byteLength;) {
    const tag = readVarint(bytes, position);
    const content = contentRange(bytes, tag.next, tag.value & 7);
    const field = schema.fields[tag.value >>> 3];
    const message = field?.kind === 'message' ? field : null;
    const part = bytes.subarray(message ? content.start : position, content.end);
    position = content.end;
    if (field?.oneof) {
      if (message && oneof?.number === field.number) oneof.piece.parts.push(part);
      else oneof = { number: field.number, piece: { message, parts: [part] } };
      continue;
    }
    const earlier = message && !message.repeated ? singular.get(message.number) : undefined;
    if (earlier) {
      earlier.parts.push(part);
      continue;
    }
    const piece: Piece = { message, parts: [part] };
    pieces.push(piece);
    if (message) singular.set(message.number, piece);
  }
  if (oneof) pieces.push(oneof.piece);
  return concatBytes(pieces.flatMap(encodePiece));
}

function encodePiece({ message, parts }: Piece): readonly Uint8Array[] {
  if (!message) return parts;
  const content = mergeSingular(concatBytes(parts), message.message());
  return [varint(message.number * 8 + 2), varint(content.byteLength), content];
}
