import assert from 'node:assert/strict';
import { scanModel } from '../../../server/src/core/onnx/wire';
import { displayText, encodeText } from '../../../server/src/core/onnx/utf8';
import { createProblemSink } from '../../../server/src/core/problem';
import { sourceFromBytes, type ByteSource } from '../../../server/src/core/source';
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
  readSource,
  strangers,
  tensorOf,
} from '../../support/onnx';
import {
  concat,
  double,
  float,
  floatBytes,
  group,
  int,
  join,
  message,
  nest,
  onnxField as f,
  packedInts,
  padded,
  tag,
  text,
  unpackedInts,
  varint,
  type Padding,
} from '../../support/protobuf';

// What is legal and what it means was established with Google's parser (protobuf 7 under Python's onnx), and is in
// the encoding guide: protobuf.dev/programming-guides/encoding.

const none: Uint8Array = new Uint8Array(0);
const emptyGraph = modelOf();

/** A small model with a bit of everything; `padding` goes to every field, `extra` into every message. */
function everything(padding: Padding = {}, extra = none): Uint8Array {
  const word = (number: number, value: string) => text(number, value, padding);
  const wrap = (number: number, ...content: readonly Uint8Array[]) =>
    padded(number, padding, extra, ...content);
  return concat(
    extra,
    int(f.model.irVersion, 8, padding),
    wrap(f.model.opset, word(f.opset.domain, ''), int(f.opset.version, 17, padding)),
    wrap(
      f.model.graph,
      word(f.graph.name, 'g'),
      wrap(
        f.graph.node,
        word(f.node.input, 'x'),
        word(f.node.input, 'w'),
        word(f.node.output, 'y'),
        word(f.node.name, 'n'),
        word(f.node.opType, 'Conv'),
        wrap(
          f.node.attribute,
          word(f.attribute.name, 'pads'),
          unpackedInts(f.attribute.ints, [1, -1, 2 ** 40], padding),
          int(f.attribute.type, 7, padding),
        ),
      ),
      wrap(
        f.graph.initializer,
        unpackedInts(f.tensor.dims, [2, 1], padding),
        int(f.tensor.dataType, 1, padding),
        word(f.tensor.name, 'w'),
        wrapBytes(f.tensor.rawData, floatBytes(1, 2), padding),
      ),
      wrap(
        f.graph.input,
        word(f.valueInfo.name, 'x'),
        wrap(
          f.valueInfo.type,
          wrap(
            f.type.tensor,
            int(f.tensorType.elemType, 1, padding),
            wrap(
              f.tensorType.shape,
              wrap(f.shape.dim, int(f.dim.value, 3, padding)),
              wrap(f.shape.dim, word(f.dim.param, 'N')),
            ),
          ),
        ),
      ),
    ),
    wrap(f.model.metadata, word(f.entry.key, 'k'), word(f.entry.value, 'v')),
  );
}

function wrapBytes(number: number, bytes: Uint8Array, padding: Padding): Uint8Array {
  return padded(number, padding, bytes);
}

