import { intAttribute, tensorAttribute } from '../attributes';
import { dataTypeInfo, type DataType } from '../dtype';
import type { DeclaredDim, Graph, ModelFunction, Node, Tensor } from '../graph';
import type { ProblemSink } from '../problem';
import { inlineValues } from '../tensor-values';
import { report } from './validate-report';

/**
 * Makes a check of quantising and dequantising nodes against what the file says of their tensors: rank and length of
 * scales, axis, zero point type and length, scales that are no positive numbers. What is not declared is not judged.
 * Source: QuantizeLinear, DequantizeLinear, QLinearConv, QLinearMatMul in the ONNX standard.
 */
export function createQuantizationCheck(
  body: Graph | ModelFunction,
  sink: ProblemSink,
): (node: Node) => void {
  let known: ((name: string) => Known | undefined) | null = null;
  return (node) => {
    if (!domains.has(node.domain)) return;
    const groups = groupsByOperator.get(node.opType);
    if (!groups) return;
    known ??= createLookup(body);
    for (const group of groups) checkGroup(node, group, known, sink);
  };
}

const domains = new Set(['', 'com.microsoft']);

/** Which inputs of an operator belong together. */
interface Group {
  /** Input or output that holds the quantised numbers, whose type the zero point must have. */
  readonly quantised: { readonly input: number } | { readonly output: number };
  /** The input whose axis the scale runs along, when its dims matter. */
  readonly shaped: number | null;
  readonly scale: number;
  readonly zeroPoint: number;
  /** Axis of per-axis scales: the node's `axis` attribute with 1 as default, or fixed. */
  readonly axis: 'attribute' | number;
}

const groupsByOperator: ReadonlyMap<string, readonly Group[]> = new Map([
  [
    'DequantizeLinear',
    [{ quantised: { input: 0 }, shaped: 0, scale: 1, zeroPoint: 2, axis: 'attribute' }],
  ],
  [
    'QuantizeLinear',
    [{ quantised: { output: 0 }, shaped: 0, scale: 1, zeroPoint: 2, axis: 'attribute' }],
  ],
  [
    'QLinearConv',
    [
      { quantised: { input: 0 }, shaped: null, scale: 1, zeroPoint: 2, axis: 0 },
      { quantised: { input: 3 }, shaped: 3, scale: 4, zeroPoint: 5, axis: 0 },
      { quantised: { output: 0 }, shaped: null, scale: 6, zeroPoint: 7, axis: 0 },
    ],
  ],
  [
    'QLinearMatMul',
    [
      { quantised: { input: 0 }, shaped: null, scale: 1, zeroPoint: 2, axis: 0 },
      { quantised: { input: 3 }, shaped: null, scale: 4, zeroPoint: 5, axis: 0 },
      { quantised: { output: 0 }, shaped: null, scale: 6, zeroPoint: 7, axis: 0 },
    ],
  ],
]);

/** What the file says of a value without running anything. */
interface Known {
  readonly dtype: DataType | null;
  readonly dims: readonly DeclaredDim[] | null;
  /** The stored tensor, for constants. */
  readonly tensor: Tensor | null;
}

function createLookup(body: Graph | ModelFunction): (name: string) => Known | undefined {
  const declared = new Map<string, Known>();
  const infos =
    'initializerByName' in body
      ? [...body.inputs, ...body.outputs, ...body.valueInfos]
      : body.valueInfos;
  for (const { name, type } of infos) {
    if (type.kind !== 'tensor') continue;
    declared.set(name, { dtype: type.dtype, dims: type.dims, tensor: null });
  }
  for (const node of body.nodes) {
    if (node.opType !== 'Constant' || node.domain !== '') continue;
    const tensor = tensorAttribute(node, 'value');
    const [name] = node.outputs;
    if (tensor && name !== undefined) declared.set(name, stored(tensor));
  }
  if ('initializerByName' in body) {
    for (const [name, tensor] of body.initializerByName) declared.set(name, stored(tensor));
  }
  return (name) => (name === '' ? undefined : declared.get(name));
}

function stored(tensor: Tensor): Known {
  const { dtype, dims } = tensor;
  return { dtype, dims: tensor.elementCount === null ? null : dims, tensor };
}

type Lookup = (name: string) => Known | undefined;

function checkGroup(node: Node, group: Group, known: Lookup, sink: ProblemSink): void {
  const add = (severity: 'error' | 'warning', what: string): void => {
    report(
      sink,
      { code: 'quantisation-mismatch', severity, where: node.path, name: node.opType },
      (op) => `${op}: ${what}.`,
    );
  };
  const at = (index: number): Known | undefined => known(node.inputs[index] ?? '');
  const scale = at(group.scale);
  const zeroPoint = at(group.zeroPoint);
  if (scale) {
    checkScaleValues(scale, add);
    checkScaleShape(node, group, scale, group.shaped === null ? undefined : at(group.shaped), add);
  }
  if (zeroPoint) checkZeroPoint(node, group, { zeroPoint, scale, known }, add);
}

