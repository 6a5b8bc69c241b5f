import type { Attribute, Graph, Model, ModelFunction, Node, Tensor, ValueInfo } from '../graph';
import { normalizeDomain } from '../graph';
import type { ProblemSink } from '../problem';
import type { ByteSource, CancelSignal } from '../source';
import {
  decodeTensor,
  decodeType,
  sparseTensor,
  toBigint,
  type TensorContext,
} from './decode-values';
import { createPathNamer } from './paths';
import { onnx } from './proto';
import { tensorProto } from './schema';
import { sniffBytes, sniffProblem } from './sniff';
import { scanMessage, scanModel } from './wire';
import { emptyGraph } from './wire-records';
import type { WireBodies, WireFunction, WireGraph, WireModel, WireNode } from './wire-types';

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
  const proto = onnx.ModelProto.decode(wire.reduced);
  if (!wire.graph || !proto.graph) {
    sink.add({
      code: 'no-graph',
      severity: 'error',
      message: 'The file has no graph; it is not an ONNX model or was cut off.',
    });
    return null;
  }
  return { wire, model: decodeModel(proto, wire, wire.graph, sink) };
}

/** Reads a file that is one TensorProto, as in `test_data_set_0/input_0.pb`; payloads beyond a small size stay in the file. */
export async function readTensor(source: ByteSource, sink: ProblemSink): Promise<Tensor | null> {
  const wire = await scanMessage(source, tensorProto, sink);
  if (!wire) return null;
  return decodeTensor(onnx.TensorProto.decode(wire.reduced), { tensors: wire.tensors, sink });
}

function decodeModel(
  proto: onnx.ModelProto,
  wire: WireModel,
  wireGraph: WireGraph,
  sink: ProblemSink,
): Model {
  const context: TensorContext = { tensors: wire.tensors, sink };
  return {
    // An unset field answers with the prototype's default: only own properties were in the file.
    irVersion: Object.hasOwn(proto, 'irVersion') ? Number(toBigint(proto.irVersion)) : null,
    producer: `${proto.producerName} ${proto.producerVersion}`.trim(),
    domain: proto.domain,
    docString: proto.docString,
    metadata: entries(proto.metadataProps),
    opsets: opsets(proto.opsetImport),
    graph: decodeGraph(proto.graph ?? {}, wireGraph, 'main', context),
    functions: proto.functions.map((definition, index) =>
      decodeFunction(definition, wire.functions[index], context),
    ),
  };
}

function entries(
  props: readonly onnx.IStringStringEntryProto[] | null | undefined,
): ReadonlyMap<string, string> {
  return new Map(props?.map(({ key, value }) => [key ?? '', value ?? '']));
}

function opsets(
  imports: readonly onnx.IOperatorSetIdProto[] | null | undefined,
): ReadonlyMap<string, number> {
  return new Map(
    imports?.map(({ domain, version }) => [
      normalizeDomain(domain ?? ''),
      Number(toBigint(version ?? 0)),
    ]),
  );
}

function decodeGraph(
  proto: onnx.IGraphProto,
  wire: WireGraph,
  path: string,
  context: TensorContext,
): Graph {
  const initializers = (proto.initializer ?? []).map((tensor) => decodeTensor(tensor, context));
  const initializerByName = new Map<string, Tensor>();
  for (const tensor of initializers) {
    if (!initializerByName.has(tensor.name)) initializerByName.set(tensor.name, tensor);
  }
  const values = (
    field: string,
    protos: readonly onnx.IValueInfoProto[] | null | undefined,
  ): ValueInfo[] =>
    (protos ?? []).map((value, index) =>
      decodeValueInfo(value, wire.valueMetadata.get(`${field}:${index}`)),
    );
  return {
    name: proto.name ?? '',
    path,
    docString: proto.docString ?? '',
    inputs: values('input', proto.input),
    outputs: values('output', proto.output),
    valueInfos: values('value_info', proto.valueInfo),
    nodes: decodeNodes(proto.node ?? [], wire.nodes, path, context),
    initializers,
    sparseInitializers: (proto.sparseInitializer ?? []).map((tensor) =>
      sparseTensor(tensor, context),
    ),
    initializerByName,
    metadata: wire.metadata,
  };
}

const noMetadata: ReadonlyMap<string, string> = new Map();

function decodeValueInfo(
  proto: onnx.IValueInfoProto,
  metadata: ReadonlyMap<string, string> | undefined,
): ValueInfo {
  return {
    name: proto.name ?? '',
    type: decodeType(proto.type),
    docString: proto.docString ?? '',
    metadata: metadata ?? noMetadata,
  };
}

