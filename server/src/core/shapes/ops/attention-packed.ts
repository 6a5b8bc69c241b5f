import { intAttribute, intsAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, exactDivide, multiply } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { positiveAttribute } from './attention';
import { constantScalar, hasInput, inputDtype, inputShape, inputType, tensor } from './common';

/** Attention of ONNX Runtime over tokens without padding, paged caches and picked keys, and over cublasLt layouts. */
export const packedAttentionOperators: OperatorTable = [
  ['com.microsoft::DecoderAttention', decoderAttention],
  ['com.microsoft::PackedAttention', packedAttention],
  ['com.microsoft::PackedMultiHeadAttention', packedMultiHeadAttention],
  ['com.microsoft::PagedAttention com.microsoft::SparsePagedAttention', pagedAttention],
  ['com.microsoft::DynamicSparseAttention', dynamicSparseAttention],
  ['com.microsoft::QOrderedAttention', qOrderedAttention],
  ['com.microsoft::QOrderedLongformerAttention', (context) => [inputType(context, 0)]],
  ['com.microsoft::RemovePadding', removePadding],
  ['com.microsoft::RestorePadding', restorePadding],
  ['com.microsoft::RelativePositionBias', relativePositionBias],
  ['com.microsoft::GatedRelativePositionBias', gatedRelativePositionBias],
];

/** Query [S, B, hidden] → the same, and caches [B, heads, T, size]; flags among the inputs tell T. */
function decoderAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const heads = positiveAttribute(context, 'num_heads');
  const cache = (output: number): InferredType =>
    tensor(
      dtype,
      query && [
        query[1] ?? null,
        heads,
        decoderKeys(context) ?? context.fresh(output, 2),
        exactDivide(query[2] ?? null, heads),
      ],
    );
  return [tensor(dtype, query), cache(1), cache(2)];
}

/** Keys attended to; null when a flag that decides it is not constant. */
function decoderKeys(context: NodeContext): Dim {
  const [isStatic, usesPast, hasState] = [8, 9, 10].map((index) => constantScalar(context, index));
  if (isStatic === null || usesPast === null) return null;
  const cached = inputShape(context, 6)?.[2] ?? null;
  if (usesPast !== 0 && hasState === null) return null;
  const isCached = usesPast !== 0 && hasState !== 0;
  if (isStatic !== 0) return isCached ? cached : (inputShape(context, 1)?.[0] ?? null);
  const queries = inputShape(context, 0)?.[0] ?? null;
  return isCached ? add(cached, queries) : queries;
}

/** Input [tokens, D] times weights [D, q + k + v] → [tokens, v]. */
function packedAttention(context: NodeContext): readonly InferredType[] {
  const columns = inputShape(context, 1)?.[1] ?? null;
  const width: Dim =
    intsAttribute(context.node, 'qkv_hidden_sizes')?.[2] ?? exactDivide(columns, 3);
  return [tensor(inputDtype(context, 0), [inputShape(context, 0)?.[0] ?? null, width])];
}

/** Query [tokens, hidden], or with keys and values [tokens, heads, 3, size]. */
function packedMultiHeadAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (!query) return [tensor(dtype, null)];
  const packed = query.length === 4 ? multiply(query[1] ?? null, query[3] ?? null) : null;
  const value = hasInput(context, 2) ? (inputShape(context, 2)?.[1] ?? null) : packed;
  return [tensor(dtype, [query[0] ?? null, value])];
}

/** Query [tokens, heads·size], or Q, K and V side by side when input 1 is omitted; caches as they came. */
function pagedAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const heads = positiveAttribute(context, 'num_heads');
  const width = query?.at(-1) ?? null;
  const size = headSize(context, width, heads);
  const valueSize = intAttribute(context.node, 'v_head_size') ?? 0;
  const hidden = multiply(heads, valueSize > 0 ? valueSize : size);
  const shape = query && [...query.slice(0, -1), hidden];
  return [tensor(inputDtype(context, 0), shape), inputType(context, 3), inputType(context, 4)];
}

function headSize(context: NodeContext, width: Dim, heads: Dim): Dim {
  if (hasInput(context, 1)) return exactDivide(width, heads);
  const kvHeads = positiveAttribute(context, 'kv_num_heads');
  return exactDivide(width, add(heads, multiply(kvHeads, 2)));
}

/** As GroupQueryAttention; a cache of fixed capacity keeps its shape. */
function dynamicSparseAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const heads = positiveAttribute(context, 'num_heads');
  const kvHeads = positiveAttribute(context, 'kv_num_heads');
  const isHalf = intAttribute(context.node, 'output_bf16') === 1;
  const dtype = isHalf ? 'bfloat16' : inputDtype(context, 0);
  if (query?.length !== 3) return [tensor(dtype, null)];
  const [batch = null, length = null, width = null] = query;
  const size = headSize(context, width, heads);
  const present = (output: number): InferredType => {
    const past = inputShape(context, 2 + output);
    const total = constantScalar(context, 10) ?? context.fresh(output, 2);
    return tensor(
      hasInput(context, 2 + output) ? inputDtype(context, 2 + output) : inputDtype(context, 0),
      [batch, kvHeads, total, past?.[3] ?? size],
    );
  };
  const shape = [batch, length, multiply(heads, size)];
  return [tensor(dtype, shape), present(1), present(2), tensor('int32', [1])];
}

function qOrderedAttention(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const sizes = intsAttribute(context.node, 'qkv_hidden_sizes');
  const width: Dim = sizes?.[2] ?? inputShape(context, 7)?.[1] ?? null;
  return [tensor(inputDtype(context, 0), x && [...x.slice(0, 2), width])];
}

/** [B, S, H] → [tokens, H], their offsets [B, S], sums of lengths [B + 1], the longest [1]. */
function removePadding(context: NodeContext): readonly InferredType[] {
  const [batch = null, length = null, hidden = null] = inputShape(context, 0) ?? [];
  return [
    tensor(inputDtype(context, 0), [context.fresh(0, 0), hidden]),
    tensor('int32', [batch, length]),
    tensor('int32', [add(batch, 1)]),
    tensor('int32', [1]),
  ];
}

/** [tokens, H] and offsets [B, S] → [B, S, H]. */
function restorePadding(context: NodeContext): readonly InferredType[] {
  const offsets: Shape = inputShape(context, 1) ?? [null, null];
  const hidden = inputShape(context, 0)?.[1] ?? null;
  return [tensor(inputDtype(context, 0), [...offsets, hidden])];
}

/** Table [buckets, heads] → [1, heads, queries, keys]. */
function relativePositionBias(context: NodeContext): readonly InferredType[] {
  const heads = inputShape(context, 0)?.[1] ?? null;
  const queries = constantScalar(context, 1) ?? context.fresh(0, 2);
  const keys = constantScalar(context, 2) ?? context.fresh(0, 3);
  return [tensor(inputDtype(context, 0), [1, heads, queries, keys])];
}

/** [B, heads, S, S]; without padding B and S are those of `token_offset`. */
function gatedRelativePositionBias(context: NodeContext): readonly InferredType[] {
  const sizes = inputShape(context, hasInput(context, 6) ? 6 : 0);
  const [batch = null, length = null] = sizes ?? [];
  const heads = positiveAttribute(context, 'num_heads');
  return [tensor(inputDtype(context, 0), [batch, heads, length, length])];
}
