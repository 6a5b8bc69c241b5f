import assert from 'node:assert/strict';
import { zipSync } from 'fflate';
import { readNpy } from '../../../server/src/core/verify/npy';
import { readNpz } from '../../../server/src/core/verify/npz';
import { readTensorProto } from '../../../server/src/core/verify/tensor-proto';
import { codeOf, fromBase64, plain, valueOf } from './helpers';

/** A version 1 file with this header text: for files that NumPy would not write. */
function npy(header: string, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const text = new TextEncoder().encode(`${header}\n`);
  const head = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, text.length & 255, text.length >> 8];
  return Uint8Array.from([...head, ...text, ...data]);
}

describe('npy files', () => {
  // Bytes written by numpy.lib.format.write_array of NumPy 2.
  const written: readonly (readonly [string, string, readonly unknown[]])[] = [
    [
      'version 1, little-endian float32, C order',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAIA/AAAAQAAAQEAAAIBAAACgQAAAwEA=',
      ['float32', [2, 3], [1, 2, 3, 4, 5, 6]],
    ],
    [
      'Fortran order, three axes',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGkyJywgJ2ZvcnRyYW5fb3JkZXInOiBUcnVlLCAnc2hhcGUnOiAoMiwgMywgNCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAAwABAAQAAgAFAABAA0ABQARAAkAFQACAA4ABgASAAoAFgADAA8ABwATAAsAFwA=',
      ['int16', [2, 3, 4], Array.from({ length: 24 }, (_, index) => index)],
    ],
    [
      'big-endian float64',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPmY4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo/+AAAAAAAAMAAAAAAAAAA',
      ['float64', [2], [1.5, -2]],
    ],
    [
      'version 2, int64',
      'k05VTVBZAgB0AAAAeydkZXNjcic6ICc8aTgnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMiwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAAAAAAAAP7/////////',
      ['int64', [2], [1, -2]],
    ],
    [
      'version 3, bool',
      'k05VTVBZAwB0AAAAeydkZXNjcic6ICd8YjEnLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMywpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoBAAE=',
      ['bool', [3], [1, 0, 1]],
    ],
    [
      'float16 with infinity',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGYyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAPgB8',
      ['float16', [2], [1.5, Number.POSITIVE_INFINITY]],
    ],
    [
      'scalar',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnfHUxJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKCksIH0gICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoH',
      ['uint8', [], [7]],
    ],
    [
      'no rows',
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPGY0JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDAsIDMpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAo=',
      ['float32', [0, 3], []],
    ],
  ];
  for (const [title, base64, expected] of written) {
    it(`reads ${title}`, () => {
      assert.deepEqual(plain(valueOf(readNpy(fromBase64(base64)))), expected);
    });
  }

  const head = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
  const refusedFiles: readonly (readonly [string, Uint8Array, string])[] = [
    [
      'pickled objects',
      fromBase64(
        'k05VTVBZAQB2AHsnZGVzY3InOiAnfE8nLCAnZm9ydHJhbl9vcmRlcic6IEZhbHNlLCAnc2hhcGUnOiAoMSwpLCB9ICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAqABJWLAAAA',
      ),
      'test-data-dtype',
    ],
    [
      'strings',
      fromBase64(
        'k05VTVBZAQB2AHsnZGVzY3InOiAnPFUyJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAAYgAAAA==',
      ),
      'test-data-dtype',
    ],
    [
      'structured types',
      npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }"),
      'test-data-dtype',
    ],
    ['other bytes', Uint8Array.from({ length: 80 }, () => 65), 'malformed-test-data'],
    ['an empty file', new Uint8Array(0), 'malformed-test-data'],
    ['a header cut off', npy(`${head}(2,), }`).subarray(0, 30), 'malformed-test-data'],
    ['data cut off', npy(`${head}(2,), }`, new Uint8Array(7)), 'malformed-test-data'],
    ['a negative size', npy(`${head}(-1,), }`), 'malformed-test-data'],
    [
      'a header without shape',
      npy("{'descr': '<f4', 'fortran_order': False}"),
      'malformed-test-data',
    ],
    ['an exabyte', npy(`${head}(999999999999999, 1000), }`), 'test-data-too-large'],
    [
      'sizes whose product is infinite, and none',
      npy(`${head}(${'999999999999999,'.repeat(40)} 0), }`),
      'test-data-too-large',
    ],
  ];
  for (const [title, bytes, code] of refusedFiles) {
    it(`refuses ${title}`, () => {
      assert.equal(codeOf(readNpy(bytes)), code);
    });
  }

  it('takes every truncation of a good file without a throw', () => {
    const whole = fromBase64(written[1]?.[1] ?? '');
    for (let length = 0; length < whole.length; length++) {
      assert.equal(readNpy(whole.subarray(0, length)).ok, false);
    }
  });
});

