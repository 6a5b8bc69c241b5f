import { concatBytes, varint } from './protobuf-write';
import type { FieldSchema, MessageSchema } from './schema';

interface Piece {
  readonly field: FieldSchema | null;
  /** Content for messages; the whole field with its tag for everything else. */
  bytes: Uint8Array;
}

/**
 * Merges repeated occurrences of singular message fields, as protobuf prescribes: their contents concatenated
 * (onnx-proto would keep the last one only). `bytes` is canonical output of the scan, nested at most 100 deep.
 */
export function mergeSingular(bytes: Uint8Array, schema: MessageSchema): Uint8Array {
  const pieces: Piece[] = [];
  const singular = new Map<number, Piece>();
  let position = 0;
  while (position < bytes.byteLength) {
    const fieldStart = position;
    const tag = readVarint(bytes, position);
    position = tag.next;
    const field = schema.fields[tag.value >>> 3];
    const end = contentRange(bytes, position, tag.value & 7);
    position = end.end;
    if (field?.kind !== 'message') {
      pieces.push({ field: null, bytes: bytes.subarray(fieldStart, position) });
      continue;
    }
    const content = bytes.subarray(end.start, position);
    const earlier = field.repeated ? undefined : singular.get(field.number);
    if (earlier) {
      earlier.bytes = concatBytes([earlier.bytes, content]);
      continue;
    }
    const piece = { field, bytes: content };
    pieces.push(piece);
    singular.set(field.number, piece);
  }
  return concatBytes(pieces.flatMap(encodePiece));
}

function encodePiece({ field, bytes }: Piece): Uint8Array[] {
  if (!field) return [bytes];
  const content = mergeSingular(bytes, field.message());
  return [varint(field.number * 8 + 2), varint(content.byteLength), content];
}

function contentRange(
  bytes: Uint8Array,
  position: number,
  wireType: number,
): { start: number; end: number } {
  switch (wireType) {
    case 0:
      return { start: position, end: readVarint(bytes, position).next };
    case 1:
      return { start: position, end: position + 8 };
    case 5:
      return { start: position, end: position + 4 };
    default: {
      const length = readVarint(bytes, position);
      return { start: length.next, end: length.next + length.value };
    }
  }
}

function readVarint(bytes: Uint8Array, position: number): { value: number; next: number } {
  let value = 0;
  let scale = 1;
  let next = position;
  for (;;) {
    const byte = bytes[next++] ?? 0;
    value += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) return { value, next };
  }
}
