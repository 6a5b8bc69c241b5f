import { intAttribute, stringAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { hasInput, inputDtype, inputShape, inputType, tensor } from './common';

/** Pickers of the keys that a sparse attention reads. Their capacity depends on attributes only. */
export const sparseIndexOperators: OperatorTable = [
  ['com.microsoft::SparseAttentionIndexer', indexer],
  ['com.microsoft::PackedSparseAttentionIndexer', packedIndexer],
  ['com.microsoft::PackedSparseAttentionIndexerMerge', indexerMerge],
];

function isTokenPolicy(context: NodeContext): boolean {
  return stringAttribute(context.node, 'policy_mode') === 'qsa';
}

/** Entries per query: whole blocks and the rest of an incomplete one, or the compressed entries asked for. */
function capacityOf(context: NodeContext): Dim {
  if (!isTokenPolicy(context)) return intAttribute(context.node, 'index_topk') ?? null;
  const budget = intAttribute(context.node, 'token_budget');
  const ratio = intAttribute(context.node, 'compress_ratio');
  return budget === undefined || ratio === undefined ? null : budget + ratio - 1;
}

/** query [B, S, …] → indices [B, S, capacity], keys [B, past + S, size], buffer [2, B, ?, 2·size]. */
function indexer(context: NodeContext): readonly InferredType[] {
  const [batch = null, length = null] = inputShape(context, 0) ?? [];
  const dtype = inputDtype(context, 0);
  const past = inputShape(context, 7);
  const buffer = inputShape(context, 13);
  const keys = past && [batch, presentLength(context, past, length), past[2] ?? null];
  return [
    tensor('int32', [batch, length, capacityOf(context)]),
    tensor(dtype, hasInput(context, 12) ? past : keys),
    tensor(dtype, buffer && [2, batch, context.fresh(2, 2), buffer[3] ?? null]),
  ];
}

/** Raw keys grow by every token; how many compressed ones are emitted depends on what is buffered. */
function presentLength(context: NodeContext, past: Shape, length: Dim): Dim {
  return isTokenPolicy(context) ? add(past[1] ?? null, length) : context.fresh(1, 1);
}

/** The same over [tokens, …] of all sequences; states keep their shapes. */
function packedIndexer(context: NodeContext): readonly InferredType[] {
  const tokens = inputShape(context, 0)?.[0] ?? null;
  const state = inputShape(context, 12);
  const updates = intAttribute(context.node, 'state_update_capacity') ?? 0;
  const merged = intAttribute(context.node, 'max_output_entries') ?? 0;
  const batch = state?.[0] ?? null;
  return [
    tensor('int32', [tokens, merged > 0 ? merged : capacityOf(context)]),
    tensor('int32', [tokens]),
    inputType(context, 12),
    inputType(context, 13),
    inputType(context, 14),
    inputType(context, 15),
    tensor(inputDtype(context, 0), [batch, updates, state?.[2] ?? null]),
    tensor('int32', [tokens]),
    tensor('int32', [batch]),
  ];
}

function indexerMerge(context: NodeContext): readonly InferredType[] {
  const rows = inputShape(context, 2)?.[0] ?? null;
  const entries = intAttribute(context.node, 'max_output_entries') ?? null;
  return [tensor('int32', [rows, entries]), tensor('int32', [rows]), tensor('int32', [rows])];
}
