import { intAttribute } from '../../attributes';
import { dataTypeFromCode } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { exactDivide, product, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { positiveAttribute } from './attention';
import {
  constantDims,
  inputDtype,
  inputShape,
  inputType,
  maximumRank,
  requireEqual,
  tensor,
} from './common';
import { matMulShape } from './linear';

/** Products with weights packed in blocks, whose shapes do not tell the matrix: attributes or tables do. */
export const packedLinearOperators: OperatorTable = [
  ['com.microsoft::MatMulNBits com.microsoft::MatMulBnb4', packedMatMul],
  ['com.microsoft::MatMulNBitsQLoRA com.microsoft::MatMulPacked', packedMatMul],
  ['com.microsoft::MatMulFpQ4', matMulFpQ4],
  ['com.microsoft::MatMulNBitsMlp', (c) => [projected(c, 'N'), inputType(c, 0)]],
  ['com.microsoft::MatMulNBitsQkv', qkv],
  ['com.microsoft::MatMulBlockQuantizedFp4Weight', matMulRows],
  ['com.microsoft::MatMulBlockQuantizedFp8Weight', matMulRows],
  ['com.microsoft::QOrderedMatMul', qOrderedMatMul],
  ['com.microsoft::MoE com.microsoft::QMoE', (context) => [inputType(context, 0)]],
  ['com.microsoft::MoEPacked', (context) => [inputType(context, 0)]],
  ['com.microsoft::MoEGroupRouter', groupRouter],
  ['com.microsoft::RouterGateUpProj', routerGateUp],
  ['com.microsoft::GatherPacked', gatherPacked],
];

function packedMatMul(context: NodeContext): readonly InferredType[] {
  return [projected(context, 'N')];
}

/** A [..., K] → [..., N], both sizes being attributes. */
function projected(context: NodeContext, columnsAttribute: string): InferredType {
  const a = inputShape(context, 0);
  const inner = intAttribute(context.node, 'K');
  const columns = intAttribute(context.node, columnsAttribute);
  const dtype = inputDtype(context, 0);
  if (!a || a.length === 0 || columns === undefined) return tensor(dtype, null);
  if (columns < 1 || (inner !== undefined && inner < 1)) {
    context.invalid(`K and ${columnsAttribute} must be at least 1.`);
    return tensor(dtype, null);
  }
  const fits = requireEqual(context, a.at(-1) ?? null, inner ?? null, 'inner sizes');
  return tensor(dtype, fits ? [...a.slice(0, -1), columns] : null);
}

function qkv(context: NodeContext): readonly InferredType[] {
  const keys = projected(context, 'Nkv');
  return [projected(context, 'Nq'), keys, keys, inputType(context, 0)];
}

/** The weights are one vector of bytes; input 2 spells out the matrix's shape. */
function matMulFpQ4(context: NodeContext): readonly InferredType[] {
  const shape = matMulShape(context, inputShape(context, 0), constantDims(context, 2) ?? null);
  return [tensor(inputDtype(context, 0), shape)];
}

/** A [..., K], weights [N, bytes of a row] → [..., N]. */
function matMulRows(context: NodeContext): readonly InferredType[] {
  const a = inputShape(context, 0);
  const rows = inputShape(context, 1)?.[0] ?? null;
  return [tensor(inputDtype(context, 0), a && [...a.slice(0, -1), rows])];
}

/** A [B, M, K], B [K, N] as written, whatever order its bytes have. */
function qOrderedMatMul(context: NodeContext): readonly InferredType[] {
  const shape = matMulShape(context, inputShape(context, 0), inputShape(context, 2));
  return [tensor(inputDtype(context, 0), shape)];
}

/** Logits [..., experts] → three tables [tokens, experts]. */
function groupRouter(context: NodeContext): readonly InferredType[] {
  const logits = inputShape(context, 0);
  const table: Shape | null = logits && [
    product(logits.slice(0, -1)),
    inputShape(context, 1)?.[0] ?? null,
  ];
  const scores = tensor('float32', table);
  return [tensor(inputDtype(context, 0), table), scores, scores];
}

/** X [..., K], W [K, router + 2·inner] → [..., router] and [..., inner]. */
function routerGateUp(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const router = positiveAttribute(context, 'router_size');
  const columns = inputShape(context, 1)?.[1] ?? null;
  const inner = exactDivide(subtract(columns, router), 2);
  const output = (width: Dim): InferredType =>
    tensor(inputDtype(context, 0), x && [...x.slice(0, -1), width]);
  return [output(router), output(inner)];
}

/** Rows of a packed table: the indices' shape and K behind it. */
function gatherPacked(context: NodeContext): readonly InferredType[] {
  const indices = inputShape(context, 1);
  const dtype = dataTypeFromCode(intAttribute(context.node, 'output_dtype') ?? 16) ?? null;
  const isUsable = indices && indices.length < maximumRank;
  return [tensor(dtype, isUsable ? [...indices, positiveAttribute(context, 'K')] : null)];
}
