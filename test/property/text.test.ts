import assert from 'node:assert/strict';
import fc from 'fast-check';
import { bytesOf, dataTypeInfo, dataTypes } from '../../server/src/core/dtype';
import type {
  Attribute,
  AttributeValue,
  Graph,
  Model,
  ModelFunction,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
} from '../../server/src/core/graph';
import { producerOf } from '../../server/src/core/graph';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { createPathNamer } from '../../server/src/core/onnx/paths';
import { onnx } from '../../server/src/core/onnx/proto';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { printModel } from '../../server/src/core/onnx/text-print';
import { isFloatWord, isTypeWord } from '../../server/src/core/onnx/text-syntax';
import { acceptedTexts, header } from '../unit/onnx/text-cases';

const noMetadata = new Map<string, string>();
const options = { weightsLocation: 'model.onnx' };
const utf8 = new TextEncoder();

/** Plain objects, as the parser makes them; fast-check also makes some without prototype. */
function record<Shape>(shape: { [Key in keyof Shape]: fc.Arbitrary<Shape[Key]> }) {
  return fc.record<Shape>(shape, { noNullPrototype: true });
}

/** Any name a well-formed file can have, words of the syntax among them. */
const name = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom('', 'x', 'float', 'map', 'nan', '__proto__', 'a"b', 'a\\', 'a\nb', '#'),
);
const identifier = fc
  .tuple(fc.constantFrom('a', 'B', '_', 'Relu'), fc.stringMatching(/^[A-Za-z0-9_]{0,5}$/))
  .map((parts) => parts.join(''));
const subgraphName = identifier.filter((word) => !isTypeWord(word) && !isFloatWord(word));
const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const dtype = fc.constantFrom(...dataTypes.map((info) => info.name));
const float32 = fc.float();
const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });

const dim = fc.oneof(
  fc.nat(),
  fc.constant(null),
  name.filter((one) => one !== ''),
);
const tensorType = record({
  kind: fc.constantFrom('tensor' as const, 'sparse-tensor' as const),
  dtype,
  dims: fc.option(fc.array(dim, { maxLength: 4 })),
});
const { type: knownType } = fc.letrec<{ type: ValueType }>((tie) => ({
  type: fc.oneof(
    { maxDepth: 4 },
    tensorType,
    fc.constant<ValueType>({ kind: 'opaque' }),
    record({
      kind: fc.constantFrom('sequence' as const, 'optional' as const),
      element: tie('type'),
    }),
    record({ kind: fc.constant('map' as const), keyType: dtype, value: tie('type') }),
  ),
}));

function valueInfo(type: fc.Arbitrary<ValueType>): fc.Arbitrary<ValueInfo> {
  return record({
    name,
    type,
    docString: fc.constant(''),
    metadata: fc.constant(noMetadata),
  });
}
const anyValueInfo = valueInfo(fc.oneof(knownType, fc.constant<ValueType>({ kind: 'unknown' })));

function tensorOf(names: fc.Arbitrary<string>): fc.Arbitrary<Tensor> {
  return fc.tuple(dtype, fc.array(fc.nat(3), { maxLength: 3 })).chain(([type, dims]) => {
    const elementCount = dims.reduce((product, size) => product * size, 1);
    return record({
      name: names,
      docString: fc.constant(''),
      dtype: fc.constant(type),
      dtypeCode: fc.constant(dataTypeInfo(type).code),
      dims: fc.constant(dims),
      elementCount: fc.constant(elementCount),
      storage: storageOf(type, elementCount),
      metadata: fc.constant(noMetadata),
    });
  });
}

function storageOf(
  type: Tensor['dtype'] & string,
  elementCount: number,
): fc.Arbitrary<Tensor['storage']> {
  if (elementCount === 0) return fc.constant({ kind: 'none' });
  const external = record({
    kind: fc.constant('external' as const),
    location: fc.constantFrom('w.bin', 'a b.data'),
    offset: fc.maxSafeNat(),
    byteLength: fc.option(fc.constant(bytesOf(type, elementCount) ?? 1)),
  });
  return fc.oneof(external, fc.constant({ kind: 'none' as const }), inlineOf(type, elementCount));
}

