import type { TypedDataField, TypedSegment } from '../graph';
import { NameTable } from '../name-table';
import { noRows } from '../value-numbers';
import type {
  WireFunction,
  WireGraph,
  WireNode,
  WireNodeList,
  WireSpan,
  WireTensor,
  WireValueInfo,
} from './wire-types';

/**
 * The records of `wire-types` while they are made. A file can hold millions of empty messages, so parts that most
 * of them lack are null until they are needed.
 */
export interface GraphBuilder extends WireGraph, NodeListBuilder {
  readonly segments: WireSpan[];
  readonly nodes: NodeBuilder[];
  readonly initializers: WireSpan[];
  readonly inputs: WireSpan[];
  readonly valueInfos: WireValueInfo[];
  metadata: Map<string, string> | null;
  annotationCount: number;
  readonly valueMetadata: Map<string, ReadonlyMap<string, string>>;
  /** How many of `input` and `output` were read. */
  readonly valueCounts: Map<string, number>;
}

export interface NodeListBuilder extends WireNodeList {
  readonly nodes: NodeBuilder[];
}

export interface NodeBuilder extends WireNode {
  name: string;
  opType: string;
  domain: string;
  docString: string;
  overload: string;
  metadata: Map<string, string> | null;
  hasMessage: boolean;
  sameAttributesAs: number;
  bodies: Map<number, BodiesBuilder> | null;
}

export interface BodiesBuilder {
  graph: GraphBuilder | null;
  readonly graphs: GraphBuilder[];
}

export interface FunctionBuilder extends WireFunction, NodeListBuilder {
  readonly nodes: NodeBuilder[];
  overload: string;
  metadata: Map<string, string> | null;
  readonly attributeProtos: WireFunction['attributeProtos'][number][];
  readonly valueInfos: WireFunction['valueInfos'][number][];
}

export interface TensorBuilder extends WireTensor {
  metadata: Map<string, string> | null;
  raw: { offset: number; byteLength: number } | null;
  typedField: TypedDataField | null;
  readonly segments: (TypedSegment & { byteLength: number })[];
  typedCount: number | null;
  /** May be longer than `inlineBytes` while it grows. */
  inline: Uint8Array | null;
  inlineBytes: number;
  strings: Uint8Array[] | null;
  stringBytes: number;
  payloadFields: readonly string[];
}

export function emptyGraph(): GraphBuilder {
  return {
    segments: [],
    ...emptyNodeList(),
    initializers: [],
    inputs: [],
    valueInfos: [],
    metadata: null,
    annotationCount: 0,
    valueMetadata: new Map(),
    valueCounts: new Map(),
  };
}

function emptyNodeList(): NodeListBuilder {
  return {
    nodes: [],
    names: new NameTable(),
    nodeInputs: noRows(),
    nodeOutputs: noRows(),
  };
}

/** A new node of a list. */
export function addNode(list: NodeListBuilder, span: WireSpan): NodeBuilder {
  const { nodes, nodeInputs, nodeOutputs } = list;
  const node = emptyNode(span);
  nodes.push(node);
  nodeInputs.starts.push(nodeInputs.numbers.length);
  nodeOutputs.starts.push(nodeOutputs.numbers.length);
  return node;
}

function emptyNode(span: WireSpan): NodeBuilder {
  return {
    span,
    name: '',
    opType: '',
    domain: '',
    docString: '',
    overload: '',
    metadata: null,
    hasMessage: false,
    sameAttributesAs: -1,
    bodies: null,
  };
}

export function emptyFunction(): FunctionBuilder {
  return {
    ...emptyNodeList(),
    overload: '',
    metadata: null,
    attributeProtos: [],
    valueInfos: [],
  };
}

export const noBytes = new Uint8Array(0);
const noFields: readonly string[] = [];

export function emptyTensor(): TensorBuilder {
  return {
    metadata: null,
    raw: null,
    typedField: null,
    segments: [],
    typedCount: 0,
    inline: noBytes,
    inlineBytes: 0,
    strings: [],
    stringBytes: 0,
    payloadFields: noFields,
  };
}

/** To be called when the tensor ends: what is kept is retained with the model. */
export function trimInline(tensor: TensorBuilder): void {
  if (tensor.inline && tensor.inline.byteLength > tensor.inlineBytes) {
    tensor.inline = tensor.inline.slice(0, tensor.inlineBytes);
  }
}

/** The subgraph record of an attribute: `g` merges into one, `graphs` are a list. */
export function bodyRecord(
  holder: Pick<NodeBuilder, 'bodies'>,
  index: number,
  repeated: boolean,
): GraphBuilder {
  holder.bodies ??= new Map();
  const bodies = holder.bodies.get(index) ?? { graph: null, graphs: [] };
  holder.bodies.set(index, bodies);
  if (!repeated) return (bodies.graph ??= emptyGraph());
  const graph = emptyGraph();
  bodies.graphs.push(graph);
  return graph;
}