describe('wire: legal encodings of the same model', () => {
  const cases: readonly (readonly [string, Padding, Uint8Array])[] = [
    ['two-byte tags', { tag: 2 }, none],
    ['five-byte tags', { tag: 5 }, none],
    ['two-byte lengths', { length: 2 }, none],
    ['five-byte lengths', { length: 5 }, none],
    ['five-byte values', { value: 5 }, none],
    ['ten-byte values', { value: 10 }, none],
    ['everything padded', { tag: 5, length: 5, value: 10 }, none],
    ['unknown fields and groups in every message', {}, strangers],
    ['unknown fields, padded', { tag: 3, length: 4, value: 6 }, strangers],
  ];
  for (const [name, padding, extra] of cases) {
    it(name, async () => {
      assert.deepEqual(await readClean(everything(padding, extra)), await readClean(everything()));
    });
  }

  it('reads what was written', async () => {
    const model = await readClean(everything());
    const node = firstNode(model);
    assert.equal(model.irVersion, 8);
    assert.deepEqual(model.opsets, new Map([['', 17]]));
    assert.deepEqual(model.metadata, new Map([['k', 'v']]));
    assert.deepEqual([node.name, node.opType, node.inputs], ['n', 'Conv', ['x', 'w']]);
    assert.deepEqual(node.attributes.get('pads')?.value, {
      kind: 'ints',
      value: [1n, -1n, 1n << 40n],
    });
    assert.deepEqual(model.graph.inputs[0]?.type, {
      kind: 'tensor',
      dtype: 'float32',
      dims: [3, 'N'],
    });
    assert.deepEqual(firstTensor(model).storage, { kind: 'inline', bytes: floatBytes(1, 2) });
  });

  const wide: readonly (readonly [string, bigint, string | null])[] = [
    ['2^32 + 1', 2n ** 32n + 1n, 'float32'],
    ['2^35 + 7, which takes six bytes', 2n ** 35n + 7n, 'int64'],
    ['2^56 + 7, which takes nine bytes', 2n ** 56n + 7n, 'int64'],
    ['2^63 + 7', 2n ** 63n + 7n, 'int64'],
    ['-1', -1n, null],
  ];
  for (const [name, code, expected] of wide) {
    it(`of an int32 field only 32 bits count: ${name}`, async () => {
      const { read } = await readBytes(
        tensorOf(int(f.tensor.dims, 0), int(f.tensor.dataType, code), text(f.tensor.name, 'named')),
      );
      const tensor = firstTensor(present(read).model);
      assert.deepEqual([tensor.dtype, tensor.name], [expected, 'named']);
    });
  }

  it('fields in any order', async () => {
    const opset = message(f.model.opset, int(f.opset.version, 17), text(f.opset.domain, 'd'));
    const node = message(f.graph.node, text(f.node.opType, 'Relu'), text(f.node.input, 'x'));
    const graph = modelOf(text(f.graph.name, 'g'), node);
    const irVersion = int(f.model.irVersion, 9);
    assert.deepEqual(
      await readClean(concat(opset, graph, irVersion)),
      await readClean(concat(irVersion, graph, opset)),
    );
  });

  it('of a repeated singular field the last one counts', async () => {
    const model = await readClean(
      concat(
        int(f.model.irVersion, 3),
        nodeOf(text(f.node.name, 'first'), text(f.node.opType, 'A'), text(f.node.name, 'last')),
        int(f.model.irVersion, 8),
      ),
    );
    assert.equal(model.irVersion, 8);
    assert.equal(firstNode(model).name, 'last');
  });
});

