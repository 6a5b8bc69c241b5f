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
  /** What is at hand, until the next `fill`: byte `start` of the file and those behind it. */
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  readonly start: number;
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
/** A gap up to here is read over: asking for another piece takes as long. */
const nearBytes = 128 * 1024;

interface MovingWindow extends Window {
  bytes: Uint8Array;
  view: DataView;
  start: number;
}

export function createWindow(source: ByteSource): Window {
  const { byteLength } = source;
  let nextReadBytes = firstReadBytes;
  /** What the source may have given us before: its bytes are not at hand any more when the next ones are read. */
  let room = new Uint8Array(0);

  const window: MovingWindow = {
    position: 0,
    byteLength,
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    start: 0,
    has(count) {
      const from = this.position - this.start;
      const end = this.start + this.bytes.byteLength;
      return from >= 0 && Math.min(this.position + count, byteLength) <= end;
    },
    async fill(count) {
      const { position } = this;
      const end = this.start + this.bytes.byteLength;
      const continues = position >= this.start && position <= end + nearBytes;
      nextReadBytes = continues ? Math.min(nextReadBytes * 2, maxReadBytes) : firstReadBytes;
      const wanted = Math.min(Math.max(count, nextReadBytes), byteLength - position);
      if (room.byteLength < wanted) room = new Uint8Array(wanted);
      const read = await source.read(position, wanted, room);
      if (read.byteLength < wanted) {
        throw malformed(`it ended at byte ${position + read.byteLength} while it was read`);
      }
      // A plain view: what a host returns may be a subclass whose views are slower to make.
      this.bytes = new Uint8Array(read.buffer, read.byteOffset, read.byteLength);
      this.view = new DataView(read.buffer, read.byteOffset, read.byteLength);
      this.start = position;
    },
    byte() {
      const value = this.bytes[this.position - this.start];
      if (value === undefined) return -1;
      this.position++;
      return value;
    },
    take(count) {
      const from = this.position - this.start;
      this.position += count;
      return this.bytes.subarray(from, from + count);
    },
    copyTo(out, count) {
      const from = this.position - this.start;
      this.position += count;
      return out.copyText(this.bytes, from, count);
    },
  };
  return window;
}
