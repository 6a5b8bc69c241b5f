/**
 * Protocol buffer wire format, writing side: the few primitives that ONNX messages need.
 * Source: protobuf.dev/programming-guides/encoding. Every function returns bytes of its own.
 */

import { encodeText } from './utf8';

const empty = new Uint8Array(0);

/** The pieces one after the other, in new memory. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.byteLength;
  const joined = new Uint8Array(length);
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.byteLength;
  }
  return joined;
}

/** A base-128 varint of a safe integer ≥ 0: lengths, tags and enums, also beyond 32 bits. */
export function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** A varint of an `int64` or `uint64`: two's complement, so that negative values take ten bytes. */
export function varint64(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

export type WireType = 'varint' | 'fixed64' | 'length-delimited' | 'fixed32';

const wireTypeCode = { varint: 0, fixed64: 1, 'length-delimited': 2, fixed32: 5 } as const;

/** The key in front of a field. */
export function tag(field: number, wireType: WireType): Uint8Array {
  return varint(field * 8 + wireTypeCode[wireType]);
}

/** Tag and length of a payload that the caller writes itself, as with streamed weights. */
export function lengthDelimitedHead(field: number, byteLength: number): Uint8Array {
  return concatBytes([tag(field, 'length-delimited'), varint(byteLength)]);
}

/** A `bytes` or embedded message field. */
export function lengthDelimited(field: number, payload: Uint8Array): Uint8Array {
  return concatBytes([lengthDelimitedHead(field, payload.byteLength), payload]);
}

/** A `string` field, also when it is empty (an empty node input means "omitted"). */
export function stringField(field: number, value: string): Uint8Array {
  return lengthDelimited(field, encodeText(value));
}

/** A `string` field that is left out when empty, as ONNX readers take absent and empty alike. */
export function optionalStringField(field: number, value: string): Uint8Array {
  return value === '' ? empty : stringField(field, value);
}

/** An `int32`, enum or `int64` field from a safe integer; negative values are allowed. */
export function intField(field: number, value: number | bigint): Uint8Array {
  const payload = typeof value === 'number' && value >= 0 ? varint(value) : varint64(BigInt(value));
  return concatBytes([tag(field, 'varint'), payload]);
}

/** A `float` field (IEEE 754 binary32, little-endian). */
export function floatField(field: number, value: number): Uint8Array {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setFloat32(0, value, true);
  return concatBytes([tag(field, 'fixed32'), payload]);
}
