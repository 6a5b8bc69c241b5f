import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect, isDeepStrictEqual } from 'node:util';
import { bytesOf } from '../../../server/src/core/dtype';
import type {
  Attribute,
  AttributeValue,
  Graph,
  Model,
  ModelFunction,
  Node,
  Tensor,
  TensorStorage,
  ValueInfo,
  ValueType,
} from '../../../server/src/core/graph';
import { readModel } from '../../../server/src/core/onnx/decode';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { printModel } from '../../../server/src/core/onnx/text-print';
import { createProblemSink } from '../../../server/src/core/problem';
import { sourceFromBytes } from '../../../server/src/core/source';

const noMetadata = new Map<string, string>();
const weightsLocation = 'model.onnx';

/** What of a model the syntax (onnx/docs/Syntax.md) has a place for, as the parser gives it back. */
function expressible(model: Model): Model {
  return {
    irVersion: model.irVersion,
    producer: model.producer,
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: model.modelVersion,
    docString: model.docString,
    metadata: model.metadata,
    opsets: model.opsets,
    graph: expressibleGraph(model.graph),
    functions: model.functions.map((one): ModelFunction => ({
      ...one,
      attributeDefaults: one.attributeDefaults.flatMap(expressibleAttribute),
      valueInfos: one.valueInfos.map(expressibleInfo),
      nodes: one.nodes.map(expressibleNode),
      metadata: noMetadata,
    })),
  };
}

function expressibleGraph(graph: Graph): Graph {
  const initializers = graph.initializers
    .filter(({ dtype }) => dtype !== null)
    .map(expressibleTensor);
  const initializerByName = new Map<string, Tensor>();
  for (const tensor of initializers) {
    if (!initializerByName.has(tensor.name)) initializerByName.set(tensor.name, tensor);
  }
  return {
    name: graph.name,
    path: graph.path,
    docString: '',
    inputs: graph.inputs.map(expressibleInfo),
    outputs: graph.outputs.map(expressibleInfo),
    valueInfos: graph.valueInfos.map(expressibleInfo),
    nodes: graph.nodes.map(expressibleNode),
    initializers,
    sparseInitializers: [],
    initializerByName,
    metadata: noMetadata,
  };
}

function expressibleNode(node: Node): Node {
  const attributes = Array.from(node.attributes.values()).flatMap(expressibleAttribute);
  return {
    ...node,
    attributes: new Map(attributes.map((attribute) => [attribute.name, attribute])),
    docString: '',
    metadata: noMetadata,
  };
}

function isIdentifier(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name);
}

function expressibleAttribute(attribute: Attribute): Attribute[] {
  if (!isIdentifier(attribute.name)) return [];
  if (attribute.refName !== '') return [attribute];
  const value = expressibleValue(attribute.value);
  return value === null ? [] : [{ ...attribute, value }];
}

function expressibleValue(value: AttributeValue): AttributeValue | null {
  switch (value.kind) {
    case 'string':
      return isUtf8(value.value) ? value : null;
    case 'strings':
      return value.value.every(isUtf8) ? value : null;
    case 'tensor':
      return { ...value, value: attributeTensor(value.value) };
    case 'tensors':
      return { ...value, value: value.value.map(attributeTensor) };
    case 'graph':
      return { ...value, value: subgraph(value.value) };
    case 'graphs':
      return { ...value, value: value.value.map(subgraph) };
    case 'sparse-tensor':
    case 'sparse-tensors':
    case 'none':
      return null;
    default:
      return value;
  }
}

/** A name in front of a subgraph or behind the type of a tensor in an attribute takes no quotes. */
function subgraph(graph: Graph): Graph {
  return { ...expressibleGraph(graph), name: graph.name.replace(/\W/g, '_') };
}

function attributeTensor(tensor: Tensor): Tensor {
  return { ...expressibleTensor(tensor), name: isIdentifier(tensor.name) ? tensor.name : '' };
}

function isUtf8(bytes: Uint8Array): boolean {
  return Buffer.from(Buffer.from(bytes).toString()).equals(bytes);
}

function expressibleTensor(tensor: Tensor): Tensor {
  return { ...tensor, docString: '', storage: expressibleStorage(tensor), metadata: noMetadata };
}

/** Payloads in the model's file are references to it, when they lie there as plain elements. */
function expressibleStorage({ storage, dtype, elementCount }: Tensor): TensorStorage {
  const inFile = { kind: 'external', location: weightsLocation } as const;
  if (storage.kind === 'raw') {
    return { ...inFile, offset: storage.offset, byteLength: storage.byteLength };
  }
  // No elements: the braces are empty.
  if (storage.kind === 'inline' && storage.bytes.byteLength === 0) return { kind: 'none' };
  if (storage.kind !== 'typed') return storage;
  const [segment, ...others] = storage.segments;
  const isPlain =
    segment?.packed === true &&
    others.length === 0 &&
    /float|double/.test(storage.field) &&
    dtype !== null &&
    segment.byteLength === bytesOf(dtype, elementCount ?? 0);
  if (!isPlain) return { kind: 'none' };
  return { ...inFile, offset: segment.offset, byteLength: segment.byteLength };
}

function expressibleInfo(info: ValueInfo): ValueInfo {
  const type: ValueType = hasWords(info.type) ? info.type : { kind: 'unknown' };
  return { name: info.name, type, docString: '', metadata: noMetadata };
}

function hasWords(type: ValueType): boolean {
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor':
      return type.dtype !== null;
    case 'sequence':
    case 'optional':
      return hasWords(type.element);
    case 'map':
      return type.keyType !== null && hasWords(type.value);
    case 'opaque':
      return true;
    case 'unknown':
      return false;
  }
}

/** Where two values differ, null when nowhere: a difference of two models is too long to read. */
function firstDifference(one: unknown, other: unknown, at = ''): string | null {
  if (isDeepStrictEqual(one, other)) return null;
  const [first, second] = [childrenOf(one), childrenOf(other)];
  if (first && first.size === second?.size) {
    for (const [key, child] of first) {
      const difference = firstDifference(child, second.get(key), `${at}.${key}`);
      if (difference !== null) return difference;
    }
  }
  return `${at}: ${inspect(one).slice(0, 200)} / ${inspect(other).slice(0, 200)}`;
}

function childrenOf(value: unknown): ReadonlyMap<string, unknown> | null {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return null;
  const entries = value instanceof Map ? Array.from(value) : Object.entries(value);
  return new Map(entries.map(([key, child]) => [String(key), child]));
}

describe('corpus models as text', function () {
  const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';
  const folder = join(corpus, 'onnx');

  it('read back as the model, in all that the syntax has a place for', async function () {
    if (!existsSync(folder)) {
      console.log(`      no corpus at ${corpus}: skipped`);
      return this.skip();
    }
    const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    const files = entries.filter((name) => name.endsWith('.onnx'));
    assert.ok(files.length > 0);
    for (const file of files) {
      const bytes = readFileSync(join(folder, file));
      const read = await readModel(sourceFromBytes(bytes), createProblemSink());
      if (!read) continue;
      const printed = printModel(read.model, { weightsLocation });
      const { model, problems } = parseModelText(printed.text);
      assert.ok(model, `${file}: ${problems[0]?.message ?? ''}`);
      const difference = firstDifference(model, expressible(read.model));
      assert.equal(difference, null, file);
      const comments = printed.text.split('\n').filter((line) => /^\s*#/.test(line));
      assert.ok(comments.length >= printed.omissionCount, file);
    }
  });
});
