import type { TypedDataField, TypedSegment } from '../graph';
import { createOutput } from './output';
import { malformed } from './protobuf-read';
import type { FieldSchema } from './schema';
import type { Slab } from './slab';
import type { Window } from './window';
import { heapBytesOf, type Frame, type Frames } from './wire-frames';
import { noBytes, type TensorBuilder } from './wire-records';

/** Payloads up to this size are kept: shapes, axes, scales. */
export const inlinePayloadBytes = 2048;

/** String tensors up to this many elements are kept: class labels, not vocabularies. */
const maxInlineStrings = 256;

/** A tensor's typed data in more pieces than this is an attack on memory, not an encoding. */
const maxSegments = 65_536;

/** The payload fields of tensors: located in the file, and kept only when they are small. */
export interface Payloads {
  /** One unpacked element of an integer field, read before; false when the field holds no integers. */
  addVarint(frame: Frame, field: FieldSchema, tagStart: number, low: number, high: number): boolean;
  /** The same for `float_data` and `double_data`. */
  addFixed(frame: Frame, field: FieldSchema, tagStart: number, bytes: Uint8Array): boolean;
  /** A packed record, `raw_data` or one string; the window stands before its content. A promise when bytes must be read. */
  addDelimited(
    frame: Frame,
    field: FieldSchema,
    tagStart: number,
    byteLength: number,
  ): Promise<void> | undefined;
}

export function createPayloads(
  window: Window,
  frames: Pick<Frames, 'spend'>,
  slab: Slab,
): Payloads {
  /** Where one unpacked integer is written as if it were packed. */
  const element = createOutput(64);

  return {
    addVarint(frame, field, tagStart, low, high) {
      if (!['int32_data', 'int64_data', 'uint64_data'].includes(field.name)) return false;
      element.truncate(0);
      element.varint(low, high);
      addUnpacked(frame, field, tagStart, element.bytes());
      return true;
    },
    addFixed(frame, field, tagStart, bytes) {
      if (field.name !== (bytes.byteLength === 4 ? 'float_data' : 'double_data')) return false;
      addUnpacked(frame, field, tagStart, bytes);
      return true;
    },
    addDelimited(frame, field, tagStart, byteLength) {
      return field.name === 'string_data'
        ? addString(frame, field, tagStart, byteLength)
        : addPacked(frame, field, byteLength);
    },
  };

  function addUnpacked(
    { owner }: Frame,
    field: FieldSchema,
    tagStart: number,
    bytes: Uint8Array,
  ): void {
    if (owner.kind !== 'tensor') return;
    const byteLength = window.position - tagStart;
    note(owner.tensor, field, { offset: tagStart, byteLength, packed: false }, 1);
    if (!isUsed(owner.tensor, field)) return;
    if (fitsInline(owner.tensor, bytes.byteLength)) keepInline(owner.tensor, bytes, slab);
  }

  function addPacked(
    { owner }: Frame,
    field: FieldSchema,
    byteLength: number,
  ): Promise<void> | undefined {
    const offset = window.position;
    const count = packedCount(field, byteLength);
    if (count !== null && !Number.isInteger(count)) {
      throw malformed(`${field.name} at byte ${offset} ends inside a number`);
    }
    const tensor = owner.kind === 'tensor' ? owner.tensor : null;
    if (tensor) note(tensor, field, { offset, byteLength, packed: true }, count);
    if (!tensor || !isUsed(tensor, field) || !fitsInline(tensor, byteLength)) {
      window.position += byteLength;
      return undefined;
    }
    return take(byteLength, (bytes) => {
      keepInline(tensor, bytes, slab);
    });
  }

  function addString(
    { owner }: Frame,
    field: FieldSchema,
    tagStart: number,
    byteLength: number,
  ): Promise<void> | undefined {
    const end = window.position + byteLength;
    const tensor = owner.kind === 'tensor' ? owner.tensor : null;
    const segment = { offset: tagStart, byteLength: end - tagStart, packed: false };
    if (tensor) note(tensor, field, segment, 1);
    if (tensor?.typedField !== field.name || !fitsStrings(tensor, byteLength)) {
      window.position = end;
      return undefined;
    }
    frames.spend(heapBytesOf.bytes);
    return take(byteLength, (bytes) => tensor.strings?.push(bytes.slice()));
  }

  function take(byteLength: number, keep: (bytes: Uint8Array) => void): Promise<void> | undefined {
    if (!window.has(byteLength)) {
      return window.fill(byteLength).then(() => {
        keep(window.take(byteLength));
      });
    }
    keep(window.take(byteLength));
    return undefined;
  }

  function note(
    tensor: TensorBuilder,
    field: FieldSchema,
    segment: TypedSegment,
    count: number | null,
  ): void {
    if (!tensor.payloadFields.includes(field.name)) {
      tensor.payloadFields = [...tensor.payloadFields, field.name];
    }
    if (field.name === 'raw_data') noteRaw(tensor, segment);
    else if (noteTyped(tensor, field.name as TypedDataField, segment, count)) {
      frames.spend(heapBytesOf.segment);
    }
  }
}

