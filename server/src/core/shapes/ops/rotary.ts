import { intAttribute } from '../../attributes';
import type { NodeContext, OperatorTable } from '../context';
import { multiply } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { inputDtype, inputShape, inputType, tensor } from './common';

/** Positions turned into rotations. */
export const rotaryOperators: OperatorTable = [
  ['RotaryEmbedding com.microsoft::RotaryEmbedding', (context) => [inputType(context, 0)]],
  ['com.microsoft::MRotaryEmbedding', (context) => [inputType(context, 0)]],
  // emb, q, rotated q, k, rotated k → q, k.
  ['com.microsoft::GemmaRotaryEmbedding', (c) => [inputType(c, 1), inputType(c, 3)]],
  ['com.microsoft::RMSNormRotary', rmsNormRotary],
];

/** X [B, S, heads, stride], a slice of whose last axis is used → [B, S, heads·width], or [1, B·S, …]. */
function rmsNormRotary(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const isHalf = intAttribute(context.node, 'output_fp16') === 1;
  const dtype = isHalf ? 'float16' : 'bfloat16';
  if (x?.length !== 4) return [tensor(dtype, null)];
  const [batch = null, length = null, heads = null, stride = null] = x;
  const chosen = intAttribute(context.node, 'input_width') ?? 0;
  const width: Dim = chosen > 0 ? chosen : stride;
  const isFlat = intAttribute(context.node, 'flatten_batch') === 1;
  const rows: readonly Dim[] = isFlat ? [1, multiply(batch, length)] : [batch, length];
  return [
    tensor(dtype, [...rows, multiply(heads, width)]),
    tensor('float32', inputDtype(context, 0) === null ? null : [batch, length, heads, width]),
  ];
}
