import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueInfo } from '../graph';
import { normalizeDomain, producerOf } from '../graph';
import { NameTable } from '../name-table';
import { createProblemSink, type ProblemSink } from '../problem';
import type { ByteSource, CancelSignal } from '../source';
import { TensorsByName } from '../tensors-by-name';
import { keepValueNumbers, valueNumbers } from '../value-numbers';
import { attributeFieldProblem, attributeType } from './decode-fields';
import { decodeNodes } from './decode-nodes';
import { toBigint, toNumber } from './decode-numbers';
import { decodeTensor, plainTensor, sparseTensor, type TensorContext } from './decode-tensor';
import { decodeType, decodeValueInfo } from './decode-values';
import { graphPath } from './paths';
import { createReader, onnx, type Reader } from './proto';
import { concatBytes } from './protobuf-write';
import { splitMessage } from './reduced';
import { tensorProto } from './schema';
import { createValueInfoDecoder } from './type-cache';
import { sniffBytes, sniffProblem } from './sniff';
import { displayText } from './utf8';
import { scanMessage, scanModel } from './wire';
import { emptyFunction, emptyGraph, noMetadata } from './wire-records';
import type {
  WireBodies,
  WireFunction,
  WireGraph,
  WireModel,
  WireNodeList,
  WirePlainTensor,
} from './wire-types';

/** A model and the record of where its parts lie in the file. */
export interface ReadModel {
  readonly model: Model;
  readonly wire: WireModel;
}

/**
 * Reads a model file: structure through onnx-proto, newer fields and payload locations from the scan.
 * Null when the file is no ONNX model; `sink` says why.
 */
export async function readModel(
  source: ByteSource,
  sink: ProblemSink,
  signal?: CancelSignal,
): Promise<ReadModel | null> {
  const notOnnx = sniffProblem(await source.read(0, Math.min(sniffBytes, source.byteLength)));
  if (notOnnx) {
    sink.add(notOnnx);
    return null;
  }
  const wire = await scanModel(source, sink, signal);
  if (!wire) return null;
  if (!wire.graph) {
    sink.add({
      code: 'no-graph',
      severity: 'error',
      message: 'The file has no graph; it is not an ONNX model or was cut off.',
    });
    return null;
  }
  return { wire, model: decodeModel(wire, wire.graph, sink) };
}

/** What the parts of one model share while they are decoded. */
interface Context extends TensorContext {
  /** Of all nodes so far. */
  readonly paths: NameTable;
  /** Counts graphs whose path is too long to spell out. */
  readonly countCut: () => number;
}

/** Reads a file that is one TensorProto, as in `test_data_set_0/input_0.pb`; payloads beyond a small size stay in the file. */
export async function readTensor(source: ByteSource, sink: ProblemSink): Promise<Tensor | null> {
  const wire = await scanMessage(source, tensorProto, sink);
  if (!wire) return null;
  return decodeTensor(onnx.TensorProto.decode(wire.reduced), { tensors: wire.tensors, sink });
}

function decodeModel(wire: WireModel, wireGraph: WireGraph, sink: ProblemSink): Model {
  const { ranges, rest } = splitMessage(wire.reduced, 0, wire.reduced.byteLength, [modelGraph]);
  const [graphStart = 0, graphEnd = 0] = ranges.get(modelGraph) ?? [];
  const proto = onnx.ModelProto.decode(concatBytes(rest));
  let cut = 0;
  const context: Context = {
    tensors: wire.tensors,
    sink,
    paths: new NameTable(),
    countCut: () => ++cut,
  };
  return {
    // An unset field answers with the prototype's default: only own properties were in the file.
    irVersion: Object.hasOwn(proto, 'irVersion') ? toNumber(proto.irVersion) : null,
    ...producerOf(proto.producerName, proto.producerVersion),
    domain: proto.domain,
    modelVersion: toBigint(proto.modelVersion),
    docString: proto.docString,
    metadata: entries(proto.metadataProps),
    opsets: opsets(proto.opsetImport, context.sink),
    graph: decodeGraph(
      graphMessages(wire.reduced, graphStart, graphEnd),
      wireGraph,
      'main',
      context,
    ),
    functions: proto.functions.map((definition, index) =>
      decodeFunction(definition, wire.functions[index] ?? emptyFunction(), context),
    ),
    ...(wire.trainingInfoCount > 0 && { trainingInfoCount: wire.trainingInfoCount }),
  };
}

