import type { MessageSchema } from '../../server/src/core/onnx/schema';
import { modelProto } from '../../server/src/core/onnx/schema';
import { join, tag, varint, type WireType } from '../../test/support/protobuf';

/** A message taken apart as far as the schema reaches. Mutable: it is what mutations work on. */
export interface TreeField {
  number: number;
  /** Null: bytes that are no field, written as they are. */
  wireType: WireType | null;
  /** Of a varint field. */
  value: bigint;
  /** Of all other fields without children. */
  bytes: Uint8Array;
  /** Of a message that the schema knows. */
  children: TreeField[] | null;
  schema: MessageSchema | null;
  /** What the schema calls it; empty when it does not know it. */
  name: string;
  /** Widths of the varints, to stretch them; 0 is minimal. */
  tagWidth: number;
  valueWidth: number;
  /** Added to the length that is written, which then is wrong. */
  lengthError: bigint;
}

const empty = new Uint8Array(0);

export function fieldOf(number: number, wireType: WireType | null): TreeField {
  return {
    number,
    wireType,
    value: 0n,
    bytes: empty,
    children: null,
    schema: null,
    name: '',
    tagWidth: 0,
    valueWidth: 0,
    lengthError: 0n,
  };
}

/** Never fails: from the first byte that makes no sense the rest is one field of raw bytes. */
export function treeOf(
  bytes: Uint8Array,
  schema: MessageSchema = modelProto,
  depth = 0,
): TreeField[] {
  const fields: TreeField[] = [];
  let position = 0;
  const next = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = bytes[position++];
      if (byte === undefined) return null;
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return null;
  };
  while (position < bytes.byteLength) {
    const start = position;
    const field = readField(next, (length) => {
      const at = position;
      position += length;
      return position <= bytes.byteLength ? bytes.subarray(at, position) : null;
    });
    if (!field) {
      fields.push({ ...fieldOf(0, null), bytes: bytes.subarray(start) });
      break;
    }
    const known = schema.fields[field.number];
    field.name = known?.name ?? '';
    if (known?.kind === 'message' && field.wireType === 2 && depth < maxTreeDepth) {
      field.schema = known.message();
      field.children = treeOf(field.bytes, field.schema, depth + 1);
    }
    fields.push(field);
  }
  return fields;
}

/** Deeper parts of a nested bomb stay bytes. */
const maxTreeDepth = 40;

function readField(
  next: () => bigint | null,
  take: (byteLength: number) => Uint8Array | null,
): TreeField | null {
  const key = next();
  if (key === null || key >= 2n ** 32n) return null;
  const field = fieldOf(Number(key >> 3n), Number(key & 7n) as WireType);
  if (field.wireType === 0) {
    const value = next();
    if (value === null) return null;
    field.value = value;
    return field;
  }
  const width = field.wireType === 1 ? 8 : field.wireType === 5 ? 4 : null;
  const length = width ?? (field.wireType === 2 ? next() : null);
  if (length === null || length > 2 ** 30) return null;
  const bytes = take(Number(length));
  if (!bytes) return null;
  field.bytes = bytes;
  return field;
}

export function bytesOfTree(fields: readonly TreeField[]): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of fields) {
    if (field.wireType === null) {
      parts.push(field.bytes);
      continue;
    }
    parts.push(tag(field.number, field.wireType, field.tagWidth));
    if (field.wireType === 0) parts.push(varint(field.value, field.valueWidth));
    else {
      const content = field.children ? bytesOfTree(field.children) : field.bytes;
      if (field.wireType === 2) {
        const length = BigInt(content.byteLength) + field.lengthError;
        parts.push(varint(length < 0n ? 0n : length, field.valueWidth));
      }
      parts.push(content);
    }
  }
  return join(parts);
}

/** A field and the list it stands in. */
export interface Place {
  readonly siblings: TreeField[];
  readonly index: number;
  readonly field: TreeField;
}

/** Every field that fits `wanted`, with its place. */
export function placesOf(
  fields: TreeField[],
  wanted: (field: TreeField) => boolean = () => true,
  found: Place[] = [],
): Place[] {
  for (const [index, field] of fields.entries()) {
    if (wanted(field)) found.push({ siblings: fields, index, field });
    if (field.children) placesOf(field.children, wanted, found);
  }
  return found;
}

export function copyOf(field: TreeField): TreeField {
  return { ...field, children: field.children?.map(copyOf) ?? null };
}
