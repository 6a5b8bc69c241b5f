/**
 * Writes protobuf by hand, on purpose also in ways that no library would: padded varints, packed and unpacked
 * lists, groups, repeated singular fields, wrong wire types. Legal or not is the test's business.
 * Source: protobuf.dev/programming-guides/encoding.
 */

export type WireType = 0 | 1 | 2 | 3 | 4 | 5;

/** Widths in bytes of the varints of a field; what is not given is minimal. */
export interface Padding {
  readonly tag?: number;
  readonly length?: number;
  readonly value?: number;
}

const empty: Uint8Array = new Uint8Array(0);

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return join(parts);
}

/** For long lists, which are too many arguments for a call. */
export function join(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** Two's complement for negative values; padded with empty groups of seven bits to `width` bytes. */
export function varint(value: number | bigint, width = 0): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  } while (rest > 0n || bytes.length < width);
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) & 127;
  return Uint8Array.from(bytes);
}

export function tag(number: number, wireType: WireType, width = 0): Uint8Array {
  return varint(BigInt(number) * 8n + BigInt(wireType), width);
}

/** A varint field: int32, int64, enum, bool. */
export function int(number: number, value: number | bigint, padding: Padding = {}): Uint8Array {
  return concat(tag(number, 0, padding.tag), varint(value, padding.value));
}

/** A length-delimited field around `content`: a message, bytes or a packed list. */
export function message(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return padded(number, {}, ...content);
}

export function padded(
  number: number,
  padding: Padding,
  ...content: readonly Uint8Array[]
): Uint8Array {
  const body = concat(...content);
  return concat(tag(number, 2, padding.tag), varint(body.byteLength, padding.length), body);
}

export function text(
  number: number,
  value: string | Uint8Array,
  padding: Padding = {},
): Uint8Array {
  return padded(number, padding, typeof value === 'string' ? Buffer.from(value) : value);
}

export function float(number: number, value: number): Uint8Array {
  return concat(tag(number, 5), floatBytes(value));
}

export function double(number: number, value: number): Uint8Array {
  return concat(tag(number, 1), new Uint8Array(Float64Array.of(value).buffer));
}

export function floatBytes(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

export function packedInts(
  number: number,
  values: readonly (number | bigint)[],
  padding: Padding = {},
): Uint8Array {
  return padded(number, padding, ...values.map((value) => varint(value, padding.value)));
}

export function unpackedInts(
  number: number,
  values: readonly (number | bigint)[],
  padding: Padding = {},
): Uint8Array {
  return concat(...values.map((value) => int(number, value, padding)));
}

export function group(number: number, ...content: readonly Uint8Array[]): Uint8Array {
  return concat(tag(number, 3), ...content, tag(number, 4));
}

/** A field nested in itself: the innermost content is wrapped by the last number first. */
export function nest(numbers: readonly number[], content = empty): Uint8Array {
  return numbers.reduceRight<Uint8Array>((inner, number) => message(number, inner), content);
}

export interface Field {
  readonly number: number;
  readonly wireType: number;
  /** Everything, with tag and length. */
  readonly whole: Uint8Array;
  /** Of a length-delimited field what is in it. */
  readonly content: Uint8Array;
}

/** Takes a well-formed message without groups apart. */
export function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  let position = 0;
  const next = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[position++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (position < bytes.byteLength) {
    const start = position;
    const key = next();
    const wireType = key % 8;
    let contentStart = position;
    if (wireType === 0) next();
    else if (wireType === 1 || wireType === 5) position += wireType === 1 ? 8 : 4;
    else if (wireType === 2) {
      const byteLength = next();
      contentStart = position;
      position += byteLength;
    } else throw new Error(`wire type ${wireType} at ${start}`);
    fields.push({
      number: Math.floor(key / 8),
      wireType,
      whole: bytes.subarray(start, position),
      content: bytes.subarray(contentStart, position),
    });
  }
  return fields;
}

/** Field numbers of onnx.proto, by message. */
export const onnxField = {
  model: { irVersion: 1, producer: 2, graph: 7, opset: 8, metadata: 14, functions: 25 },
  opset: { domain: 1, version: 2 },
  entry: { key: 1, value: 2 },
  graph: {
    node: 1,
    name: 2,
    initializer: 5,
    input: 11,
    output: 12,
    valueInfo: 13,
    sparseInitializer: 15,
    metadata: 16,
  },
  node: {
    input: 1,
    output: 2,
    name: 3,
    opType: 4,
    attribute: 5,
    domain: 7,
    overload: 8,
    metadata: 9,
  },
  attribute: {
    name: 1,
    f: 2,
    i: 3,
    s: 4,
    t: 5,
    g: 6,
    floats: 7,
    ints: 8,
    strings: 9,
    tensors: 10,
    graphs: 11,
    tp: 14,
    type: 20,
    refName: 21,
    sparseTensor: 22,
  },
  tensor: {
    dims: 1,
    dataType: 2,
    floatData: 4,
    int32Data: 5,
    stringData: 6,
    int64Data: 7,
    name: 8,
    rawData: 9,
    doubleData: 10,
    uint64Data: 11,
    externalData: 13,
    dataLocation: 14,
    metadata: 16,
  },
  sparse: { values: 1, indices: 2, dims: 3 },
  valueInfo: { name: 1, type: 2, metadata: 4 },
  type: { tensor: 1, sequence: 4, map: 5, sparse: 8, optional: 9 },
  tensorType: { elemType: 1, shape: 2 },
  shape: { dim: 1 },
  dim: { value: 1, param: 2 },
  function: {
    name: 1,
    input: 4,
    output: 5,
    attribute: 6,
    node: 7,
    opset: 9,
    domain: 10,
    attributeProto: 11,
    valueInfo: 12,
    overload: 13,
    metadata: 14,
  },
} as const;
