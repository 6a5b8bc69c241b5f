/**
 * Affine int8 quantisation of weights, as ONNX Runtime's quantiser computes it (so that results agree bit
 * for bit): float32 range, float64 scale, float32 division, round half to even.
 */

/** Smallest normal float32: below it a scale carries no information, ONNX Runtime takes 1. */
const smallestNormal = 2 ** -126;
const qmax = 127;

/**
 * Symmetric scales of int8 columns, zero point 0: `2·max|w| / 254` in float64, rounded to float32.
 *
 * @param weights row-major `[rows, columns]`
 * @returns one scale per column, or null when a weight is not finite or so large that its scale is not (ONNX
 *   Runtime's quantiser goes on and writes a column of NaN)
 */
export function symmetricColumnScales(
  weights: Float32Array,
  rows: number,
  columns: number,
): Float32Array | null {
  const largest = new Float32Array(columns);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) {
      const size = Math.abs(weights[at] ?? 0);
      if (!(size < Infinity)) return null;
      if (size > (largest[column] ?? 0)) largest[column] = size;
    }
  }
  const scales = largest.map(symmetricScale);
  return scales.includes(Infinity) ? null : scales;
}

function symmetricScale(largest: number): number {
  // The range is formed in float32 first, as there: above half of the largest float32 it is infinite.
  const scale = Math.fround(2 * largest) / (2 * qmax);
  return scale < smallestNormal ? 1 : scale;
}

/** Adding and taking away 1.5·2^52 rounds a float64 half to even. */
const roundingShift = 1.5 * 2 ** 52;

/** int8 codes of row-major `[rows, columns]` weights, column by column scale. */
export function quantizeColumns(
  weights: Float32Array,
  scales: Float32Array,
  columns: number,
): Int8Array {
  const codes = new Int8Array(weights.length);
  let column = 0;
  for (let at = 0; at < weights.length; at++) {
    const quotient = Math.fround((weights[at] ?? 0) / (scales[column] ?? 1));
    const rounded = quotient + roundingShift - roundingShift;
    codes[at] = rounded > 127 ? 127 : rounded < -128 ? -128 : rounded;
    if (++column === columns) column = 0;
  }
  return codes;
}

/** Zero point of uint8 codes that stand for symmetric int8 ones. */
export const unsignedZeroPoint = 128;

/**
 * The same codes as uint8 around 128, in place. A product of unsigned operands is exact on every CPU; of an
 * unsigned and a signed one, x86 without VNNI adds pairs of products in 16 bits, which saturate.
 */
export function unsignedCodes(codes: Int8Array): Uint8Array {
  const bytes = new Uint8Array(codes.buffer, codes.byteOffset, codes.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] ?? 0) ^ unsignedZeroPoint;
  return bytes;
}

/** `[rows, columns]` → `[columns, rows]`. */
export function transpose(weights: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(weights.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[column * rows + row] = weights[row * columns + column] ?? 0;
    }
  }
  return turned;
}
