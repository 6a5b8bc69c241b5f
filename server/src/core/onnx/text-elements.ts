import { bytesOf, dataTypeInfo } from '../dtype';
import type { DataType } from '../dtype';
import type { Tensor } from '../graph';
import { inlineValues, packBits, unpackBits } from '../tensor-values';

/**
 * Tensor elements as literals of the textual syntax and back. 16-bit and 8-bit floats are written as
 * the integer of their bits and complex numbers as two literals each, as the official parser wants.
 * Types below 8 bits are one literal an element here; onnx 1.23's parser accepts that but stores
 * them unpacked, so that its own readers see other values.
 */

/** How elements of a dtype are written. */
export type LiteralForm =
  | { readonly kind: 'integer'; readonly bits: number; readonly signed: boolean }
  | { readonly kind: 'float'; readonly bits: 32 | 64; readonly perElement: 1 | 2 }
  | { readonly kind: 'string' };

export function literalForm(dtype: DataType): LiteralForm {
  switch (dtype) {
    case 'string':
      return { kind: 'string' };
    case 'float32':
      return { kind: 'float', bits: 32, perElement: 1 };
    case 'float64':
      return { kind: 'float', bits: 64, perElement: 1 };
    case 'complex64':
      return { kind: 'float', bits: 32, perElement: 2 };
    case 'complex128':
      return { kind: 'float', bits: 64, perElement: 2 };
    default:
      return {
        kind: 'integer',
        bits: dataTypeInfo(dtype).bits ?? 8,
        signed: dtype.startsWith('int'),
      };
  }
}

/** Literals of a tensor kept inline; `undefined` for one whose payload is elsewhere, short or of strings. */
export function elementLiterals(tensor: Tensor): readonly string[] | undefined {
  const { dtype, elementCount, storage } = tensor;
  if (dtype === null || elementCount === null || storage.kind !== 'inline') return undefined;
  const form = literalForm(dtype);
  if (form.kind === 'string') return undefined;
  const byteLength = bytesOf(dtype, elementCount);
  if (byteLength === null || storage.bytes.byteLength < byteLength) return undefined;
  // Copied: protobuf payloads are not aligned for typed arrays.
  const { buffer } = storage.bytes.slice(0, byteLength);
  if (form.kind === 'float') {
    return form.bits === 32
      ? Array.from(new Float32Array(buffer), float32Literal)
      : Array.from(new Float64Array(buffer), float64Literal);
  }
  if (dataTypeInfo(dtype).isFloat) {
    if (form.bits === 16) return Array.from(new Uint16Array(buffer), String);
    if (form.bits === 8) return Array.from(new Uint8Array(buffer), String);
    return unpackBits(new Uint8Array(buffer), form.bits, elementCount).map(String);
  }
  return inlineValues(tensor)?.map(String);
}

/** A short decimal that reads back as the same binary32 value. */
export function float32Literal(value: number): string {
  if (!Number.isFinite(value) || value === 0) return float64Literal(value);
  // Six digits always survive the way decimal → float → decimal, nine the way back.
  for (let digits = 6; digits < 9; digits++) {
    const shorter = Number(value.toPrecision(digits));
    if (Math.fround(shorter) === value) return float64Literal(shorter);
  }
  return float64Literal(Number(value.toPrecision(9)));
}

export function float64Literal(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (value === Infinity) return 'inf';
  if (value === -Infinity) return '-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

/** Integers of `bits` width in little-endian order, the first element in the low bits of a shared byte. */
export function packIntegers(values: readonly bigint[], bits: number): Uint8Array {
  if (bits < 8) return packBits(values.map(Number), bits);
  const bytes = new Uint8Array((values.length * bits) / 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    const offset = (index * bits) / 8;
    if (bits === 64) view.setBigUint64(offset, BigInt.asUintN(64, value), true);
    else if (bits === 32) view.setUint32(offset, Number(BigInt.asUintN(32, value)), true);
    else if (bits === 16) view.setUint16(offset, Number(BigInt.asUintN(16, value)), true);
    else view.setUint8(offset, Number(BigInt.asUintN(8, value)));
  });
  return bytes;
}

export function packFloats(values: readonly number[], bits: 32 | 64): Uint8Array {
  const bytes = new Uint8Array((values.length * bits) / 8);
  const view = new DataView(bytes.buffer);
  values.forEach((value, index) => {
    if (bits === 32) view.setFloat32(index * 4, value, true);
    else view.setFloat64(index * 8, value, true);
  });
  return bytes;
}

/** Least and greatest value a literal of this integer form may have. */
export function integerBounds(bits: number, signed: boolean): { min: bigint; max: bigint } {
  const span = 1n << BigInt(bits);
  return signed ? { min: -span / 2n, max: span / 2n - 1n } : { min: 0n, max: span - 1n };
}
