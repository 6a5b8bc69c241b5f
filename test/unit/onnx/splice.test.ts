import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { planSplice, renderPieces } from '../../../server/src/core/onnx/splice';
import { sourceFromBytes } from '../../../server/src/core/source';
import { emptyPatch, type NewNode, type NewTensor } from '../../../server/src/core/transform/patch';
import { inlineValues } from '../../../server/src/core/tensor-values';
import { corpus, corpusModels, hasCorpus, sample } from '../../support/corpus';
import { modelOf, present, readBytes, readClean, spliced, strangers } from '../../support/onnx';
import {
  concat,
  fieldsOf,
  floatBytes,
  group,
  int,
  join,
  message,
  onnxField as f,
  padded,
  text,
} from '../../support/protobuf';

const node = (name: string, ...content: readonly Uint8Array[]) =>
  message(
    f.graph.node,
    text(f.node.input, 'x'),
    text(f.node.output, 'y'),
    ...content,
    text(f.node.name, name),
    text(f.node.opType, 'Relu'),
  );
const weight = (name: string) =>
  message(
    f.graph.initializer,
    int(f.tensor.dims, 1),
    int(f.tensor.dataType, 1),
    text(f.tensor.name, name),
    message(f.tensor.rawData, floatBytes(1)),
  );
const value = (name: string) => message(f.graph.valueInfo, text(f.valueInfo.name, name));
const opset = (domain: string, version: number) =>
  message(f.model.opset, text(f.opset.domain, domain), int(f.opset.version, version));
const entry = (key: string, content: string) =>
  message(f.model.metadata, text(f.entry.key, key), text(f.entry.value, content));

const newNode = (name: string): NewNode => ({
  name,
  opType: 'Identity',
  domain: '',
  inputs: ['x'],
  outputs: [`${name}_y`],
  attributes: [],
});
const newTensor = (name: string, ...values: readonly number[]): NewTensor => {
  const bytes = floatBytes(...values);
  return {
    name,
    dtype: 'float32',
    dims: [values.length],
    byteLength: bytes.byteLength,
    data: () => Promise.resolve(bytes),
  };
};

async function nodeNames(bytes: Uint8Array): Promise<string[]> {
  return (await readClean(bytes)).graph.nodes.map(({ name }) => name);
}

describe('splice: an empty patch', () => {
  it('copies every byte', async () => {
    const bytes = concat(strangers, modelOf(node('a'), strangers), opset('', 17), strangers);
    assertSame(await spliced(bytes, {}), bytes);
  });

  it('so does one that asks for what is there, or for what there is not', async () => {
    const bytes = concat(modelOf(node('a')), opset('', 17));
    const patch = {
      setOpsets: new Map([['ai.onnx', 17]]),
      removeNodes: [7],
      removeInitializers: [0],
      removeValueInfos: ['nobody'],
      renameNodes: [{ node: 9, to: 'x' }],
    };
    assertSame(await spliced(bytes, patch), bytes);
  });
});