/** The last `raw_data` counts, and readers prefer it to a typed field. */
function noteRaw(tensor: TensorBuilder, { offset, byteLength }: TypedSegment): void {
  tensor.raw = { offset, byteLength };
  tensor.inline = noBytes;
  tensor.inlineBytes = 0;
}

/** True when the segments have grown by one. `count` elements, null when unknown. */
function noteTyped(
  tensor: TensorBuilder,
  field: TypedDataField,
  segment: TypedSegment,
  count: number | null,
): boolean {
  tensor.typedField ??= field;
  if (tensor.typedField !== field) return false;
  if (tensor.typedCount !== null) {
    tensor.typedCount = count === null ? null : tensor.typedCount + count;
  }
  const last = tensor.segments.at(-1);
  if (last && !last.packed && !segment.packed && endOf(last) === segment.offset) {
    last.byteLength += segment.byteLength;
    return false;
  }
  if (tensor.segments.length >= maxSegments) {
    throw malformed(`tensor data is in more than ${maxSegments} pieces at byte ${segment.offset}`);
  }
  tensor.segments.push({ ...segment });
  return true;
}

/** Readers use `raw_data` when it is there, else the first typed field. */
function isUsed(tensor: TensorBuilder, field: FieldSchema): boolean {
  return field.name === (tensor.raw ? 'raw_data' : tensor.typedField);
}

/** Elements of a packed record where their size is fixed. */
function packedCount({ name }: FieldSchema, byteLength: number): number | null {
  if (name === 'float_data') return byteLength / 4;
  return name === 'double_data' ? byteLength / 8 : null;
}

/** True when this many more bytes still make a small payload; false drops what was kept. */
function fitsInline(tensor: TensorBuilder, byteLength: number): boolean {
  if (tensor.inline && tensor.inlineBytes + byteLength <= inlinePayloadBytes) return true;
  tensor.inline = null;
  return false;
}

/** Keeps a copy of payload bytes that `fitsInline` has allowed. */
function keepInline(tensor: TensorBuilder, bytes: Uint8Array, slab: Slab): void {
  if (!tensor.inline) return;
  const length = tensor.inlineBytes + bytes.byteLength;
  if (tensor.inline === noBytes) {
    tensor.inline = slab.copyOf(bytes);
    tensor.inlineBytes = length;
    return;
  }
  if (length > tensor.inline.byteLength) {
    // Unpacked elements come one by one.
    const grown = new Uint8Array(Math.max(length, 2 * tensor.inlineBytes));
    grown.set(tensor.inline.subarray(0, tensor.inlineBytes));
    tensor.inline = grown;
  }
  tensor.inline.set(bytes, tensor.inlineBytes);
  tensor.inlineBytes = length;
}

/** True when one more string of this length is still kept; false drops what was kept. */
function fitsStrings(tensor: TensorBuilder, byteLength: number): boolean {
  tensor.stringBytes += byteLength;
  const fits = tensor.stringBytes <= inlinePayloadBytes;
  if (!fits || (tensor.strings?.length ?? 0) >= maxInlineStrings) tensor.strings = null;
  return tensor.strings !== null;
}

function endOf(segment: TypedSegment): number {
  return segment.offset + segment.byteLength;
}
