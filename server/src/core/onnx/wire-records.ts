import type { TypedDataField, TypedSegment } from '../graph';
import type { FieldSchema } from './schema';
import type { WireFunction, WireGraph, WireNode, WireTensor } from './wire-types';

/** Whose record the fields of a message go to. */
export type Owner =
  | { readonly kind: 'graph'; readonly graph: WireGraph }
  | { readonly kind: 'node'; readonly node: WireNode }
  | { readonly kind: 'attribute'; readonly node: WireNode | null; readonly index: number }
  | { readonly kind: 'function'; readonly definition: WireFunction }
  | { readonly kind: 'tensor'; readonly tensor: TensorBuilder }
  | {
      readonly kind: 'value-info';
      readonly metadata: Map<string, string>;
      readonly graph: WireGraph | null;
      readonly key: string;
    }
  | { readonly kind: 'plain' };

export interface TensorBuilder extends WireTensor {
  raw: { offset: number; byteLength: number } | null;
  typedField: TypedDataField | null;
  segments: (TypedSegment & { byteLength: number })[];
  inline: Uint8Array[] | null;
  inlineBytes: number;
  payloadFields: string[];
}

/** Payloads up to this size are kept: shapes, axes, scales. */
export const inlinePayloadBytes = 2048;

/** A tensor's typed data in more pieces than this is an attack on memory, not an encoding. */
export const maxSegments = 65_536;

export function emptyGraph(): WireGraph {
  return {
    segments: [],
    nodes: [],
    initializers: [],
    inputs: [],
    valueInfos: [],
    metadata: new Map(),
    valueMetadata: new Map(),
    valueCounts: new Map(),
  };
}

export function emptyFunction(): WireFunction {
  return { nodes: [], overload: '', metadata: new Map(), attributeProtos: [], valueInfos: [] };
}

export function emptyTensor(): TensorBuilder {
  return {
    metadata: new Map(),
    raw: null,
    typedField: null,
    segments: [],
    inline: [],
    inlineBytes: 0,
    payloadFields: [],
  };
}

export function valueInfoOwner(graph: WireGraph | null, field: FieldSchema): Owner {
  const metadata = new Map<string, string>();
  if (!graph) return { kind: 'value-info', metadata, graph, key: '' };
  const index = graph.valueCounts.get(field.name) ?? 0;
  graph.valueCounts.set(field.name, index + 1);
  return { kind: 'value-info', metadata, graph, key: `${field.name}:${index}` };
}

/** The subgraph record of an attribute: `g` merges into one, `graphs` are a list. */
export function bodyRecord(node: WireNode, index: number, repeated: boolean): WireGraph {
  const bodies = node.bodies.get(index) ?? { graph: null, graphs: [] };
  node.bodies.set(index, bodies);
  if (!repeated) return (bodies.graph ??= emptyGraph());
  const graph = emptyGraph();
  bodies.graphs.push(graph);
  return graph;
}

export function metadataOf(owner: Owner): Map<string, string> | null {
  switch (owner.kind) {
    case 'graph':
      return owner.graph.metadata;
    case 'node':
      return owner.node.metadata;
    case 'function':
      return owner.definition.metadata;
    case 'tensor':
      return owner.tensor.metadata;
    case 'value-info':
      return owner.metadata;
    default:
      return null;
  }
}

/** True when the bytes should be kept by `keepInline`; counts them. */
export function fitsInline(tensor: TensorBuilder, byteLength: number): boolean {
  tensor.inlineBytes += byteLength;
  if (tensor.inlineBytes > inlinePayloadBytes) tensor.inline = null;
  return tensor.inline !== null;
}

/** Notes where a payload field occurred. A later `raw_data` replaces what was kept: it is what readers use. */
export function notePayload(
  tensor: TensorBuilder,
  field: FieldSchema,
  segment: TypedSegment,
): 'ok' | 'too-many-segments' {
  if (!tensor.payloadFields.includes(field.name)) tensor.payloadFields.push(field.name);
  if (field.name === 'raw_data') {
    tensor.raw = { offset: segment.offset, byteLength: segment.byteLength };
    tensor.inline = [];
    tensor.inlineBytes = 0;
    return 'ok';
  }
  tensor.typedField ??= field.name as TypedDataField;
  if (tensor.typedField !== field.name) return 'ok';
  const last = tensor.segments[tensor.segments.length - 1];
  const continues = last && !last.packed && !segment.packed && endOf(last) === segment.offset;
  if (continues) {
    last.byteLength += segment.byteLength;
    return 'ok';
  }
  if (tensor.segments.length >= maxSegments) return 'too-many-segments';
  tensor.segments.push({ ...segment });
  return 'ok';
}

function endOf(segment: TypedSegment): number {
  return segment.offset + segment.byteLength;
}
