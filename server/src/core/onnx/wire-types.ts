import type { TypedDataField, TypedSegment } from '../graph';

/** What the skip-scan of a model file leaves: small canonical bytes for onnx-proto, and where everything lies. */
export interface WireModel {
  /** The model without weight payloads, in canonical encoding; each tensor names its record in `uint64_data`. */
  readonly reduced: Uint8Array;
  readonly byteLength: number;
  /** Null when the file has no graph field. */
  readonly graph: WireGraph | null;
  readonly functions: readonly WireFunction[];
  readonly tensors: readonly WireTensor[];
  readonly opsets: readonly WireSpan[];
  readonly metadata: readonly WireSpan[];
}

/** A length-delimited field in the file: `tagStart … lengthStart … contentStart … end`. */
export interface WireSpan {
  readonly tagStart: number;
  readonly lengthStart: number;
  readonly contentStart: number;
  readonly end: number;
}

export interface WireGraph {
  /** More than one when the singular graph field is split over several records (legal: they merge). */
  readonly segments: WireSpan[];
  readonly nodes: WireNode[];
  readonly initializers: WireSpan[];
  readonly inputs: WireSpan[];
  readonly valueInfos: WireSpan[];
  readonly metadata: Map<string, string>;
  /** `metadata_props` of value infos, by `input:3`, `output:0`, `value_info:7`; only those that have any. */
  readonly valueMetadata: Map<string, Map<string, string>>;
  /** How many of `input`, `output`, `value_info` were read. */
  readonly valueCounts: Map<string, number>;
}

export interface WireNode {
  readonly span: WireSpan;
  overload: string;
  readonly metadata: Map<string, string>;
  /** Subgraphs by attribute position. */
  readonly bodies: Map<number, WireBodies>;
}

export interface WireBodies {
  graph: WireGraph | null;
  readonly graphs: WireGraph[];
}

export interface WireFunction {
  readonly nodes: WireNode[];
  overload: string;
  readonly metadata: Map<string, string>;
  /** Reduced bytes of messages newer than onnx-proto's FunctionProto. */
  readonly attributeProtos: Uint8Array[];
  readonly valueInfos: Uint8Array[];
}

export interface WireTensor {
  readonly metadata: Map<string, string>;
  readonly raw: { offset: number; byteLength: number } | null;
  /** The first typed field that occurs; others are a contradiction in the file. */
  readonly typedField: TypedDataField | null;
  readonly segments: readonly TypedSegment[];
  /** The payload when it is small: `raw_data`, or else the typed field's elements as if packed. */
  readonly inline: readonly Uint8Array[] | null;
  readonly payloadFields: readonly string[];
}
