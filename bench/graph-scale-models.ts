/**
 * Graphs of any number of nodes for `graph-scale.ts`, written by hand so that making them needs no library:
 *
 * - `transformer`: blocks as PyTorch's exporter writes them, with attention whose shapes are computed in the graph, a
 *   symbolic batch and sequence, and a declared type for every second value;
 * - `chain`: elementwise operators, each on the result of the one before;
 * - `fan-in`: operators on one input, half of which one Concat takes together, half one Sum;
 * - `dense`: layers with weights of their own, 0.4 GB with 100,000 nodes, nodes first as exporters write them.
 */
import {
  float,
  floatBytes,
  int,
  join,
  message,
  onnxField as f,
  text,
  unpackedInts,
} from '../test/support/protobuf';

export const shapes = ['transformer', 'chain', 'fan-in', 'dense'] as const;
export type GraphShape = (typeof shapes)[number];

/** The bytes of an ONNX file with about `nodeCount` nodes. */
export function graphOf(shape: GraphShape, nodeCount: number): Uint8Array {
  const graph = createGraph();
  const build = { transformer, chain, 'fan-in': fanIn, dense }[shape];
  build(graph, nodeCount);
  return graph.bytes();
}

const [float32, int64] = [1, 7];
const [batch, sequence] = ['batch', 'sequence'];
const hidden = 32;
const heads = 2;
const inner = 64;

type DeclaredDim = number | string;
type Attribute = Uint8Array;

/** Collects the parts of a model. Node outputs are called `NAME_output_0`. */
function createGraph() {
  const parts: Uint8Array[] = [];
  let count = 0;
  const attributeOf = (name: string, type: number, ...value: readonly Uint8Array[]): Attribute =>
    message(f.node.attribute, text(f.attribute.name, name), ...value, int(f.attribute.type, type));
  // What the layers repeat is made once.
  const repeated = new Map<string, Uint8Array>();
  const once = (key: string, make: () => Uint8Array): Uint8Array => {
    const known = repeated.get(key) ?? make();
    repeated.set(key, known);
    return known;
  };
  const value = (field: number, name: string, dims: readonly DeclaredDim[]) => {
    const type = once(`type ${dims.join()}`, () => valueType(dims));
    parts.push(message(field, text(f.valueInfo.name, name), type));
  };
  const int64s = (values: readonly number[]) =>
    new Uint8Array(BigInt64Array.from(values.map(BigInt)).buffer);
  return {
    nodeCount: () => count,
    ints: (name: string, ...values: readonly number[]) =>
      attributeOf(name, 7, unpackedInts(f.attribute.ints, values)),
    int: (name: string, of: number) => attributeOf(name, 2, int(f.attribute.i, of)),
    float: (name: string, of: number) => attributeOf(name, 1, float(f.attribute.f, of)),
    node(
      opType: string,
      name: string,
      inputs: readonly string[],
      options: { attributes?: readonly Attribute[]; dims?: readonly DeclaredDim[] } = {},
    ): string {
      const output = `${name}_output_0`;
      parts.push(
        message(
          f.graph.node,
          join(inputs.map((input) => text(f.node.input, input))),
          text(f.node.output, output),
          text(f.node.name, name),
          text(f.node.opType, opType),
          ...(options.attributes ?? []),
        ),
      );
      count++;
      if (options.dims && count % 2 === 0) value(f.graph.valueInfo, output, options.dims);
      return output;
    },
    /** A Constant node with an int64 scalar or vector. */
    constant(name: string, values: readonly number[] | number): string {
      const list = typeof values === 'number' ? [values] : values;
      const attribute = once(`constant ${JSON.stringify(values)}`, () => {
        const tensor = message(
          f.attribute.t,
          ...(typeof values === 'number' ? [] : [int(f.tensor.dims, list.length)]),
          int(f.tensor.dataType, int64),
          message(f.tensor.rawData, int64s(list)),
        );
        return attributeOf('value', 4, tensor);
      });
      return this.node('Constant', name, [], { attributes: [attribute] });
    },
    weight(name: string, ...dims: readonly number[]): string {
      const content = once(`weight ${dims.join()}`, () => weightContent(dims));
      parts.push(message(f.graph.initializer, text(f.tensor.name, name), content));
      return name;
    },
    input: (name: string, dims: readonly DeclaredDim[]) => {
      value(f.graph.input, name, dims);
    },
    output: (name: string, dims: readonly DeclaredDim[]) => {
      value(f.graph.output, name, dims);
    },
    bytes: () =>
      join([
        int(f.model.irVersion, 8),
        text(f.model.producer, 'pytorch'),
        message(f.model.graph, text(f.graph.name, 'main_graph'), join(parts)),
        message(f.model.opset, int(f.opset.version, 17)),
      ]),
  };
}