function entries(
  props: readonly onnx.IStringStringEntryProto[] | null | undefined,
): ReadonlyMap<string, string> {
  return new Map(props?.map(({ key, value }) => [key ?? '', value ?? '']));
}

function opsets(
  imports: readonly onnx.IOperatorSetIdProto[] | null | undefined,
  sink: ProblemSink,
): ReadonlyMap<string, number> {
  const versions = new Map<string, number>();
  for (const { domain, version } of imports ?? []) {
    const key = normalizeDomain(domain ?? '');
    const number = toNumber(version ?? 0);
    const before = versions.get(key);
    if (before !== undefined && before !== number) {
      const shown = key === '' ? 'ai.onnx' : displayText(key).slice(0, 30);
      sink.add({
        code: 'duplicate-opset',
        severity: 'warning',
        message: `Domain "${shown}" is imported as ${before} and as ${number}; the last one counts.`,
      });
    }
    versions.set(key, number);
  }
  return versions;
}

/** Field numbers of ModelProto and GraphProto. */
const modelGraph = 7;
const graphFields = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13, sparse: 15 };

/** A GraphProto whose messages may come one at a time. */
interface GraphMessages {
  readonly name?: string | null;
  readonly docString?: string | null;
  readonly node?: Iterable<onnx.INodeProto> | null;
  readonly initializer?: Iterable<onnx.ITensorProto> | null;
  readonly sparseInitializer?: Iterable<onnx.ISparseTensorProto> | null;
  readonly input?: Iterable<onnx.IValueInfoProto> | null;
  readonly output?: Iterable<onnx.IValueInfoProto> | null;
  readonly valueInfo?: Iterable<onnx.IValueInfoProto> | null;
}

/** The main graph's messages are decoded as they are used: most of a model, it need not be in memory twice. */
function graphMessages(reduced: Uint8Array, start: number, end: number): GraphMessages {
  const reader = createReader(reduced);
  const { ranges, rest } = splitMessage(reduced, start, end, Object.values(graphFields));
  const { name, docString } = onnx.GraphProto.decode(concatBytes(rest));
  function* each<T>(
    field: number,
    decode: (reader: Reader, byteLength: number) => T,
  ): Generator<T, void> {
    const list = ranges.get(field) ?? [];
    for (let index = 0; index + 1 < list.length; index += 2) {
      reader.pos = list[index] ?? 0;
      yield decode(reader, (list[index + 1] ?? 0) - reader.pos);
    }
  }
  const value = createValueInfoDecoder(reduced);
  return {
    name,
    docString,
    node: each(graphFields.node, (from, length) => onnx.NodeProto.decode(from, length)),
    initializer: each(graphFields.initializer, (from, length) =>
      onnx.TensorProto.decode(from, length),
    ),
    sparseInitializer: each(graphFields.sparse, (from, length) =>
      onnx.SparseTensorProto.decode(from, length),
    ),
    input: each(graphFields.input, value),
    output: each(graphFields.output, value),
    valueInfo: each(graphFields.valueInfo, value),
  };
}