function inlineOf(
  type: Tensor['dtype'] & string,
  elementCount: number,
): fc.Arbitrary<Tensor['storage']> {
  const length = { minLength: elementCount, maxLength: elementCount };
  const byteLength = bytesOf(type, elementCount);
  if (byteLength === null) {
    return record({
      kind: fc.constant('strings' as const),
      values: fc.array(
        text.map((one) => utf8.encode(one)),
        length,
      ),
    });
  }
  const inline = (bytes: Uint8Array) => ({ kind: 'inline' as const, bytes });
  const perElement = type.startsWith('complex') ? 2 : 1;
  const doubled = { minLength: elementCount * perElement, maxLength: elementCount * perElement };
  // NaN has many bit patterns and one literal: floats come as values, not as bytes.
  if (type === 'float32' || type === 'complex64') {
    return fc
      .array(float32, doubled)
      .map((values) => inline(new Uint8Array(Float32Array.from(values).buffer)));
  }
  if (type === 'float64' || type === 'complex128') {
    return fc
      .array(fc.double(), doubled)
      .map((values) => inline(new Uint8Array(Float64Array.from(values).buffer)));
  }
  return fc
    .uint8Array({ minLength: byteLength, maxLength: byteLength })
    .map((bytes) => inline(clearPadding(bytes, (dataTypeInfo(type).bits ?? 8) * elementCount)));
}

/** Bits behind the last element say nothing and are not kept. */
function clearPadding(bytes: Uint8Array, bitCount: number): Uint8Array {
  const used = bitCount % 8;
  if (used === 0) return bytes;
  return bytes.map((byte, index) => (index === bytes.length - 1 ? byte & ((1 << used) - 1) : byte));
}

const tensorValue = tensorOf(fc.oneof(identifier, fc.constant('')));
const list = <Item>(item: fc.Arbitrary<Item>) => fc.array(item, { maxLength: 3 });
const kinded = <Kind extends string, Value>(kind: Kind, value: fc.Arbitrary<Value>) =>
  record({ kind: fc.constant(kind), value });

const plainValue: fc.Arbitrary<AttributeValue> = fc.oneof(
  kinded('float', float32),
  kinded('int', int64),
  kinded(
    'string',
    text.map((one) => utf8.encode(one)),
  ),
  kinded('tensor', tensorValue),
  kinded('type', knownType),
  kinded('floats', list(float32)),
  kinded('ints', list(int64)),
  kinded('strings', list(text.map((one) => utf8.encode(one)))),
  kinded('tensors', list(tensorValue)),
  kinded('types', list(knownType)),
);

function attributes(depth: number): fc.Arbitrary<ReadonlyMap<string, Attribute>> {
  const subgraph = depth > 0 ? graph(subgraphName, depth - 1) : null;
  const value = subgraph
    ? fc.oneof(plainValue, kinded('graph', subgraph), kinded('graphs', list(subgraph)))
    : plainValue;
  const reference = fc.constantFrom<AttributeValue>(
    { kind: 'none' },
    { kind: 'float', value: 0 },
    { kind: 'ints', value: [] },
  );
  const attribute = fc.oneof(
    record({ name: identifier, refName: fc.constant(''), value }),
    record({ name: identifier, refName: name.filter((one) => one !== ''), value: reference }),
  );
  return fc
    .uniqueArray(attribute, { selector: (one) => one.name, maxLength: 3 })
    .map((all) => new Map(all.map((one) => [one.name, one])));
}

function nodes(depth: number): fc.Arbitrary<Node[]> {
  const node = record({
    index: fc.constant(0),
    name,
    path: fc.constant(''),
    opType: identifier,
    domain: fc.constantFrom('', 'com.microsoft', 'a'),
    overload: fc.oneof(fc.constant(''), identifier),
    inputs: list(name),
    outputs: list(name),
    attributes: attributes(depth),
    docString: fc.constant(''),
    metadata: fc.constant(noMetadata),
  });
  return fc.array(node, { maxLength: 3 });
}

function graph(names: fc.Arbitrary<string>, depth: number): fc.Arbitrary<Graph> {
  return record({
    name: names,
    path: fc.constant(''),
    docString: fc.constant(''),
    inputs: list(anyValueInfo),
    outputs: list(anyValueInfo),
    valueInfos: list(anyValueInfo),
    nodes: nodes(depth),
    initializers: list(tensorOf(name)),
    sparseInitializers: fc.constant([]),
    initializerByName: fc.constant(new Map<string, Tensor>()),
    metadata: fc.constant(noMetadata),
  });
}

const opsets = fc
  .dictionary(fc.constantFrom('', 'com.microsoft', 'a'), fc.nat(30))
  .map((versions) => new Map(Object.entries(versions)));

const modelFunction: fc.Arbitrary<ModelFunction> = record({
  name,
  domain: name.filter((one) => one !== 'ai.onnx'),
  overload: name,
  docString: text,
  inputs: list(name),
  outputs: list(name),
  attributeNames: list(name),
  attributeDefaults: list(
    record({ name: identifier, refName: fc.constant(''), value: plainValue }),
  ),
  opsets,
  valueInfos: list(valueInfo(knownType)),
  nodes: nodes(1),
  metadata: fc.constant(noMetadata),
});