type Add = (severity: 'error' | 'warning', what: string) => void;

function checkScaleValues({ tensor, dtype }: Known, add: Add): void {
  // Powers of two (float8e8m0) and whatever is not a plain number are left to the runtime.
  if (dtype !== null && !dataTypeInfo(dtype).isFloat && dtype !== 'int32') {
    add('error', `its scale is of type ${dtype}; a floating-point type is needed`);
    return;
  }
  const values = tensor && inlineValues(tensor);
  const bad = values?.find((value) => !(Number(value) > 0 && Number.isFinite(Number(value))));
  if (bad === undefined) return;
  if (!Number.isFinite(Number(bad)))
    add('error', `its scale contains ${bad}, so results are unusable`);
  else add('warning', `its scale contains ${Number(bad)}; scales must be above 0. Calibrate again`);
}

function checkScaleShape(
  node: Node,
  group: Group,
  { dims }: Known,
  shaped: Known | undefined,
  add: Add,
): void {
  if (!dims) return;
  const blockSize = intAttribute(node, 'block_size') ?? 0;
  if (blockSize !== 0) {
    checkBlocks(node, blockSize, dims, shaped, add);
    return;
  }
  const count = dims.length === 0 ? 1 : dims.length === 1 ? dims[0] : undefined;
  if (count === undefined && node.opType !== 'QLinearMatMul') {
    if (dims.every((dim) => dim === 1)) return;
    add(
      'error',
      `its scale has rank ${dims.length}; a number or a list is needed without block_size`,
    );
    return;
  }
  // One scale for the whole tensor: the axis has no meaning then.
  if (count === 1 || count === undefined || dims.length === 0) return;
  const shape = shaped?.dims;
  if (!shape) return;
  const axis = group.axis === 'attribute' ? (intAttribute(node, 'axis') ?? 1) : group.axis;
  const rank = shape.length;
  if (axis < -rank || axis >= rank) {
    add('error', `axis ${axis} does not exist in a tensor of rank ${rank}`);
    return;
  }
  const size = shape[axis < 0 ? axis + rank : axis];
  if (typeof count !== 'number' || typeof size !== 'number' || count === size) return;
  add('error', `it has ${count} scales but its axis ${axis} has size ${size}`);
}

function checkBlocks(
  node: Node,
  blockSize: number,
  dims: readonly DeclaredDim[],
  shaped: Known | undefined,
  add: Add,
): void {
  if (blockSize < 0) {
    add('error', `block_size ${blockSize} is negative`);
    return;
  }
  const shape = shaped?.dims;
  if (!shape) return;
  const rank = shape.length;
  const axis = intAttribute(node, 'axis') ?? 1;
  if (dims.length !== rank) {
    add(
      'error',
      `its scale has rank ${dims.length}, its tensor ${rank}; blocks need the same rank`,
    );
  } else if (axis < -rank || axis >= rank) {
    add('error', `axis ${axis} does not exist in a tensor of rank ${rank}`);
  } else {
    const at = axis < 0 ? axis + rank : axis;
    const [size, blocks] = [shape[at], dims[at]];
    if (typeof size !== 'number' || typeof blocks !== 'number') return;
    if (Math.ceil(size / blockSize) === blocks) return;
    add('error', `${blocks} blocks of ${blockSize} do not cover ${size} elements of axis ${axis}`);
  }
}

function checkZeroPoint(
  node: Node,
  group: Group,
  { zeroPoint, scale, known }: { zeroPoint: Known; scale: Known | undefined; known: Lookup },
  add: Add,
): void {
  const { quantised } = group;
  const name = 'input' in quantised ? node.inputs[quantised.input] : node.outputs[quantised.output];
  const dtype = known(name ?? '')?.dtype;
  if (dtype && zeroPoint.dtype && dtype !== zeroPoint.dtype) {
    add('error', `its zero point is ${zeroPoint.dtype}, its quantised tensor ${dtype}`);
  }
  const [points, scales] = [lengthOf(zeroPoint), lengthOf(scale)];
  if (points !== null && scales !== null && points !== scales) {
    add('error', `it has ${points} zero points for ${scales} scales`);
  }
}

function lengthOf(value: Known | undefined): number | null {
  if (!value?.dims) return null;
  let product = 1;
  for (const dim of value.dims) {
    if (typeof dim !== 'number') return null;
    product *= dim;
  }
  return product;
}
