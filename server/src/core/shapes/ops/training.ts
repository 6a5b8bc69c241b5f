import type { NodeContext, OperatorTable } from '../context';
import type { InferredType } from '../types';
import { inputType } from './common';

/** Optimiser steps of ai.onnx.preview.training: inputs are rate, step, then groups of n tensors each. */
export const trainingOperators: OperatorTable = [
  // Groups X, G, H; outputs X and H.
  ['ai.onnx.preview.training::Adagrad', (context) => updated(context, 3, [0, 2])],
  // Groups X, G, V; outputs X and V.
  ['ai.onnx.preview.training::Momentum', (context) => updated(context, 3, [0, 2])],
  // Groups X, G, V, H; outputs X, V and H.
  ['ai.onnx.preview.training::Adam', (context) => updated(context, 4, [0, 2, 3])],
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
