import { intAttribute, stringAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { inputDtype, inputShape, requireEqual, tensor } from './common';

export const recurrentOperators: OperatorTable = [
  ['RNN GRU LSTM com.microsoft::DynamicQuantizeLSTM', recurrent],
  ['com.microsoft::AttnLSTM', recurrent],
];

/** X [seq, batch, in] → Y [seq, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]. */
function recurrent(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const failed = [tensor(dtype, null), tensor(dtype, null), tensor(dtype, null)];
  if (x && x.length !== 3) {
    context.mismatch(`a recurrent layer needs an input of rank 3, not ${x.length}.`);
    return failed;
  }
  const directions = stringAttribute(context.node, 'direction') === 'bidirectional' ? 2 : 1;
  const hidden = hiddenSize(context);
  if (hidden === undefined) return failed;
  const isBatchFirst = intAttribute(context.node, 'layout') === 1;
  const [first = null, second = null, features = null] = x ?? [];
  const isPacked = context.node.opType === 'DynamicQuantizeLSTM';
  const inputSize = inputShape(context, 1)?.[isPacked ? 1 : 2] ?? null;
  if (context.node.opType !== 'AttnLSTM') {
    if (!requireEqual(context, features, inputSize, 'input size and weights')) return failed;
  }
  const [sequence, batch] = isBatchFirst ? [second, first] : [first, second];
  const state: Shape = isBatchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  const all: Shape = isBatchFirst
    ? [batch, sequence, directions, hidden]
    : [sequence, directions, batch, hidden];
  return [tensor(dtype, all), tensor(dtype, state), tensor(dtype, state)];
}

/** From the recurrence weights R [directions, gates·hidden, hidden], else the attribute. */
function hiddenSize(context: NodeContext): Dim | undefined {
  const attribute = intAttribute(context.node, 'hidden_size');
  if (attribute !== undefined && (attribute < 1 || attribute >= Number.MAX_SAFE_INTEGER)) {
    context.invalid(`hidden_size is ${attribute}; it must be at least 1.`);
    return undefined;
  }
  const weights =
    context.node.opType === 'DynamicQuantizeLSTM' ? null : inputShape(context, 2)?.[2];
  if (!requireEqual(context, attribute ?? null, weights ?? null, 'hidden_size and weights')) {
    return undefined;
  }
  return attribute ?? weights ?? null;
}