describe('wire: split singular messages merge', () => {
  it('a graph in two pieces', async () => {
    const relu = message(f.graph.node, text(f.node.opType, 'Relu'));
    const add = message(f.graph.node, text(f.node.opType, 'Add'));
    const first = message(f.model.graph, text(f.graph.name, 'old'), relu);
    const second = message(f.model.graph, add, text(f.graph.name, 'new'));
    const { read, problems } = await readBytes(concat(first, int(f.model.irVersion, 7), second));
    assert.deepEqual(problems, []);
    const { model, wire } = present(read);
    assert.equal(model.graph.name, 'new');
    assert.deepEqual(
      model.graph.nodes.map(({ opType, path }) => [opType, path]),
      [
        ['Relu', 'main/Relu_0'],
        ['Add', 'main/Add_1'],
      ],
    );
    assert.equal(wire.graph?.segments.length, 2);
  });

  it('a type in two pieces: one member goes on', async () => {
    const type = (content: Uint8Array) =>
      message(f.valueInfo.type, message(f.type.tensor, content));
    const model = await readClean(
      modelOf(
        message(
          f.graph.input,
          type(int(f.tensorType.elemType, 1)),
          type(message(f.tensorType.shape, message(f.shape.dim, int(f.dim.value, 5)))),
        ),
      ),
    );
    assert.deepEqual(model.graph.inputs[0]?.type, { kind: 'tensor', dtype: 'float32', dims: [5] });
  });

  it('an attribute tensor in two pieces: lists go on, singular fields are replaced', async () => {
    const { tensor } = f;
    const model = await readClean(
      attributeOf(
        int(f.attribute.type, 4),
        message(
          f.attribute.t,
          unpackedInts(tensor.dims, [2]),
          int(tensor.dataType, 1),
          packedInts(tensor.int64Data, [1, 2]),
          message(tensor.metadata, text(f.entry.key, 'a'), text(f.entry.value, '1')),
        ),
        message(
          f.attribute.t,
          unpackedInts(tensor.dims, [2]),
          int(tensor.dataType, 7),
          unpackedInts(tensor.int64Data, [3, 4]),
          text(tensor.name, 'named'),
        ),
      ),
    );
    const value = firstNode(model).attributes.get('a')?.value;
    assert.ok(value?.kind === 'tensor');
    assert.equal(value.value.name, 'named');
    assert.equal(value.value.dtype, 'int64');
    assert.deepEqual(value.value.dims, [2, 2]);
    assert.deepEqual(value.value.metadata, new Map([['a', '1']]));
    assert.deepEqual(value.value.storage, {
      kind: 'inline',
      bytes: new Uint8Array(BigInt64Array.of(1n, 2n, 3n, 4n).buffer),
    });
  });

  it('an attribute graph in two pieces, with the newer fields of its nodes', async () => {
    const body = (name: string) =>
      message(
        f.attribute.g,
        message(f.graph.node, text(f.node.name, name), text(f.node.overload, `of ${name}`)),
      );
    const model = await readClean(attributeOf(body('one'), int(f.attribute.type, 5), body('two')));
    assert.deepEqual(
      bodyOf(firstNode(model), 'a').nodes.map(({ name, overload, path }) => [name, overload, path]),
      [
        ['one', 'of one', 'main/_0/a/one'],
        ['two', 'of two', 'main/_0/a/two'],
      ],
    );
  });

  it('a sparse tensor in pieces', async () => {
    const { sparse, tensor } = f;
    const values = (...content: readonly Uint8Array[]) =>
      message(f.attribute.sparseTensor, message(sparse.values, ...content));
    const model = await readClean(
      attributeOf(
        int(f.attribute.type, 11),
        values(unpackedInts(tensor.dims, [1]), int(tensor.dataType, 1)),
        values(message(tensor.rawData, floatBytes(4))),
        message(
          f.attribute.sparseTensor,
          unpackedInts(sparse.dims, [9]),
          message(
            sparse.indices,
            unpackedInts(tensor.dims, [1]),
            int(tensor.dataType, 7),
            packedInts(tensor.int64Data, [8]),
          ),
        ),
      ),
    );
    const value = firstNode(model).attributes.get('a')?.value;
    assert.ok(value?.kind === 'sparse-tensor');
    assert.deepEqual(value.value.dims, [9]);
    assert.deepEqual(value.value.values.storage, { kind: 'inline', bytes: floatBytes(4) });
  });

  const three = int(f.dim.value, 3);
  const named = text(f.dim.param, 'N');
  const dims: readonly (readonly [string, Uint8Array, number | string | null])[] = [
    ['value, then name', concat(three, named), 'N'],
    ['name, then value', concat(named, three), 3],
    ['value, name, value', concat(three, named, int(f.dim.value, 4)), 4],
    ['nothing', new Uint8Array(0), null],
    ['an empty name', text(f.dim.param, ''), null],
    ['-1', int(f.dim.value, -1), null],
    ['0', int(f.dim.value, 0), 0],
    ['2^53', int(f.dim.value, 2n ** 53n), null],
  ];
  for (const [name, dim, expected] of dims) {
    it(`of a dim the last member counts: ${name}`, async () => {
      const { read } = await readBytes(
        modelOf(
          message(
            f.graph.input,
            message(
              f.valueInfo.type,
              message(f.type.tensor, message(f.tensorType.shape, message(f.shape.dim, dim))),
            ),
          ),
        ),
      );
      assert.deepEqual(present(read).model.graph.inputs[0]?.type, {
        kind: 'tensor',
        dtype: null,
        dims: [expected],
      });
    });
  }

  it('of a type the last member counts, and starts anew', async () => {
    const tensor = (content: Uint8Array) => message(f.type.tensor, content);
    const model = await readClean(
      modelOf(
        message(
          f.graph.input,
          message(
            f.valueInfo.type,
            tensor(int(f.tensorType.elemType, 1)),
            message(f.type.sequence),
            tensor(message(f.tensorType.shape)),
          ),
        ),
        message(
          f.graph.input,
          message(
            f.valueInfo.type,
            tensor(int(f.tensorType.elemType, 1)),
            message(f.type.sequence),
          ),
        ),
      ),
    );
    assert.deepEqual(
      model.graph.inputs.map(({ type }) => type),
      [
        { kind: 'tensor', dtype: null, dims: [] },
        { kind: 'sequence', element: { kind: 'unknown' } },
      ],
    );
  });
});