describe('splice: renaming a node', () => {
  const lengths = [0, 1, 100, 127, 128, 200, 16_384, 2_100_000];
  for (const length of lengths) {
    it(`to ${length} letters changes the name and the lengths around it; back restores the file`, async () => {
      const build = (name: string) =>
        concat(
          opset('', 17),
          modelOf(node('first'), node(name, strangers), weight('w')),
          strangers,
        );
      const bytes = build('second');
      const name = 'n'.repeat(length);
      const renamed = await spliced(bytes, { renameNodes: [{ node: 1, to: name }] });
      assertSame(renamed, build(name));
      const back = await spliced(renamed, { renameNodes: [{ node: 1, to: 'second' }] });
      assertSame(back, bytes);
    });
  }

  it('keeps the width of padded lengths and tags', async () => {
    const build = (name: string) =>
      padded(
        f.model.graph,
        { tag: 3, length: 5 },
        padded(
          f.graph.node,
          { tag: 2, length: 4 },
          text(f.node.name, name, { tag: 5, length: 3 }),
          text(f.node.opType, 'Relu', { length: 2 }),
        ),
      );
    const renamed = await spliced(build('a'), { renameNodes: [{ node: 0, to: 'b'.repeat(300) }] });
    assertSame(renamed, build('b'.repeat(300)));
  });

  it('of a node without a name adds the field; null takes it away again', async () => {
    const bytes = modelOf(message(f.graph.node, text(f.node.opType, 'Relu')), weight('w'));
    const renamed = await spliced(bytes, { renameNodes: [{ node: 0, to: 'named' }] });
    assert.deepEqual(await nodeNames(renamed), ['named']);
    assertSame(await spliced(renamed, { renameNodes: [{ node: 0, to: null }] }), bytes);
  });

  it('an empty name that is written out stays written out', async () => {
    const bytes = modelOf(node(''));
    const renamed = await spliced(bytes, { renameNodes: [{ node: 0, to: 'named' }] });
    assertSame(await spliced(renamed, { renameNodes: [{ node: 0, to: '' }] }), bytes);
  });

  it('of several name fields the last one is the name, and null takes all', async () => {
    const bytes = modelOf(node('a', text(f.node.name, 'ignored')));
    const renamed = await spliced(bytes, { renameNodes: [{ node: 0, to: 'b' }] });
    assertSame(renamed, modelOf(node('b', text(f.node.name, 'ignored'))));
    const gone = await spliced(bytes, { renameNodes: [{ node: 0, to: null }] });
    assert.deepEqual(await nodeNames(gone), ['']);
  });

  it('a name inside a group is somebody else’s', async () => {
    const build = (name: string) =>
      modelOf(node(name, group(99, text(f.node.name, 'inner')), group(f.node.name, int(1, 1))));
    const renamed = await spliced(build('a'), { renameNodes: [{ node: 0, to: 'bcd' }] });
    assertSame(renamed, build('bcd'));
  });

  it('a name that is not UTF-8 can be put back', async () => {
    const bytes = modelOf(message(f.graph.node, text(f.node.name, Uint8Array.of(0x61, 0xff))));
    const { read } = await readBytes(bytes);
    const old = present(present(read).model.graph.nodes[0]).name;
    const renamed = await spliced(bytes, { renameNodes: [{ node: 0, to: 'b' }] });
    assertSame(await spliced(renamed, { renameNodes: [{ node: 0, to: old }] }), bytes);
  });

  it('a node that is removed too is only removed', async () => {
    const patch = {
      removeNodes: [0, 0],
      renameNodes: [{ node: 0, to: 'x' }],
      renameInputs: [{ node: 0, input: 0, to: 'x' }],
    };
    assertSame(await spliced(modelOf(node('a'), node('b')), patch), modelOf(node('b')));
  });

  it('twice: the last word counts', async () => {
    const patch = {
      renameNodes: [
        { node: 0, to: 'x' },
        { node: 0, to: 'yy' },
      ],
    };
    assertSame(await spliced(modelOf(node('a')), patch), modelOf(node('yy')));
  });
});

describe('splice: renaming inputs and outputs', () => {
  it('by position, several in one node', async () => {
    const build = (inputs: readonly string[], outputs: readonly string[]) =>
      modelOf(
        message(
          f.graph.node,
          text(f.node.output, outputs[0] ?? ''),
          text(f.node.input, inputs[0] ?? ''),
          strangers,
          text(f.node.input, inputs[1] ?? ''),
          text(f.node.output, outputs[1] ?? ''),
          text(f.node.input, inputs[2] ?? ''),
        ),
      );
    const result = await spliced(build(['a', '', 'c'], ['d', 'e']), {
      renameInputs: [
        { node: 0, input: 2, to: 'third' },
        { node: 0, input: 1, to: 'second' },
      ],
      renameOutputs: [{ node: 0, output: 1, to: '' }],
    });
    assertSame(result, build(['a', 'second', 'third'], ['d', '']));
  });
});