function decodeGraph(proto: GraphMessages, wire: WireGraph, path: string, context: Context): Graph {
  const initializers = initializersOf(proto.initializer ?? [], wire, context);
  const values = (
    field: string,
    protos: Iterable<onnx.IValueInfoProto> | null | undefined,
  ): ValueInfo[] => {
    const { valueMetadata } = wire;
    const told = { sink: context.sink, isInterface: field !== 'value_info' };
    const infos: ValueInfo[] = [];
    for (const value of protos ?? []) {
      const metadata =
        valueMetadata.size > 0 ? valueMetadata.get(`${field}:${infos.length}`) : undefined;
      infos.push(decodeValueInfo(value, metadata, told));
    }
    return infos;
  };
  const graph: Graph = {
    name: proto.name ?? '',
    path,
    docString: proto.docString ?? '',
    inputs: values('input', proto.input),
    outputs: values('output', proto.output),
    valueInfos: values('value_info', valueInfosOf(proto.valueInfo ?? [], wire)),
    nodes: nodesOf(proto.node, wire, path, context),
    initializers,
    sparseInitializers: Array.from(proto.sparseInitializer ?? [], (tensor) =>
      sparseTensor(tensor, context),
    ),
    initializerByName: new TensorsByName(initializers, () => valueNumbers(graph)),
    metadata: wire.metadata ?? noMetadata,
    ...(wire.annotationCount > 0 && { quantizationAnnotationCount: wire.annotationCount }),
  };
  const plainNumbers = wire.plainInitializers.map((plain) => plain?.number ?? null);
  keepValueNumbers(graph, wire, plainNumbers);
  return graph;
}

function initializersOf(
  protos: Iterable<onnx.ITensorProto>,
  { plainInitializers }: WireGraph,
  context: Context,
): Tensor[] {
  const messages = protos[Symbol.iterator]();
  return plainInitializers.flatMap((plain) => {
    if (plain) return plainTensor(plain, context.sink);
    const message = messages.next();
    return message.done === true ? [] : decodeTensor(message.value, context);
  });
}

/** All of a graph's `value_info`: those that have no message share the type of one that has. */
function* valueInfosOf(
  protos: Iterable<onnx.IValueInfoProto>,
  { valueInfos }: WireGraph,
): Generator<onnx.IValueInfoProto, void> {
  const messages = protos[Symbol.iterator]();
  const types: onnx.IValueInfoProto['type'][] = [];
  for (const { name, sameTypeAs } of valueInfos) {
    if (sameTypeAs >= 0) {
      const type = types[sameTypeAs];
      types.push(type);
      yield type ? { name, type } : { name };
      continue;
    }
    const message = messages.next();
    if (message.done === true) return;
    types.push(message.value.type);
    yield message.value;
  }
}

function nodesOf(
  protos: Iterable<onnx.INodeProto> | null | undefined,
  wire: WireNodeList,
  path: string,
  context: Context,
): readonly Node[] {
  return decodeNodes(protos ?? [], wire, path, context.paths, {
    message: (proto, bodies, nodePath) =>
      decodeAttributes(proto.attribute ?? [], bodies, nodePath, context),
    tensor: ({ name, tensor }) =>
      new Map([[name, { name, refName: '', value: tensorValue(tensor, context) }]]),
  });
}

function tensorValue(tensor: WirePlainTensor, { sink }: Context): Attribute['value'] {
  return { kind: 'tensor', value: plainTensor(tensor, sink) };
}

function decodeAttributes(
  protos: readonly onnx.IAttributeProto[],
  bodies: ReadonlyMap<number, WireBodies> | null | undefined,
  nodePath: string,
  context: Context,
): ReadonlyMap<string, Attribute> {
  const attributes = new Map<string, Attribute>();
  protos.forEach((proto, index) => {
    const attribute = decodeAttribute(proto, bodies?.get(index), nodePath, context);
    if (attributes.has(attribute.name)) {
      context.sink.add({
        code: 'duplicate-attribute',
        severity: 'error',
        message: `Attribute "${attribute.name.slice(0, 40)}" is given twice; the first one counts.`,
        where: nodePath,
      });
    } else attributes.set(attribute.name, attribute);
  });
  return attributes;
}

function decodeAttribute(
  proto: onnx.IAttributeProto,
  bodies: WireBodies | null | undefined,
  nodePath: string,
  context: Context,
): Attribute {
  const name = proto.name ?? '';
  const refName = proto.refAttrName ?? '';
  // A reference has a type but no value: that its tensor is empty is no problem.
  const valueContext = refName === '' ? context : { ...context, sink: createProblemSink() };
  return { name, refName, value: attributeValue(proto, bodies, nodePath, name, valueContext) };
}

