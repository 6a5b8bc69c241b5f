import { intsAttribute } from '../../attributes';
import { dataTypeFromCode } from '../../dtype';
import type { NodeContext, OperatorTable } from '../context';
import type { InferredType } from '../types';
import {
  constantDims,
  freshShape,
  inputDtype,
  inputType,
  lengthOfVector,
  maximumRank,
  sizeOrProblem,
  tensor,
} from './common';

const like =
  (...inputs: readonly number[]) =>
  (context: NodeContext): readonly InferredType[] =>
    inputs.map((input) => inputType(context, input));

/**
 * Optimiser steps of ai.onnx.preview.training, whose inputs are rate, step, then groups of n tensors
 * each, and the gradients of ONNX Runtime's training graphs.
 */
export const trainingOperators: OperatorTable = [
  // Groups X, G, H; outputs X and H.
  ['ai.onnx.preview.training::Adagrad', (context) => updated(context, 3, [0, 2])],
  // Groups X, G, V; outputs X and V.
  ['ai.onnx.preview.training::Momentum', (context) => updated(context, 3, [0, 2])],
  // Groups X, G, V, H; outputs X, V and H.
  ['ai.onnx.preview.training::Adam', (context) => updated(context, 4, [0, 2, 3])],
  ['com.microsoft::ReluGrad com.microsoft::BiasFastGeluGrad_dX', like(0)],
  ['com.microsoft::SoftmaxGrad com.microsoft::SoftmaxGrad_13', like(0)],
  ['com.microsoft::DropoutGrad com.microsoft::BitmaskDropoutGrad', like(0)],
  ['com.microsoft::GeluGrad com.microsoft::FastGeluGrad', like(0)],
  // dY, X, scale, mean, deviation → dX, dScale, dBias.
  ['com.microsoft::LayerNormalizationGrad', like(1, 2, 2)],
  // dY, log probabilities, label → d logits.
  ['com.microsoft::SoftmaxCrossEntropyLossGrad', like(1)],
  ['com.microsoft::SoftmaxCrossEntropyLossInternalGrad', like(1)],
  ['com.microsoft::SliceGrad', (context) => [shapedByInput(context, 1)]],
  ['com.microsoft::BroadcastGradientArgs', broadcastGradientArgs],
  // Buffer, value, flag → flag, buffer.
  ['com.microsoft::InPlaceAccumulatorV2', (c) => [tensor('bool', [1]), inputType(c, 0)]],
  // The caller gives a gradient for every output.
  ['com.microsoft::YieldOp', (context) => context.inputs],
  ['com.microsoft::Send', () => [tensor('bool', [])]],
  ['com.microsoft::Recv', receive],
];

function updated(
  context: NodeContext,
  groupCount: number,
  returned: readonly number[],
): readonly InferredType[] {
  const size = Math.floor((context.inputs.length - 2) / groupCount);
  return returned.flatMap((group) =>
    Array.from({ length: Math.max(0, size) }, (_, index) =>
      inputType(context, 2 + group * size + index),
    ),
  );
}

/** As input 0, in the shape that another input spells out. */
function shapedByInput(context: NodeContext, input: number): InferredType {
  const dtype = inputDtype(context, 0);
  const dims = constantDims(context, input);
  if (dims && dims.length <= maximumRank) {
    const isBad = dims.some((dim, axis) => sizeOrProblem(context, dim, axis) === undefined);
    return tensor(dtype, isBad ? null : dims.map((dim, axis) => dim ?? context.fresh(0, axis)));
  }
  const rank = lengthOfVector(context, input);
  return tensor(dtype, rank === null ? null : freshShape(context, rank));
}

/** The axes over which each of two broadcast operands' gradients is summed. */
function broadcastGradientArgs(context: NodeContext): readonly InferredType[] {
  return [0, 1].map((output) => tensor('int64', [context.fresh(output, 0)]));
}

/** A signal, then tensors whose dtypes the node tells but not their shapes. */
function receive(context: NodeContext): readonly InferredType[] {
  const codes = intsAttribute(context.node, 'element_types') ?? [];
  return [tensor('bool', []), ...codes.map((code) => tensor(dataTypeFromCode(code) ?? null, null))];
}