describe('splice: whole nodes, tensors and values', () => {
  it('go', async () => {
    const bytes = modelOf(
      node('a'),
      weight('w0'),
      strangers,
      node('b'),
      value('v0'),
      weight('w1'),
      node('c'),
      value('v1'),
    );
    const result = await spliced(bytes, {
      removeNodes: [2, 0],
      removeInitializers: [0],
      removeValueInfos: ['v1'],
    });
    assertSame(result, modelOf(strangers, node('b'), value('v0'), weight('w1')));
  });

  it('go from the graph’s inputs', async () => {
    const input = (name: string) => message(f.graph.input, text(f.valueInfo.name, name));
    const result = await spliced(modelOf(input('a'), input('b')), { removeInputs: [0] });
    assertSame(result, modelOf(input('b')));
  });

  it('come: before a node, at the end, in the order given', async () => {
    const bytes = modelOf(node('a'), node('b'), weight('w'), strangers);
    const result = await spliced(bytes, {
      insertNodes: [
        { before: 1, node: newNode('x') },
        { before: 'end', node: newNode('z') },
        { before: 1, node: newNode('y') },
        { before: 0, node: newNode('v') },
      ],
      addInitializers: [newTensor('n0', 1, 2), newTensor('n1', 3)],
    });
    const { graph } = await readClean(result);
    assert.deepEqual(
      graph.nodes.map(({ name }) => name),
      ['v', 'a', 'x', 'y', 'b', 'z'],
    );
    assert.deepEqual(
      graph.initializers.map(({ name }) => name),
      ['w', 'n0', 'n1'],
    );
    assert.deepEqual(
      graph.initializers.map((tensor) => inlineValues(tensor)),
      [[1], [1, 2], [3]],
    );
  });

  it('come after a node that gets a name in the same patch', async () => {
    const unnamed = message(f.graph.node, text(f.node.opType, 'Relu'));
    const result = await spliced(modelOf(unnamed, unnamed), {
      renameNodes: [
        { node: 0, to: 'a' },
        { node: 1, to: 'b' },
      ],
      insertNodes: [
        { before: 1, node: newNode('x') },
        { before: 'end', node: newNode('y') },
      ],
      addInitializers: [newTensor('n', 1)],
    });
    assert.deepEqual(await nodeNames(result), ['a', 'x', 'b', 'y']);
  });

  it('come into an empty graph', async () => {
    const result = await spliced(concat(modelOf(), opset('', 17)), {
      insertNodes: [{ before: 'end', node: newNode('x') }],
      addInitializers: [newTensor('n', 1)],
    });
    const { graph } = await readClean(result);
    assert.deepEqual(
      graph.nodes.map(({ name }) => name),
      ['x'],
    );
    assert.deepEqual(
      graph.initializers.map(({ name }) => name),
      ['n'],
    );
  });

  it('replace what goes at the same place', async () => {
    const bytes = modelOf(node('a'), node('b'));
    const result = await spliced(bytes, {
      removeNodes: [0, 1],
      insertNodes: [
        { before: 0, node: newNode('x') },
        { before: 'end', node: newNode('y') },
      ],
    });
    assert.deepEqual(await nodeNames(result), ['x', 'y']);
  });
});

describe('splice: a graph in several pieces', () => {
  const segment = (...content: readonly Uint8Array[]) =>
    padded(f.model.graph, { length: 5 }, ...content);

  it('each piece keeps its own length', async () => {
    const build = (second: string, third: string) =>
      concat(
        segment(node('a')),
        opset('', 17),
        segment(),
        strangers,
        segment(node(second), weight('w')),
        segment(node(third)),
      );
    const result = await spliced(build('b', 'c'), {
      renameNodes: [
        { node: 2, to: 'much longer' },
        { node: 1, to: '' },
      ],
    });
    assertSame(result, build('', 'much longer'));
  });

  it('insertions at the seams', async () => {
    const bytes = concat(segment(node('a')), segment(node('b')), segment(weight('w')), segment());
    const result = await spliced(bytes, {
      insertNodes: [
        { before: 1, node: newNode('x') },
        { before: 'end', node: newNode('z') },
      ],
      addInitializers: [newTensor('n', 1)],
    });
    assert.deepEqual(await nodeNames(result), ['a', 'x', 'b', 'z']);
    const { graph } = await readClean(result);
    assert.deepEqual(
      graph.initializers.map(({ name }) => name),
      ['w', 'n'],
    );
  });

  it('20,000 pieces with a change in each', async () => {
    const build = (suffix: string) =>
      join(Array.from({ length: 20_000 }, (_, at) => segment(node(`${at}${suffix}`))));
    const result = await spliced(build(''), {
      renameNodes: Array.from({ length: 20_000 }, (_, at) => ({ node: at, to: `${at}!!` })),
    });
    assertSame(result, build('!!'));
  });
});

