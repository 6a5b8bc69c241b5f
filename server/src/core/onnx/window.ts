import type { ByteSource } from '../source';
import type { Output } from './output';
import { malformed } from './protobuf-read';

/**
 * A moving window over a file: synchronous reads inside it, one awaited read when it has to move.
 * Skipping moves the position without reading, which is how weight payloads cost nothing.
 */
export interface Window {
  position: number;
  readonly byteLength: number;
  /** True when `count` bytes from the position are at hand, or the file ends before. */
  has(count: number): boolean;
  /** Makes `count` bytes available (fewer at the end of the file). Throws `Malformed` when the file got shorter. */
  fill(count: number): Promise<void>;
  /** The next byte, or -1 at the end; needs `has(1)`. */
  byte(): number;
  /** A view of the next `count` bytes, valid until the next `fill`; moves on. Needs `has(count)`. */
  take(count: number): Uint8Array;
  /** Appends the next `count` bytes to `out` and moves on; true when all are ASCII. Needs `has(count)`. */
  copyTo(out: Output, count: number): boolean;
}

const firstReadBytes = 16 * 1024;
/** Larger reads while scanning on, so that a file without weights takes few of them. */
const maxReadBytes = 1024 * 1024;

export function createWindow(source: ByteSource): Window {
  const { byteLength } = source;
  let bytes: Uint8Array = new Uint8Array(0);
  let start = 0;
  let nextReadBytes = firstReadBytes;

  return {
    position: 0,
    byteLength,
    has(count) {
      const from = this.position - start;
      return from >= 0 && Math.min(this.position + count, byteLength) <= start + bytes.byteLength;
    },
    async fill(count) {
      const { position } = this;
      const continues = position >= start && position <= start + bytes.byteLength;
      nextReadBytes = continues ? Math.min(nextReadBytes * 2, maxReadBytes) : firstReadBytes;
      const wanted = Math.min(Math.max(count, nextReadBytes), byteLength - position);
      const read = await source.read(position, wanted);
      if (read.byteLength < wanted) {
        throw malformed(`it ended at byte ${position + read.byteLength} while it was read`);
      }
      // A plain view: what a host returns may be a subclass whose views are slower to make.
      bytes = new Uint8Array(read.buffer, read.byteOffset, read.byteLength);
      start = position;
    },
    byte() {
      const value = bytes[this.position - start];
      if (value === undefined) return -1;
      this.position++;
      return value;
    },
    take(count) {
      const from = this.position - start;
      this.position += count;
      return bytes.subarray(from, from + count);
    },
    copyTo(out, count) {
      const from = this.position - start;
      this.position += count;
      return out.copyText(bytes, from, count);
    },
  };
}
