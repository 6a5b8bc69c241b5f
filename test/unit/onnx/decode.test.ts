import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readTensor } from '../../../server/src/core/onnx/decode';
import { toBigint } from '../../../server/src/core/onnx/decode-numbers';
import { onnx } from '../../../server/src/core/onnx/proto';
import { clampToSafe } from '../../../server/src/core/attributes';
import type { AttributeValue, Graph, Node, ValueType } from '../../../server/src/core/graph';
import { createProblemSink } from '../../../server/src/core/problem';
import { sourceFromBytes } from '../../../server/src/core/source';
import { inlineValues } from '../../../server/src/core/tensor-values';
import { corpus, corpusModels, hasCorpus } from '../../support/corpus';
import {
  attributeOf,
  bodyOf,
  firstNode,
  firstTensor,
  modelOf,
  nodeOf,
  present,
  readBytes,
  readClean,
  tensorOf,
} from '../../support/onnx';
import {
  concat,
  double,
  float,
  floatBytes,
  int,
  join,
  message,
  nest,
  onnxField as f,
  packedInts,
  text,
  unpackedInts,
  varint,
} from '../../support/protobuf';

const { attribute, tensor } = f;

async function attributeValue(...content: readonly Uint8Array[]): Promise<AttributeValue> {
  const node = firstNode(await readClean(attributeOf(...content)));
  return present(node.attributes.get('a')).value;
}

describe('decode: integers keep all 64 bits', () => {
  const values = [0n, 1n, -1n, 2n ** 31n, 2n ** 53n + 1n, 2n ** 63n - 1n, -(2n ** 63n)];
  for (const value of values) {
    it(`${value} as an attribute`, async () => {
      assert.deepEqual(await attributeValue(int(attribute.i, value), int(attribute.type, 2)), {
        kind: 'int',
        value,
      });
    });

    it(`${value} in a list and in a tensor`, async () => {
      const list = await attributeValue(
        unpackedInts(attribute.ints, [value, value]),
        int(attribute.type, 7),
      );
      assert.deepEqual(list, { kind: 'ints', value: [value, value] });
      const model = await readClean(
        tensorOf(
          int(tensor.dims, 1),
          int(tensor.dataType, 7),
          packedInts(tensor.int64Data, [value]),
        ),
      );
      assert.deepEqual(inlineValues(firstTensor(model)), [value]);
    });
  }

  it('clamp to the safe range where a number is wanted', () => {
    assert.equal(clampToSafe(2n ** 63n - 1n), Number.MAX_SAFE_INTEGER);
    assert.equal(clampToSafe(-(2n ** 63n)), Number.MIN_SAFE_INTEGER);
  });
});

describe('decode: dims of tensors', () => {
  const cases: readonly (readonly [
    string,
    readonly (number | bigint)[],
    number | null,
    string[],
  ])[] = [
    ['a scalar', [], 1, ['tensor-without-data']],
    ['zero elements', [3, 0], 0, []],
    ['a negative dim', [2, -1], null, ['invalid-dims']],
    ['2^53 + 1', [2n ** 53n + 1n], null, ['invalid-dims']],
    ['INT64_MAX', [2n ** 63n - 1n], null, ['invalid-dims']],
    ['a product beyond 2^53', [2 ** 30, 2 ** 30], null, ['tensor-too-large']],
    ['a product beyond 2^53, but empty', [2 ** 30, 2 ** 30, 0], 0, []],
    ['65 dims', Array.from({ length: 65 }, () => 1), null, ['invalid-dims']],
    ['64 dims', Array.from({ length: 64 }, () => 1), 1, ['tensor-without-data']],
  ];
  for (const [name, dims, elementCount, expected] of cases) {
    it(name, async () => {
      const { read, codes } = await readBytes(
        tensorOf(unpackedInts(tensor.dims, dims), int(tensor.dataType, 1)),
      );
      assert.equal(firstTensor(present(read).model).elementCount, elementCount);
      assert.deepEqual(
        codes.filter((code) => elementCount !== null || code !== 'tensor-without-data'),
        expected,
      );
    });
  }
});

