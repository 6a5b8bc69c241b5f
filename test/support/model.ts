import { dataTypeInfo, type DataType } from '../../server/src/core/dtype';
import type {
  Attribute,
  AttributeValue,
  DeclaredDim,
  Graph,
  Model,
  ModelFunction,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
} from '../../server/src/core/graph';
import { producerOf } from '../../server/src/core/graph';

/** Builds models in memory from a compact description, for tests that need no file. */

/** `float32[N,3,?]`, `int64[]`, `float32` (rank unknown), `?` (nothing known). */
export type TypeText = string;

export type AttributeInput = number | string | readonly number[] | AttributeValue;

export interface NodeInput {
  /** `Relu` or `com.microsoft::Gelu`. */
  readonly op: string;
  readonly name?: string;
  readonly inputs?: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  /** Attribute → name of the function's attribute that it refers to. */
  readonly references?: Readonly<Record<string, string>>;
}

export interface GraphInput {
  readonly inputs?: Readonly<Record<string, TypeText>>;
  readonly outputs?: Readonly<Record<string, TypeText>>;
  readonly valueInfos?: Readonly<Record<string, TypeText>>;
  readonly initializers?: Readonly<Record<string, Tensor>>;
  readonly nodes: readonly NodeInput[];
}

export interface FunctionInput {
  readonly name: string;
  readonly domain?: string;
  readonly overload?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly nodes: readonly NodeInput[];
  readonly defaults?: Readonly<Record<string, AttributeInput>>;
}

export interface ModelInput extends GraphInput {
  readonly opset?: number;
  readonly irVersion?: number;
  readonly functions?: readonly FunctionInput[];
}

export function model(input: ModelInput): Model {
  const opsets = new Map([['', input.opset ?? 17]]);
  return {
    irVersion: input.irVersion ?? 8,
    ...producerOf('', ''),
    domain: '',
    modelVersion: 0n,
    docString: '',
    metadata: new Map(),
    opsets,
    graph: graph(input, 'main'),
    functions: (input.functions ?? []).map((definition) => modelFunction(definition, opsets)),
  };
}

export function graph(input: GraphInput, path = 'body'): Graph {
  const initializers = Object.entries(input.initializers ?? {}).map(([name, tensor]) => ({
    ...tensor,
    name,
  }));
  return {
    name: path,
    path,
    docString: '',
    inputs: valueInfos(input.inputs),
    outputs: valueInfos(input.outputs),
    valueInfos: valueInfos(input.valueInfos),
    nodes: input.nodes.map((node, index) => buildNode(node, index, path)),
    initializers,
    sparseInitializers: [],
    initializerByName: new Map(initializers.map((tensor) => [tensor.name, tensor])),
    metadata: new Map(),
  };
}

/** A subgraph as an attribute value. */
export function graphValue(input: GraphInput): AttributeValue {
  return { kind: 'graph', value: graph(input) };
}

export function floats(...value: readonly number[]): AttributeValue {
  return { kind: 'floats', value };
}

export function strings(...value: readonly string[]): AttributeValue {
  return { kind: 'strings', value: value.map(utf8) };
}

export function tensorValue(value: Tensor): AttributeValue {
  return { kind: 'tensor', value };
}

export function int64(value: bigint): AttributeValue {
  return { kind: 'int', value };
}

/** Weights whose payload is elsewhere: dtype and dims are all that is known. */
export function weights(dtype: DataType, ...dims: readonly number[]): Tensor {
  return { ...emptyTensor(dtype, dims), storage: { kind: 'raw', offset: 0, byteLength: 0 } };
}

/** A small int64 tensor with its values: a vector, or of the given dims. */
export function ints(values: readonly (number | bigint)[], dims = [values.length]): Tensor {
  const bytes = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { ...emptyTensor('int64', dims), storage: { kind: 'inline', bytes } };
}

/** A small float32 tensor with its values. */
export function float32s(values: readonly number[], dims = [values.length]): Tensor {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return { ...emptyTensor('float32', dims), storage: { kind: 'inline', bytes } };
}

export function bools(values: readonly boolean[], dims = [values.length]): Tensor {
  const bytes = Uint8Array.from(values, Number);
  return { ...emptyTensor('bool', dims), storage: { kind: 'inline', bytes } };
}

export function valueType(text: TypeText): ValueType {
  const match = /^([a-z0-9]+)(?:\[(.*)\])?$/u.exec(text);
  if (!match) return { kind: 'unknown' };
  const dims = match[2]?.split(',').filter((dim) => dim !== '');
  return { kind: 'tensor', dtype: match[1] as DataType, dims: dims?.map(declaredDim) ?? null };
}

function declaredDim(text: string): DeclaredDim {
  if (text === '?') return null;
  return /^\d+$/u.test(text) ? Number(text) : text;
}

function valueInfos(types: Readonly<Record<string, TypeText>> = {}): ValueInfo[] {
  return Object.entries(types).map(([name, type]) => ({
    name,
    type: valueType(type),
    docString: '',
    metadata: new Map(),
  }));
}

function modelFunction(input: FunctionInput, opsets: ReadonlyMap<string, number>): ModelFunction {
  const defaults = Object.entries(input.defaults ?? {});
  return {
    name: input.name,
    domain: input.domain ?? 'local',
    overload: input.overload ?? '',
    docString: '',
    inputs: input.inputs,
    outputs: input.outputs,
    attributeNames: [],
    attributeDefaults: defaults.map(([name, value]) => attribute(name, value)),
    opsets,
    valueInfos: [],
    nodes: input.nodes.map((node, index) => buildNode(node, index, `function:${input.name}`)),
    metadata: new Map(),
  };
}

function buildNode(input: NodeInput, index: number, path: string): Node {
  const [domain, opType] = input.op.includes('::') ? input.op.split('::') : ['', input.op];
  const attributes = new Map<string, Attribute>();
  for (const [name, value] of Object.entries(input.attributes ?? {})) {
    attributes.set(name, attribute(name, value));
  }
  for (const [name, refName] of Object.entries(input.references ?? {})) {
    attributes.set(name, { name, refName, value: { kind: 'none' } });
  }
  return {
    index,
    name: input.name ?? '',
    path: `${path}/${input.name ?? `${opType ?? ''}_${index}`}`,
    opType: opType ?? '',
    domain: domain ?? '',
    overload: '',
    inputs: input.inputs ?? [],
    outputs: input.outputs,
    attributes,
    docString: '',
    metadata: new Map(),
  };
}

function attribute(name: string, value: AttributeInput): Attribute {
  return { name, refName: '', value: attributeValue(value) };
}

function attributeValue(value: AttributeInput): AttributeValue {
  if (typeof value === 'string') return { kind: 'string', value: utf8(value) };
  if (typeof value === 'number') {
    if (Number.isInteger(value)) return { kind: 'int', value: BigInt(value) };
    return { kind: 'float', value };
  }
  if ('kind' in value) return value;
  return { kind: 'ints', value: value.map(BigInt) };
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function emptyTensor(dtype: DataType, dims: readonly number[]): Tensor {
  return {
    name: '',
    docString: '',
    dtype,
    dtypeCode: dataTypeInfo(dtype).code,
    dims,
    elementCount: dims.reduce((count, dim) => count * dim, 1),
    storage: { kind: 'none' },
    metadata: new Map(),
  };
}