describe('splice: opsets and metadata', () => {
  it('versions are set where they stand, new domains go last', async () => {
    const bytes = concat(opset('com.a', 1), opset('ai.onnx', 12), modelOf(node('a')), strangers);
    const result = await spliced(bytes, {
      setOpsets: new Map([
        ['', 17],
        ['com.new', 1],
      ]),
    });
    const model = await readClean(result);
    assert.deepEqual(
      [...model.opsets],
      [
        ['com.a', 1],
        ['', 17],
        ['com.new', 1],
      ],
    );
    assert.ok(Buffer.from(result).includes(Buffer.from(strangers)));
    assert.ok(Buffer.from(result).includes(Buffer.from(opset('com.a', 1))));
  });

  it('fields of nobody beside the version or value stay, wherever the entry ends', async () => {
    const imported = message(f.model.opset, strangers, int(f.opset.version, 17));
    const bytes = concat(
      modelOf(),
      message(f.model.opset, strangers),
      message(f.model.metadata, strangers, text(f.entry.key, 'k')),
    );
    const result = await spliced(bytes, {
      setOpsets: new Map([
        ['com.new', 1],
        ['', 17],
      ]),
      setMetadata: new Map([
        ['new', 'entry'],
        ['k', 'v'.repeat(200)],
      ]),
    });
    assertSame(
      result,
      concat(
        modelOf(),
        imported,
        message(
          f.model.metadata,
          strangers,
          text(f.entry.key, 'k'),
          text(f.entry.value, 'v'.repeat(200)),
        ),
        message(f.model.opset, text(f.opset.domain, 'com.new'), int(f.opset.version, 1)),
        entry('new', 'entry'),
      ),
    );
    assertSame(
      await spliced(modelOfOpset(16), { setOpsets: new Map([['', 300]]) }),
      modelOfOpset(300),
    );
  });

  it('of a repeated domain the last one, which counts, is set', async () => {
    const result = await spliced(concat(opset('', 9), opset('', 12), modelOf()), {
      setOpsets: new Map([['', 17]]),
    });
    assert.equal((await readBytes(result)).read?.model.opsets.get(''), 17);
  });

  it('entries are replaced in place or added, also beside repeated keys', async () => {
    const set = new Map([
      ['b', 'new'],
      ['c', 'added'],
    ]);
    const plain = await spliced(concat(entry('a', '1'), entry('b', '2'), modelOf()), {
      setMetadata: set,
    });
    assert.deepEqual(
      [...(await readClean(plain)).metadata],
      [
        ['a', '1'],
        ['b', 'new'],
        ['c', 'added'],
      ],
    );
    const repeated = await spliced(concat(entry('b', '1'), entry('b', '2'), modelOf()), {
      setMetadata: set,
    });
    assert.equal((await readClean(repeated)).metadata.get('b'), 'new');
  });
});

function modelOfOpset(version: number): Uint8Array {
  return concat(message(f.model.opset, int(f.opset.version, version), strangers), modelOf());
}

