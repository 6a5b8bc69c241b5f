const firstSlabBytes = 1024;
const maxSlabBytes = 64 * 1024;

/** Room for small pieces of bytes that live as long as each other: a buffer of its own costs a microsecond and more. */
export interface Slab {
  copyOf(bytes: Uint8Array): Uint8Array;
}

export function createSlab(): Slab {
  let room = new Uint8Array(0);
  let used = 0;
  return {
    copyOf(bytes) {
      const { byteLength } = bytes;
      if (used + byteLength > room.byteLength) {
        const grown = Math.min(Math.max(2 * room.byteLength, firstSlabBytes), maxSlabBytes);
        room = new Uint8Array(Math.max(grown, byteLength));
        used = 0;
      }
      const copy = room.subarray(used, used + byteLength);
      copy.set(bytes);
      used += byteLength;
      return copy;
    },
  };
}
