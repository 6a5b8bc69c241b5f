import type { DataType } from '../../../server/src/core/dtype';
import type {
  Attribute,
  AttributeValue,
  Graph,
  Node,
  Tensor,
  ValueInfo,
} from '../../../server/src/core/graph';
import { bytesOf } from '../../../server/src/core/dtype';
import { createProblemSink, type Problem } from '../../../server/src/core/problem';
import { countFacts, type ModelFacts, type NodeFacts } from '../../../server/src/core/facts/count';
import type {
  ChildScope,
  ConstantValue,
  InferredType,
  Scope,
} from '../../../server/src/core/shapes/types';
import { symbol, type Dim } from '../../../server/src/core/shapes/symbolic';
import { valueNumbers, ValueTable } from '../../../server/src/core/value-numbers';

/** A type as tests write it: `float32[N,3,8,8]`, `int64[]`; `?` for an unknown dim, `float32` without shape. */
export type TypeText = string;

export interface NodeText {
  readonly op: string;
  /** `com.microsoft` and the like; the default domain when absent. */
  readonly domain?: string;
  readonly name?: string;
  readonly in: readonly string[];
  /** Name → type, in order. */
  readonly out: Readonly<Record<string, TypeText>>;
  readonly attributes?: Readonly<Record<string, AttributeInput>>;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly children?: readonly ChildText[];
}

type AttributeInput = number | string | readonly number[] | { readonly floats: readonly number[] };

export interface ChildText {
  readonly role: ChildScope['role'];
  readonly tripCount: Dim;
  readonly body: ScopeText;
}

/** A graph with the types that inference would find, given by hand: these tests do not depend on it. */
export interface ScopeText {
  readonly inputs?: Readonly<Record<string, TypeText>>;
  readonly weights?: Readonly<Record<string, TypeText>>;
  readonly nodes: readonly NodeText[];
  readonly outputs?: readonly string[];
  /** Values known before the model runs. */
  readonly constants?: Readonly<Record<string, readonly number[]>>;
}

export interface Counted {
  readonly facts: ModelFacts;
  readonly problems: readonly Problem[];
  /** The facts of the node that makes this value. */
  readonly making: (output: string) => NodeFacts;
}

export function count(text: ScopeText): Counted {
  const sink = createProblemSink();
  const facts = countFacts(buildScope(text), sink);
  return {
    facts,
    problems: sink.problems,
    making(output) {
      const found = facts.nodes.find(({ node }) => node.outputs.includes(output));
      if (!found) throw new Error(`no node makes ${output}`);
      return found;
    },
  };
}

export function buildScope(text: ScopeText, path = 'main', parent: Scope | null = null): Scope {
  const children = new Map<Node, readonly ChildScope[]>();
  const nodes = text.nodes.map((each, index) => buildNode(each, index, path));
  const body = buildGraph(text, nodes, path);
  const numbers = valueNumbers(body);
  const types = new ValueTable<InferredType>(numbers);
  for (const [name, type] of [...entries(text.inputs), ...entries(text.weights)]) {
    types.set(name, parseType(type));
  }
  for (const each of text.nodes) {
    for (const [name, type] of entries(each.out)) types.set(name, parseType(type));
  }
  const constants = new ValueTable<ConstantValue>(numbers);
  for (const [name, values] of Object.entries(text.constants ?? {})) {
    constants.set(name, { dtype: 'int64', values, shape: [values.length] });
  }
  const scope: Scope = {
    path,
    parent,
    body,
    opsets: new Map([['', 21]]),
    nodes,
    numbers,
    types,
    constants,
    sizes: new ValueTable(numbers),
    children,
  };
  for (const [index, each] of text.nodes.entries()) {
    const node = nodes[index];
    if (!node || !each.children) continue;
    children.set(
      node,
      each.children.map(({ role, tripCount, body }, position) => {
        const inner = `${node.path}/${role}_${position}`;
        const around = role === 'function' ? null : scope;
        const built = buildScope(body, inner, around);
        const childScope = role === 'function' ? asFunction(built) : built;
        return { role, tripCount, scope: childScope };
      }),
    );
  }
  return scope;
}

