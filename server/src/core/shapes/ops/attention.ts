import { intAttribute, intsAttribute } from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, exactDivide, maximum, multiply } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantScalar,
  firstDtype,
  hasInput,
  inputDtype,
  inputShape,
  inputType,
  tensor,
  withDim,
} from './common';

/** Attention of ai.onnx (opset 23) and of ONNX Runtime, and what surrounds it. */
export const attentionOperators: OperatorTable = [
  ['Attention', attention],
  ['ai.onnx.preview::FlexAttention', flexAttention],
  [
    'com.microsoft::Attention com.microsoft::DecoderMaskedSelfAttention',
    (c) => packedWeights(c, 4),
  ],
  ['com.microsoft::QAttention', (context) => packedWeights(context, 8)],
  ['com.microsoft::MultiHeadAttention', multiHeadAttention],
  ['com.microsoft::DecoderMaskedMultiHeadAttention', multiHeadAttention],
  ['com.microsoft::GroupQueryAttention com.microsoft::SparseAttention', groupQueryAttention],
  ['com.microsoft::LongformerAttention', (context) => [inputType(context, 0)]],
];

/** Sizes of one side of an attention, whether its heads have an axis (rank 4) or are packed (rank 3). */
interface Heads {
  readonly batch: Dim;
  readonly heads: Dim;
  readonly length: Dim;
  readonly size: Dim;
}

function headsOf(shape: Shape | null, headCount: Dim): Heads | null {
  if (shape?.length === 4) {
    const [batch = null, heads = null, length = null, size = null] = shape;
    return { batch, heads, length, size };
  }
  if (shape?.length !== 3) return null;
  const [batch = null, length = null, hidden = null] = shape;
  return { batch, heads: headCount, length, size: exactDivide(hidden, headCount) };
}

/** Y, present key, present value, and the scores [B, heads, S, T]. */
function attention(context: NodeContext): readonly InferredType[] {
  const queryHeads = positiveAttribute(context, 'q_num_heads');
  const kvHeads = positiveAttribute(context, 'kv_num_heads') ?? queryHeads;
  const query = headsOf(inputShape(context, 0), queryHeads);
  const key = headsOf(inputShape(context, 1), kvHeads);
  const value = headsOf(inputShape(context, 2), kvHeads);
  const dtype = inputDtype(context, 0);
  if (!query || !key || !value) return [tensor(dtype, null)];
  const past = hasInput(context, 4) ? (inputShape(context, 4)?.[2] ?? null) : 0;
  const total = add(past, key.length);
  const output: Shape =
    inputShape(context, 0)?.length === 4
      ? [query.batch, query.heads, query.length, value.size]
      : [query.batch, query.length, multiply(query.heads, value.size)];
  return [
    tensor(dtype, output),
    tensor(inputDtype(context, 1), [key.batch, key.heads, total, key.size]),
    tensor(inputDtype(context, 2), [value.batch, value.heads, total, value.size]),
    tensor(dtype, [query.batch, query.heads, query.length, total]),
  ];
}

/** The attribute as a dim; null when absent or not positive. */
export function positiveAttribute(context: NodeContext, name: string): number | null {
  const value = intAttribute(context.node, name);
  if (value === undefined || value === 0) return null;
  if (value > 0) return value;
  context.invalid(`${name} is ${value}; it must be at least 1.`);
  return null;
}

function flexAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const size = inputShape(context, 2)?.at(-1) ?? null;
  const shape = query && query.length > 0 ? withDim(query, query.length - 1, size) : null;
  return [tensor(inputDtype(context, 0), shape)];
}