describe('wire: packed and unpacked lists', () => {
  const ints = [1n, 300n, -5n];
  const intLists: readonly (readonly [string, Uint8Array])[] = [
    ['unpacked', unpackedInts(f.attribute.ints, ints)],
    ['packed', packedInts(f.attribute.ints, ints)],
    [
      'mixed',
      concat(
        packedInts(f.attribute.ints, [1n]),
        unpackedInts(f.attribute.ints, [300n]),
        packedInts(f.attribute.ints, [-5n]),
      ),
    ],
    ['packed and padded', packedInts(f.attribute.ints, ints, { value: 10, length: 5 })],
    ['with an empty pack', concat(packedInts(f.attribute.ints, []), unpackedInts(8, ints))],
  ];
  for (const [name, list] of intLists) {
    it(`ints: ${name}`, async () => {
      const model = await readClean(attributeOf(int(f.attribute.type, 7), list));
      const value = firstNode(model).attributes.get('a')?.value;
      assert.deepEqual(value, { kind: 'ints', value: ints });
    });
  }

  it('floats: mixed', async () => {
    const { floats } = f.attribute;
    const model = await readClean(
      attributeOf(int(f.attribute.type, 6), float(floats, 0.5), message(floats, floatBytes(1, 2))),
    );
    const value = firstNode(model).attributes.get('a')?.value;
    assert.deepEqual(value, { kind: 'floats', value: [0.5, 1, 2] });
  });

  const { tensor } = f;
  const payloads: readonly (readonly [string, number, number[], Uint8Array, Uint8Array])[] = [
    [
      'float_data mixed',
      1,
      [3],
      concat(float(tensor.floatData, 1), message(tensor.floatData, floatBytes(2, 3))),
      floatBytes(1, 2, 3),
    ],
    [
      'double_data unpacked',
      11,
      [2],
      concat(double(tensor.doubleData, 1), double(tensor.doubleData, -2)),
      new Uint8Array(Float64Array.of(1, -2).buffer),
    ],
    [
      'int32_data mixed',
      6,
      [3],
      concat(unpackedInts(tensor.int32Data, [1, -2]), packedInts(tensor.int32Data, [3])),
      new Uint8Array(Int32Array.of(1, -2, 3).buffer),
    ],
    [
      'int64_data padded, with a stranger between the elements',
      7,
      [2],
      concat(
        unpackedInts(tensor.int64Data, [7], { tag: 4, value: 9 }),
        strangers,
        unpackedInts(tensor.int64Data, [8]),
      ),
      new Uint8Array(BigInt64Array.of(7n, 8n).buffer),
    ],
    [
      'uint64_data for uint32',
      12,
      [2],
      packedInts(tensor.uint64Data, [1, 2 ** 32 - 1]),
      new Uint8Array(Uint32Array.of(1, 2 ** 32 - 1).buffer),
    ],
    [
      'raw_data twice: the last one',
      2,
      [1],
      concat(message(tensor.rawData, Uint8Array.of(1)), message(tensor.rawData, Uint8Array.of(9))),
      Uint8Array.of(9),
    ],
  ];
  for (const [name, dtype, dims, payload, expected] of payloads) {
    it(name, async () => {
      const model = await readClean(
        tensorOf(unpackedInts(tensor.dims, dims), int(tensor.dataType, dtype), payload),
      );
      assert.deepEqual(firstTensor(model).storage, { kind: 'inline', bytes: expected });
    });
  }
});