describe('decode: elements by dtype and field', () => {
  // Element types by their numbers in TensorProto.DataType; bit patterns from IEEE 754 and the field comments there.
  const cases: readonly (readonly [string, number, number, Uint8Array, readonly number[]])[] = [
    [
      'float16 bits in int32_data',
      10,
      3,
      packedInts(5, [0x3e00, 0xc000, 0x7bff]),
      [1.5, -2, 65504],
    ],
    ['float16 raw', 10, 1, message(9, Uint8Array.of(0x00, 0x3e)), [1.5]],
    ['bfloat16 bits in int32_data', 16, 2, packedInts(5, [0x3fc0, 0xc000]), [1.5, -2]],
    ['bfloat16 raw', 16, 1, message(9, Uint8Array.of(0xc0, 0x3f)), [1.5]],
    ['int8 in int32_data', 3, 2, packedInts(5, [-128, 127]), [-128, 127]],
    ['uint8 in int32_data', 2, 1, unpackedInts(5, [255]), [255]],
    ['int16 in int32_data', 5, 2, packedInts(5, [-32768, 5]), [-32768, 5]],
    ['uint16 in int32_data', 4, 1, packedInts(5, [65535]), [65535]],
    ['bool in int32_data', 9, 2, packedInts(5, [1, 0]), [1, 0]],
    ['int4 in int32_data, two a number', 22, 3, packedInts(5, [0x7f, 0x08]), [-1, 7, -8]],
    ['int4 raw', 22, 3, message(9, Uint8Array.of(0x7f, 0x08)), [-1, 7, -8]],
    ['uint4 in int32_data', 21, 3, packedInts(5, [0x7f, 0x08]), [15, 7, 8]],
    ['uint2 raw', 25, 5, message(9, Uint8Array.of(0b11_10_01_00, 0b10)), [0, 1, 2, 3, 2]],
    ['int2 raw', 26, 4, message(9, Uint8Array.of(0b11_10_01_00)), [0, 1, -2, -1]],
    ['float in float_data', 1, 2, concat(float(4, 0.5), float(4, -0)), [0.5, -0]],
    ['double in double_data', 11, 1, double(10, 1e300), [1e300]],
    ['uint32 in uint64_data', 12, 1, packedInts(11, [2 ** 32 - 1]), [2 ** 32 - 1]],
    ['int32 beyond 31 bits in int32_data', 6, 1, packedInts(5, [-(2 ** 31)]), [-(2 ** 31)]],
  ];
  for (const [name, dtype, count, payload, expected] of cases) {
    it(name, async () => {
      const model = await readClean(
        tensorOf(int(tensor.dims, count), int(tensor.dataType, dtype), payload),
      );
      assert.deepEqual(inlineValues(firstTensor(model)), expected);
    });
  }

  it('strings, with any bytes', async () => {
    const model = await readClean(
      tensorOf(
        int(tensor.dims, 3),
        int(tensor.dataType, 8),
        text(tensor.stringData, 'a'),
        text(tensor.stringData, ''),
        text(tensor.stringData, Uint8Array.of(0xff)),
      ),
    );
    assert.deepEqual(firstTensor(model).storage, {
      kind: 'strings',
      values: [Uint8Array.of(0x61), new Uint8Array(0), Uint8Array.of(0xff)],
    });
  });

  it('complex numbers are two floats', async () => {
    const model = await readClean(
      tensorOf(int(tensor.dims, 2), int(tensor.dataType, 14), message(4, floatBytes(1, 2, 3, 4))),
    );
    assert.deepEqual(firstTensor(model).storage, {
      kind: 'inline',
      bytes: floatBytes(1, 2, 3, 4),
    });
  });

  const floats = message(tensor.floatData, floatBytes(1, 2));
  const wrong: readonly (readonly [string, Uint8Array, string[]])[] = [
    ['too few floats', concat(int(1, 3), int(2, 1), floats), ['tensor-size-mismatch']],
    ['too many floats', concat(int(1, 1), int(2, 1), floats), ['tensor-size-mismatch']],
    [
      'too few integers',
      concat(int(1, 3), int(2, 7), packedInts(7, [1])),
      ['tensor-size-mismatch'],
    ],
    [
      'too many integers',
      concat(int(1, 1), int(2, 6), packedInts(5, [1, 2])),
      ['tensor-size-mismatch'],
    ],
    [
      'an integer cut off',
      concat(int(1, 1), int(2, 7), message(7, Uint8Array.of(0x80))),
      ['tensor-size-mismatch'],
    ],
    ['too few strings', concat(int(1, 2), int(2, 8), text(6, 'a')), ['tensor-size-mismatch']],
    [
      'too little raw data',
      concat(int(1, 2), int(2, 1), message(9, new Uint8Array(7))),
      ['tensor-size-mismatch'],
    ],
    [
      'too much raw data',
      concat(int(1, 2), int(2, 1), message(9, new Uint8Array(9))),
      ['tensor-size-mismatch'],
    ],
    ['floats as int64', concat(int(1, 2), int(2, 7), floats), ['tensor-size-mismatch']],
    [
      'raw and typed data',
      concat(int(1, 2), int(2, 1), floats, message(9, floatBytes(3, 4))),
      ['tensor-two-payloads'],
    ],
    [
      'an unknown dtype',
      concat(int(1, 1), int(2, 99), message(9, Uint8Array.of(1))),
      ['unknown-dtype'],
    ],
    ['no dtype', concat(int(1, 1), message(9, Uint8Array.of(1))), ['unknown-dtype']],
    ['no data', concat(int(1, 2), int(2, 1)), ['tensor-without-data']],
  ];
  for (const [name, content, expected] of wrong) {
    it(`${name} is one problem`, async () => {
      const { read, codes } = await readBytes(tensorOf(content));
      assert.ok(read);
      assert.deepEqual(codes, expected);
    });
  }

  it('raw data is used when typed data is there too, in either order', async () => {
    const raw = message(tensor.rawData, floatBytes(3, 4));
    for (const data of [concat(floats, raw), concat(raw, floats)]) {
      const { read } = await readBytes(tensorOf(int(1, 2), int(2, 1), data));
      assert.deepEqual(inlineValues(firstTensor(present(read).model)), [3, 4]);
    }
  });
});