describe('npz files', () => {
  it('reads what numpy.savez stored', () => {
    const arrays = valueOf(
      readNpz(
        fromBase64(
          'UEsDBC0AAAAAAAAAIQCxRkXq//////////8FABQAeC5ucHkBABAAiAAAAAAAAACIAAAAAAAAAJNOVU1QWQEAdgB7J2Rlc2NyJzogJzxmNCcsICdmb3J0cmFuX29yZGVyJzogRmFsc2UsICdzaGFwZSc6ICgxLCAyKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAKAACAPwAAAEBQSwMELQAAAAAAAAAhAEOdMRz//////////wUAFAB5Lm5weQEAEACIAAAAAAAAAIgAAAAAAAAAk05VTVBZAQB2AHsnZGVzY3InOiAnPGk4JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDEsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoDAAAAAAAAAFBLAQItAy0AAAAAAAAAIQCxRkXqiAAAAIgAAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLAQItAy0AAAAAAAAAIQBDnTEciAAAAIgAAAAFAAAAAAAAAAAAAACAAb8AAAB5Lm5weVBLBQYAAAAAAgACAGYAAAB+AQAAAAA=',
        ),
      ),
    );
    assert.deepEqual(
      arrays.map(({ name, data }) => [name, plain(data)]),
      [
        ['x', ['float32', [1, 2], [1, 2]]],
        ['y', ['int64', [1], [3]]],
      ],
    );
  });

  it('reads what numpy.savez_compressed deflated', () => {
    const [array] = valueOf(
      readNpz(
        fromBase64(
          'UEsDBC0AAAAIAAAAIQAOSJ/H//////////8FABQAeC5ucHkBABAAIAEAAAAAAABIAAAAAAAAAJvsF+obEMnIUMZQrZ6SWpxcpG6loG6TZqKuo6Cell9UUpSYF59flJIKEndLzClOBYoXZyQWpAL5GiYGOpo6CrUK5AMuhkEOAFBLAQItAy0AAAAIAAAAIQAOSJ/HSAAAACABAAAFAAAAAAAAAAAAAACAAQAAAAB4Lm5weVBLBQYAAAAAAQABADMAAAB/AAAAAAA=',
        ),
      ),
    );
    assert.deepEqual(array && plain(array.data), ['float32', [40], new Array(40).fill(0)]);
  });

  const zeros = (byteLength: number) =>
    npy(
      `{'descr': '|u1', 'fortran_order': False, 'shape': (${byteLength},), }`,
      new Uint8Array(byteLength),
    );

  it('ignores entries that are no arrays, and hostile names stay names', () => {
    const arrays = valueOf(
      readNpz(zipSync({ 'readme.txt': zeros(1), '../__proto__.npy': zeros(1) })),
    );
    assert.deepEqual(
      arrays.map((array) => array.name),
      ['../__proto__'],
    );
  });

  /** Overwrites the uncompressed size in the one entry of the zip's directory. */
  function withClaimedSize(zip: Uint8Array, byteLength: number): Uint8Array {
    const copy = zip.slice();
    const directory = Buffer.from(copy.buffer).lastIndexOf(Buffer.from('PK\x01\x02', 'latin1'));
    new DataView(copy.buffer).setUint32(directory + 24, byteLength, true);
    return copy;
  }

  const small = zipSync({ 'x.npy': zeros(100_000) });
  const refusedFiles: readonly (readonly [string, Uint8Array, string])[] = [
    ['no zip', zeros(10), 'malformed-test-data'],
    ['an empty file', new Uint8Array(0), 'malformed-test-data'],
    [
      'a size larger than deflate can reach',
      withClaimedSize(small, 900_000_000),
      'malformed-test-data',
    ],
    ['a size smaller than the data', withClaimedSize(small, 200), 'malformed-test-data'],
    [
      'too many arrays',
      zipSync(
        Object.fromEntries(
          Array.from({ length: 4097 }, (_, index) => [`${index}.npy`, new Uint8Array(0)]),
        ),
        { level: 0 },
      ),
      'test-data-too-large',
    ],
    ['an array that is none', zipSync({ 'x.npy': new Uint8Array(9) }), 'malformed-test-data'],
  ];
  for (const [title, bytes, code] of refusedFiles) {
    it(`refuses ${title}`, () => {
      assert.equal(codeOf(readNpz(bytes)), code);
    });
  }

  it('refuses more than memory holds before unpacking it', () => {
    // 1.1 MB of deflated zeros for each claimed GB: within deflate's ratio, above the cap together.
    const entry = zipSync({ 'x.npy': new Uint8Array(1_100_000) }, { level: 0 });
    assert.equal(codeOf(readNpz(withClaimedSize(entry, 1_100_000_000))), 'test-data-too-large');
  });
});