describe('wire: where large payloads lie', () => {
  const { tensor } = f;

  it('raw_data is located and not read', async () => {
    const head = concat(
      unpackedInts(tensor.dims, [1000, 1000, 250]),
      int(tensor.dataType, 1),
      text(tensor.name, 'w'),
    );
    const byteLength = 1_000_000_000;
    const rawHead = concat(tag(tensor.rawData, 2), varint(byteLength));
    const weight = concat(
      tag(f.graph.initializer, 2),
      varint(head.byteLength + rawHead.byteLength + byteLength),
      head,
      rawHead,
    );
    const after = message(f.graph.node, text(f.node.opType, 'Relu'));
    const start = concat(
      tag(f.model.graph, 2),
      varint(weight.byteLength + byteLength + after.byteLength),
      weight,
    );
    const source = sparseSource(start, byteLength, after);
    const { read, problems } = await readSource(source);
    assert.deepEqual(problems, []);
    const { model } = present(read);
    assert.deepEqual(firstTensor(model).storage, {
      kind: 'raw',
      offset: start.byteLength,
      byteLength,
    });
    assert.equal(firstNode(model).opType, 'Relu');
    assert.ok(source.bytesRead() < 100_000, `${source.bytesRead()} bytes were read`);
  });

  it('typed data as segments: packed records, and runs of unpacked elements with their tags', async () => {
    const one = message(tensor.floatData, new Uint8Array(4000));
    const two = concat(
      ...Array.from({ length: 500 }, (_, index) => float(tensor.floatData, index)),
    );
    const bytes = tensorOf(
      unpackedInts(tensor.dims, [2000]),
      int(tensor.dataType, 1),
      one,
      two,
      strangers,
      message(tensor.floatData, new Uint8Array(2000)),
    );
    const { storage } = firstTensor(await readClean(bytes));
    assert.ok(storage.kind === 'typed');
    assert.equal(storage.field, 'float_data');
    assert.deepEqual(
      storage.segments.map(({ byteLength, packed }) => [byteLength, packed]),
      [
        [4000, true],
        [2500, false],
        [2000, true],
      ],
    );
    const [, run] = storage.segments;
    assert.deepEqual(bytes.slice(run?.offset, (run?.offset ?? 0) + two.byteLength), two);
  });

  it('100,000 strings are one segment', async () => {
    const strings = Array.from({ length: 100_000 }, (_, index) =>
      text(tensor.stringData, `token ${index}`),
    );
    const model = await readClean(
      tensorOf(unpackedInts(tensor.dims, [100_000]), int(tensor.dataType, 8), join(strings)),
    );
    const { storage } = firstTensor(model);
    assert.ok(storage.kind === 'typed');
    assert.equal(storage.segments.length, 1);
    assert.equal(
      storage.segments[0]?.byteLength,
      strings.reduce((sum, { byteLength }) => sum + byteLength, 0),
    );
  });
});

describe('wire: wrong wire types are skipped, as unknown fields', () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['a varint as bytes', concat(text(f.model.irVersion, 'abc'), emptyGraph)],
    ['a string as a varint', concat(int(f.model.producer, 5), emptyGraph)],
    ['a string as fixed64', concat(double(f.model.producer, 5), emptyGraph)],
    ['a message as a varint', concat(int(f.model.graph, 5), emptyGraph)],
    ['a float as a varint', attributeOf(int(f.attribute.f, 5))],
    ['a float list as fixed64', attributeOf(double(f.attribute.floats, 5))],
    ['raw data as a varint', tensorOf(int(f.tensor.dataType, 2), int(f.tensor.rawData, 5))],
    ['int32_data as fixed32', tensorOf(int(f.tensor.dataType, 6), float(f.tensor.int32Data, 5))],
    ['a name as fixed32', nodeOf(float(f.node.name, 5))],
  ];
  for (const [name, bytes] of cases) {
    it(name, async () => {
      const { read, codes } = await readBytes(bytes);
      assert.ok(read);
      assert.ok(codes.includes('unexpected-wire-type'), codes.join());
      assert.equal(read.model.irVersion, null);
    });
  }

  it('a known field as a group', async () => {
    const model = await readClean(nodeOf(group(f.node.name, text(1, 'x')), text(f.node.name, 'n')));
    assert.equal(firstNode(model).name, 'n');
  });
});

