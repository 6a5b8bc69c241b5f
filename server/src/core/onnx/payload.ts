import { bytesOf } from '../dtype';
import type { Tensor } from '../graph';
import type { ByteSource } from '../source';
import { concatBytes, varint } from './protobuf-write';
import { readLength, readTag, readVarint64 } from './protobuf-read';
import { rawFromTypedData } from './typed-data';

/** Opens the file an external tensor names; null when the host refuses or does not find it. */
export type OpenExternal = (location: string) => Promise<ByteSource | null>;

/**
 * The elements of one tensor as little-endian `raw_data` bytes, wherever they are stored.
 * Null when they are missing, shorter than the dims say, or of a dtype without fixed size.
 * Takes memory for this tensor only; its size was checked against the bytes that exist.
 */
export async function readPayload(
  tensor: Tensor,
  source: ByteSource,
  openExternal: OpenExternal,
): Promise<Uint8Array | null> {
  const { dtype, elementCount, storage } = tensor;
  const byteLength = dtype && elementCount !== null ? bytesOf(dtype, elementCount) : null;
  if (dtype === null || elementCount === null || byteLength === null) return null;
  const exactly = (bytes: Uint8Array): Uint8Array | null =>
    bytes.byteLength === byteLength ? bytes : null;
  switch (storage.kind) {
    case 'strings':
      return null;
    case 'none':
      return byteLength === 0 ? new Uint8Array(0) : null;
    case 'inline':
      return exactly(storage.bytes);
    case 'raw':
      if (storage.byteLength !== byteLength) return null;
      return exactly((await source.read(storage.offset, byteLength)).slice());
    case 'external': {
      const file = await openExternal(storage.location);
      if (!file || storage.offset + byteLength > file.byteLength) return null;
      return exactly((await file.read(storage.offset, byteLength)).slice());
    }
    case 'typed': {
      const parts: Uint8Array[] = [];
      for (const { offset, byteLength: length, packed } of storage.segments) {
        const bytes = (await source.read(offset, length)).slice();
        parts.push(packed ? bytes : packElements(bytes));
      }
      const raw = rawFromTypedData(dtype, storage.field, concatBytes(parts), elementCount);
      return raw && exactly(raw);
    }
  }
}

/** Elements that each carry a tag, as one packed run. */
function packElements(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  const end = bytes.byteLength;
  const reader = {
    position: 0,
    byte(): number {
      return bytes[this.position++] ?? -1;
    },
  };
  while (reader.position < end) {
    const wireType = readTag(reader, end) & 7;
    const start = reader.position;
    if (wireType === 0) {
      const [low, high] = readVarint64(reader, end);
      // Small values are common: one canonical byte instead of a slice.
      parts.push(high === 0 && low < 128 ? varint(low) : bytes.subarray(start, reader.position));
    } else {
      reader.position += wireType === 2 ? readLength(reader, end) : wireType === 1 ? 8 : 4;
      parts.push(bytes.subarray(start, reader.position));
    }
  }
  return concatBytes(parts);
}