function valueType(dims: readonly DeclaredDim[]): Uint8Array {
  const shape = dims.map((dim) =>
    message(f.shape.dim, typeof dim === 'number' ? int(f.dim.value, dim) : text(f.dim.param, dim)),
  );
  const elements = int(f.tensorType.elemType, float32);
  const tensor = message(f.type.tensor, elements, message(f.tensorType.shape, ...shape));
  return message(f.valueInfo.type, tensor);
}

function weightContent(dims: readonly number[]): Uint8Array {
  const size = dims.reduce((product, dim) => product * dim, 1);
  const values = Array.from({ length: size }, (_, at) => (at % 7) / 8);
  return join([
    ...dims.map((dim) => int(f.tensor.dims, dim)),
    int(f.tensor.dataType, float32),
    message(f.tensor.rawData, floatBytes(...values)),
  ]);
}

type Graph = ReturnType<typeof createGraph>;

function transformer(graph: Graph, nodeCount: number): void {
  const dims = [batch, sequence, hidden];
  graph.input('hidden_states', dims);
  graph.input('attention_mask', [batch, 1, 1, sequence]);
  let state = 'hidden_states';
  for (let layer = 0; graph.nodeCount() < nodeCount; layer++) {
    const path = `/model/layers.${layer}`;
    const weights = `model.layers.${layer}`;
    const normal = layerNorm(graph, state, `${path}/input_layernorm`, `${weights}.input_layernorm`);
    const attended = attention(graph, normal, `${path}/self_attn`, `${weights}.self_attn`);
    const residual = graph.node('Add', `${path}/Add`, [state, attended], { dims });
    const after = layerNorm(graph, residual, `${path}/post_norm`, `${weights}.post_norm`);
    const up = linear(graph, after, `${path}/mlp/fc1`, `${weights}.mlp.fc1`, hidden, inner);
    const active = gelu(graph, up, `${path}/mlp/act`);
    const down = linear(graph, active, `${path}/mlp/fc2`, `${weights}.mlp.fc2`, inner, hidden);
    state = graph.node('Add', `${path}/Add_1`, [residual, down], { dims });
  }
  graph.output(state, dims);
}

function layerNorm(graph: Graph, input: string, path: string, weights: string): string {
  const scale = graph.weight(`${weights}.weight`, hidden);
  const bias = graph.weight(`${weights}.bias`, hidden);
  return graph.node('LayerNormalization', `${path}/LayerNormalization`, [input, scale, bias], {
    attributes: [graph.int('axis', -1), graph.float('epsilon', 1e-5)],
    dims: [batch, sequence, hidden],
  });
}

function linear(
  graph: Graph,
  input: string,
  path: string,
  weights: string,
  from: number,
  to: number,
): string {
  const dims = [batch, sequence, to];
  const weight = graph.weight(`onnx::MatMul_${graph.nodeCount()}`, from, to);
  const product = graph.node('MatMul', `${path}/MatMul`, [input, weight], { dims });
  return graph.node('Add', `${path}/Add`, [graph.weight(`${weights}.bias`, to), product], { dims });
}

/** Queries, keys and values are reshaped by sizes that the graph reads off its input. */
function attention(graph: Graph, input: string, path: string, weights: string): string {
  const size = hidden / heads;
  const split = [batch, heads, sequence, size];
  const scores = [batch, heads, sequence, sequence];
  const dimOf = (axis: number, suffix: string): string => {
    const shape = graph.node('Shape', `${path}/Shape${suffix}`, [input]);
    const index = graph.constant(`${path}/Constant_index${suffix}`, axis);
    const dim = graph.node('Gather', `${path}/Gather${suffix}`, [shape, index], {
      attributes: [graph.int('axis', 0)],
    });
    const axes = graph.constant(`${path}/Constant_axes${suffix}`, [0]);
    return graph.node('Unsqueeze', `${path}/Unsqueeze${suffix}`, [dim, axes]);
  };
  const [rows, columns] = [dimOf(0, ''), dimOf(1, '_1')];
  const concat = (suffix: string, ...lasts: readonly number[]): string => {
    const constants = lasts.map((last, at) =>
      graph.constant(`${path}/Constant_size${suffix}_${at}`, [last]),
    );
    return graph.node('Concat', `${path}/Concat${suffix}`, [rows, columns, ...constants], {
      attributes: [graph.int('axis', 0)],
    });
  };
  const projected = (name: string, at: number, ...perm: readonly number[]): string => {
    const all = linear(graph, input, `${path}/${name}`, `${weights}.${name}`, hidden, hidden);
    const reshaped = graph.node('Reshape', `${path}/Reshape_${at}`, [
      all,
      concat(`_${at}`, heads, size),
    ]);
    return graph.node('Transpose', `${path}/Transpose_${at}`, [reshaped], {
      attributes: [graph.ints('perm', ...perm)],
      dims: at === 1 ? [batch, heads, size, sequence] : split,
    });
  };
  const query = projected('q_proj', 0, 0, 2, 1, 3);
  const key = projected('k_proj', 1, 0, 2, 3, 1);
  const value = projected('v_proj', 2, 0, 2, 1, 3);
  const product = graph.node('MatMul', `${path}/MatMul`, [query, key], { dims: scores });
  const divisor = graph.constant(`${path}/Constant_scale`, Math.round(Math.sqrt(size)));
  const scale = graph.node('Cast', `${path}/Cast`, [divisor], {
    attributes: [graph.int('to', float32)],
  });
  const scaled = graph.node('Div', `${path}/Div`, [product, scale], { dims: scores });
  const masked = graph.node('Add', `${path}/Add`, [scaled, 'attention_mask'], { dims: scores });
  const shares = graph.node('Softmax', `${path}/Softmax`, [masked], {
    attributes: [graph.int('axis', -1)],
    dims: scores,
  });
  const mixed = graph.node('MatMul', `${path}/MatMul_1`, [shares, value], { dims: split });
  const joined = graph.node('Transpose', `${path}/Transpose_3`, [mixed], {
    attributes: [graph.ints('perm', 0, 2, 1, 3)],
  });
  const flat = graph.node('Reshape', `${path}/Reshape_3`, [joined, concat('_3', hidden)], {
    dims: [batch, sequence, hidden],
  });
  return linear(graph, flat, `${path}/o_proj`, `${weights}.o_proj`, hidden, hidden);
}

