import type { Attribute, TypedDataField, TypedSegment } from '../graph';
import { NameTable } from '../name-table';
import { noRows } from '../value-numbers';
import { SpanList } from './span-list';
import type {
  WireBodies,
  WireFunction,
  WireGraph,
  WireNode,
  WireNodeList,
  WirePlainTensor,
  WireSpan,
  WireTensor,
  WireTensorAttribute,
  WireValueInfo,
} from './wire-types';

/**
 * The records of `wire-types` while they are made. A file can hold millions of empty messages, so parts that most
 * of them lack are null until they are needed.
 */
export interface GraphBuilder extends Omit<WireGraph, keyof WireNodeList>, NodeListBuilder {
  readonly segments: WireSpan[];
  readonly inputs: WireSpan[];
  readonly plainInitializers: (WirePlainTensor | null)[];
  readonly valueInfos: WireValueInfo[];
  metadata: Map<string, string> | null;
  annotationCount: number;
  readonly valueMetadata: Map<string, ReadonlyMap<string, string>>;
  /** How many of `input` and `output` were read. */
  readonly valueCounts: Map<string, number>;
}

export interface NodeListBuilder extends WireNodeList {
  readonly nodes: WireNode[];
  readonly hasMessage: boolean[];
  readonly sameAttributesAs: number[];
  readonly tensorAttributes: Map<number, WireTensorAttribute>;
  readonly bodies: Map<number, ReadonlyMap<number, WireBodies>>;
}

/** Collects the subgraphs of a node's attributes; null until there is one. */
export interface BodiesHolder {
  bodies: Map<number, BodiesBuilder> | null;
}

export interface BodiesBuilder {
  graph: GraphBuilder | null;
  readonly graphs: GraphBuilder[];
}

export interface FunctionBuilder extends Omit<WireFunction, keyof WireNodeList>, NodeListBuilder {
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
    initializers: new SpanList(),
    plainInitializers: [],
    inputs: [],
    valueInfos: [],
    valueInfoSpans: new SpanList(),
    metadata: null,
    annotationCount: 0,
    valueMetadata: new Map(),
    valueCounts: new Map(),
  };
}

function emptyNodeList(): NodeListBuilder {
  return {
    nodes: [],
    nodeSpans: new SpanList(),
    hasMessage: [],
    sameAttributesAs: [],
    tensorAttributes: new Map(),
    bodies: new Map(),
    names: new NameTable(),
    nodeInputs: noRows(),
    nodeOutputs: noRows(),
  };
}

const noTexts: readonly string[] = [];
export const noAttributes: ReadonlyMap<string, Attribute> = new Map();
export const noMetadata: ReadonlyMap<string, string> = new Map();

/** A new node of a list. */
export function addNode(list: NodeListBuilder, span: WireSpan): WireNode {
  const node: WireNode = {
    index: list.nodes.length,
    name: '',
    path: '',
    opType: '',
    domain: '',
    overload: '',
    inputs: noTexts,
    outputs: noTexts,
    attributes: noAttributes,
    docString: '',
    metadata: noMetadata,
  };
  list.nodes.push(node);
  list.nodeSpans.push(span);
  list.hasMessage.push(false);
  list.sameAttributesAs.push(-1);
  list.nodeInputs.starts.push(list.nodeInputs.numbers.length);
  list.nodeOutputs.starts.push(list.nodeOutputs.numbers.length);
  return node;
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
export function bodyRecord(holder: BodiesHolder, index: number, repeated: boolean): GraphBuilder {
  holder.bodies ??= new Map();
  const bodies = holder.bodies.get(index) ?? { graph: null, graphs: [] };
  holder.bodies.set(index, bodies);
  if (!repeated) return (bodies.graph ??= emptyGraph());
  const graph = emptyGraph();
  bodies.graphs.push(graph);
  return graph;
}
