import type { DataType } from './dtype';

/** A model as read from a file. Immutable; payloads of weights stay in the file (see `TensorStorage`). */
export interface Model {
  readonly irVersion: number | null;
  /** `producer_name producer_version`, trimmed, for people to read. */
  readonly producer: string;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  /** A number of the model's author, 0 when there is none. */
  readonly modelVersion: bigint;
  readonly docString: string;
  readonly metadata: ReadonlyMap<string, string>;
  /** Domain → version; `''` is ai.onnx (the spelling `ai.onnx` is folded into it). */
  readonly opsets: ReadonlyMap<string, number>;
  readonly graph: Graph;
  readonly functions: readonly ModelFunction[];
  /** `training_info` messages: counted, not read. Left out when there are none. */
  readonly trainingInfoCount?: number;
}

export interface Graph {
  readonly name: string;
  /** `main`, or for a subgraph the node's path and attribute: `main/loop_1/body`. */
  readonly path: string;
  readonly docString: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  /** In file order. A name that occurs twice is a problem; the first wins in `initializerByName`. */
  readonly initializers: readonly Tensor[];
  readonly sparseInitializers: readonly SparseTensor[];
  readonly initializerByName: ReadonlyMap<string, Tensor>;
  /** `quantization_annotation` messages: counted, not read. Left out when there are none. */
  readonly quantizationAnnotationCount?: number;
  readonly metadata: ReadonlyMap<string, string>;
}

/** A model-local function (`FunctionProto`). Its values are untyped unless `valueInfos` says. */
export interface ModelFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly docString: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Names of attributes without default, and the ones with. */
  readonly attributeNames: readonly string[];
  readonly attributeDefaults: readonly Attribute[];
  readonly opsets: ReadonlyMap<string, number>;
  readonly valueInfos: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Node {
  /** Position in its graph's node list. */
  readonly index: number;
  /** Possibly empty, possibly not unique: files say what they like. Identify nodes by `path`. */
  readonly name: string;
  /** Unique in the model: graph path + `/` + name, or `OpType_index`; `#index` is added to repeated names. */
  readonly path: string;
  readonly opType: string;
  /** `''` is ai.onnx. */
  readonly domain: string;
  readonly overload: string;
  /** An empty string is an omitted optional input. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  readonly docString: string;
  /** `metadata_props`: module scopes and stack traces of PyTorch's dynamo exporter. */
  readonly metadata: ReadonlyMap<string, string>;
}

export interface Attribute {
  readonly name: string;
  /** Set inside functions: the value comes from the caller's attribute of this name. */
  readonly refName: string;
  readonly value: AttributeValue;
}

/** Integers are bigint so that all 64 bits survive; see `attributes.ts` for number accessors. */
export type AttributeValue =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'sparse-tensor'; readonly value: SparseTensor }
  | { readonly kind: 'type'; readonly value: ValueType }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly kind: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  | { readonly kind: 'sparse-tensors'; readonly value: readonly SparseTensor[] }
  | { readonly kind: 'types'; readonly value: readonly ValueType[] }
  | { readonly kind: 'none' };

export interface ValueInfo {
  readonly name: string;
  readonly type: ValueType;
  /** What the file says that the type and each dim mean, `''` where nothing; left out when it says nothing at all. */
  readonly denotations?: Denotations;
  readonly docString: string;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Such as IMAGE, and DATA_BATCH, DATA_CHANNEL … (onnx/docs/TypeDenotation.md, DimensionDenotation.md). */
export interface Denotations {
  readonly type: string;
  readonly dims: readonly string[];
}

/** A dim as the file declares it: a size ≥ 0, a symbol's name, or `null` when it says nothing. */
export type DeclaredDim = number | string | null;

export type ValueType =
  | {
      readonly kind: 'tensor' | 'sparse-tensor';
      readonly dtype: DataType | null;
      /** `null`: rank unknown. */
      readonly dims: readonly DeclaredDim[] | null;
    }
  | { readonly kind: 'sequence' | 'optional'; readonly element: ValueType }
  | { readonly kind: 'map'; readonly keyType: DataType | null; readonly value: ValueType }
  | { readonly kind: 'opaque' }
  | { readonly kind: 'unknown' };

export interface Tensor {
  readonly name: string;
  readonly docString: string;
  /** `null` when the file's number is none that ONNX defines; `dtypeCode` keeps it. */
  readonly dtype: DataType | null;
  readonly dtypeCode: number;
  /** Each ≥ 0 and safe; a file with others gets a problem and `elementCount` null. */
  readonly dims: readonly number[];
  /** Product of dims, or `null` when it is not a safe number or a dim is not valid. */
  readonly elementCount: number | null;
  readonly storage: TensorStorage;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface SparseTensor {
  readonly values: Tensor;
  readonly indices: Tensor;
  readonly dims: readonly number[];
}

/** The repeated field that holds a tensor's elements when it is not `raw_data`. */
export type TypedDataField =
  'float_data' | 'int32_data' | 'int64_data' | 'double_data' | 'uint64_data' | 'string_data';

/** Where the elements of a tensor lie. Offsets are bytes in the model file. */
export type TensorStorage =
  /** Nothing stored (zero elements, or a broken file). */
  | { readonly kind: 'none' }
  /** Small payloads, kept as little-endian `raw_data` bytes whatever field they came from. */
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  /** Elements of a small string tensor; strings have no `raw_data` form. */
  | { readonly kind: 'strings'; readonly values: readonly Uint8Array[] }
  | { readonly kind: 'raw'; readonly offset: number; readonly byteLength: number }
  | {
      readonly kind: 'typed';
      readonly field: TypedDataField;
      readonly segments: readonly TypedSegment[];
    }
  | {
      readonly kind: 'external';
      /** As in the file; `external.ts` confines it to the model's folder. */
      readonly location: string;
      readonly offset: number;
      readonly byteLength: number | null;
    };

/** A run of a typed field: one packed record's contents, or unpacked elements with their tags. */
export interface TypedSegment {
  readonly offset: number;
  readonly byteLength: number;
  readonly packed: boolean;
}

/** What wrote a model, in the three forms that a model has it in. */
export function producerOf(
  producerName: string,
  producerVersion: string,
): Pick<Model, 'producer' | 'producerName' | 'producerVersion'> {
  return { producer: `${producerName} ${producerVersion}`.trim(), producerName, producerVersion };
}

/** Folds the two spellings of the default domain into one. */
export function normalizeDomain(domain: string): string {
  return domain === 'ai.onnx' ? '' : domain;
}

/** True for a call of one of the model's own functions, which come before a standard operator of their name. */
export function isLocalCall(node: Node, functions: readonly ModelFunction[]): boolean {
  return functions.some(
    ({ domain, name, overload }) =>
      name === node.opType &&
      overload === node.overload &&
      normalizeDomain(domain) === normalizeDomain(node.domain),
  );
}

/**
 * What stands for a node in its path: its name, or `OpType_index`. PyTorch's names begin with a slash, which the path
 * has already.
 */
export function pathPart({ name, opType, index }: Pick<Node, 'name' | 'opType' | 'index'>): string {
  if (name === '') return `${opType}_${index}`;
  return name.startsWith('/') && name !== '/' ? name.slice(1) : name;
}

/** `domain::OpType` as people write it; the default domain is left out. */
export function qualifiedOpType(node: Pick<Node, 'domain' | 'opType'>): string {
  return node.domain === '' ? node.opType : `${node.domain}.${node.opType}`;
}
