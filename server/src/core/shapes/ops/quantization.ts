import type { NodeContext, OperatorTable } from '../context';
import type { InferredType } from '../types';
import { broadcast, firstDtype, inputDtype, inputShape, inputType, tensor } from './common';
import { dtypeAttribute } from './elementwise';

/** Conversions to and from integers, and the elementwise operators that work on quantised tensors. */
export const quantizationOperators: OperatorTable = [
  ['QuantizeLinear com.microsoft::QuantizeLinear', quantizeLinear],
  ['DequantizeLinear com.microsoft::DequantizeLinear', dequantizeLinear],
  ['DynamicQuantizeLinear', dynamicQuantizeLinear],
  ['com.microsoft::QLinearAdd com.microsoft::QLinearMul', qLinearBinary],
  ['com.microsoft::QLinearSigmoid com.microsoft::QLinearLeakyRelu', qLinearUnary],
  ['com.microsoft::QLinearSoftmax', qLinearUnary],
  ['com.microsoft::QLinearWhere', qLinearWhere],
  ['com.microsoft::MulInteger', (context) => [tensor('int32', broadcastOf(context, 0, 2))]],
  // Fake quantisation of training tools (QONNX, Brevitas): floats on an integer grid.
  ['onnx.brevitas::Quant qonnx.custom_op.general::Quant', (context) => [inputType(context, 0)]],
  ['onnx.brevitas::BipolarQuant qonnx.custom_op.general::BipolarQuant', (c) => [inputType(c, 0)]],
  ['onnx.brevitas::Trunc qonnx.custom_op.general::Trunc', (context) => [inputType(context, 0)]],
];

/** The zero point gives the dtype, else `output_dtype` (opset 21), else it is uint8. */
function quantizeLinear(context: NodeContext): readonly InferredType[] {
  const hasZeroPoint = (context.node.inputs[2] ?? '') !== '';
  const dtype = hasZeroPoint
    ? inputDtype(context, 2)
    : (dtypeAttribute(context, 'output_dtype') ?? 'uint8');
  return [tensor(dtype, inputShape(context, 0))];
}

function dequantizeLinear(context: NodeContext): readonly InferredType[] {
  const dtype = dtypeAttribute(context, 'output_dtype') ?? inputDtype(context, 1);
  return [tensor(dtype, inputShape(context, 0))];
}

/** Output, scalar scale, scalar zero point. */
function dynamicQuantizeLinear(context: NodeContext): readonly InferredType[] {
  return [tensor('uint8', inputShape(context, 0)), tensor('float32', []), tensor('uint8', [])];
}

/** A, scale, zero point, B, scale, zero point, scale, zero point. */
function qLinearBinary(context: NodeContext): readonly InferredType[] {
  return [tensor(firstDtype(context, 0, 3), broadcastOf(context, 0, 3))];
}

function qLinearUnary(context: NodeContext): readonly InferredType[] {
  return [inputType(context, 0)];
}

/** condition, X, scale, zero point, Y, scale, zero point, scale, zero point. */
function qLinearWhere(context: NodeContext): readonly InferredType[] {
  return [tensor(firstDtype(context, 1, 4), broadcastOf(context, 0, 1, 4))];
}

function broadcastOf(
  context: NodeContext,
  ...inputs: readonly number[]
): ReturnType<typeof inputShape> {
  return broadcast(
    context,
    inputs.map((input) => inputShape(context, input)),
  );
}
