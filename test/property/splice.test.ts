import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import type { NewTensor, Patch } from '../../server/src/core/transform/patch';
import {
  encodeAwkwardly,
  sketches,
  sketchOf,
  tapes,
  type NodeSketch,
  type Sketch,
} from '../support/awkward';
import { present, readBytes, spliced } from '../support/onnx';

const words = fc.oneof(fc.string({ maxLength: 20 }), fc.string({ minLength: 126, maxLength: 131 }));
const somewhere = fc.nat(1000);

/** What to do with a model, before it is known how many nodes there are. */
const wishes = fc.record({
  removeNodes: fc.array(somewhere, { maxLength: 2 }),
  removeInitializers: fc.array(somewhere, { maxLength: 2 }),
  removeInputs: fc.array(somewhere, { maxLength: 1 }),
  renameNodes: fc.array(fc.tuple(somewhere, words), { maxLength: 3 }),
  renameInputs: fc.array(fc.tuple(somewhere, somewhere, words), { maxLength: 3 }),
  insertNodes: fc.array(fc.tuple(somewhere, words), { maxLength: 3 }),
  addInitializers: fc.array(fc.tuple(words, fc.array(fc.nat(), { maxLength: 3 })), {
    maxLength: 2,
  }),
  opset: fc.option(
    fc.tuple(fc.constantFrom('', 'com.a', 'com.new'), fc.integer({ min: 1, max: 30 })),
  ),
  metadata: fc.option(fc.tuple(words, words)),
});

type Wishes = typeof wishes extends fc.Arbitrary<infer T> ? T : never;

describe('property: splice', () => {
  it('a patched file holds the patched model, and everything the patch does not name', async () => {
    await fc.assert(
      fc.asyncProperty(sketches, tapes, wishes, async (sketch, tape, wish) => {
        const { bytes, strangers } = encodeAwkwardly(sketch, tape);
        const patch = patchOf(wish, sketch);
        const result = await spliced(bytes, patch);
        const { read, problems } = await readBytes(result);
        assert.deepEqual(problems, []);
        const found = sketchOf(present(read).model);
        assert.ok(isDeepStrictEqual(sorted(found), sorted(patched(sketch, patch, wish))));
        const gone = new Set([
          ...patch.removeNodes.map((index) => `node ${index}`),
          ...patch.removeInitializers.map((index) => `initializer ${index}`),
          ...patch.removeInputs.map((index) => `input ${index}`),
        ]);
        const haystack = Buffer.from(result);
        for (const stranger of strangers) {
          assert.equal(haystack.includes(stranger.text), !gone.has(stranger.inside));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('renaming nodes and renaming them back restores the file', async () => {
    await fc.assert(
      fc.asyncProperty(
        sketches,
        tapes,
        fc.array(words, { minLength: 1 }),
        async (sketch, tape, names) => {
          const { bytes } = encodeAwkwardly(sketch, tape);
          const rename = (to: (node: NodeSketch, index: number) => string | null) => ({
            renameNodes: sketch.nodes.map((node, index) => ({ node: index, to: to(node, index) })),
          });
          const there = await spliced(
            bytes,
            rename((_, index) => present(names[index % names.length])),
          );
          // The file leaves out the field of a node without a name.
          const back = await spliced(
            there,
            rename(({ name }) => (name === '' ? null : name)),
          );
          assert.ok(Buffer.from(bytes).equals(back));
        },
      ),
      { numRuns: 300 },
    );
  });
});

function patchOf(wish: Wishes, { nodes, initializers, inputs }: Sketch): Patch {
  const within = (list: readonly unknown[], at: number): number[] =>
    list.length === 0 ? [] : [at % list.length];
  const tensor = (name: string, values: readonly number[]): NewTensor => {
    const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
    return {
      name,
      dtype: 'int64',
      dims: [values.length],
      byteLength: bytes.byteLength,
      data: () => Promise.resolve(bytes),
    };
  };
  return {
    removeNodes: wish.removeNodes.flatMap((at) => within(nodes, at)),
    removeInitializers: wish.removeInitializers.flatMap((at) => within(initializers, at)),
    removeInputs: wish.removeInputs.flatMap((at) => within(inputs, at)),
    removeValueInfos: [],
    renameNodes: wish.renameNodes.flatMap(([at, to]) =>
      within(nodes, at).map((node) => ({ node, to })),
    ),
    renameInputs: wish.renameInputs.flatMap(([at, where, to]) =>
      within(nodes, at).flatMap((node) =>
        within(nodes[node]?.inputs ?? [], where).map((input) => ({ node, input, to })),
      ),
    ),
    renameOutputs: [],
    insertNodes: wish.insertNodes.map(([at, name]) => ({
      before: at % (nodes.length + 1) === nodes.length ? 'end' : at % (nodes.length + 1),
      node: { name, opType: 'New', domain: '', inputs: [], outputs: [name], attributes: [] },
    })),
    addInitializers: wish.addInitializers.map(([name, values]) => tensor(name, values)),
    setOpsets: new Map(wish.opset ? [wish.opset] : []),
    setMetadata: new Map(wish.metadata ? [wish.metadata] : []),
  };
}

/** What the patch means, done to the sketch. */
function patched(sketch: Sketch, patch: Patch, wish: Wishes): Sketch {
  const nodes = sketch.nodes.map((node, index) => ({
    ...node,
    name: patch.renameNodes.findLast((rename) => rename.node === index)?.to ?? node.name,
    inputs: node.inputs.map(
      (name, input) =>
        patch.renameInputs.findLast((rename) => rename.node === index && rename.input === input)
          ?.to ?? name,
    ),
  }));
  const inserted = (before: number | 'end'): NodeSketch[] =>
    patch.insertNodes
      .filter((insertion) => insertion.before === before)
      .map(({ node }) => ({ ...pick(node), ints: [] }));
  const added = wish.addInitializers.map(([name, values]) => ({
    name,
    values: values.map(BigInt),
  }));
  return {
    irVersion: sketch.irVersion,
    opsets: [...new Map([...sketch.opsets, ...patch.setOpsets])],
    metadata: [...new Map([...sketch.metadata, ...patch.setMetadata])],
    nodes: [
      ...nodes.flatMap((node, index) => [
        ...inserted(index),
        ...(patch.removeNodes.includes(index) ? [] : [node]),
      ]),
      ...inserted('end'),
    ],
    initializers: [
      ...sketch.initializers.filter((_, index) => !patch.removeInitializers.includes(index)),
      ...added,
    ],
    inputs: sketch.inputs.filter((_, index) => !patch.removeInputs.includes(index)),
  };
}

function pick({ name, opType, inputs, outputs }: Omit<NodeSketch, 'ints'>) {
  return { name, opType, inputs, outputs };
}

/** Maps have an order, but which domain or key stands first is not what is tested. */
function sorted(sketch: Sketch): Sketch {
  const byKey = <T>(list: readonly (readonly [string, T])[]) =>
    list.toSorted(([a], [b]) => (a < b ? -1 : 1));
  return { ...sketch, opsets: byKey(sketch.opsets), metadata: byKey(sketch.metadata) };
}