describe('TensorProto files', () => {
  // Written by onnx.helper / onnx.numpy_helper.
  const written: readonly (readonly [string, string, string, readonly unknown[]])[] = [
    ['raw_data', 'CAIIAhABQgF4ShAAAIA/AAAAQAAAQEAAAIBA', 'x', ['float32', [2, 2], [1, 2, 3, 4]]],
    ['float_data', 'CAIQASIIAADAPwAAAMBCAXg=', 'x', ['float32', [2], [1.5, -2]]],
    ['bools in int32_data', 'CAMQCSoDAQABQgFi', 'b', ['bool', [3], [1, 0, 1]]],
    ['float16 in int32_data', 'CAIQCioFgHiA8AJCAWg=', 'h', ['float16', [2], [1, -0.5]]],
    ['strings', 'CAIQCDIBYTICw7xCAXM=', 's', ['string', [2], ['a', 'ü']]],
  ];
  for (const [title, base64, name, expected] of written) {
    it(`reads ${title}`, async () => {
      const tensor = valueOf(await readTensorProto(fromBase64(base64)));
      assert.equal(tensor.name, name);
      assert.deepEqual(plain(tensor.data), expected);
    });
  }

  it('keeps all 64 bits of int64_data', async () => {
    const { data } = valueOf(
      await readTensorProto(fromBase64('CAIQBzoSgYCAgICAgBD///////////8BQgFp')),
    );
    assert.ok(data.dtype === 'int64');
    assert.deepEqual(
      new BigInt64Array(data.bytes.slice().buffer),
      BigInt64Array.from([2n ** 53n + 1n, -1n]),
    );
  });

  it('reads payloads too large to be kept in the graph', async () => {
    const elements = Float32Array.from({ length: 1000 }, (_, index) => index);
    // dims: [1000], data_type: FLOAT, raw_data: 4000 bytes.
    const head = [0x08, 0xe8, 0x07, 0x10, 0x01, 0x4a, 0xa0, 0x1f];
    const bytes = Uint8Array.from([...head, ...new Uint8Array(elements.buffer)]);
    const { data } = valueOf(await readTensorProto(bytes));
    assert.deepEqual(plain(data), ['float32', [1000], Array.from(elements)]);
  });

  it('refuses a payload shorter than the dims', async () => {
    assert.equal(
      codeOf(await readTensorProto(fromBase64('CAQQAUIFc2hvcnRKBDEyMzQ='))),
      'tensor-size-mismatch',
    );
  });

  it('refuses bytes that are no message', async () => {
    assert.equal((await readTensorProto(Uint8Array.from([0xff, 0xff, 0xff]))).ok, false);
  });
});