describe('decode: attributes', () => {
  const named = (type: number, ...content: readonly Uint8Array[]) =>
    attributeValue(...content, int(attribute.type, type));
  const stored = concat(int(1, 1), int(2, 2), message(9, Uint8Array.of(5)));

  it('of each simple type', async () => {
    assert.deepEqual(await named(1, float(attribute.f, 0.5)), { kind: 'float', value: 0.5 });
    assert.deepEqual(await named(2, int(attribute.i, -3)), { kind: 'int', value: -3n });
    assert.deepEqual(await named(3, text(attribute.s, Uint8Array.of(0xff))), {
      kind: 'string',
      value: Uint8Array.of(0xff),
    });
    assert.deepEqual(await named(8, text(attribute.strings, 'a'), text(attribute.strings, '')), {
      kind: 'strings',
      value: [Uint8Array.of(0x61), new Uint8Array(0)],
    });
  });

  it('with defaults where proto3 writers leave zeros out', async () => {
    assert.deepEqual(await named(1), { kind: 'float', value: 0 });
    assert.deepEqual(await named(2), { kind: 'int', value: 0n });
    assert.deepEqual(await named(7), { kind: 'ints', value: [] });
  });

  it('without a declared type, as in IR 1: by the field that is set', async () => {
    const cases: readonly (readonly [Uint8Array, string])[] = [
      [float(attribute.f, 0), 'float'],
      [int(attribute.i, 0), 'int'],
      [text(attribute.s, ''), 'string'],
      [message(attribute.t, stored), 'tensor'],
      [message(attribute.g), 'graph'],
      [float(attribute.floats, 1), 'floats'],
      [int(attribute.ints, 1), 'ints'],
      [text(attribute.strings, ''), 'strings'],
      [message(attribute.tensors, stored), 'tensors'],
      [message(attribute.graphs), 'graphs'],
      [message(attribute.tp), 'type'],
      [new Uint8Array(0), 'none'],
    ];
    for (const [content, kind] of cases) assert.equal((await attributeValue(content)).kind, kind);
  });

  it('a type number that the schema does not have counts as none, as protobuf has it', async () => {
    assert.deepEqual(await named(99, int(attribute.i, 4)), { kind: 'int', value: 4n });
    assert.deepEqual(await named(-1, int(attribute.i, 4)), { kind: 'int', value: 4n });
  });

  it('a reference to the caller’s attribute has no value, and that is no problem', async () => {
    const node = firstNode(
      await readClean(attributeOf(text(attribute.refName, 'outer'), int(attribute.type, 4))),
    );
    assert.equal(node.attributes.get('a')?.refName, 'outer');
  });

  it('given twice: the first one counts', async () => {
    const one = (value: number) =>
      message(f.node.attribute, text(attribute.name, '__proto__'), int(attribute.i, value));
    const { read, codes } = await readBytes(nodeOf(one(1), one(2)));
    const node = firstNode(present(read).model);
    assert.deepEqual(node.attributes.get('__proto__')?.value, { kind: 'int', value: 1n });
    assert.deepEqual(codes, ['duplicate-attribute']);
  });
});

