/** A growing byte buffer with protobuf's primitives; refuses to grow past a cap. */
export interface Output {
  readonly length: number;
  /** A view of everything written, valid until the next write. */
  bytes(): Uint8Array;
  copy(from: Uint8Array): void;
  /** Copies `count` bytes from `start`; true when all are ASCII. */
  copyText(from: Uint8Array, start: number, count: number): boolean;
  varint(low: number, high?: number): void;
  /** Reserves a five-byte length (a padded varint, legal for every reader) and returns its position. */
  reserveLength(): number;
  fillLength(position: number): void;
  truncate(length: number): void;
}

export class OutputTooLarge extends Error {}

/** @param expectedBytes room from the start, which saves copies; memory that is not used is not touched */
export function createOutput(capBytes: number, expectedBytes = 0): Output {
  let buffer = new Uint8Array(Math.min(capBytes, expectedBytes));
  let length = 0;

  function room(more: number): void {
    if (length + more <= buffer.byteLength) return;
    if (length + more > capBytes) throw new OutputTooLarge();
    const grown = new Uint8Array(
      Math.min(capBytes, Math.max(buffer.byteLength * 2, length + more, 1024)),
    );
    grown.set(buffer.subarray(0, length));
    buffer = grown;
  }

  return {
    get length() {
      return length;
    },
    bytes: () => buffer.subarray(0, length),
    copy(from) {
      room(from.byteLength);
      buffer.set(from, length);
      length += from.byteLength;
    },
    // One loop for names, which are short and many: views and calls would cost more than their bytes.
    copyText(from, start, count) {
      room(count);
      let all = 0;
      for (let index = 0; index < count; index++) {
        const byte = from[start + index] ?? 0;
        all |= byte;
        buffer[length + index] = byte;
      }
      length += count;
      return all < 128;
    },
    varint(low, high = 0) {
      room(10);
      let lowBits = low >>> 0;
      let highBits = high >>> 0;
      while (highBits !== 0 || lowBits > 127) {
        buffer[length++] = (lowBits & 127) | 128;
        lowBits = ((lowBits >>> 7) | (highBits << 25)) >>> 0;
        highBits >>>= 7;
      }
      buffer[length++] = lowBits;
    },
    reserveLength() {
      room(5);
      length += 5;
      return length - 5;
    },
    fillLength(position) {
      let value = length - position - 5;
      for (let index = 0; index < 4; index++) {
        buffer[position + index] = (value & 127) | 128;
        value = Math.floor(value / 128);
      }
      buffer[position + 4] = value;
    },
    truncate(to) {
      length = to;
    },
  };
}
