import { intAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import { add, exactDivide, maximum, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { positiveAttribute } from './attention';
import { hasInput, inputDtype, inputShape, inputType, tensor, withDim } from './common';

/** Recurrences that carry a state instead of a cache, and the mixing of residual streams around them. */
export const stateSpaceOperators: OperatorTable = [
  ['CausalConvWithState com.microsoft::CausalConvWithState', causalConvWithState],
  ['com.microsoft::VarlenCausalConvWithState', varlenCausalConv],
  ['LinearAttention com.microsoft::LinearAttention', linearAttention],
  ['com.microsoft::LinearAttentionGate', (c) => [inputType(c, 0), inputType(c, 3)]],
  ['com.microsoft::GatedDeltaNet', gatedDeltaNet],
  ['com.microsoft::GatedDeltaNetStateReplay', (context) => [inputType(context, 2)]],
  ['com.microsoft::ConvStateReplay', (context) => [inputType(context, 2)]],
  ['com.microsoft::Mamba2Verify', mamba2Verify],
  ['com.microsoft::EngramGate', (context) => [inputType(context, 0), inputType(context, 0)]],
  ['com.microsoft::HyperConnectionLowRankMix', lowRankMix],
  ['com.microsoft::HyperConnectionPostMix', (context) => [inputType(context, 0)]],
  ['com.microsoft::HyperConnectionPreMix', preMix],
];

/** Output as the input; the state keeps the (kernel − 1)·dilation positions before the next one. */
function causalConvWithState(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const channels = intAttribute(context.node, 'input_channels') ?? 0;
  const output = x && channels > 0 ? withDim(x, x.length - 1, channels) : x;
  const capacity = intAttribute(context.node, 'state_update_capacity') ?? 0;
  const state = hasInput(context, 3) ? inputShape(context, 3) : carriedState(context, output);
  return [
    tensor(dtype, output),
    tensor(inputDtype(context, 3) ?? dtype, state),
    tensor(dtype, output && [output[0] ?? null, capacity, output.at(-1) ?? null]),
  ];
}

function carriedState(context: NodeContext, x: Shape | null): Shape | null {
  const { node } = context;
  if (!x || (intAttribute(node, 'ndim') ?? 1) !== 1) return null;
  const explicit = intAttribute(node, 'state_length') ?? 0;
  const length = explicit > 0 ? explicit : historyLength(context);
  const isLast = intAttribute(node, 'channels_last') === 1;
  const channels = isLast ? x.slice(2) : x.slice(1, 2);
  const layout = intAttribute(node, 'state_channels_last') ?? -1;
  const isStateLast = layout === -1 ? isLast : layout === 1;
  const window = intAttribute(node, 'state_window') ?? 0;
  return [
    ...(window > 0 ? [window] : []),
    x[0] ?? null,
    ...(isStateLast ? [length, ...channels] : [...channels, length]),
  ];
}

function historyLength(context: NodeContext): Dim {
  const taps = inputShape(context, 1)?.[2] ?? null;
  return multiply(subtract(taps, 1), intAttribute(context.node, 'dilation') ?? 1);
}

/** Tokens [tokens, channels] of all sequences one behind the other; state [B, channels, history]. */
function varlenCausalConv(context: NodeContext): readonly InferredType[] {
  const state = inputShape(context, 4);
  const capacity = intAttribute(context.node, 'state_update_capacity') ?? 0;
  return [
    inputType(context, 0),
    inputType(context, 4),
    tensor(inputDtype(context, 0), state && [state[0] ?? null, capacity, state[1] ?? null]),
  ];
}

/** query [B, T, Hq·dk], value [B, T, Hkv·dv] → [B, T, max(Hq, Hkv)·dv], state [B, Hkv, dk, dv]. */
function linearAttention(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const queryHeads = positiveAttribute(context, 'q_num_heads');
  const kvHeads = positiveAttribute(context, 'kv_num_heads');
  const dtype = inputDtype(context, 0);
  if (query?.length !== 3) return [tensor(dtype, null)];
  const [batch = null, length = null, width = null] = query;
  const valueSize = exactDivide(inputShape(context, 2)?.[2] ?? null, kvHeads);
  const window = intAttribute(context.node, 'state_window') ?? 0;
  const state = hasInput(context, 3)
    ? inputShape(context, 3)
    : [...(window > 0 ? [window] : []), batch, kvHeads, exactDivide(width, queryHeads), valueSize];
  return [
    tensor(dtype, [batch, length, multiply(maximum(queryHeads, kvHeads), valueSize)]),
    tensor(hasInput(context, 3) ? inputDtype(context, 3) : dtype, state),
  ];
}

/** Head counts and sizes of GatedDeltaNet, whose query may hold keys and values too. */
interface DeltaSizes {
  readonly queryHeads: Dim;
  readonly keyHeads: Dim;
  readonly valueHeads: Dim;
  readonly keySize: Dim;
  readonly valueSize: Dim;
}

/** query [T, Hq, dk], key [T, Hk, dk], value [T, Hv, dv] → [T, max(Hq, Hv), dv], state [B, Hv, dv, dk]. */
function gatedDeltaNet(context: NodeContext): readonly InferredType[] {
  const query = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const sizes = query && deltaSizes(context, query);
  if (!sizes) return [tensor(dtype, null)];
  const { queryHeads, keyHeads, valueHeads, keySize, valueSize } = sizes;
  const given = inputShape(context, 6);
  const starts = hasInput(context, 3) ? inputShape(context, 3)?.[0] : undefined;
  const batch: Dim = given?.[0] ?? (starts === undefined ? null : subtract(starts, 1));
  const capacity = intAttribute(context.node, 'state_update_capacity') ?? 0;
  const decayWidth = inputShape(context, 4)?.length === 3 ? keySize : 1;
  const perSlot = add(
    multiply(valueHeads, add(decayWidth, valueSize)),
    multiply(keyHeads, keySize),
  );
  const stateDtype = hasInput(context, 6) ? inputDtype(context, 6) : 'float32';
  return [
    tensor(dtype, [query[0] ?? null, maximum(queryHeads, valueHeads), valueSize]),
    tensor(stateDtype, [batch, valueHeads, valueSize, keySize]),
    tensor(stateDtype, [batch, multiply(perSlot, capacity)]),
  ];
}

function deltaSizes(context: NodeContext, query: Shape): DeltaSizes | null {
  if (query.length === 3) {
    const [, queryHeads = null, keySize = null] = query;
    const keyHeads = inputShape(context, 1)?.[1] ?? null;
    const [, valueHeads = null, valueSize = null] = inputShape(context, 2) ?? [];
    return { queryHeads, keyHeads, valueHeads, keySize, valueSize };
  }
  const state = inputShape(context, 6);
  if (query.length !== 2 || state?.length !== 4) return null;
  const [, valueHeads = null, valueSize = null, keySize = null] = state;
  const keys = subtract(query[1] ?? null, multiply(valueHeads, valueSize));
  const queryHeads = exactDivide(keys, multiply(keySize, 2));
  return { queryHeads, keyHeads: queryHeads, valueHeads, keySize, valueSize };
}

/** projection [R, width], state [slots, heads, d_state, head] → [R, heads·head], the states, debug outputs. */
function mamba2Verify(context: NodeContext): readonly InferredType[] {
  const rows = inputShape(context, 0)?.[0] ?? null;
  const [, heads = null, , size = null] = inputShape(context, 2) ?? [];
  const channels = inputShape(context, 1)?.[1] ?? null;
  const inner = multiply(heads, size);
  const dtype = inputDtype(context, 0);
  return [
    tensor(dtype, [rows, inner]),
    inputType(context, 1),
    inputType(context, 2),
    tensor(dtype, [rows, channels]),
    tensor('float32', [rows, inner]),
  ];
}

/** Streams [..., C·H] → block input [..., H], gates [..., C], the streams. */
function lowRankMix(context: NodeContext): readonly InferredType[] {
  const streams = inputShape(context, 0);
  const branches = positiveAttribute(context, 'num_branches');
  const dtype = inputDtype(context, 0);
  if (!streams) return [tensor(dtype, null), tensor(dtype, null), inputType(context, 0)];
  const rows = streams.slice(0, -1);
  return [
    tensor(dtype, [...rows, exactDivide(streams.at(-1) ?? null, branches)]),
    tensor(dtype, [...rows, branches]),
    inputType(context, 0),
  ];
}

/** Streams [..., C, H], or [..., C·H] with `num_branches` → [..., H]. */
function preMix(context: NodeContext): readonly InferredType[] {
  const streams = inputShape(context, 0);
  const branches = intAttribute(context.node, 'num_branches') ?? 0;
  if (!streams) return [tensor(inputDtype(context, 0), null)];
  const last = streams.at(-1) ?? null;
  const shape =
    branches > 0
      ? [...streams.slice(0, -1), exactDivide(last, branches)]
      : [...streams.slice(0, -2), last];
  return [tensor(inputDtype(context, 0), shape)];
}