describe('decode: value types', () => {
  const typeOf = async (type: Uint8Array): Promise<ValueType> => {
    const model = await readClean(
      modelOf(message(f.graph.input, text(1, 'x'), message(f.valueInfo.type, type))),
    );
    return present(model.graph.inputs[0]).type;
  };
  const float32 = message(f.type.tensor, int(f.tensorType.elemType, 1));
  const plain = { kind: 'tensor', dtype: 'float32', dims: null } as const;

  it('tensor, sparse tensor, sequence, optional, map', async () => {
    assert.deepEqual(await typeOf(float32), plain);
    assert.deepEqual(await typeOf(message(f.type.sparse, int(1, 7))), {
      kind: 'sparse-tensor',
      dtype: 'int64',
      dims: null,
    });
    assert.deepEqual(await typeOf(message(f.type.sequence, message(1, float32))), {
      kind: 'sequence',
      element: plain,
    });
    assert.deepEqual(await typeOf(message(f.type.optional, message(1, float32))), {
      kind: 'optional',
      element: plain,
    });
    assert.deepEqual(await typeOf(message(f.type.map, int(1, 8), message(2, float32))), {
      kind: 'map',
      keyType: 'string',
      value: plain,
    });
  });

  it('a rank of 65 is not a rank of 64: it is unknown', async () => {
    const dims = join(Array.from({ length: 65 }, () => message(f.shape.dim, int(1, 2))));
    const type = message(f.type.tensor, int(1, 1), message(f.tensorType.shape, dims));
    const { read, codes } = await readBytes(
      modelOf(message(f.graph.input, message(f.valueInfo.type, type))),
    );
    assert.deepEqual(present(read).model.graph.inputs[0]?.type, plain);
    assert.deepEqual(codes, ['invalid-dims']);
  });

  it('a type nested deeper than anyone needs ends as unknown', async () => {
    const deep = nest(Array.from({ length: 45 }, () => [4, 1]).flat(), float32);
    let type = await typeOf(deep);
    let depth = 0;
    for (; type.kind === 'sequence'; depth++) type = type.element;
    assert.equal(type.kind, 'unknown');
    assert.ok(depth < 45);
  });
});

