import assert from 'node:assert/strict';
import type { AttributeValue, Model, Tensor, ValueType } from '../../../server/src/core/graph';
import { producerOf } from '../../../server/src/core/graph';
import { toBigint } from '../../../server/src/core/onnx/decode-numbers';
import {
  encodeAttribute,
  encodeModel,
  encodeNode,
  encodeOpset,
  encodeStringEntry,
  encodeTensor,
  encodeTensorHeader,
  encodeType,
} from '../../../server/src/core/onnx/encode';
import { onnx } from '../../../server/src/core/onnx/proto';
import {
  concatBytes,
  floatField,
  intField,
  lengthDelimited,
  stringField,
  tag,
  varint,
  varint64,
} from '../../../server/src/core/onnx/protobuf-write';

const noMetadata = new Map<string, string>();
const text = (value: string) => new TextEncoder().encode(value);
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(' ');

function tensor(
  dims: readonly number[],
  storage: Tensor['storage'],
  more?: Partial<Tensor>,
): Tensor {
  return {
    name: 'w',
    docString: '',
    dtype: 'float32',
    dtypeCode: 1,
    dims,
    elementCount: dims.reduce((product, dim) => product * dim, 1),
    storage,
    metadata: noMetadata,
    ...more,
  };
}

function floats(...values: number[]): Tensor['storage'] {
  return { kind: 'inline', bytes: new Uint8Array(Float32Array.from(values).buffer) };
}

const floatMatrix: ValueType = { kind: 'tensor', dtype: 'float32', dims: [2, 'N', null] };

function addModel(w: Tensor): Model {
  const info = (name: string, type: ValueType) => ({
    name,
    type,
    docString: '',
    metadata: noMetadata,
  });
  const vector: ValueType = { kind: 'tensor', dtype: 'float32', dims: [2] };
  return {
    irVersion: 8,
    ...producerOf('test', '1.0'),
    domain: '',
    modelVersion: 3n,
    docString: '',
    metadata: new Map([['key', 'value']]),
    opsets: new Map([['', 17]]),
    functions: [],
    graph: {
      name: 'g',
      path: 'main',
      docString: '',
      inputs: [info('x', vector)],
      outputs: [info('y', vector)],
      valueInfos: [],
      nodes: [
        {
          index: 0,
          name: 'add',
          path: 'main/add',
          opType: 'Add',
          domain: '',
          overload: '',
          inputs: ['x', 'w'],
          outputs: ['y'],
          attributes: new Map(),
          docString: '',
          metadata: noMetadata,
        },
      ],
      initializers: [w],
      sparseInitializers: [],
      initializerByName: new Map([['w', w]]),
      metadata: noMetadata,
    },
  };
}

/** Field numbers of a message, in the order they are written. */
function fieldNumbers(message: Uint8Array): number[] {
  const numbers: number[] = [];
  let at = 0;
  const next = () => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.byteLength) {
    const key = next();
    numbers.push(Math.floor(key / 8));
    if (key % 8 === 0) next();
    else if (key % 8 === 5) at += 4;
    else {
      const length = next();
      at += length;
    }
  }
  return numbers;
}

describe('protobuf writing', () => {
  // 150 and "testing" are the examples of protobuf.dev/programming-guides/encoding.
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['varint 150', varint(150), '96 01'],
    ['varint 0', varint(0), '00'],
    ['varint beyond 32 bits', varint(2 ** 35), '80 80 80 80 80 01'],
    ['varint 2^53 - 1', varint(Number.MAX_SAFE_INTEGER), 'ff ff ff ff ff ff ff 0f'],
    ['int64 -1 takes ten bytes', varint64(-1n), 'ff ff ff ff ff ff ff ff ff 01'],
    ['int64 minimum', varint64(-(1n << 63n)), '80 80 80 80 80 80 80 80 80 01'],
    ['tag of a high field', tag(25, 'length-delimited'), 'ca 01'],
    ['field 1: 150', intField(1, 150), '08 96 01'],
    ['negative number field', intField(1, -2), '08 fe ff ff ff ff ff ff ff ff 01'],
    ['field 2: "testing"', stringField(2, 'testing'), '12 07 74 65 73 74 69 6e 67'],
    ['float 1', floatField(2, 1), '15 00 00 80 3f'],
    ['bytes', lengthDelimited(3, Uint8Array.of(1, 2)), '1a 02 01 02'],
    ['a name that was not UTF-8', stringField(1, 'a\udcffb'), '0a 03 61 ff 62'],
  ];
  for (const [name, actual, expected] of cases) {
    it(name, () => {
      assert.equal(hex(actual), expected);
    });
  }
});