const model: fc.Arbitrary<Model> = record({
  irVersion: fc.option(fc.nat(14)),
  producer: fc.constant(''),
  producerName: text,
  producerVersion: text,
  domain: text,
  modelVersion: int64,
  docString: text,
  metadata: fc.array(fc.tuple(text, text), { maxLength: 3 }).map((all) => new Map(all)),
  opsets,
  graph: graph(name, 2),
  functions: list(modelFunction),
}).map((one) => ({
  ...one,
  ...producerOf(one.producerName, one.producerVersion),
  graph: located(one.graph, 'main'),
  functions: one.functions.map((definition) => ({
    ...definition,
    nodes: locatedNodes(
      definition.nodes,
      `function:${definition.domain}.${definition.name}` +
        (definition.overload === '' ? '' : `:${definition.overload}`),
    ),
  })),
}));

/** Fills in what follows from the place in the model: paths, indices, the index of initializers. */
function located(one: Graph, path: string): Graph {
  const initializerByName = new Map<string, Tensor>();
  for (const tensor of one.initializers) {
    if (!initializerByName.has(tensor.name)) initializerByName.set(tensor.name, tensor);
  }
  return { ...one, path, initializerByName, nodes: locatedNodes(one.nodes, path) };
}

function locatedNodes(all: readonly Node[], graphPath: string): Node[] {
  const namer = createPathNamer(graphPath);
  return all.map((node, index) => {
    const path = namer.pathOf(node.name, node.opType, index);
    const locatedValue = ({ name: attribute, value }: Attribute): AttributeValue => {
      const at = `${path}/${attribute}`;
      if (value.kind === 'graph') return { ...value, value: located(value.value, at) };
      if (value.kind !== 'graphs') return value;
      return {
        ...value,
        value: value.value.map((body, item) => located(body, `${at}_${item}`)),
      };
    };
    const entries = Array.from(
      node.attributes,
      ([key, one]) => [key, { ...one, value: locatedValue(one) }] as const,
    );
    return { ...node, index, path, attributes: new Map(entries) };
  });
}

describe('ONNX text of any model', () => {
  it('reads back as the same model', () => {
    fc.assert(
      fc.property(model, (one) => {
        const printed = printModel(one, options);
        assert.equal(printed.omissionCount, 0);
        assert.deepEqual(parseModelText(printed.text), { model: one, problems: [] });
      }),
    );
  });

  it('has every node on the lines that the map says', () => {
    fc.assert(
      fc.property(model, (one) => {
        const { text: whole, nodeLines } = printModel(one, options);
        const lines = whole.split('\n');
        for (const node of one.graph.nodes) {
          const range = nodeLines.get(node.path);
          assert.ok(range);
          const own = lines.slice(range.start, range.end + 1).join('\n');
          assert.ok(
            own.includes(` = ${node.domain === '' ? '' : `${node.domain}.`}${node.opType}`),
          );
        }
      }),
    );
  });

  it('makes bytes that onnx-proto reads', () => {
    fc.assert(
      fc.property(model, (one) => {
        const decoded = onnx.ModelProto.decode(encodeModel(one));
        assert.deepEqual(
          decoded.graph?.node?.map(({ name: own, opType, input, output }) => [
            own ?? '',
            opType,
            input,
            output,
          ]) ?? [],
          one.graph.nodes.map(({ name: own, opType, inputs, outputs }) => [
            own,
            opType,
            inputs,
            outputs,
          ]),
        );
      }),
    );
  });
});

describe('any text', () => {
  const coded = (whole: string) => {
    const { model: parsed, problems } = parseModelText(whole);
    assert.ok(parsed !== null || problems.length > 0);
    for (const problem of problems) assert.match(problem.code, /^[a-z][a-z-]*$/);
  };

  it('gives a model or a coded problem', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), coded));
  });

  it('made of words of the syntax gives a model or a coded problem', () => {
    const words =
      '< > ( ) [ ] { } = => , : . @ ? # " \\ g x float seq map int4 1 -1 1.5 nan opset_import';
    const word = fc.constantFrom(...words.split(' '), '\n', '"a"');
    fc.assert(
      fc.property(fc.array(word), (all) => {
        coded(all.join(' '));
      }),
    );
  });

  it('damaged by one cut and one insertion gives a model or a coded problem', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...acceptedTexts),
        fc.nat(300),
        fc.nat(20),
        fc.string({ maxLength: 3 }),
        (whole, at, count, inserted) => {
          const damaged = header + whole;
          coded(damaged.slice(0, at) + inserted + damaged.slice(at + count));
        },
      ),
      { numRuns: 1000 },
    );
  });
});