describe('decode: the model', () => {
  it('both spellings of the default domain are one', async () => {
    const model = await readClean(
      concat(
        message(f.model.opset, text(f.opset.domain, 'ai.onnx'), int(f.opset.version, 17)),
        message(f.model.opset, text(f.opset.domain, 'com.x'), int(f.opset.version, 1)),
        nodeOf(text(f.node.domain, 'ai.onnx'), text(f.node.opType, 'Add')),
      ),
    );
    assert.deepEqual(
      [...model.opsets],
      [
        ['', 17],
        ['com.x', 1],
      ],
    );
    assert.equal(firstNode(model).domain, '');
  });

  it('an unset IR version is unknown, not zero', async () => {
    assert.equal((await readClean(modelOf())).irVersion, null);
    assert.equal((await readClean(concat(int(1, 0), modelOf()))).irVersion, 0);
  });

  it('no graph is a problem', async () => {
    const { read, codes } = await readBytes(int(f.model.irVersion, 8));
    assert.equal(read, null);
    assert.deepEqual(codes, ['no-graph']);
  });

  it('denotations, and how many messages there are that nothing reads', async () => {
    // onnx.proto: TypeProto.denotation 6, Dimension.denotation 3, training_info 20, quantization_annotation 14.
    const dim = message(1, int(1, 3), text(3, 'DATA_CHANNEL'));
    const type = message(2, message(1, int(1, 1), message(2, dim, message(1))), text(6, 'IMAGE'));
    const counted = (number: number) => message(number, text(1, 'not read'));
    const model = await readClean(
      concat(
        counted(20),
        modelOf(
          message(f.graph.input, text(f.valueInfo.name, 'x'), type),
          message(f.graph.input, text(f.valueInfo.name, 'y')),
          counted(14),
          counted(14),
        ),
      ),
    );
    const { inputs, quantizationAnnotationCount } = model.graph;
    assert.deepEqual(
      inputs.map(({ denotations }) => denotations),
      [{ type: 'IMAGE', dims: ['DATA_CHANNEL', ''] }, undefined],
    );
    assert.equal(quantizationAnnotationCount, 2);
    assert.equal(model.trainingInfoCount, 1);
  });

  it('metadata of every message that has it', async () => {
    const entry = (number: number, value: string) =>
      message(number, text(f.entry.key, '__proto__'), text(f.entry.value, value));
    const value = (number: number, name: string) =>
      message(number, text(f.valueInfo.name, name), entry(f.valueInfo.metadata, name));
    const model = await readClean(
      concat(
        entry(f.model.metadata, 'model'),
        modelOf(
          entry(f.graph.metadata, 'graph'),
          message(f.graph.node, entry(f.node.metadata, 'node')),
          message(f.graph.initializer, int(1, 0), int(2, 1), entry(tensor.metadata, 'tensor')),
          value(f.graph.input, 'plain'),
          message(f.graph.input, text(f.valueInfo.name, 'bare')),
          value(f.graph.input, 'input'),
          value(f.graph.output, 'output'),
          value(f.graph.valueInfo, 'value'),
        ),
      ),
    );
    const { graph } = model;
    const read = (metadata: ReadonlyMap<string, string> | undefined) => metadata?.get('__proto__');
    assert.equal(read(model.metadata), 'model');
    assert.equal(read(graph.metadata), 'graph');
    assert.equal(read(firstNode(model).metadata), 'node');
    assert.equal(read(firstTensor(model).metadata), 'tensor');
    assert.deepEqual(
      graph.inputs.map(({ metadata }) => read(metadata)),
      ['plain', undefined, 'input'],
    );
    assert.equal(read(graph.outputs[0]?.metadata), 'output');
    assert.equal(read(graph.valueInfos[0]?.metadata), 'value');
  });

  it('a function with the fields that are newer than onnx-proto', async () => {
    const { function: fn } = f;
    const body = message(
      attribute.g,
      message(f.graph.node, text(f.node.name, 'inner'), text(f.node.overload, 'o2')),
    );
    const model = await readClean(
      concat(
        modelOf(),
        message(
          f.model.functions,
          text(fn.name, 'Twice'),
          text(fn.domain, 'local'),
          text(fn.overload, 'o1'),
          text(fn.input, 'x'),
          text(fn.output, 'y'),
          text(fn.attribute, 'required'),
          message(fn.attributeProto, text(attribute.name, 'alpha'), float(attribute.f, 0.5)),
          message(fn.attributeProto, text(attribute.name, 'body'), body),
          message(
            fn.valueInfo,
            text(f.valueInfo.name, 'h'),
            message(f.valueInfo.type, message(f.type.tensor, int(f.tensorType.elemType, 1))),
            message(f.valueInfo.metadata, text(f.entry.key, 'k'), text(f.entry.value, 'v')),
          ),
          message(fn.metadata, text(f.entry.key, 'scope'), text(f.entry.value, 's')),
          message(fn.opset, int(f.opset.version, 17)),
          message(fn.node, text(f.node.opType, 'Add'), text(f.node.overload, 'o3')),
          text(fn.output, 'z'),
        ),
      ),
    );
    const definition = present(model.functions[0]);
    assert.equal(definition.overload, 'o1');
    assert.deepEqual(definition.outputs, ['y', 'z']);
    assert.deepEqual(definition.attributeNames, ['required']);
    const [alpha, withBody] = definition.attributeDefaults;
    assert.deepEqual(alpha?.value, { kind: 'float', value: 0.5 });
    assert.ok(withBody?.value.kind === 'graph');
    assert.equal(withBody.value.value.nodes[0]?.overload, 'o2');
    assert.deepEqual(definition.valueInfos, [
      {
        name: 'h',
        type: { kind: 'tensor', dtype: 'float32', dims: null },
        docString: '',
        metadata: new Map([['k', 'v']]),
      },
    ]);
    assert.deepEqual(definition.metadata, new Map([['scope', 's']]));
    assert.equal(definition.nodes[0]?.overload, 'o3');
    assert.equal(definition.nodes[0].path, 'function:local.Twice:o1/Add_0');
  });
});