describe('encoded attributes', () => {
  const graph = addModel(tensor([2], floats(1, 2))).graph;
  const sparse = {
    values: tensor([1], floats(5)),
    indices: tensor([1], { kind: 'none' }, { name: '', dtype: 'int64', dtypeCode: 7 }),
    dims: [3, 3],
  };
  // The number is AttributeProto.AttributeType of onnx.proto, the text one of the value's fields.
  const cases: readonly (readonly [AttributeValue, number, keyof onnx.IAttributeProto])[] = [
    [{ kind: 'float', value: 0.5 }, 1, 'f'],
    [{ kind: 'int', value: -(1n << 63n) }, 2, 'i'],
    [{ kind: 'string', value: Uint8Array.of(0xff, 0) }, 3, 's'],
    [{ kind: 'tensor', value: tensor([2], floats(1, 2)) }, 4, 't'],
    [{ kind: 'graph', value: graph }, 5, 'g'],
    [{ kind: 'floats', value: [1.5, NaN] }, 6, 'floats'],
    [{ kind: 'ints', value: [1n, 9007199254740993n] }, 7, 'ints'],
    [{ kind: 'strings', value: [text('a'), text('')] }, 8, 'strings'],
    [{ kind: 'tensors', value: [tensor([1], floats(1))] }, 9, 'tensors'],
    [{ kind: 'graphs', value: [graph, graph] }, 10, 'graphs'],
    [{ kind: 'sparse-tensor', value: sparse }, 11, 'sparseTensor'],
    [{ kind: 'sparse-tensors', value: [sparse] }, 12, 'sparseTensors'],
    [{ kind: 'type', value: floatMatrix }, 13, 'tp'],
    [{ kind: 'types', value: [floatMatrix] }, 14, 'typeProtos'],
  ];
  for (const [value, type, field] of cases) {
    it(value.kind, () => {
      const bytes = encodeAttribute({ name: 'a', value });
      const decoded = onnx.AttributeProto.decode(bytes);
      assert.equal(decoded.name, 'a');
      assert.equal(decoded.type, type);
      const others = cases.map(([, , other]) => other).filter((other) => other !== field);
      assert.ok(Object.hasOwn(decoded, field), `${field} is set`);
      assert.deepEqual(
        others.filter((other) => Object.hasOwn(decoded, other) && hasContent(decoded[other])),
        [],
      );
      const numbers = fieldNumbers(bytes);
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
        'ascending fields',
      );
    });
  }

  function hasContent(value: unknown): boolean {
    return !Array.isArray(value) || value.length > 0;
  }

  it('keeps all 64 bits of integers', () => {
    const value: AttributeValue = { kind: 'ints', value: [-(1n << 63n), 9007199254740993n, -1n] };
    const decoded = onnx.AttributeProto.decode(encodeAttribute({ name: 'a', value }));
    assert.deepEqual(decoded.ints.map(toBigint), value.value);
  });

  it('writes the type but no value for a reference to the caller', () => {
    const value: AttributeValue = { kind: 'float', value: 3 };
    const decoded = onnx.AttributeProto.decode(
      encodeAttribute({ name: 'alpha', refName: 'beta', value }),
    );
    assert.equal(decoded.refAttrName, 'beta');
    assert.equal(decoded.type, 1);
    assert.ok(!Object.hasOwn(decoded, 'f'));
  });
});