describe('wire: what Google’s parser refuses', () => {
  const { attribute } = f;
  const inAttribute = (...content: readonly Uint8Array[]) =>
    attributeOf(int(attribute.type, 7), ...content);
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['a tag of six bytes', concat(tag(f.model.irVersion, 0, 6), varint(7), emptyGraph)],
    ['a tag beyond 32 bits', concat(Uint8Array.of(0x88, 0x80, 0x80, 0x80, 0x10, 7), emptyGraph)],
    ['a length of six bytes', concat(text(f.model.producer, 'ab', { length: 6 }), emptyGraph)],
    ['a value of eleven bytes', concat(int(f.model.irVersion, 7, { value: 11 }), emptyGraph)],
    ['field number 0', concat(Uint8Array.of(0, 1), emptyGraph)],
    ['wire type 6', concat(emptyGraph, Uint8Array.of(0x0e))],
    ['wire type 7', concat(emptyGraph, Uint8Array.of(0x0f))],
    ['an end of a group that never began', concat(emptyGraph, tag(99, 4))],
    ['a group that never ends', concat(emptyGraph, tag(99, 3))],
    ['groups that end crosswise', concat(emptyGraph, tag(99, 3), tag(98, 4))],
    ['a group cut off inside a field', concat(emptyGraph, tag(99, 3), tag(1, 1), Uint8Array.of(0))],
    ['a length beyond the file', concat(emptyGraph, tag(2, 2), varint(100))],
    ['a length beyond the message', message(f.model.graph, tag(f.graph.name, 2), varint(9))],
    ['a length of 2^34', concat(emptyGraph, tag(2, 2), varint(2 ** 34))],
    ['a packed number cut off', inAttribute(message(attribute.ints, Uint8Array.of(1, 0x80)))],
    [
      'a packed number of eleven bytes',
      inAttribute(message(attribute.ints, new Uint8Array(10).fill(0x80), Uint8Array.of(1))),
    ],
    ['packed floats of five bytes', inAttribute(message(attribute.floats, new Uint8Array(5)))],
    ['packed float_data of five bytes', tensorOf(message(f.tensor.floatData, new Uint8Array(5)))],
    ['packed double_data of 12 bytes', tensorOf(message(f.tensor.doubleData, new Uint8Array(12)))],
    ['a fixed32 cut off', concat(emptyGraph, tag(77, 5), Uint8Array.of(1, 2, 3))],
  ];
  for (const [name, bytes] of cases) {
    it(name, async () => {
      const { read, codes, problems } = await readBytes(bytes);
      assert.equal(read, null);
      assert.deepEqual(codes, ['malformed-onnx']);
      assert.equal(problems[0]?.severity, 'error');
    });
  }
});