describe('decode: node paths are unique in the model', () => {
  const node = (name: string, ...content: readonly Uint8Array[]) =>
    message(f.graph.node, text(f.node.name, name), ...content);
  const withBody = (name: string, ...nodes: readonly Uint8Array[]) =>
    node(
      name,
      message(f.node.attribute, text(attribute.name, 'body'), message(attribute.g, ...nodes)),
    );

  it('with repeated names, also such that look like ours', async () => {
    const names = ['x', 'x', 'x#1', 'x#3', 'x', 'x#4', 'x', '', ''];
    const model = await readClean(modelOf(...names.map((name) => node(name))));
    const paths = model.graph.nodes.map(({ path: at }) => at);
    assert.equal(new Set(paths).size, names.length);
    assert.deepEqual([paths[0], paths[2]], ['main/x', 'main/x#1#2']);
  });

  it('without the slash that names of PyTorch begin with', async () => {
    const names = ['/conv1/Conv', 'conv1/Conv', '/', ''];
    const { graph } = await readClean(modelOf(...names.map((name) => node(name))));
    assert.deepEqual(
      graph.nodes.map(({ path: at }) => at),
      ['main/conv1/Conv', 'main/conv1/Conv#1', 'main//', `main/${graph.nodes[3]?.opType}_3`],
    );
  });

  it('with names that look like paths into a subgraph', async () => {
    const model = await readClean(modelOf(withBody('loop', node('conv')), node('loop/body/conv')));
    const [loop, imitator] = model.graph.nodes;
    const inner = present(bodyOf(present(loop), 'body').nodes[0]);
    assert.equal(inner.path, 'main/loop/body/conv');
    assert.equal(imitator?.path, 'main/loop/body/conv#1');
  });

  it('the same name 40,000 times, beside 40,000 that imitate the answer', async () => {
    const imitators = Array.from({ length: 40_000 }, (_, index) => node(`x#${index + 40_000}`));
    const same = Array.from({ length: 40_000 }, () => node('x'));
    const model = await readClean(modelOf(join(imitators), join(same)));
    assert.equal(new Set(model.graph.nodes.map(({ path: at }) => at)).size, 80_000);
  });

  it('a name of megabytes is not repeated by the nodes below it', async () => {
    const model = await readClean(
      modelOf(
        withBody('x'.repeat(1_000_000), node('a'), node('b')),
        withBody('x'.repeat(1_000_000), node('a')),
      ),
    );
    const inner = model.graph.nodes.flatMap((outer) => bodyOf(outer, 'body').nodes);
    assert.equal(new Set(inner.map(({ path: at }) => at)).size, 3);
    for (const { path: at } of inner) assert.ok(at.length < 600);
  });
});