describe('encoded tensors', () => {
  it('header and payload make a TensorProto', () => {
    const payload = new Uint8Array(Float32Array.of(1, 2, 3, 4, 5, 6).buffer);
    const { head } = encodeTensorHeader(
      { name: 'w', dtype: 'float32', dims: [2, 3] },
      payload.byteLength,
    );
    const decoded = onnx.TensorProto.decode(concatBytes([head, payload]));
    assert.equal(decoded.name, 'w');
    assert.equal(decoded.dataType, 1);
    assert.deepEqual(decoded.dims.map(Number), [2, 3]);
    assert.deepEqual(Array.from(decoded.rawData), Array.from(payload));
  });

  it('announces payloads over 4 GiB', () => {
    const { head } = encodeTensorHeader({ name: '', dtype: 'int8', dims: [5e9] }, 5e9);
    // 5e9 = 0x12A05F200 in groups of seven bits, lowest first, after the tag of raw_data (9).
    assert.equal(hex(head.subarray(-6)), '4a 80 e4 97 d0 12');
  });

  it('strings go to string_data', () => {
    const values = [text('ä'), text('')];
    const bytes = encodeTensor(
      tensor([2], { kind: 'strings', values }, { dtype: 'string', dtypeCode: 8 }),
    );
    const decoded = onnx.TensorProto.decode(bytes);
    assert.deepEqual(
      decoded.stringData.map((one) => Array.from(one)),
      values.map((one) => Array.from(one)),
    );
  });

  it('external data keeps its place', () => {
    const storage = { kind: 'external', location: 'w.bin', offset: 4096, byteLength: 8 } as const;
    const decoded = onnx.TensorProto.decode(encodeTensor(tensor([2], storage)));
    assert.equal(decoded.dataLocation, onnx.TensorProto.DataLocation.EXTERNAL);
    assert.deepEqual(
      decoded.externalData.map(({ key, value }) => `${key ?? ''}=${value ?? ''}`),
      ['location=w.bin', 'offset=4096', 'length=8'],
    );
  });

  it('a payload in the model file becomes a reference only when the file has a name', () => {
    const inFile = tensor([2], { kind: 'raw', offset: 100, byteLength: 8 });
    const named = onnx.TensorProto.decode(encodeTensor(inFile, { weightsLocation: 'a.onnx' }));
    assert.equal(named.externalData[0]?.value, 'a.onnx');
    assert.deepEqual(onnx.TensorProto.decode(encodeTensor(inFile)).externalData, []);
  });
});

describe('encoded nodes, types and entries', () => {
  it('a node keeps omitted inputs, domain, overload, docs and metadata', () => {
    const bytes = encodeNode({
      name: 'n',
      opType: 'QLinearAdd',
      domain: 'com.microsoft',
      inputs: ['a', '', 'c'],
      outputs: ['y'],
      attributes: [{ name: 'axis', value: { kind: 'int', value: -1n } }],
      docString: 'why',
      metadata: new Map([['scope', 'layer1']]),
    });
    const decoded = onnx.NodeProto.decode(bytes);
    assert.deepEqual(decoded.input, ['a', '', 'c']);
    assert.deepEqual(decoded.output, ['y']);
    assert.equal(decoded.domain, 'com.microsoft');
    assert.equal(decoded.docString, 'why');
    assert.equal(decoded.attribute[0]?.name, 'axis');
    // metadata_props (9) is newer than onnx-proto's schema.
    assert.deepEqual(fieldNumbers(bytes), [1, 1, 1, 2, 3, 4, 5, 6, 7, 9]);
  });

  it('types nest', () => {
    const decoded = onnx.TypeProto.decode(
      encodeType({
        kind: 'sequence',
        element: {
          kind: 'map',
          keyType: 'string',
          value: { kind: 'optional', element: floatMatrix },
        },
      }),
    );
    const map = decoded.sequenceType?.elemType?.mapType;
    assert.equal(map?.keyType, 8);
    const dims = map.valueType?.optionalType?.elemType?.tensorType?.shape?.dim ?? [];
    assert.equal(Number(dims[0]?.dimValue), 2);
    assert.equal(dims[1]?.dimParam, 'N');
    assert.deepEqual(Object.keys(dims[2] ?? {}), []);
  });

  it('a scalar has a shape, an unknown rank has none', () => {
    const shapeOf = (dims: readonly number[] | null) =>
      onnx.TypeProto.decode(encodeType({ kind: 'tensor', dtype: 'int2', dims })).tensorType;
    assert.deepEqual(shapeOf([])?.shape?.dim, []);
    assert.ok(!Object.hasOwn(shapeOf(null) ?? {}, 'shape'));
    assert.equal(shapeOf([])?.elemType, 26);
  });

  it('opset and metadata entries', () => {
    const opset = onnx.OperatorSetIdProto.decode(encodeOpset('ai.onnx.ml', 3));
    assert.equal(opset.domain, 'ai.onnx.ml');
    assert.equal(Number(opset.version), 3);
    const entry = onnx.StringStringEntryProto.decode(encodeStringEntry('k', ''));
    assert.deepEqual([entry.key, entry.value], ['k', '']);
  });
});

describe('an encoded model', () => {
  it('runs in ONNX Runtime', async function () {
    const runtime = await import('onnxruntime-node').catch(() => null);
    // An optional dependency: there are platforms without its binary.
    if (runtime === null) return this.skip();
    const bytes = encodeModel(addModel(tensor([2], floats(10, 20))));
    const session = await runtime.InferenceSession.create(bytes);
    const x = new runtime.Tensor('float32', Float32Array.of(1, 2), [2]);
    const { y } = await session.run({ x });
    assert.deepEqual(Array.from(y?.data as Float32Array), [11, 22]);
    await session.release();
  });
});
