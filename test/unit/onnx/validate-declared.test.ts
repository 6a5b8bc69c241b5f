import assert from 'node:assert/strict';
import { bytesOf, dataTypeFromCode, dataTypes, isFloat } from '../../../server/src/core/dtype';
import { elementLiterals, packIntegers } from '../../../server/src/core/onnx/text-elements';
import { packBits, unpackBits } from '../../../server/src/core/tensor-values';
import {
  attributeOf,
  firstTensor,
  modelOf,
  readBytes,
  readClean,
  tensorOf,
} from '../../support/onnx';
import {
  concat,
  float,
  int,
  message,
  onnxField as f,
  packedInts,
  text,
} from '../../support/protobuf';

/** An input `x` of this element type and these dims. */
function inputOf(elementType: number, ...dims: readonly Uint8Array[]): Uint8Array {
  const shape = message(f.tensorType.shape, ...dims.map((dim) => message(f.shape.dim, dim)));
  const type = message(
    f.valueInfo.type,
    message(f.type.tensor, int(f.tensorType.elemType, elementType), shape),
  );
  return modelOf(message(f.graph.input, text(f.valueInfo.name, 'x'), type));
}

const size = (value: number | bigint): Uint8Array => int(f.dim.value, value);

describe('reading declared types', () => {
  for (const [name, bytes, codes] of [
    ['sizes and names', inputOf(1, size(0), size(2n ** 53n - 1n), text(f.dim.param, 'N')), []],
    ['-1', inputOf(1, size(-1)), ['negative-dim']],
    ['another negative size', inputOf(1, size(-5)), ['invalid-dims']],
    ['the least number', inputOf(1, size(-(2n ** 63n))), ['invalid-dims']],
    ['the greatest number', inputOf(1, size(2n ** 63n - 1n)), ['invalid-dims']],
    ['an absurd rank', inputOf(1, ...Array.from({ length: 200 }, () => size(2))), ['invalid-dims']],
    ['an element type of nobody', inputOf(99), ['unknown-dtype']],
    ['no element type', inputOf(0), []],
  ] as const) {
    it(`${name}: ${codes.join(', ') || 'nothing'}`, async () => {
      const { read, problems } = await readBytes(bytes);
      assert.ok(read);
      assert.deepEqual(
        problems.map(({ code }) => code),
        codes,
      );
      for (const message of problems.map((problem) => problem.message)) {
        assert.ok(message.length <= 120, message);
      }
    });
  }
});

describe('reading attributes', () => {
  // AttributeProto.AttributeType: FLOAT 1, INT 2, STRING 3.
  for (const [name, bytes, codes] of [
    ['a value of its type', concat(int(f.attribute.type, 1), float(f.attribute.f, 1)), []],
    ['no type, as in IR 1', float(f.attribute.f, 1), []],
    ['a type and no value', int(f.attribute.type, 1), []],
    [
      'a value that is not of its type',
      concat(int(f.attribute.type, 1), int(f.attribute.i, 3)),
      ['wrong-attribute-type'],
    ],
    [
      'two values',
      concat(int(f.attribute.type, 1), float(f.attribute.f, 1), int(f.attribute.i, 3)),
      ['wrong-attribute-type'],
    ],
    [
      'a list where a number is announced',
      concat(int(f.attribute.type, 2), packedInts(f.attribute.ints, [1, 2])),
      ['wrong-attribute-type'],
    ],
  ] as const) {
    it(`${name}: ${codes.join(', ') || 'nothing'}`, async () => {
      assert.deepEqual((await readBytes(attributeOf(bytes))).codes, codes);
    });
  }
});

describe('element types', () => {
  it('are numbered as in onnx.proto, through IR 14', () => {
    assert.deepEqual(
      dataTypes.map(({ code }) => code),
      Array.from({ length: 28 }, (_, index) => index + 1),
    );
    assert.equal(dataTypeFromCode(27), 'float6e2m3');
    assert.equal(dataTypeFromCode(28), 'float6e3m2');
    assert.equal(dataTypeFromCode(29), undefined);
  });

  it('take whole bytes together, packed ones rounded up', () => {
    assert.equal(bytesOf('float6e2m3', 4), 3);
    assert.equal(bytesOf('float6e3m2', 7), 6);
    assert.equal(bytesOf('int4', 3), 2);
    assert.equal(bytesOf('uint2', 5), 2);
    assert.equal(bytesOf('int2', 2 ** 53 - 1), 2 ** 51);
    assert.equal(bytesOf('float32', 3), 12);
    assert.equal(bytesOf('string', 3), null);
    assert.ok(isFloat('float6e2m3'));
  });

  // Bytes that onnx.helper.make_tensor of onnx 1.23 writes for these seven elements.
  const sixBits = [1, 2, 3, 63, 32, 7, 9];
  const packed = Uint8Array.of(129, 48, 252, 224, 145, 0);

  it('of six bits lie four in three bytes', () => {
    assert.deepEqual(packBits(sixBits, 6), packed);
    assert.deepEqual(unpackBits(packed, 6, 7), sixBits);
    assert.deepEqual(packIntegers(sixBits.map(BigInt), 6), packed);
  });

  it('of six bits are the same from raw_data and from int32_data, where each takes a number', async () => {
    const head = concat(int(f.tensor.dims, 7), int(f.tensor.dataType, 27));
    const raw = await readClean(tensorOf(head, text(f.tensor.rawData, packed)));
    const typed = await readClean(tensorOf(head, packedInts(f.tensor.int32Data, sixBits)));
    for (const model of [raw, typed]) {
      const tensor = firstTensor(model);
      assert.deepEqual(tensor.storage, { kind: 'inline', bytes: packed });
      assert.deepEqual(elementLiterals(tensor), sixBits.map(String));
    }
  });
});