describe('wire: nesting', () => {
  // graph, then node, attribute, graph and so on: the n-th message lies n deep in the file.
  const path = [7, ...Array.from({ length: 40 }, () => [1, 5, 6]).flat()];
  const nested = (depth: number, inner?: Uint8Array) => nest(path.slice(0, depth), inner);
  const groups = (count: number) =>
    concat(
      join(Array.from({ length: count }, () => tag(99, 3))),
      join(Array.from({ length: count }, () => tag(99, 4))),
    );
  const cases: readonly (readonly [string, Uint8Array, boolean])[] = [
    ['99 messages', nested(99), true],
    ['100 messages', nested(100), true],
    ['101 messages', nested(101), false],
    ['100 groups', concat(emptyGraph, groups(100)), true],
    ['101 groups', concat(emptyGraph, groups(101)), false],
    ['98 messages around 2 groups', nested(98, groups(2)), true],
    ['99 messages around 2 groups', nested(99, groups(2)), false],
    ['100,000 groups', concat(emptyGraph, groups(100_000)), false],
  ];
  for (const [name, bytes, legal] of cases) {
    it(`${name}: ${legal ? 'read' : 'refused'}`, async () => {
      const { read, codes } = await readBytes(bytes);
      assert.equal(read !== null, legal);
      if (!legal) assert.deepEqual(codes, ['malformed-onnx']);
    });
  }

  it('split messages merge at full depth', async () => {
    const inner = concat(text(f.graph.name, 'a'), text(f.graph.name, 'b'));
    const { read } = await readBytes(concat(nested(97, inner), nested(97, inner)));
    assert.equal(read?.model.graph.nodes.length, 2);
  });
});

describe('wire: names that are not UTF-8', () => {
  const bad = Uint8Array.of(0x61, 0xff, 0x62);
  const other = Uint8Array.of(0x61, 0xfe, 0x62);

  it('stay different, and can be written back', async () => {
    const { read, codes } = await readBytes(
      nodeOf(text(f.node.input, bad), text(f.node.input, other), text(f.node.input, 'a\uFFFDb')),
    );
    const { inputs } = firstNode(present(read).model);
    assert.equal(new Set(inputs).size, 3);
    assert.deepEqual(inputs.map(encodeText), [bad, other, encodeText('a\uFFFDb')]);
    assert.deepEqual(codes, ['invalid-utf8', 'invalid-utf8']);
    assert.equal(displayText(present(inputs[0])), 'a\\xffb');
  });

  const sequences: readonly (readonly [string, number[], boolean])[] = [
    ['ASCII', [0x41], true],
    ['two bytes', [0xc3, 0xa9], true],
    ['three bytes', [0xe2, 0x82, 0xac], true],
    ['four bytes', [0xf0, 0x9f, 0x98, 0x80], true],
    ['U+10FFFF', [0xf4, 0x8f, 0xbf, 0xbf], true],
    ['a byte order mark', [0xef, 0xbb, 0xbf, 0x41], true],
    ['beyond U+10FFFF', [0xf4, 0x90, 0x80, 0x80], false],
    ['an overlong slash', [0xc0, 0xaf], false],
    ['an overlong NUL', [0xe0, 0x80, 0x80], false],
    ['a lone surrogate', [0xed, 0xa0, 0x80], false],
    ['an escape of ours', [0xed, 0xb3, 0xbf], false],
    ['a continuation byte alone', [0x80], false],
    ['a sequence cut off', [0xe2, 0x82], false],
    ['a sequence cut off by ASCII', [0xe2, 0x41, 0xac], false],
  ];
  for (const [title, bytes, valid] of sequences) {
    it(`${title} is ${valid ? '' : 'not '}text`, async () => {
      const name = Uint8Array.of(0x78, ...bytes, 0x79);
      const { read, codes } = await readBytes(nodeOf(text(f.node.name, name)));
      assert.deepEqual(codes, valid ? [] : ['invalid-utf8']);
      const decoded = firstNode(present(read).model).name;
      assert.deepEqual(encodeText(decoded), name);
      if (valid) assert.equal(decoded, Buffer.from(name).toString('utf8'));
    });
  }

  it('newer fields keep them apart as well', async () => {
    const entry = (key: Uint8Array) =>
      message(f.node.metadata, text(f.entry.key, key), text(f.entry.value, key));
    const { read } = await readBytes(nodeOf(entry(bad), entry(other), text(f.node.overload, bad)));
    const node = firstNode(present(read).model);
    assert.equal(node.metadata.size, 2);
    assert.deepEqual(encodeText(node.overload), bad);
    assert.deepEqual([...node.metadata.values()].map(encodeText), [bad, other]);
  });
});

