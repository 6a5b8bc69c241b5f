/** All 64 bits of an integer that onnx-proto gives as a number or a Long. */
export function toBigint(value: number | Long): bigint {
  if (typeof value === 'number') return BigInt(value);
  const { low, high } = value;
  // Nearly all are small, and every step on bigints makes another one.
  if (high === low >> 31 && !value.unsigned) return BigInt(low);
  const bits = (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
  return value.unsigned ? bits : BigInt.asIntN(64, bits);
}

/** The same as a number: exact where that is a safe integer, and not one where it is not. */
export function toNumber(value: number | Long): number {
  if (typeof value === 'number') return value;
  const high = value.unsigned ? value.high >>> 0 : value.high | 0;
  return high * 2 ** 32 + (value.low >>> 0);
}