describe('splice: what must not be written', () => {
  const bytes = concat(modelOf(node('a')), strangers);

  async function render(available: number, tensor?: NewTensor, cancelAfter = Infinity) {
    const { read } = await readBytes(bytes);
    const { model, wire } = present(read);
    const pieces = await planSplice(sourceFromBytes(bytes), model, wire, {
      ...emptyPatch,
      addInitializers: tensor ? [tensor] : [],
    });
    const source = {
      byteLength: bytes.byteLength,
      read: (offset: number, count: number) =>
        Promise.resolve(bytes.subarray(offset, Math.min(offset + count, available))),
    };
    let parts = 0;
    const signal = {
      get cancelled() {
        return parts >= cancelAfter;
      },
    };
    for await (const part of renderPieces(source, pieces, signal)) parts += Math.sign(part.length);
    return parts;
  }

  it('a file that got shorter is not copied', async () => {
    await assert.rejects(render(bytes.byteLength - 1), /shorter/);
  });

  it('a tensor of another length than announced', async () => {
    const tensor = { ...newTensor('n', 1, 2), byteLength: 7 };
    await assert.rejects(render(bytes.byteLength, tensor), /8 bytes, not the 7/);
  });

  it('a cancelled copy ends', async () => {
    assert.equal(await render(bytes.byteLength, newTensor('n', 1), 1), 1);
    assert.ok((await render(bytes.byteLength, newTensor('n', 1))) > 1);
  });
});

describe('splice: real models', () => {
  it('renaming a node changes its name and the lengths around it; back restores the file', async function () {
    if (!hasCorpus()) {
      console.log(`      no corpus at ${corpus}: skipped (set GREEN_AI_CORPUS)`);
      this.skip();
    }
    const files = ['onnx/real', 'onnx/external-data', 'onnx/onnx-backend', 'onnx/fixtures'].flatMap(
      (folder) => sample(corpusModels(folder), 15),
    );
    let renamed = 0;
    for (const file of files) {
      const bytes = readFileSync(file);
      const { read } = await readBytes(bytes);
      const nodes = read?.model.graph.nodes ?? [];
      const index = Math.floor(nodes.length / 2);
      const target = nodes[index];
      if (!target) continue;
      const name = path.relative(corpus, file);
      const to = `${target.name}_renamed_to_something_longer`;
      const result = await spliced(bytes, { renameNodes: [{ node: index, to }] });
      assertSame(result, renamedByHand(bytes, index, to), name);
      // A node whose name was left out gets the field at its end; an empty one that is written out keeps it.
      const hadName = renamedByHand(bytes, index, target.name).byteLength === bytes.byteLength;
      const back = await spliced(result, {
        renameNodes: [{ node: index, to: hadName ? target.name : null }],
      });
      assertSame(back, bytes, name);
      renamed++;
    }
    assert.ok(renamed > 40, `${renamed} models`);
  });
});

/** Where the files differ says more than all their bytes. */
function assertSame(actual: Uint8Array, expected: Uint8Array, name = ''): void {
  const length = Math.max(actual.byteLength, expected.byteLength);
  let at = 0;
  while (at < length && actual[at] === expected[at]) at++;
  assert.equal(at, length, `${name} differs from byte ${at} of ${length}`);
}

/** The file with one node renamed, taken apart and put together again by other means. */
function renamedByHand(bytes: Uint8Array, index: number, to: string): Uint8Array {
  let nodesBefore = 0;
  const rename = (node: Uint8Array): Uint8Array => {
    const fields = fieldsOf(node);
    const last = fields.findLast(({ number }) => number === f.node.name);
    const renamed = fields.map((field) => (field === last ? text(f.node.name, to) : field.whole));
    return join(last ? renamed : [...renamed, text(f.node.name, to)]);
  };
  const inGraph = (graph: Uint8Array): Uint8Array =>
    join(
      fieldsOf(graph).map((field) =>
        field.number === f.graph.node && nodesBefore++ === index
          ? message(f.graph.node, rename(field.content))
          : field.whole,
      ),
    );
  return join(
    fieldsOf(bytes).map((field) =>
      field.number === f.model.graph ? message(f.model.graph, inGraph(field.content)) : field.whole,
    ),
  );
}