describe('decode: a file that is one tensor', () => {
  it('is read like an initializer', async () => {
    const sink = createProblemSink();
    const bytes = concat(
      unpackedInts(tensor.dims, [2]),
      int(tensor.dataType, 7),
      packedInts(tensor.int64Data, [5, -6]),
      text(tensor.name, 'input_0'),
    );
    const read = present(await readTensor(sourceFromBytes(bytes), sink));
    assert.deepEqual(sink.problems, []);
    assert.equal(read.name, 'input_0');
    assert.deepEqual(inlineValues(read), [5n, -6n]);
  });

  it('small payloads are not retained larger than they are', async () => {
    const sink = createProblemSink();
    const elements = unpackedInts(tensor.int64Data, [1, 2, 3, 4, 5]);
    const bytes = concat(int(tensor.dims, 5), int(tensor.dataType, 7), elements);
    const read = present(await readTensor(sourceFromBytes(bytes), sink));
    assert.ok(read.storage.kind === 'inline');
    assert.equal(read.storage.bytes.buffer.byteLength, 40);
  });

  it('garbage is a problem', async () => {
    const sink = createProblemSink();
    const bytes = concat(varint(3), new Uint8Array(10));
    assert.equal(await readTensor(sourceFromBytes(bytes), sink), null);
    assert.equal(sink.problems[0]?.code, 'malformed-onnx');
  });
});

describe('decode: real models', () => {
  // onnx-proto reads the whole file, weights included; ours must find the same structure in what it leaves.
  // Not compared: files that onnx-proto reads differently from Google's parser (see `wire.test.ts`).
  for (const folder of ['onnx/real', 'onnx/external-data', 'onnx/onnx-backend', 'onnx/fixtures']) {
    it(`${folder}: the same structure as onnx-proto’s own decode`, async function () {
      if (!hasCorpus()) {
        console.log(`      no corpus at ${corpus}: skipped (set GREEN_AI_CORPUS)`);
        this.skip();
      }
      let compared = 0;
      for (const file of corpusModels(folder)) {
        const bytes = readFileSync(file);
        const { read, codes } = await readBytes(bytes);
        if (!read || codes.includes('invalid-utf8') || codes.includes('unexpected-wire-type')) {
          continue;
        }
        const proto = onnx.ModelProto.decode(bytes);
        const name = path.relative(corpus, file);
        assert.deepEqual(outlineOfGraph(read.model.graph), outlineOfProto(proto.graph), name);
        assert.equal(read.model.functions.length, proto.functions.length, name);
        compared++;
      }
      assert.ok(compared > 0);
      console.log(`      ${compared} models`);
    });
  }
});