function gelu(graph: Graph, input: string, path: string): string {
  const dims = [batch, sequence, inner];
  const number = (name: string, of: number) =>
    graph.node('Cast', `${path}/Cast_${name}`, [graph.constant(`${path}/Constant_${name}`, of)], {
      attributes: [graph.int('to', float32)],
    });
  const ratio = graph.node('Div', `${path}/Div`, [input, number('root', 2)], { dims });
  const erf = graph.node('Erf', `${path}/Erf`, [ratio], { dims });
  const one = graph.node('Add', `${path}/Add`, [erf, number('one', 1)], { dims });
  const product = graph.node('Mul', `${path}/Mul`, [input, one], { dims });
  return graph.node('Mul', `${path}/Mul_1`, [product, number('half', 1)], { dims });
}

const elementwise = ['Relu', 'Sigmoid', 'Add', 'Tanh', 'Mul', 'Neg'];

function chain(graph: Graph, nodeCount: number): void {
  const dims = [batch, 64];
  graph.input('x', dims);
  let [before, value] = ['x', 'x'];
  for (let index = 0; index < nodeCount; index++) {
    const opType = elementwise[index % elementwise.length] ?? '';
    const inputs = opType === 'Add' || opType === 'Mul' ? [value, before] : [value];
    before = value;
    value = graph.node(opType, `/steps/steps.${index}/${opType}`, inputs, { dims });
  }
  graph.output(value, dims);
}

function fanIn(graph: Graph, nodeCount: number): void {
  graph.input('x', [batch, 16]);
  const branches = Array.from({ length: nodeCount - 3 }, (_, index) => {
    const opType = index % 2 === 0 ? 'Relu' : 'Tanh';
    return graph.node(opType, `/branches.${index}/${opType}`, ['x'], { dims: [batch, 16] });
  });
  const odd = branches.filter((_, index) => index % 2 === 1);
  const even = branches.filter((_, index) => index % 2 === 0);
  const joined = graph.node('Concat', '/Concat', odd, { attributes: [graph.int('axis', 1)] });
  const added = graph.node('Sum', '/Sum', even);
  const both = graph.node('Concat', '/Concat_1', [joined, added], {
    attributes: [graph.int('axis', 1)],
  });
  graph.output(both, [batch, (odd.length + 1) * 16]);
}

/** Python takes 2.4 GB for 100,000 nodes of it: `infer_shapes` copies all weights several times. */
function dense(graph: Graph, nodeCount: number): void {
  const size = 56;
  const weights: (() => void)[] = [];
  const later = (name: string, ...dims: readonly number[]): string => {
    weights.push(() => graph.weight(name, ...dims));
    return name;
  };
  graph.input('x', [batch, size]);
  let state = 'x';
  for (let layer = 0; graph.nodeCount() < nodeCount; layer++) {
    const path = `/layers.${layer}`;
    const weight = later(`layers.${layer}.weight`, size, size);
    const product = graph.node('MatMul', `${path}/MatMul`, [state, weight]);
    const sum = graph.node('Add', `${path}/Add`, [product, later(`layers.${layer}.bias`, size)]);
    state = graph.node('Relu', `${path}/Relu`, [sum]);
  }
  for (const write of weights) write();
  graph.output(state, [batch, size]);
}