/** Input [B, S, D] times weights [D, q + k + v] → [B, S, v], present [2, B, heads, P + S, size]. */
function packedWeights(context: NodeContext, past: number): readonly InferredType[] {
  const x = inputShape(context, 0);
  const columns = inputShape(context, 1)?.[1] ?? null;
  // QAttention's input is quantised; its scales carry the output's dtype.
  const dtype: DataType | null =
    context.node.opType === 'QAttention' ? firstDtype(context, 3, 2) : inputDtype(context, 0);
  if (x?.length !== 3) return [tensor(dtype, null)];
  const [batch = null, length = null] = x;
  const sizes = intsAttribute(context.node, 'qkv_hidden_sizes');
  const hidden: Dim = sizes?.[2] ?? exactDivide(columns, 3);
  const heads = positiveAttribute(context, 'num_heads');
  const headSize = exactDivide(sizes?.[0] ?? hidden, heads);
  const pastShape = hasInput(context, past) ? inputShape(context, past) : null;
  const isShared = intAttribute(context.node, 'past_present_share_buffer') === 1;
  const before = hasInput(context, past) ? (pastShape?.[3] ?? null) : 0;
  const total = isShared ? (pastShape?.[3] ?? null) : add(before, length);
  return [
    tensor(dtype, [batch, length, hidden]),
    tensor(dtype, [2, batch, heads, total, headSize]),
  ];
}

/** Query [B, S, H] or packed QKV [B, S, heads, 3, size]; key and value may be packed or cached too. */
function multiHeadAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const key = inputShape(context, 1);
  const value = inputShape(context, 2);
  const heads = positiveAttribute(context, 'num_heads');
  const dtype = inputDtype(context, 0);
  if (!query || query.length < 3) return [tensor(dtype, null)];
  const [batch = null, length = null, third = null] = query;
  const isPackedQkv = query.length === 5;
  const hidden = isPackedQkv ? multiply(third, query[4] ?? null) : third;
  const headSize = exactDivide(hidden, heads);
  const isCached = key?.length === 4;
  const keyLength = isPackedQkv || !key ? length : ((isCached ? key[2] : key[1]) ?? null);
  const valueHidden = valueSize(value, heads) ?? (hasInput(context, 2) ? null : hidden);
  const pastInput = context.node.opType === 'MultiHeadAttention' ? 6 : 5;
  const past = hasInput(context, pastInput) ? (inputShape(context, pastInput)?.[2] ?? null) : 0;
  // A cache of fixed capacity comes with the number of its keys that count.
  const isShared =
    hasInput(context, pastInput + 2) ||
    intAttribute(context.node, 'past_present_share_buffer') === 1;
  const total = isShared && past !== 0 ? past : add(past, keyLength);
  return [
    tensor(dtype, [batch, length, valueHidden]),
    tensor(dtype, [batch, heads, total, headSize]),
    tensor(dtype, [batch, heads, total, exactDivide(valueHidden, heads)]),
    tensor(dtype, [batch, heads, length, total]),
  ];
}

function valueSize(value: Shape | null, heads: Dim): Dim {
  if (!value) return null;
  return value.length === 4 ? multiply(heads, value[3] ?? null) : (value[2] ?? null);
}

/**
 * Query [B, S, heads·size], or packed with keys and values when input 1 is omitted. The length of
 * the present state follows from an input at run time unless that is constant.
 */
function groupQueryAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const heads = positiveAttribute(context, 'num_heads');
  const kvHeads = positiveAttribute(context, 'kv_num_heads');
  const dtype = inputDtype(context, 0);
  if (query?.length !== 3) return [tensor(dtype, null)];
  const [batch = null, length = null, hidden = null] = query;
  const isPacked = !hasInput(context, 1);
  const allHeads = isPacked ? add(heads, multiply(kvHeads, 2)) : heads;
  const headSize = exactDivide(hidden, allHeads);
  const past = inputShape(context, 3);
  const present = (output: number): InferredType =>
    tensor(past ? inputDtype(context, 3) : dtype, [
      batch,
      kvHeads,
      // ONNX Runtime keeps a past that is longer than the total.
      maximum(constantScalar(context, 6), hasInput(context, 3) ? (past?.[2] ?? null) : 0) ??
        context.fresh(output, 2),
      past?.[3] ?? headSize,
    ]);
  const shape = [batch, length, isPacked ? multiply(heads, headSize) : hidden];
  return [tensor(dtype, shape), present(1), present(2)];
}