/** What both sides can say about a graph, as plain data. */
function outlineOfGraph(graph: Graph): unknown {
  return {
    name: graph.name,
    inputs: graph.inputs.map(({ name, type }) => [name, outlineOfType(type)]),
    outputs: graph.outputs.map(({ name, type }) => [name, outlineOfType(type)]),
    values: graph.valueInfos.map(({ name, type }) => [name, outlineOfType(type)]),
    initializers: graph.initializers.map(({ name, dtypeCode, dims }) => [name, dtypeCode, dims]),
    sparse: graph.sparseInitializers.map(({ values, dims }) => [values.name, dims]),
    nodes: graph.nodes.map((node) => [
      node.name,
      node.opType,
      node.domain,
      node.inputs,
      node.outputs,
      node.docString,
      outlineOfAttributes(node),
    ]),
  };
}

function outlineOfAttributes(node: Node): unknown {
  return [...node.attributes.values()].map(({ name, value }) => {
    switch (value.kind) {
      case 'graph':
        return [name, outlineOfGraph(value.value)];
      case 'tensor':
        return [name, value.value.dtypeCode, value.value.dims];
      case 'string':
        return [name, Buffer.from(value.value).toString('hex')];
      case 'int':
        return [name, String(value.value)];
      case 'ints':
        return [name, value.value.map(String)];
      case 'float':
      case 'floats':
        return [name, value.value];
      default:
        return [name, value.kind];
    }
  });
}

function outlineOfType(type: ValueType): unknown {
  if (type.kind !== 'tensor') return type.kind;
  return [type.dtype === null, type.dims?.map((dim) => dim ?? '?') ?? null];
}

type Outline = (proto: onnx.IGraphProto | null | undefined) => unknown;

const outlineOfProto: Outline = (proto) => ({
  name: proto?.name ?? '',
  inputs: proto?.input?.map(protoValue),
  outputs: proto?.output?.map(protoValue),
  values: proto?.valueInfo?.map(protoValue),
  initializers: proto?.initializer?.map((one) => [one.name, one.dataType, one.dims?.map(Number)]),
  sparse: proto?.sparseInitializer?.map((one) => [one.values?.name, one.dims?.map(Number)]),
  nodes: proto?.node?.map((node) => [
    node.name,
    node.opType,
    node.domain === 'ai.onnx' ? '' : node.domain,
    node.input,
    node.output,
    node.docString,
    node.attribute?.map(protoAttribute),
  ]),
});

function protoValue(value: onnx.IValueInfoProto): unknown {
  const kinds = {
    tensorType: 'tensor',
    sparseTensorType: 'sparse-tensor',
    sequenceType: 'sequence',
    optionalType: 'optional',
    mapType: 'map',
  } as const;
  const type = value.type ?? {};
  const kind = Object.entries(kinds).find(([key]) => Object.hasOwn(type, key))?.[1] ?? 'unknown';
  if (kind !== 'tensor') return [value.name, kind];
  const { elemType, shape } = type.tensorType ?? {};
  const dims = shape?.dim?.map((dim) => {
    if (Object.hasOwn(dim, 'dimValue'))
      return Number(dim.dimValue) < 0 ? '?' : Number(dim.dimValue);
    return (dim.dimParam ?? '') === '' ? '?' : dim.dimParam;
  });
  return [value.name, [(elemType ?? 0) === 0, dims ?? null]];
}

function protoAttribute(one: onnx.IAttributeProto): unknown {
  const names = ['none', 'float', 'int', 'string', 'tensor', 'graph', 'floats', 'ints', 'strings'];
  const more = ['tensors', 'graphs', 'sparse-tensor', 'sparse-tensors', 'type', 'types'];
  const { name } = one;
  switch (one.type as number | null | undefined) {
    case 1:
      return [name, one.f];
    case 2:
      return [name, String(toBigint(one.i ?? 0))];
    case 3:
      return [name, Buffer.from(one.s ?? []).toString('hex')];
    case 4:
      return [name, one.t?.dataType, one.t?.dims?.map(Number)];
    case 5:
      return [name, outlineOfProto(one.g)];
    case 6:
      return [name, one.floats];
    case 7:
      return [name, one.ints?.map(String)];
    default:
      return [name, [...names, ...more][one.type ?? 0]];
  }
}
