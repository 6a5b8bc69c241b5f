import { zipSync } from 'fflate';

/** A version 1 `.npy` file. */
export function npy(
  dims: readonly number[],
  values: Float32Array | Float64Array | BigInt64Array,
): Uint8Array {
  const descr =
    values instanceof Float32Array ? '<f4' : values instanceof Float64Array ? '<f8' : '<i8';
  const shape = dims.map((dim) => `${dim},`).join(' ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`;
  // Magic, version and length take 10 bytes; numpy pads to a multiple of 64.
  const length = Math.ceil((text.length + 11) / 64) * 64 - 10;
  const head = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8);
  const header = new TextEncoder().encode(`${text.padEnd(length - 1)}\n`);
  const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return Uint8Array.from([...head, ...header, ...data]);
}

/** An `.npz` file of named arrays. */
export function npz(arrays: Readonly<Record<string, Uint8Array>>): Uint8Array {
  return zipSync(
    Object.fromEntries(Object.entries(arrays).map(([name, bytes]) => [`${name}.npy`, bytes])),
  );
}

/** Numbers in -1…1 that are the same in every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed);
    return (((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * 2 - 1;
  };
}

export function randomArray(length: number, seed: number): Float32Array {
  const next = randomNumbers(seed);
  return Float32Array.from({ length }, next);
}

/** An initializer in ONNX text: `float[2, 3] name = {…}`. */
export function tensorText(
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
): string {
  return `float[${dims.join(', ')}] ${name} = {${Array.from(values, floatText).join(', ')}}`;
}

function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  return Object.is(value, -0) ? '-0.0' : value.toExponential();
}