function decodeNodes(
  protos: readonly onnx.INodeProto[],
  wires: readonly WireNode[],
  graphPath: string,
  context: TensorContext,
): Node[] {
  const namer = createPathNamer(graphPath);
  return protos.map((proto, index): Node => {
    const wire = wires[index];
    const name = proto.name ?? '';
    const opType = proto.opType ?? '';
    const path = namer.pathOf(name, opType, index);
    return {
      index,
      name,
      path,
      opType,
      domain: normalizeDomain(proto.domain ?? ''),
      overload: wire?.overload ?? '',
      inputs: proto.input ?? [],
      outputs: proto.output ?? [],
      attributes: decodeAttributes(proto.attribute ?? [], wire?.bodies, path, context),
      docString: proto.docString ?? '',
      metadata: wire && wire.metadata.size > 0 ? wire.metadata : noMetadata,
    };
  });
}

const noAttributes: ReadonlyMap<string, Attribute> = new Map();

function decodeAttributes(
  protos: readonly onnx.IAttributeProto[],
  bodies: ReadonlyMap<number, WireBodies> | undefined,
  nodePath: string,
  context: TensorContext,
): ReadonlyMap<string, Attribute> {
  if (protos.length === 0) return noAttributes;
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
  bodies: WireBodies | undefined,
  nodePath: string,
  context: TensorContext,
): Attribute {
  const name = proto.name ?? '';
  return {
    name,
    refName: proto.refAttrName ?? '',
    value: attributeValue(proto, bodies, `${nodePath}/${name}`, context),
  };
}

/** By the declared type, or for old files without one by the field that is set. */
function attributeValue(
  proto: onnx.IAttributeProto,
  bodies: WireBodies | undefined,
  path: string,
  context: TensorContext,
): Attribute['value'] {
  const graph = (body: onnx.IGraphProto, wire: WireGraph | null | undefined, at: string): Graph =>
    decodeGraph(body, wire ?? emptyGraph(), at, context);
  switch (attributeType(proto)) {
    case 1:
      return { kind: 'float', value: proto.f ?? 0 };
    case 2:
      return { kind: 'int', value: toBigint(proto.i ?? 0) };
    case 3:
      return { kind: 'string', value: proto.s ?? new Uint8Array(0) };
    case 4:
      return { kind: 'tensor', value: decodeTensor(proto.t ?? {}, context) };
    case 5:
      return { kind: 'graph', value: graph(proto.g ?? {}, bodies?.graph, path) };
    case 6:
      return { kind: 'floats', value: proto.floats ?? [] };
    case 7:
      return { kind: 'ints', value: (proto.ints ?? []).map(toBigint) };
    case 8:
      return { kind: 'strings', value: proto.strings ?? [] };
    case 9:
      return {
        kind: 'tensors',
        value: (proto.tensors ?? []).map((tensor) => decodeTensor(tensor, context)),
      };
    case 10:
      return {
        kind: 'graphs',
        value: (proto.graphs ?? []).map((body, index) =>
          graph(body, bodies?.graphs[index], `${path}_${index}`),
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

/** `AttributeProto.AttributeType` number; IR 1 files leave the field out. */
function attributeType(proto: onnx.IAttributeProto): number {
  if (proto.type) return proto.type;
  const has = (name: keyof onnx.IAttributeProto): boolean => Object.hasOwn(proto, name);
  const filled = (list: readonly unknown[] | null | undefined): boolean => (list?.length ?? 0) > 0;
  if (has('f')) return 1;
  if (has('i')) return 2;
  if (has('s')) return 3;
  if (has('t')) return 4;
  if (has('g')) return 5;
  if (filled(proto.floats)) return 6;
  if (filled(proto.ints)) return 7;
  if (filled(proto.strings)) return 8;
  if (filled(proto.tensors)) return 9;
  if (filled(proto.graphs)) return 10;
  if (has('sparseTensor')) return 11;
  if (filled(proto.sparseTensors)) return 12;
  if (has('tp')) return 13;
  return filled(proto.typeProtos) ? 14 : 0;
}

function decodeFunction(
  proto: onnx.IFunctionProto,
  wire: WireFunction | undefined,
  context: TensorContext,
): ModelFunction {
  const name = proto.name ?? '';
  const overload = wire?.overload ?? '';
  const path = `function:${normalizeDomain(proto.domain ?? '')}.${name}${overload && `:${overload}`}`;
  return {
    name,
    domain: normalizeDomain(proto.domain ?? ''),
    overload,
    docString: proto.docString ?? '',
    inputs: proto.input ?? [],
    outputs: proto.output ?? [],
    attributeNames: proto.attribute ?? [],
    attributeDefaults: (wire?.attributeProtos ?? []).map((bytes) =>
      decodeAttribute(onnx.AttributeProto.decode(bytes), undefined, path, context),
    ),
    opsets: opsets(proto.opsetImport),
    valueInfos: (wire?.valueInfos ?? []).map((bytes) =>
      decodeValueInfo(onnx.ValueInfoProto.decode(bytes), undefined),
    ),
    nodes: decodeNodes(proto.node ?? [], wire?.nodes ?? [], path, context),
    metadata: wire?.metadata ?? noMetadata,
  };
}