/** By the declared type, or for old files without one by the field that is set. */
function attributeValue(
  proto: onnx.IAttributeProto,
  bodies: WireBodies | null | undefined,
  nodePath: string,
  name: string,
  context: Context,
): Attribute['value'] {
  const graph = (body: onnx.IGraphProto, wire: WireGraph | null | undefined, at: string): Graph =>
    decodeGraph(
      body,
      wire ?? emptyGraph(),
      graphPath(`${nodePath}/${at}`, context.countCut),
      context,
    );
  const type = attributeType(proto);
  const wrong = attributeFieldProblem(proto, type);
  if (wrong !== null) {
    context.sink.add({
      code: 'wrong-attribute-type',
      severity: 'error',
      message: `Attribute "${displayText(name).slice(0, 40)}" ${wrong}.`,
      where: nodePath,
    });
  }
  switch (type) {
    case 1:
      return { kind: 'float', value: proto.f ?? 0 };
    case 2:
      return { kind: 'int', value: toBigint(proto.i ?? 0) };
    case 3:
      // A copy: a view would hold all of the file's structure.
      return { kind: 'string', value: (proto.s ?? new Uint8Array(0)).slice() };
    case 4:
      return { kind: 'tensor', value: decodeTensor(proto.t ?? {}, context) };
    case 5:
      return { kind: 'graph', value: graph(proto.g ?? {}, bodies?.graph, name) };
    case 6:
      return { kind: 'floats', value: proto.floats?.slice() ?? [] };
    case 7:
      return { kind: 'ints', value: (proto.ints ?? []).map(toBigint) };
    case 8:
      return { kind: 'strings', value: (proto.strings ?? []).map((bytes) => bytes.slice()) };
    case 9:
      return {
        kind: 'tensors',
        value: (proto.tensors ?? []).map((tensor) => decodeTensor(tensor, context)),
      };
    case 10:
      return {
        kind: 'graphs',
        value: (proto.graphs ?? []).map((body, index) =>
          graph(body, bodies?.graphs[index], `${name}_${index}`),
        ),
      };
    case 11:
      return { kind: 'sparse-tensor', value: sparseTensor(proto.sparseTensor ?? {}, context) };
    case 12:
      return {
        kind: 'sparse-tensors',
        value: (proto.sparseTensors ?? []).map((tensor) => sparseTensor(tensor, context)),
      };
    case 13:
      return { kind: 'type', value: decodeType(proto.tp) };
    case 14:
      return { kind: 'types', value: (proto.typeProtos ?? []).map((type) => decodeType(type)) };
    default:
      return { kind: 'none' };
  }
}

function decodeFunction(
  proto: onnx.IFunctionProto,
  wire: WireFunction,
  context: Context,
): ModelFunction {
  const name = proto.name ?? '';
  const { overload } = wire;
  const path = graphPath(
    `function:${normalizeDomain(proto.domain ?? '')}.${name}${overload && `:${overload}`}`,
    context.countCut,
  );
  const definition: ModelFunction = {
    name,
    domain: normalizeDomain(proto.domain ?? ''),
    overload,
    docString: proto.docString ?? '',
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
    attributeNames: proto.attribute ?? [],
    attributeDefaults: wire.attributeProtos.map(({ reduced, bodies }) =>
      decodeAttribute(onnx.AttributeProto.decode(reduced), bodies, path, context),
    ),
    opsets: opsets(proto.opsetImport, context.sink),
    valueInfos: wire.valueInfos.map(({ reduced, metadata }) =>
      decodeValueInfo(onnx.ValueInfoProto.decode(reduced), metadata, {
        sink: context.sink,
        isInterface: false,
      }),
    ),
    nodes: nodesOf(proto.node, wire, path, context),
    metadata: wire.metadata ?? noMetadata,
  };
  keepValueNumbers(definition, wire);
  return definition;
}
