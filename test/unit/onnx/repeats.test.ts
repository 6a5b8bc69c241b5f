import assert from 'node:assert/strict';
import { stringAttribute } from '../../../server/src/core/attributes';
import { firstNode, modelOf, nodeOf, present, readBytes, readClean } from '../../support/onnx';
import {
  concat,
  floatBytes,
  int,
  message,
  onnxField as f,
  padded,
  text,
} from '../../support/protobuf';

const { attribute } = f;

/** What is remembered between messages and models must never show: each row is read again after others like it. */
describe('reading: what repeats', () => {
  const axis = message(f.node.attribute, text(attribute.name, 'axis'), int(attribute.i, 7));
  const clean = nodeOf(axis);

  it('attributes are the same where all is well, and judged again where it is not', async () => {
    const twice = nodeOf(axis, axis);
    for (const bytes of [clean, twice, clean, twice]) {
      const { read, codes } = await readBytes(bytes);
      const node = firstNode(present(read).model);
      assert.deepEqual(node.attributes.get('axis')?.value, { kind: 'int', value: 7n });
      assert.deepEqual(codes, bytes === twice ? ['duplicate-attribute'] : []);
    }
  });

  it('an attribute of a wrong kind is a problem each time', async () => {
    const wrong = nodeOf(
      message(
        f.node.attribute,
        text(attribute.name, 'axis'),
        int(attribute.i, 7),
        int(attribute.type, 1),
      ),
    );
    for (let round = 0; round < 3; round++) {
      assert.deepEqual((await readBytes(wrong)).codes, ['wrong-attribute-type']);
    }
  });

  it('an unknown size is told of in inputs alone, whoever had the type before', async () => {
    const dims = message(
      f.tensorType.shape,
      message(f.shape.dim, int(f.dim.value, -1n)),
      message(f.shape.dim, int(f.dim.value, 4)),
    );
    const type = message(f.type.tensor, int(f.tensorType.elemType, 1), dims);
    const value = (field: number) =>
      modelOf(message(field, text(f.valueInfo.name, 'x'), message(f.valueInfo.type, type)));
    const { input, valueInfo } = f.graph;
    for (const field of [valueInfo, input, valueInfo, input]) {
      const { codes } = await readBytes(value(field));
      assert.deepEqual(codes, field === input ? ['negative-dim'] : []);
    }
  });

  it('bytes mean what their field makes of them', async () => {
    // As a type: a tensor of float32. As an attribute: one with an empty name that holds nothing known.
    const bytes = message(f.type.tensor, int(f.tensorType.elemType, 1));
    const asType = modelOf(
      message(f.graph.input, text(f.valueInfo.name, 'x'), message(f.valueInfo.type, bytes)),
    );
    const asAttribute = nodeOf(message(f.node.attribute, bytes));
    for (const each of [asType, asAttribute, asType]) {
      const { model } = present((await readBytes(each)).read);
      const type = model.graph.inputs[0]?.type;
      if (each === asType) {
        assert.deepEqual(type, { kind: 'tensor', dtype: 'float32', dims: null });
      } else assert.equal(firstNode(model).attributes.size, 1);
    }
  });

  it('what is kept of an attribute keeps nothing of its file', async () => {
    const mode = message(
      f.node.attribute,
      text(attribute.name, 'mode'),
      text(attribute.s, 'kept apart'),
      int(attribute.type, 3),
    );
    const model = await readClean(concat(nodeOf(mode), text(f.model.producer, 'x'.repeat(9999))));
    const node = firstNode(model);
    assert.equal(stringAttribute(node, 'mode'), 'kept apart');
    const { value } = present(node.attributes.get('mode'));
    assert.ok(value.kind === 'string');
    assert.equal(value.value.buffer.byteLength, value.value.byteLength);
  });
});

