import fc from 'fast-check';
import type { Model } from '../../server/src/core/graph';
import { inlineValues } from '../../server/src/core/tensor-values';
import {
  concat,
  group,
  int,
  join,
  onnxField as f,
  packedInts,
  padded,
  text,
  unpackedInts,
  type Padding,
} from './protobuf';

/** A model in few words, to compare what was written with what is read. */
export interface Sketch {
  readonly irVersion: number;
  readonly opsets: readonly (readonly [domain: string, version: number])[];
  readonly metadata: readonly (readonly [key: string, value: string])[];
  readonly nodes: readonly NodeSketch[];
  readonly initializers: readonly InitializerSketch[];
  readonly inputs: readonly {
    readonly name: string;
    readonly dims: readonly (number | string)[];
  }[];
}

export interface NodeSketch {
  readonly name: string;
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The attribute `list`. */
  readonly ints: readonly bigint[];
}

export interface InitializerSketch {
  readonly name: string;
  readonly values: readonly bigint[];
}

const names = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'grapheme', minLength: 120, maxLength: 140 }),
  fc.constantFrom('__proto__', 'constructor', 'a/b', 'x', 'x#1', '\u0000'),
);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

/** Plain objects, which compare equal to what is read. */
const plain = { noNullPrototype: true };

export const sketches: fc.Arbitrary<Sketch> = fc.record(
  {
    irVersion: fc.nat(14),
    opsets: fc.uniqueArray(fc.tuple(fc.constantFrom('', 'com.a', 'com.b'), fc.nat(25)), {
      maxLength: 3,
      selector: ([domain]) => domain,
    }),
    metadata: fc.uniqueArray(fc.tuple(names, names), { maxLength: 3, selector: ([key]) => key }),
    nodes: fc.array(
      fc.record(
        {
          name: names,
          opType: fc.constantFrom('Add', 'Conv', 'MyOp'),
          inputs: fc.array(names, { maxLength: 3 }),
          outputs: fc.array(names, { maxLength: 2 }),
          ints: fc.array(int64, { maxLength: 4 }),
        },
        plain,
      ),
      { maxLength: 5 },
    ),
    initializers: fc.uniqueArray(
      fc.record({ name: names, values: fc.array(int64, { maxLength: 4 }) }, plain),
      { maxLength: 3, selector: ({ name }) => name },
    ),
    inputs: fc.array(
      fc.record(
        {
          name: names,
          dims: fc.array(fc.oneof(fc.nat(1000), fc.constantFrom('N', 'batch')), { maxLength: 3 }),
        },
        plain,
      ),
      { maxLength: 2 },
    ),
  },
  plain,
);

/** Decides between the ways of writing the same thing. */
export const tapes: fc.Arbitrary<readonly number[]> = fc.array(fc.nat(9999), {
  minLength: 1,
  maxLength: 40,
});

/** A piece of a message: fields of one number keep their order, all else may be shuffled. */
interface Part {
  readonly number: number;
  readonly bytes: Uint8Array;
}

/**
 * The sketch as a file, written as the tape says: padded, shuffled, lists packed or not, the graph in several pieces,
 * and with fields of nobody everywhere, each with a text of its own.
 *
 * @returns those texts too, with the node or initializer that they are inside of
 */
