import assert from 'node:assert/strict';
import { dataTypeInfo, type DataType } from '../../../server/src/core/dtype';
import type { Tensor, TensorStorage, TypedDataField } from '../../../server/src/core/graph';
import { readPayload } from '../../../server/src/core/onnx/payload';
import { sourceFromBytes, type ByteSource } from '../../../server/src/core/source';

function tensor(dtype: DataType | null, count: number | null, storage: TensorStorage): Tensor {
  return {
    name: 't',
    docString: '',
    dtype,
    dtypeCode: dtype ? dataTypeInfo(dtype).code : 99,
    dims: [count ?? 0],
    elementCount: count,
    storage,
    metadata: new Map(),
  };
}

/** Base-128, the lowest group first; negative numbers take all ten bytes, as protobuf writes int32 and int64. */
function varint(value: bigint | number): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 127n);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 128 : low);
  } while (rest > 0n);
  return bytes;
}

const none = (): Promise<ByteSource | null> => Promise.resolve(null);
const bytes = (values: ArrayBufferView): number[] =>
  Array.from(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

async function payload(
  one: Tensor,
  file: readonly number[] = [],
  openExternal = none,
): Promise<number[] | null> {
  const read = await readPayload(one, sourceFromBytes(Uint8Array.from(file)), openExternal);
  return read && Array.from(read);
}

/** A file with the field's records at its end, packed in one run, one element a tag, and in both ways. */
async function typed(
  dtype: DataType,
  count: number,
  field: TypedDataField,
  elements: readonly (readonly number[])[],
  wireType: 0 | 1 | 5,
): Promise<readonly (number[] | null)[]> {
  const front = [9, 9, 9];
  const tag = varint((7 << 3) | wireType);
  const tagged = (list: readonly (readonly number[])[]): number[] =>
    list.flatMap((element) => [...tag, ...element]);
  const half = Math.floor(elements.length / 2);
  const variants = [
    [{ isPacked: true, content: elements.flat() }],
    [{ isPacked: false, content: tagged(elements) }],
    [
      { isPacked: true, content: elements.slice(0, half).flat() },
      { isPacked: false, content: tagged(elements.slice(half)) },
    ],
    [
      { isPacked: false, content: tagged(elements.slice(0, half)) },
      { isPacked: true, content: elements.slice(half).flat() },
    ],
  ];
  return Promise.all(
    variants.map((records) => {
      const file = [...front];
      const segments = records.map(({ isPacked, content }) => {
        const offset = file.length;
        file.push(...content);
        return { offset, byteLength: content.length, packed: isPacked };
      });
      return payload(tensor(dtype, count, { kind: 'typed', field, segments }), file);
    }),
  );
}

describe('payload of a tensor', () => {
  it('is nothing when nothing is stored and nothing is wanted', async () => {
    assert.deepEqual(await payload(tensor('float32', 0, { kind: 'none' })), []);
    assert.equal(await payload(tensor('float32', 1, { kind: 'none' })), null);
  });

  it('cannot be had for strings, unknown types and unknown sizes', async () => {
    assert.equal(await payload(tensor('string', 1, { kind: 'strings', values: [] })), null);
    const inline: TensorStorage = { kind: 'inline', bytes: Uint8Array.of(1) };
    assert.equal(await payload(tensor('string', 1, inline)), null);
    assert.equal(await payload(tensor(null, 1, inline)), null);
    assert.equal(await payload(tensor('int8', null, inline)), null);
  });

  it('that is inline is given when its length fits', async () => {
    const inline = (length: number): TensorStorage => ({
      kind: 'inline',
      bytes: new Uint8Array(length).fill(7),
    });
    assert.deepEqual(await payload(tensor('int16', 2, inline(4))), [7, 7, 7, 7]);
    assert.equal(await payload(tensor('int16', 2, inline(3))), null);
    assert.equal(await payload(tensor('int16', 2, inline(5))), null);
  });

  it('that is raw is read from its range, unaligned, and owned by the caller', async () => {
    const file = Uint8Array.of(9, 1, 2, 3, 4, 9);
    const raw = (offset: number, byteLength: number): TensorStorage => ({
      kind: 'raw',
      offset,
      byteLength,
    });
    const read = await readPayload(tensor('int16', 2, raw(1, 4)), sourceFromBytes(file), none);
    assert.ok(read);
    file.fill(0);
    assert.deepEqual(Array.from(read), [1, 2, 3, 4]);
    for (const storage of [raw(1, 3), raw(1, 5), raw(4, 4)]) {
      assert.equal(await payload(tensor('int16', 2, storage), Array.from(file)), null);
    }
  });

  it('of sub-byte types takes half and quarter bytes, rounded up', async () => {
    const stored = [0x21, 0x43, 0x05];
    const raw = (byteLength: number): TensorStorage => ({ kind: 'raw', offset: 0, byteLength });
    assert.deepEqual(await payload(tensor('int4', 5, raw(3)), stored), stored);
    assert.deepEqual(await payload(tensor('uint4', 6, raw(3)), stored), stored);
    assert.deepEqual(await payload(tensor('int2', 12, raw(3)), stored), stored);
    assert.deepEqual(await payload(tensor('int2', 9, raw(3)), stored), stored);
    assert.equal(await payload(tensor('int4', 7, raw(3)), stored), null);
    assert.equal(await payload(tensor('int2', 8, raw(3)), stored), null);
  });

  it('that is external comes from its file, or not at all', async () => {
    const external = (offset: number, byteLength: number | null): TensorStorage => ({
      kind: 'external',
      location: 'w.bin',
      offset,
      byteLength,
    });
    const asked: string[] = [];
    const open = (location: string): Promise<ByteSource> => {
      asked.push(location);
      return Promise.resolve(sourceFromBytes(Uint8Array.of(1, 2, 3, 4, 5)));
    };
    const two = (storage: TensorStorage) =>
      readPayload(tensor('int16', 2, storage), sourceFromBytes(new Uint8Array(0)), open);
    assert.deepEqual(await two(external(0, 4)), Uint8Array.of(1, 2, 3, 4));
    assert.deepEqual(await two(external(1, null)), Uint8Array.of(2, 3, 4, 5));
    assert.equal(await two(external(2, 4)), null);
    assert.equal(await two(external(Number.MAX_SAFE_INTEGER, 4)), null);
    assert.deepEqual(new Set(asked), new Set(['w.bin']));
    assert.equal(await payload(tensor('int16', 2, external(0, 4))), null);
  });

  const floats = Float32Array.of(1.5, -0, 2 ** -149, Infinity, 3);
  const doubles = Float64Array.of(0.1, -1e300, 5);
  const wholes = [0, 1, -1, 127, -128, 100];
  const large = [0n, -1n, 2n ** 53n + 1n, -(2n ** 63n), 2n ** 63n - 1n];
  const each = (view: ArrayBufferView, size: number): number[][] =>
    Array.from({ length: view.byteLength / size }, (_, index) =>
      bytes(view).slice(index * size, (index + 1) * size),
    );

  const rows: readonly (readonly [
    DataType,
    TypedDataField,
    number,
    readonly (readonly number[])[],
    0 | 1 | 5,
    readonly number[],
  ])[] = [
    // dtype, field, elements, each as it is encoded, wire type, as raw_data
    ['float32', 'float_data', 5, each(floats, 4), 5, bytes(floats)],
    ['complex64', 'float_data', 2, each(floats.subarray(0, 4), 4), 5, bytes(floats.subarray(0, 4))],
    ['float64', 'double_data', 3, each(doubles, 8), 1, bytes(doubles)],
    [
      'complex128',
      'double_data',
      1,
      each(doubles.subarray(0, 2), 8),
      1,
      bytes(doubles.subarray(0, 2)),
    ],
    ['int8', 'int32_data', 6, wholes.map(varint), 0, bytes(Int8Array.from(wholes))],
    ['int16', 'int32_data', 6, wholes.map(varint), 0, bytes(Int16Array.from(wholes))],
    ['int32', 'int32_data', 6, wholes.map(varint), 0, bytes(Int32Array.from(wholes))],
    ['uint8', 'int32_data', 3, [0, 200, 255].map(varint), 0, [0, 200, 255]],
    ['uint16', 'int32_data', 2, [65535, 258].map(varint), 0, [255, 255, 2, 1]],
    ['bool', 'int32_data', 3, [1, 0, 1].map(varint), 0, [1, 0, 1]],
    // 1.0 and -2.0 as bits.
    ['float16', 'int32_data', 2, [0x3c00, 0xc000].map(varint), 0, [0x00, 0x3c, 0x00, 0xc0]],
    ['bfloat16', 'int32_data', 2, [0x3f80, 0xc000].map(varint), 0, [0x80, 0x3f, 0x00, 0xc0]],
    ['float8e4m3fn', 'int32_data', 2, [0x38, 0xff].map(varint), 0, [0x38, 0xff]],
    ['int64', 'int64_data', 5, large.map(varint), 0, bytes(BigInt64Array.from(large))],
    [
      'uint64',
      'uint64_data',
      2,
      [2n ** 64n - 1n, 5n].map(varint),
      0,
      bytes(BigUint64Array.of(2n ** 64n - 1n, 5n)),
    ],
    [
      'uint32',
      'uint64_data',
      2,
      [2 ** 32 - 1, 5].map(varint),
      0,
      bytes(Uint32Array.of(2 ** 32 - 1, 5)),
    ],
    // Two elements a byte, a byte each int32; the last one is half empty.
    ['int4', 'int32_data', 5, [0x21, 0xf3, 0x04].map(varint), 0, [0x21, 0xf3, 0x04]],
    ['uint4', 'int32_data', 2, [0xab].map(varint), 0, [0xab]],
  ];
  for (const [dtype, field, count, elements, wireType, expected] of rows) {
    it(`of ${dtype} in ${field} is the same however it is packed`, async () => {
      for (const read of await typed(dtype, count, field, elements, wireType)) {
        assert.deepEqual(read, expected);
      }
      const tooFew = await typed(dtype, count, field, elements.slice(0, -1), wireType);
      assert.deepEqual(new Set(tooFew), new Set([null]));
    });
  }

  it('takes numbers with needless bytes', async () => {
    // 1 and 2, padded to three bytes each.
    const padded = [
      [0x81, 0x80, 0x00],
      [0x82, 0x80, 0x00],
    ];
    for (const read of await typed('int64', 2, 'int64_data', padded, 0)) {
      assert.deepEqual(read, bytes(BigInt64Array.of(1n, 2n)));
    }
  });

  it('is refused in a field that does not hold its type', async () => {
    for (const [dtype, field] of [
      ['float32', 'int32_data'],
      ['int64', 'int32_data'],
      ['int8', 'int64_data'],
      ['float64', 'float_data'],
    ] as const) {
      const reads = await typed(dtype, 2, field, [[1], [1]], 0);
      assert.deepEqual(new Set(reads), new Set([null]), `${dtype} in ${field}`);
    }
  });
});
