import { floatAttribute, intAttribute, tensorAttribute } from '../../attributes';
import type { Node, Tensor } from '../../graph';
import type { RecipeContext } from '../recipe';
import { overridableFrom, type Usage } from '../usage';
import { transpose } from './affine';

/** A MatMul or Gemm whose right operand is a constant float32 matrix. */
export interface LinearLayer {
  readonly node: Node;
  readonly weight: WeightSource;
  readonly weightName: string;
  /** The stored matrix is `[columns, rows]` (Gemm with transB). */
  readonly transposed: boolean;
  readonly rows: number;
  readonly columns: number;
  /** Gemm's alpha: multiplies the product. */
  readonly factor: number;
  /** Gemm's C, added to the product; null without. */
  readonly bias: string | null;
}

export interface WeightSource {
  readonly tensor: Tensor;
  /** Position in `Graph.initializers`, or null when a Constant node holds it. */
  readonly initializer: number | null;
  readonly constantNode: Node | null;
  /** Position in `Graph.inputs` of an initializer that old files list there too. */
  readonly graphInput: number | null;
}

/** Below this a layer's weights weigh less than the nodes that quantising adds. */
const minElements = 2048;

/** The layer behind a node, or why it is not one that int8 can take over. */
export function linearLayer(
  node: Node,
  usage: Usage,
  context: Pick<RecipeContext, 'model'>,
): LinearLayer | string {
  const weightName = node.inputs[1] ?? '';
  const weight = findWeight(weightName, usage, context);
  if (typeof weight === 'string') return weight;
  const { tensor } = weight;
  if (tensor.dtype !== 'float32')
    return `its weights are ${tensor.dtype ?? 'of unknown type'}, not float32`;
  const [first, second] = tensor.dims;
  if (tensor.dims.length !== 2 || first === undefined || second === undefined) {
    return `its weight has ${tensor.dims.length} dims; only matrices are quantised`;
  }
  if ((tensor.elementCount ?? 0) < minElements) {
    return `its ${tensor.elementCount ?? 0} weights are fewer than ${minElements}: nothing to gain`;
  }
  if (tensor.storage.kind === 'none') return 'its weights are not in the file';
  const shared = foreignReader(weightName, usage);
  if (shared !== null) return `its weight is also read by ${shared}, so the float copy would stay`;
  if (node.opType === 'MatMul') {
    const plain = { transposed: false, factor: 1, bias: null };
    return { node, weight, weightName, rows: first, columns: second, ...plain };
  }
  return gemmLayer(node, weight, weightName, [first, second]);
}

function gemmLayer(
  node: Node,
  weight: WeightSource,
  weightName: string,
  [first, second]: readonly [number, number],
): LinearLayer | string {
  if ((intAttribute(node, 'transA') ?? 0) !== 0) return 'transA is set: its input is transposed';
  const bias = node.inputs[2] ?? '';
  if (bias !== '' && (floatAttribute(node, 'beta') ?? 1) !== 1) return 'beta is not 1';
  const factor = floatAttribute(node, 'alpha') ?? 1;
  if (!(factor > 0 && factor < Infinity)) return `alpha is ${factor}`;
  const transposed = (intAttribute(node, 'transB') ?? 0) !== 0;
  const [rows, columns] = transposed ? [second, first] : [first, second];
  return {
    node,
    weight,
    weightName,
    transposed,
    rows,
    columns,
    factor,
    bias: bias === '' ? null : bias,
  };
}

/** The layer's weights as row-major `[rows, columns]`; null when they cannot be read. */
export async function readWeights(
  layer: LinearLayer,
  context: Pick<RecipeContext, 'readTensor'>,
): Promise<Float32Array | null> {
  const bytes = await context.readTensor(layer.weight.tensor);
  if (!bytes) return null;
  // Payloads lie unaligned in the file: a copy is aligned.
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  const stored = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  return layer.transposed ? transpose(stored, layer.columns, layer.rows) : stored;
}

function findWeight(
  name: string,
  usage: Usage,
  { model }: Pick<RecipeContext, 'model'>,
): WeightSource | string {
  const { graph } = model;
  const tensor = graph.initializerByName.get(name);
  if (tensor) {
    const input = usage.graphInputs.get(name) ?? null;
    if (input !== null && (model.irVersion ?? 0) >= overridableFrom) {
      return 'its weight is a graph input that callers may set';
    }
    return {
      tensor,
      initializer: usage.initializers.get(name) ?? null,
      constantNode: null,
      graphInput: input,
    };
  }
  const producer = graph.nodes[usage.producerOf(name) ?? -1];
  const isConstant = producer?.domain === '' && producer.opType === 'Constant';
  const value = isConstant ? tensorAttribute(producer, 'value') : undefined;
  if (producer && value) {
    return { tensor: value, initializer: null, constantNode: producer, graphInput: null };
  }
  return 'its second input is computed, not a constant weight';
}

/** By weight: layers that share one ask for the same, and a weight may have thousands of readers. */
const foreignReaders = new WeakMap<Usage, Map<string, string | null>>();

/** A reader of the weight that stays in float: tied embeddings, a subgraph, a graph output. */
function foreignReader(name: string, usage: Usage): string | null {
  const byName = foreignReaders.get(usage) ?? new Map<string, string | null>();
  foreignReaders.set(usage, byName);
  const known = byName.get(name);
  if (known !== undefined) return known;
  const found = findForeignReader(name, usage);
  byName.set(name, found);
  return found;
}

function findForeignReader(name: string, usage: Usage): string | null {
  if (usage.captured.has(name)) return 'a subgraph';
  if (usage.graphOutputs.has(name)) return 'a graph output';
  for (const { node: index, input } of usage.consumersOf(name)) {
    const node = usage.graph.nodes[index];
    const isLinear = node?.domain === '' && (node.opType === 'MatMul' || node.opType === 'Gemm');
    if (node && !(isLinear && input === 1)) return node.path;
  }
  return null;
}