export function encodeAwkwardly(
  sketch: Sketch,
  tape: readonly number[],
): { bytes: Uint8Array; strangers: { text: string; inside: string }[] } {
  let step = 0;
  const choose = (count: number): number => {
    const value = (tape[step % tape.length] ?? 0) + step * 7;
    step++;
    return value % count;
  };
  const strangers: { text: string; inside: string }[] = [];
  const stranger = (inside: string): Uint8Array => {
    const words = `stranger ${strangers.length}.`;
    strangers.push({ text: words, inside });
    return choose(2) === 0
      ? text(1000 + choose(1000), words)
      : group(777, int(1, 5), group(778, text(2, words)));
  };
  const width = (wide: number): number => (choose(3) === 0 ? wide : 0);
  // Widths of lengths: minimal or five, so that a change and its reverse can restore the file.
  const padding = (): Padding => ({
    tag: width(1 + choose(5)),
    length: width(5),
    value: width(10),
  });

  const wrap = (number: number, inside: string, parts: readonly Part[]): Uint8Array =>
    padded(number, padding(), shuffle(parts, inside));
  const word = (number: number, value: string): Part => ({
    number,
    bytes: text(number, value, padding()),
  });
  const number = (at: number, value: number | bigint): Part => ({
    number: at,
    bytes: int(at, value, padding()),
  });
  const list = (at: number, values: readonly bigint[]): Part[] => {
    const cut = choose(values.length + 1);
    const runs = [values.slice(0, cut), values.slice(cut)];
    return runs.map((run) => ({
      number: at,
      bytes: (choose(2) === 0 ? packedInts : unpackedInts)(at, run, padding()),
    }));
  };

  function shuffle(parts: readonly Part[], inside: string): Uint8Array {
    const queues = new Map<number, Uint8Array[]>();
    for (const part of parts) {
      queues.set(part.number, [...(queues.get(part.number) ?? []), part.bytes]);
    }
    const result: Uint8Array[] = [];
    while (queues.size > 0) {
      if (choose(6) === 0) result.push(stranger(inside));
      const [key, queue] = [...queues][choose(queues.size)] ?? [0, []];
      const next = queue.shift();
      if (next) result.push(next);
      if (queue.length === 0) queues.delete(key);
    }
    return join(result);
  }

  const entry = (at: number, key: string, value: string): Part => ({
    number: at,
    bytes: wrap(at, '', [word(f.entry.key, key), word(f.entry.value, value)]),
  });
  const node = (one: NodeSketch, index: number): Part => ({
    number: f.graph.node,
    bytes: wrap(f.graph.node, `node ${index}`, [
      ...one.inputs.map((name) => word(f.node.input, name)),
      ...one.outputs.map((name) => word(f.node.output, name)),
      ...(one.name === '' ? [] : [word(f.node.name, one.name)]),
      word(f.node.opType, one.opType),
      {
        number: f.node.attribute,
        bytes: wrap(f.node.attribute, `node ${index}`, [
          word(f.attribute.name, 'list'),
          ...list(f.attribute.ints, one.ints),
          number(f.attribute.type, 7),
        ]),
      },
    ]),
  });
  const initializer = (one: InitializerSketch, index: number): Part => ({
    number: f.graph.initializer,
    bytes: wrap(f.graph.initializer, `initializer ${index}`, [
      ...list(f.tensor.dims, [BigInt(one.values.length)]),
      number(f.tensor.dataType, 7),
      word(f.tensor.name, one.name),
      ...(one.values.length === 0 ? [] : list(f.tensor.int64Data, one.values)),
    ]),
  });
  const dim = (size: number | string, inside: string): Part => ({
    number: f.shape.dim,
    bytes: wrap(f.shape.dim, inside, [
      typeof size === 'number' ? number(f.dim.value, size) : word(f.dim.param, size),
    ]),
  });
  const input = (one: Sketch['inputs'][number], index: number): Part => ({
    number: f.graph.input,
    bytes: wrap(f.graph.input, `input ${index}`, [
      word(f.valueInfo.name, one.name),
      {
        number: f.valueInfo.type,
        bytes: wrap(f.valueInfo.type, `input ${index}`, [
          {
            number: f.type.tensor,
            bytes: wrap(f.type.tensor, `input ${index}`, [
              number(f.tensorType.elemType, 1),
              {
                number: f.tensorType.shape,
                bytes: wrap(
                  f.tensorType.shape,
                  `input ${index}`,
                  one.dims.map((size) => dim(size, `input ${index}`)),
                ),
              },
            ]),
          },
        ]),
      },
    ]),
  });

  const graphParts = [
    ...sketch.nodes.map(node),
    ...sketch.initializers.map(initializer),
    ...sketch.inputs.map(input),
  ];
  const segments: Part[][] = [[]];
  for (const part of graphParts) {
    if (choose(4) === 0) segments.push([]);
    segments.at(-1)?.push(part);
  }
  const bytes = shuffle(
    [
      number(f.model.irVersion, sketch.irVersion),
      ...segments.map((parts) => ({
        number: f.model.graph,
        bytes: wrap(f.model.graph, '', parts),
      })),
      ...sketch.opsets.map(([domain, version]) => ({
        number: f.model.opset,
        bytes: wrap(f.model.opset, '', [
          word(f.opset.domain, domain),
          number(f.opset.version, version),
        ]),
      })),
      ...sketch.metadata.map(([key, value]) => entry(f.model.metadata, key, value)),
    ],
    '',
  );
  return { bytes: concat(bytes, stranger('')), strangers };
}

/** The model that was read, in the sketch's words. */
export function sketchOf(model: Model): Sketch {
  return {
    irVersion: model.irVersion ?? -1,
    opsets: [...model.opsets],
    metadata: [...model.metadata],
    nodes: model.graph.nodes.map(({ name, opType, inputs, outputs, attributes }) => {
      const value = attributes.get('list')?.value;
      return { name, opType, inputs, outputs, ints: value?.kind === 'ints' ? value.value : [] };
    }),
    initializers: model.graph.initializers.map((tensor) => ({
      name: tensor.name,
      values: (inlineValues(tensor) ?? []).map(BigInt),
    })),
    inputs: model.graph.inputs.map(({ name, type }) => ({
      name,
      dims: type.kind === 'tensor' ? (type.dims ?? []).map((size) => size ?? '?') : [],
    })),
  };
}
