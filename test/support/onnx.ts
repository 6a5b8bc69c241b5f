import { readModel, type ReadModel } from '../../server/src/core/onnx/decode';
import { plannedByteLength, planSplice, renderPieces } from '../../server/src/core/onnx/splice';
import { createProblemSink, type Problem } from '../../server/src/core/problem';
import { sourceFromBytes, type ByteSource } from '../../server/src/core/source';
import type { Graph, Model, Node, Tensor } from '../../server/src/core/graph';
import { emptyPatch, type Patch } from '../../server/src/core/transform/patch';
import { concat, double, float, group, int, join, message, onnxField as f, text } from './protobuf';

export interface Reading {
  readonly read: ReadModel | null;
  readonly problems: readonly Problem[];
  /** Codes of the problems, for comparisons. */
  readonly codes: readonly string[];
}

export async function readSource(source: ByteSource): Promise<Reading> {
  const sink = createProblemSink();
  const read = await readModel(source, sink);
  return { read, problems: sink.problems, codes: sink.problems.map(({ code }) => code) };
}

export function readBytes(bytes: Uint8Array): Promise<Reading> {
  return readSource(sourceFromBytes(bytes));
}

/** The model of a file that must be readable without any problem. */
export async function readClean(bytes: Uint8Array): Promise<Model> {
  const { read, problems } = await readBytes(bytes);
  if (!read || problems.length > 0) {
    throw new Error(`expected a clean model, got ${JSON.stringify(problems)}`);
  }
  return read.model;
}

/** A file whose graph has this content. */
export function modelOf(...graph: readonly Uint8Array[]): Uint8Array {
  return message(f.model.graph, ...graph);
}

/** A file of one node with this content. */
export function nodeOf(...node: readonly Uint8Array[]): Uint8Array {
  return modelOf(message(f.graph.node, ...node));
}

/** A file of one node with one attribute `a` of this content. */
export function attributeOf(...attribute: readonly Uint8Array[]): Uint8Array {
  return nodeOf(message(f.node.attribute, text(f.attribute.name, 'a'), ...attribute));
}

/** A file of one initializer `t` with this content. */
export function tensorOf(...tensor: readonly Uint8Array[]): Uint8Array {
  return modelOf(message(f.graph.initializer, text(f.tensor.name, 't'), ...tensor));
}

export function firstNode(model: Model): Node {
  return present(model.graph.nodes[0]);
}

export function firstTensor(model: Model): Tensor {
  return present(model.graph.initializers[0]);
}

export function bodyOf(node: Node, attribute: string): Graph {
  const value = node.attributes.get(attribute)?.value;
  if (value?.kind !== 'graph') throw new Error(`no graph in ${attribute}`);
  return value.value;
}

export function present<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('expected a value');
  return value;
}

/** What lies in no field of ours: it must be skipped when reading and kept when writing. */
export const strangers: Uint8Array = concat(
  int(1003, 7),
  double(1004, 2.5),
  float(1005, 2.5),
  text(1006, 'stranger'),
  group(1007, group(1008, int(1, 1), text(2, 'inner'))),
);

/** The file that a patch makes of another, which must be readable. */
export async function spliced(bytes: Uint8Array, patch: Partial<Patch>): Promise<Uint8Array> {
  const { read } = await readBytes(bytes);
  const { model, wire } = present(read);
  const source = sourceFromBytes(bytes);
  const pieces = await planSplice(source, model, wire, { ...emptyPatch, ...patch });
  const parts: Uint8Array[] = [];
  for await (const part of renderPieces(source, pieces)) parts.push(part.slice());
  const result = join(parts);
  if (result.byteLength !== plannedByteLength(pieces)) throw new Error('not the announced length');
  return result;
}