describe('wire: metadata entries', () => {
  it('with unknown fields are read, broken ones are a problem', async () => {
    const { read, codes } = await readBytes(
      nodeOf(
        message(f.node.metadata, int(7, 1), text(f.entry.key, 'k'), text(f.entry.value, 'v')),
        message(f.node.metadata, tag(f.entry.key, 2), varint(50)),
        message(f.node.metadata, text(f.entry.value, 'only a value')),
      ),
    );
    assert.deepEqual(
      firstNode(present(read).model).metadata,
      new Map([
        ['k', 'v'],
        ['', 'only a value'],
      ]),
    );
    assert.deepEqual(codes, ['malformed-metadata']);
  });
});

describe('wire: hostile files and sources', () => {
  it('a small model cut off at every byte gives a model or a coded problem', async () => {
    const whole = everything({ tag: 2, length: 3, value: 4 }, strangers);
    for (let length = 0; length < whole.byteLength; length++) {
      const { read, problems } = await readBytes(whole.subarray(0, length));
      if (!read)
        assert.ok(
          problems.some(({ severity }) => severity === 'error'),
          `${length}`,
        );
    }
  });

  it('a file that got shorter is a problem, wherever it ends', async () => {
    const weights = message(
      f.graph.initializer,
      unpackedInts(f.tensor.dims, [6000]),
      int(f.tensor.dataType, 2),
      message(f.tensor.rawData, new Uint8Array(6000)),
    );
    const whole = modelOf(weights, weights, weights, weights, message(f.graph.node, text(3, 'n')));
    for (const available of [10, 5000, 17_000, whole.byteLength - 1]) {
      const source: ByteSource = {
        byteLength: whole.byteLength,
        read: (offset, count) =>
          Promise.resolve(whole.subarray(offset, Math.min(offset + count, available))),
      };
      const { read, codes } = await readSource(source);
      assert.equal(read, null);
      assert.deepEqual(codes, ['malformed-onnx']);
    }
  });

  it('an unreadable source rejects, it does not hang', async () => {
    const source: ByteSource = { byteLength: 100, read: () => Promise.reject(new Error('EIO')) };
    await assert.rejects(scanModel(source, createProblemSink()), /EIO/);
  });

  it('a cancelled scan gives nothing, and no problem', async () => {
    const sink = createProblemSink();
    const read = await scanModel(sourceFromBytes(everything()), sink, { cancelled: true });
    assert.equal(read, null);
    assert.deepEqual(sink.problems, []);
  });

  it('lists that would fill the memory are refused', async () => {
    const ints = padded(f.attribute.ints, {}, new Uint8Array(20_000_000));
    const { read, codes } = await readBytes(attributeOf(int(f.attribute.type, 7), ints));
    assert.equal(read, null);
    assert.deepEqual(codes, ['model-structure-too-large']);
  });

  it('a very long name is cut and said so', async () => {
    const { read, codes } = await readBytes(
      nodeOf(text(f.node.name, new Uint8Array(5 * 2 ** 20).fill(0x61)), text(f.node.opType, 'Add')),
    );
    const node = firstNode(present(read).model);
    assert.equal(node.name.length, 4 * 2 ** 20);
    assert.equal(node.opType, 'Add');
    assert.deepEqual(codes, ['string-too-long']);
  });
});

/** A file of `start`, so many zeros and `end`, that counts what is read of it. */
function sparseSource(
  start: Uint8Array,
  zeros: number,
  end: Uint8Array,
): ByteSource & { bytesRead(): number } {
  let total = 0;
  const endStart = start.byteLength + zeros;
  return {
    byteLength: endStart + end.byteLength,
    bytesRead: () => total,
    read(offset, byteLength) {
      total += byteLength;
      const bytes = new Uint8Array(byteLength);
      if (offset < start.byteLength) bytes.set(start.subarray(offset, offset + byteLength));
      if (offset + byteLength > endStart) {
        const from = Math.max(0, offset - endStart);
        const part = end.subarray(from, offset + byteLength - endStart);
        bytes.set(part, Math.max(0, endStart - offset));
      }
      return Promise.resolve(bytes);
    },
  };
}
