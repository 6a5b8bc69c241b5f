import type { Attribute, TypedDataField, TypedSegment } from '../graph';
import type { NumberedNodes } from '../value-numbers';
import type { SpanList } from './span-list';

/**
 * What the skip-scan of a model file leaves: small canonical bytes for onnx-proto, the texts
 * of the nodes, and where everything lies.
 */
export interface WireModel {
  /** The model without weight payloads and nodes' texts, in canonical encoding; each tensor names its record in `uint64_data`. */
  readonly reduced: Uint8Array;
  readonly byteLength: number;
  /** Null when the file has no graph field. */
  readonly graph: WireGraph | null;
  readonly functions: readonly WireFunction[];
  readonly tensors: readonly WireTensor[];
  readonly opsets: readonly WireSpan[];
  readonly trainingInfoCount: number;
  readonly metadata: readonly WireSpan[];
}

/** A length-delimited field in the file: `tagStart … lengthStart … contentStart … end`. */
export interface WireSpan {
  readonly tagStart: number;
  readonly lengthStart: number;
  readonly contentStart: number;
  readonly end: number;
}

/** Entries of a newer `metadata_props` field; null when there are none, as in most messages. */
export type WireMetadata = ReadonlyMap<string, string> | null;

/** The nodes of a graph or function, with the numbers of the values that they read and make. */
export interface WireNodeList extends NumberedNodes {
  readonly nodes: readonly WireNode[];
  readonly nodeSpans: SpanList;
  /** By position, whether `reduced` has a message for the node, which it needs for attributes of its own. */
  readonly hasMessage: readonly boolean[];
  /** By position, that of an earlier node which has the same attributes, byte for byte; -1 for none. */
  readonly sameAttributesAs: readonly number[];
  /** By position of the node, its only attribute when that is a tensor which the scan has read: Constant nodes. */
  readonly tensorAttributes: ReadonlyMap<number, WireTensorAttribute>;
  /** Subgraphs by position of the node and of the attribute. */
  readonly bodies: ReadonlyMap<number, ReadonlyMap<number, WireBodies>>;
}

export interface WireGraph extends WireNodeList {
  /** More than one when the singular graph field is split over several records (legal: they merge). */
  readonly segments: readonly WireSpan[];
  readonly initializers: SpanList;
  /** By position; null for those that `reduced` has. */
  readonly plainInitializers: readonly (WirePlainTensor | null)[];
  readonly inputs: readonly WireSpan[];
  readonly valueInfos: readonly WireValueInfo[];
  readonly valueInfoSpans: SpanList;
  readonly metadata: WireMetadata;
  /** How many `quantization_annotation` messages there are. */
  readonly annotationCount: number;
  /** `metadata_props` of value infos, by `input:3`, `output:0`, `value_info:7`; only those that have any. */
  readonly valueMetadata: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** A message of `value_info`. */
export interface WireValueInfo {
  /** Position of an earlier one with the same type, byte for byte, and nothing but a name; -1 when `reduced` has it. */
  readonly sameTypeAs: number;
  /** The name of such a one. */
  readonly name: string;
}

/** A node of the model, which `decodeNodes` completes: the scan knows the texts that stand in the file. */
export interface WireNode {
  readonly index: number;
  name: string;
  path: string;
  opType: string;
  domain: string;
  overload: string;
  inputs: readonly string[];
  outputs: readonly string[];
  attributes: ReadonlyMap<string, Attribute>;
  docString: string;
  metadata: ReadonlyMap<string, string>;
}

export interface WireBodies {
  readonly graph: WireGraph | null;
  readonly graphs: readonly WireGraph[];
}

export interface WireFunction extends WireNodeList {
  readonly overload: string;
  readonly metadata: WireMetadata;
  /** Messages newer than onnx-proto's FunctionProto, as reduced bytes of their own. */
  readonly attributeProtos: readonly {
    readonly reduced: Uint8Array;
    readonly bodies: WireBodies | null;
  }[];
  readonly valueInfos: readonly { readonly reduced: Uint8Array; readonly metadata: WireMetadata }[];
}

export interface WireTensor {
  readonly metadata: WireMetadata;
  readonly raw: { readonly offset: number; readonly byteLength: number } | null;
  /** The first typed field that occurs; others are a contradiction in the file. */
  readonly typedField: TypedDataField | null;
  readonly segments: readonly TypedSegment[];
  /** Elements of the typed field; null when they were not counted (long packed varints). */
  readonly typedCount: number | null;
  /** The payload when it is small: `raw_data`, or else the typed field's elements as if packed. */
  readonly inline: Uint8Array | null;
  /** Elements of `string_data` when they are few and small. */
  readonly strings: readonly Uint8Array[] | null;
  /** Names of the payload fields that occur; more than one is a contradiction in the file. */
  readonly payloadFields: readonly string[];
}

/** An attribute that is a plain tensor. */
export interface WireTensorAttribute {
  readonly name: string;
  readonly tensor: WirePlainTensor;
}

/** A tensor with nothing but a name, a type, dims and `raw_data`. */
export interface WirePlainTensor {
  readonly name: string;
  /** The number of the name among the graph's values; -1 without a name, and in attributes. */
  readonly number: number;
  readonly docString: string;
  readonly dtypeCode: number;
  readonly dims: readonly number[];
  readonly raw: { readonly offset: number; readonly byteLength: number };
  /** The payload when it is small. */
  readonly inline: Uint8Array | null;
}
