import type { DataType } from '../../../server/src/core/dtype';
import { dataTypeInfo } from '../../../server/src/core/dtype';
import type {
  Attribute,
  AttributeValue,
  DeclaredDim,
  Graph,
  Model,
  Node,
  Tensor,
  ValueInfo,
  ValueType,
} from '../../../server/src/core/graph';
import { producerOf } from '../../../server/src/core/graph';
import { encodeModel } from '../../../server/src/core/onnx/encode';

/** Models of a node or two, made on the spot: what ONNX Runtime does with them is known without running it. */

const none: ReadonlyMap<string, string> = new Map();

export function tensorType(dtype: DataType, dims: readonly DeclaredDim[]): ValueType {
  return { kind: 'tensor', dtype, dims };
}

function value(name: string, type: ValueType): ValueInfo {
  return { name, type, docString: '', metadata: none };
}

export interface TinyNode {
  readonly opType: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, AttributeValue>>;
}

export interface TinyGraph {
  readonly inputs: Readonly<Record<string, ValueType>>;
  readonly outputs: Readonly<Record<string, ValueType>>;
  readonly nodes: readonly TinyNode[];
  readonly initializers?: readonly Tensor[];
}

export function initializer(
  name: string,
  dtype: DataType,
  dims: readonly number[],
  values: Float32Array | BigInt64Array,
): Tensor {
  return {
    name,
    docString: '',
    dtype,
    dtypeCode: dataTypeInfo(dtype).code,
    dims,
    elementCount: values.length,
    storage: { kind: 'inline', bytes: new Uint8Array(values.buffer.slice(0) as ArrayBuffer) },
    metadata: none,
  };
}

export function tinyGraph({ inputs, outputs, nodes, initializers = [] }: TinyGraph): Graph {
  return {
    name: 'g',
    path: 'main',
    docString: '',
    inputs: Object.entries(inputs).map(([name, type]) => value(name, type)),
    outputs: Object.entries(outputs).map(([name, type]) => value(name, type)),
    valueInfos: [],
    nodes: nodes.map(tinyNode),
    initializers,
    sparseInitializers: [],
    initializerByName: new Map(initializers.map((tensor) => [tensor.name, tensor])),
    metadata: none,
  };
}

function tinyNode({ opType, inputs, outputs, attributes = {} }: TinyNode, index: number): Node {
  return {
    index,
    name: '',
    path: `main/${opType}_${index}`,
    opType,
    domain: '',
    overload: '',
    inputs,
    outputs,
    attributes: new Map<string, Attribute>(
      Object.entries(attributes).map(([name, attribute]) => [
        name,
        { name, refName: '', value: attribute },
      ]),
    ),
    docString: '',
    metadata: none,
  };
}

export function tinyModel(graph: TinyGraph): Uint8Array {
  const model: Model = {
    irVersion: 8,
    ...producerOf('', ''),
    domain: '',
    modelVersion: 0n,
    docString: '',
    metadata: none,
    opsets: new Map([['', 17]]),
    graph: tinyGraph(graph),
    functions: [],
  };
  return encodeModel(model);
}

/** y = x, for any dtype. */
export function identityModel(
  dtype: DataType,
  dims: readonly DeclaredDim[] = ['N', 2],
): Uint8Array {
  return tinyModel({
    inputs: { x: tensorType(dtype, dims) },
    outputs: { y: tensorType(dtype, dims) },
    nodes: [{ opType: 'Identity', inputs: ['x'], outputs: ['y'] }],
  });
}

/** y = x + by, by constant: an original and what became of it. */
export function addModel(by: readonly [number, number]): Uint8Array {
  return tinyModel({
    inputs: { x: tensorType('float32', ['N', 2]) },
    outputs: { y: tensorType('float32', ['N', 2]) },
    nodes: [{ opType: 'Add', inputs: ['x', 'by'], outputs: ['y'] }],
    initializers: [initializer('by', 'float32', [2], Float32Array.from(by))],
  });
}

/** Runs for ever: a Loop of 2^62 steps. */
export function endlessModel(): Uint8Array {
  const scalar = (dtype: DataType) => tensorType(dtype, []);
  const x = tensorType('float32', ['N', 2]);
  const body = tinyGraph({
    inputs: { step: scalar('int64'), go: scalar('bool'), v: x },
    outputs: { goOn: scalar('bool'), next: x },
    nodes: [
      { opType: 'Identity', inputs: ['go'], outputs: ['goOn'] },
      { opType: 'Sin', inputs: ['v'], outputs: ['next'] },
    ],
  });
  return tinyModel({
    inputs: { x },
    outputs: { y: x },
    nodes: [
      {
        opType: 'Loop',
        inputs: ['steps', '', 'x'],
        outputs: ['y'],
        attributes: { body: { kind: 'graph', value: body } },
      },
    ],
    initializers: [initializer('steps', 'int64', [], BigInt64Array.of(2n ** 62n))],
  });
}

/** y = the largest of `shape` zeros: takes 4 bytes for each, and the same again to negate them. */
export function hungryModel(): Uint8Array {
  return tinyModel({
    inputs: { shape: tensorType('int64', [1]) },
    outputs: { y: tensorType('float32', [1]) },
    nodes: [
      { opType: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] },
      { opType: 'Neg', inputs: ['zeros'], outputs: ['negated'] },
      { opType: 'ReduceMax', inputs: ['negated'], outputs: ['y'] },
    ],
  });
}