function asFunction(scope: Scope): Scope {
  const graph = scope.body;
  if (!('initializerByName' in graph)) return scope;
  return {
    ...scope,
    body: {
      name: 'Body',
      domain: 'local',
      overload: '',
      docString: '',
      inputs: graph.inputs.map((input) => input.name),
      outputs: graph.outputs.map((output) => output.name),
      attributeNames: [],
      attributeDefaults: [],
      opsets: new Map(),
      valueInfos: [],
      nodes: graph.nodes,
      metadata: new Map(),
    },
  };
}

function buildGraph(text: ScopeText, nodes: readonly Node[], path: string): Graph {
  const initializers = entries(text.weights).map(([name, type]) => buildTensor(name, type));
  return {
    name: 'test',
    path,
    docString: '',
    inputs: entries(text.inputs).map(([name]) => valueInfo(name)),
    outputs: (text.outputs ?? []).map(valueInfo),
    valueInfos: [],
    nodes,
    initializers,
    sparseInitializers: [],
    initializerByName: new Map(initializers.map((tensor) => [tensor.name, tensor])),
    metadata: new Map(),
  };
}

function buildNode(text: NodeText, index: number, path: string): Node {
  const name = text.name ?? '';
  const attributes = Object.entries(text.attributes ?? {}).map(
    ([key, input]): [string, Attribute] => [
      key,
      { name: key, refName: '', value: attributeValue(key, input) },
    ],
  );
  return {
    index,
    name,
    path: `${path}/${name === '' ? `${text.op}_${index}` : name}`,
    opType: text.op,
    domain: text.domain ?? '',
    overload: '',
    inputs: text.in,
    outputs: Object.keys(text.out),
    attributes: new Map(attributes),
    docString: '',
    metadata: new Map(Object.entries(text.metadata ?? {})),
  };
}

/** Strings of the form `tensor:float32[2,3]` are tensors without payload. */
function attributeValue(name: string, input: AttributeInput): AttributeValue {
  if (typeof input === 'number') {
    return Number.isInteger(input) && name !== 'alpha' && name !== 'beta'
      ? { kind: 'int', value: BigInt(input) }
      : { kind: 'float', value: input };
  }
  if (typeof input === 'string') {
    const tensor = /^tensor:(.*)$/.exec(input)?.[1];
    if (tensor !== undefined) return { kind: 'tensor', value: buildTensor('', tensor) };
    return { kind: 'string', value: new TextEncoder().encode(input) };
  }
  if ('floats' in input) return { kind: 'floats', value: input.floats };
  return { kind: 'ints', value: input.map(BigInt) };
}

export function buildTensor(name: string, text: TypeText): Tensor {
  const type = parseType(text);
  if (type.kind !== 'tensor' || !type.dtype || !type.shape) throw new Error(`no tensor: ${text}`);
  const dims = type.shape.map((dim) => (typeof dim === 'number' ? dim : 0));
  const elementCount = dims.reduce((product, dim) => product * dim, 1);
  const byteLength = bytesOf(type.dtype, elementCount) ?? 0;
  return {
    name,
    docString: '',
    dtype: type.dtype,
    dtypeCode: 0,
    dims,
    elementCount,
    storage: { kind: 'raw', offset: 0, byteLength },
    metadata: new Map(),
  };
}

export function parseType(text: TypeText): InferredType {
  if (text === 'unknown') return { kind: 'unknown' };
  const match = /^(\w+)(?:\[(.*)\])?$/.exec(text);
  if (!match) throw new Error(`bad type ${text}`);
  const [, dtype, dims] = match;
  const shape = dims === undefined ? null : dims === '' ? [] : dims.split(',').map(parseDim);
  return { kind: 'tensor', dtype: dtype === 'any' ? null : (dtype as DataType), shape };
}

function parseDim(text: string): Dim {
  if (text === '?') return null;
  return /^\d+$/.test(text) ? Number(text) : symbol(text);
}

function valueInfo(name: string): ValueInfo {
  return { name, type: { kind: 'unknown' }, docString: '', metadata: new Map() };
}

function entries(record: Readonly<Record<string, string>> | undefined): [string, string][] {
  return Object.entries(record ?? {});
}
