/** A version 1 `.npy` file of float32 values. */
export function npyBytes(
  dims: readonly number[],
  values: readonly number[],
  descr = '<f4',
): Uint8Array {
  const shape = dims.map((dim) => `${dim},`).join('');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
  const data = descr === '<i8' ? BigInt64Array.from(values, BigInt) : Float32Array.from(values);
  const head = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 118, 0];
  return Uint8Array.from([...head, ...Buffer.from(`${text}\n`), ...new Uint8Array(data.buffer)]);
}

/** A TensorProto of one float32 element, 1.0, with a short name. */
export function tensorProtoBytes(name: string): Uint8Array {
  const nameBytes = new TextEncoder().encode(name);
  // dims [1], data_type FLOAT, name, raw_data.
  return Uint8Array.from([
    8,
    1,
    16,
    1,
    66,
    nameBytes.length,
    ...nameBytes,
    74,
    4,
    0,
    0,
    0x80,
    0x3f,
  ]);
}
