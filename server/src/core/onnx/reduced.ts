/** Reading the scan's reduced bytes, which are known to be well formed. */

/** Starts and ends of the contents of length-delimited fields, by field number: `[start, end, start, end …]`. */
export type FieldRanges = ReadonlyMap<number, readonly number[]>;

export interface SplitMessage {
  readonly ranges: FieldRanges;
  /** The other fields, with their tags. */
  readonly rest: readonly Uint8Array[];
}

/** Takes a message apart without decoding it: where its fields of these numbers lie, and everything else. */
export function splitMessage(
  bytes: Uint8Array,
  start: number,
  end: number,
  numbers: readonly number[],
): SplitMessage {
  const ranges = new Map(numbers.map((number) => [number, [] as number[]]));
  const rest: Uint8Array[] = [];
  for (let position = start; position < end;) {
    const tag = readVarint(bytes, position);
    const content = contentRange(bytes, tag.next, tag.value & 7);
    const list = ranges.get(tag.value >>> 3);
    if (list) list.push(content.start, content.end);
    else rest.push(bytes.subarray(position, content.end));
    position = content.end;
  }
  return { ranges, rest };
}

/** Where the value of a field lies that follows its tag at `position`. */
export function contentRange(
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

export function readVarint(bytes: Uint8Array, position: number): { value: number; next: number } {
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