describe('reading: texts of nodes', () => {
  const names = {
    'short ASCII': 'conv',
    '127 bytes': 'a'.repeat(127),
    '128 bytes, whose length takes two': 'a'.repeat(128),
    '129 bytes': 'a'.repeat(129),
    'letters of several bytes': 'größe_重み',
    'what an object has anyway': '__proto__',
  };
  for (const [title, name] of Object.entries(names)) {
    it(`${title}, in front of an attribute and behind it`, async () => {
      const content = [
        text(f.node.input, name),
        message(f.node.attribute, text(attribute.name, 'a'), int(attribute.i, 1)),
        text(f.node.input, ''),
        text(f.node.input, `${name}.2`),
        text(f.node.output, name),
        text(f.node.name, 'before'),
        text(f.node.name, name),
        text(f.node.opType, 'Op'),
        text(f.node.domain, 'ai.onnx'),
      ];
      const node = firstNode(await readClean(nodeOf(...content)));
      assert.deepEqual(node.inputs, [name, '', `${name}.2`]);
      assert.deepEqual(node.outputs, [name]);
      // Of a field that is given twice the last one counts.
      assert.equal(node.name, name);
      assert.equal(node.opType, 'Op');
      assert.equal(node.domain, '');
      assert.equal(node.attributes.size, 1);
    });
  }

  it('at the border of what is read at once', async () => {
    // The first read takes 16 KiB: nodes of every length end there.
    const nodes = Array.from({ length: 900 }, (_, index) =>
      message(
        f.graph.node,
        text(f.node.name, `n${index}`),
        text(f.node.input, 'x'.repeat(index % 61)),
      ),
    );
    const { graph } = await readClean(modelOf(...nodes));
    assert.deepEqual(
      graph.nodes.map(({ name }) => name),
      nodes.map((_, index) => `n${index}`),
    );
    assert.ok(graph.nodes.every(({ inputs }, index) => inputs[0]?.length === index % 61));
  });

  const { tensor } = f;
  const head = [int(tensor.dims, 2), int(tensor.dataType, 1)];
  const named = text(attribute.name, 'value');
  const typed = int(attribute.type, 4);
  const twoFloats = message(tensor.rawData, floatBytes(1, 2));
  const tensors: readonly (readonly [what: string, ...fields: Uint8Array[]])[] = [
    ['as exporters write it', named, message(attribute.t, ...head, twoFloats), typed],
    [
      'a scalar',
      named,
      message(attribute.t, int(tensor.dataType, 1), message(tensor.rawData, floatBytes(3))),
      typed,
    ],
    ['fields in another order', typed, message(attribute.t, twoFloats, ...head), named],
    [
      'with a name of its own',
      named,
      message(attribute.t, ...head, text(tensor.name, 'w'), twoFloats),
      typed,
    ],
    ['without a type', named, message(attribute.t, ...head, twoFloats)],
    ['of another type', named, message(attribute.t, ...head, twoFloats), int(attribute.type, 1)],
    ['without a name', message(attribute.t, ...head, twoFloats), typed],
    ['in two parts', named, message(attribute.t, ...head), message(attribute.t, twoFloats), typed],
    [
      'named twice',
      text(attribute.name, 'other'),
      named,
      message(attribute.t, ...head, twoFloats),
      typed,
    ],
    [
      'with elements in a list',
      named,
      message(attribute.t, ...head, message(tensor.floatData, floatBytes(1, 2))),
      typed,
    ],
    ['without elements', named, message(attribute.t, ...head), typed],
    [
      'with too few elements',
      named,
      message(attribute.t, ...head, message(tensor.rawData, floatBytes(1))),
      typed,
    ],
    [
      'of an unknown element type',
      named,
      message(attribute.t, int(tensor.dataType, 99), message(tensor.rawData, floatBytes(1))),
      typed,
    ],
    [
      'that a function gives',
      named,
      message(attribute.t, ...head, twoFloats),
      typed,
      text(attribute.refName, 'w'),
    ],
    [
      'beside an integer',
      named,
      message(attribute.t, ...head, twoFloats),
      int(attribute.i, 3),
      typed,
    ],
    ['with a description', named, message(attribute.t, ...head, twoFloats), typed, text(13, 'why')],
    [
      'with a name that is not ASCII',
      text(attribute.name, 'wért'),
      message(attribute.t, ...head, twoFloats),
      typed,
    ],
  ];
  for (const [what, ...fields] of tensors) {
    it(`a tensor ${what} is read alike by the short way and the general one`, async () => {
      // The short way does not take lengths of five bytes.
      const [short, general] = [{}, { length: 5 }].map((padding) =>
        nodeOf(padded(f.node.attribute, padding, ...fields)),
      );
      const [one, other] = await Promise.all(
        [short, general].map((bytes) => readBytes(present(bytes))),
      );
      assert.deepEqual(one?.codes, other?.codes);
      const attributesOf = (read: typeof one) =>
        firstNode(present(present(read).read).model).attributes;
      assert.deepEqual(attributesOf(one), attributesOf(other));
    });
  }

  it('constants with the same bytes are different tensors', async () => {
    const constant = message(
      f.node.attribute,
      named,
      message(attribute.t, ...head, twoFloats),
      typed,
    );
    const node = (name: string) =>
      message(f.graph.node, text(f.node.output, name), text(f.node.opType, 'Constant'), constant);
    const { graph } = await readClean(modelOf(node('a'), node('b')));
    const [a, b] = graph.nodes.map((each) => present(each.attributes.get('value')).value);
    assert.deepEqual(a, b);
    assert.notEqual(a, b);
  });
});
