import { asciiText } from './ascii-text';

/** A power of two; as many names as a small graph has. */
const firstSlots = 32;
/** Names whose place is farther from where it should be go into a map: a file may be made of names that collide. */
const maxProbes = 64;

/**
 * Numbers for texts, in the order in which they are met. A graph of 100,000 nodes says half a million names, and a
 * map by text takes longer for them than everything else that reading does: the text has to be made, hashed and
 * compared each time. Here the bytes are looked up, and each text is made once.
 */
export class NameTable {
  /** By number. */
  readonly texts: string[] = [];
  /** Number + 1 of the text whose place it is; 0 where there is none. A power of two of them. */
  #slots: Int32Array | null = null;
  readonly #hashes: number[] = [];
  #colliding: Map<string, number> | null = null;

  /**
   * Number of the text of `length` ASCII bytes from `start`.
   *
   * @param view the same bytes
   * @returns -1 when a byte is not ASCII
   */
  addAscii(bytes: Uint8Array, view: DataView, start: number, length: number): number {
    const hash = hashOfAscii(bytes, view, start, length);
    if (hash < 0) return -1;
    const slots = (this.#slots ??= new Int32Array(firstSlots));
    const last = slots.length - 1;
    for (let probe = 0; probe < maxProbes; probe++) {
      const number = (slots[(hash + probe) & last] ?? 0) - 1;
      if (number < 0) break;
      if (this.#hashes[number] !== hash) continue;
      if (isTextAt(this.texts[number] ?? '', bytes, start, length)) return number;
    }
    return this.#insert(asciiText(bytes, start, length) ?? '', hash);
  }

  add(text: string): number {
    const hash = hashOfText(text);
    const known = this.#find(text, hash);
    return known < 0 ? this.#insert(text, hash) : known;
  }

  /** -1 for a text that was not met. */
  numberOf(text: string): number {
    return this.#find(text, hashOfText(text));
  }

  #find(text: string, hash: number): number {
    const slots = this.#slots;
    if (!slots) return -1;
    const last = slots.length - 1;
    for (let probe = 0; probe < maxProbes; probe++) {
      const number = (slots[(hash + probe) & last] ?? 0) - 1;
      if (number < 0) break;
      if (this.#hashes[number] === hash && this.texts[number] === text) return number;
    }
    return this.#colliding?.get(text) ?? -1;
  }

  /** @param text one that has no place in the slots */
  #insert(text: string, hash: number): number {
    const known = this.#colliding?.get(text);
    if (known !== undefined) return known;
    const number = this.texts.push(text) - 1;
    this.#hashes.push(hash);
    const slots = (this.#slots ??= new Int32Array(firstSlots));
    if (2 * this.texts.length <= slots.length) this.#place(number);
    else this.#grow(new Int32Array(2 * slots.length));
    return number;
  }

  #grow(slots: Int32Array): void {
    this.#slots = slots;
    for (let number = 0; number < this.texts.length; number++) {
      if (this.#colliding?.has(this.texts[number] ?? '') !== true) this.#place(number);
    }
  }

  #place(number: number): void {
    const slots = this.#slots;
    if (!slots) return;
    const hash = this.#hashes[number] ?? 0;
    const last = slots.length - 1;
    for (let probe = 0; probe < maxProbes; probe++) {
      const slot = (hash + probe) & last;
      if (slots[slot] !== 0) continue;
      slots[slot] = number + 1;
      return;
    }
    this.#colliding ??= new Map();
    this.#colliding.set(this.texts[number] ?? '', number);
  }
}

/** Hashes are whole numbers from 0; of bytes four at a time, and of a text as of its bytes while it is ASCII. */
function hashOfAscii(bytes: Uint8Array, view: DataView, start: number, length: number): number {
  let hash = length;
  let all = 0;
  let at = start;
  const end = start + length;
  for (; at + 4 <= end; at += 4) {
    const word = view.getInt32(at, true);
    all |= word;
    hash = mixed(hash, word);
  }
  for (; at < end; at++) {
    const byte = bytes[at] ?? 0;
    all |= byte;
    hash = mixed(hash, byte);
  }
  return (all & nonAsciiBits) === 0 ? hash & largestHash : -1;
}

function hashOfText(text: string): number {
  const { length } = text;
  let hash = length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const low = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8);
    const high = text.charCodeAt(at + 2) | (text.charCodeAt(at + 3) << 8);
    hash = mixed(hash, low | (high << 16));
  }
  for (; at < length; at++) hash = mixed(hash, text.charCodeAt(at));
  return hash & largestHash;
}

const nonAsciiBits = 0x80808080 | 0;
const largestHash = 0x7fffffff;
/** An odd number near 2^32 over the golden ratio, which spreads what differs in low bits (Knuth, TAOCP 6.4). */
const multiplier = 0x9e3779b1;

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, multiplier);
  // What only high bits tell apart must reach the low ones, which choose the slot.
  return product ^ (product >>> 15);
}

function isTextAt(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let index = 0; index < length; index++) {
    if (text.charCodeAt(index) !== bytes[start + index]) return false;
  }
  return true;
}
