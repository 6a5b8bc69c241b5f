import { intAttribute, stringAttribute } from '../../attributes';
import { dataTypeFromCode } from '../../dtype';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  anyDtype,
  broadcast,
  firstDtype,
  inputDtype,
  inputShape,
  requireEqual,
  tensor,
} from './common';
import { parseEinsum } from './einsum';

/** Matrix products in all their forms. */
export const linearOperators: OperatorTable = [
  ['MatMul', (context) => matMul(context, 1, firstDtype(context, 0, 1))],
  ['MatMulInteger', (context) => matMul(context, 1, 'int32')],
  ['com.microsoft::MatMulInteger16', (context) => matMul(context, 1, 'int32')],
  ['QLinearMatMul', (context) => matMul(context, 3, firstDtype(context, 7, 0))],
  ['com.microsoft::MatMulIntegerToFloat', (c) => matMul(c, 1, inputDtype(c, 2))],
  ['com.microsoft::DynamicQuantizeMatMul', (c) => matMul(c, 1, inputDtype(c, 0))],
  [
    'com.microsoft::GemmFastGelu com.microsoft::SparseToDenseMatMul',
    (c) => matMul(c, 1, firstDtype(c, 0, 1)),
  ],
  [
    'com.microsoft::FusedMatMul com.microsoft::TransposeMatMul com.microsoft::FusedMatMulActivation',
    fusedMatMul,
  ],
  ['Gemm com.microsoft::FusedGemm', (context) => gemm(context, 1, firstDtype(context, 0, 1))],
  ['com.microsoft::GemmFloat8', gemmFloat8],
  ['com.microsoft::QGemm', (c) => gemm(c, 3, inputDtype(c, 8) ?? firstDtype(c, 1, 4))],
  ['Einsum', einsum],
  ['Det', det],
  ['com.microsoft::Inverse', (context) => [tensor(inputDtype(context, 0), inputShape(context, 0))]],
  ['com.microsoft::CDist', cdist],
];

function matMul(
  context: NodeContext,
  right: number,
  dtype: DataType | null,
): readonly InferredType[] {
  return [tensor(dtype, matMulShape(context, inputShape(context, 0), inputShape(context, right)))];
}

/** numpy's matmul: the last two axes multiply, those before broadcast, vectors gain and lose an axis. */
export function matMulShape(context: NodeContext, a: Shape | null, b: Shape | null): Shape | null {
  if (!a || !b) return null;
  if (a.length === 0 || b.length === 0) {
    context.mismatch('a matrix product needs inputs of rank 1 or more.');
    return null;
  }
  const left = a.length === 1 ? [1, ...a] : a;
  const right = b.length === 1 ? [...b, 1] : b;
  if (!requireEqual(context, left.at(-1) ?? null, right.at(-2) ?? null, 'inner sizes')) return null;
  const batch = broadcast(context, [left.slice(0, -2), right.slice(0, -2)]);
  if (!batch) return null;
  const rows = a.length === 1 ? [] : [left.at(-2) ?? null];
  const columns = b.length === 1 ? [] : [right.at(-1) ?? null];
  return [...batch, ...rows, ...columns];
}

function fusedMatMul(context: NodeContext): readonly InferredType[] {
  const a = arranged(context, inputShape(context, 0), 'A');
  const b = arranged(context, inputShape(context, 1), 'B');
  return [tensor(firstDtype(context, 0, 1), matMulShape(context, a, b))];
}

/** `transBatchX` moves the first axis before the last, then `transX` swaps the last two. */
function arranged(context: NodeContext, shape: Shape | null, side: 'A' | 'B'): Shape | null {
  if (!shape || shape.length < 2) return shape;
  const [first = null, ...rest] = shape;
  const isBatchMoved = intAttribute(context.node, `transBatch${side}`) === 1 && shape.length > 2;
  const moved = isBatchMoved ? [...rest.slice(0, -1), first, rest.at(-1) ?? null] : shape;
  if (intAttribute(context.node, `trans${side}`) !== 1) return moved;
  return [...moved.slice(0, -2), moved.at(-1) ?? null, moved.at(-2) ?? null];
}

/** [M, N]; axes before the last are flattened in old opsets, so only rank 2 is accepted. */
function gemm(
  context: NodeContext,
  right: number,
  dtype: DataType | null,
): readonly InferredType[] {
  const a = inputShape(context, 0);
  const b = inputShape(context, right);
  if ((a && a.length !== 2) || (b && b.length !== 2)) {
    context.mismatch('Gemm multiplies two matrices; an input has another rank.');
    return [tensor(dtype, null)];
  }
  const [rows, innerA] = oriented(a, intAttribute(context.node, 'transA') === 1);
  const [innerB, columns] = oriented(b, intAttribute(context.node, 'transB') === 1);
  const fits = requireEqual(context, innerA, innerB, 'inner sizes');
  return [tensor(dtype, fits ? [rows, columns] : null)];
}

function oriented(shape: Shape | null, isTransposed: boolean): readonly [Dim, Dim] {
  const [rows = null, columns = null] = shape ?? [];
  return isTransposed ? [columns, rows] : [rows, columns];
}

function gemmFloat8(context: NodeContext): readonly InferredType[] {
  const code = intAttribute(context.node, 'dtype') ?? 1;
  return gemm(context, 1, dataTypeFromCode(code) ?? null);
}

function einsum(context: NodeContext): readonly InferredType[] {
  const dtype = anyDtype(context);
  const parsed = parseEinsum(stringAttribute(context.node, 'equation') ?? '');
  if (parsed?.inputs.length !== context.inputs.length) {
    context.invalid('equation does not describe these inputs.');
    return [tensor(dtype, null)];
  }
  const sizes = new Map<string, Shape>();
  for (const [index, labels] of parsed.inputs.entries()) {
    const shape = inputShape(context, index);
    if (!shape || !collectLabels(context, labels, shape, sizes)) return [tensor(dtype, null)];
  }
  return [
    tensor(
      dtype,
      parsed.output.flatMap((label) => sizes.get(label) ?? [null]),
    ),
  ];
}

/** Adds the sizes of one term's labels; those of `...` may be several and broadcast. */
function collectLabels(
  context: NodeContext,
  labels: readonly string[],
  shape: Shape,
  sizes: Map<string, Shape>,
): boolean {
  const hasDots = labels.includes('...');
  const extra = shape.length - labels.length + (hasDots ? 1 : 0);
  if (extra < 0 || (!hasDots && extra > 0)) {
    context.mismatch(`an input of rank ${shape.length} does not fit the equation.`);
    return false;
  }
  let axis = 0;
  for (const label of labels) {
    const end = axis + (label === '...' ? extra : 1);
    const size = shape.slice(axis, end);
    const before = sizes.get(label);
    const joined = before ? broadcast(context, [before, size]) : size;
    if (!joined) return false;
    sizes.set(label, joined);
    axis = end;
  }
  return true;
}

function det(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor(inputDtype(context, 0), shape && shape.length >= 2 ? shape.slice(0, -2) : null)];
}

function cdist(context: NodeContext): readonly InferredType[] {
  const rows = inputShape(context, 0)?.[0] ?? null;
  const columns = inputShape(context, 1)?.[0] ?? null;
  return [tensor(firstDtype(context, 0, 1), [rows, columns])];
}
