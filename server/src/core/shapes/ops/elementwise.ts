import { intAttribute, stringAttribute } from '../../attributes';
import { dataTypeFromCode, dataTypeFromName } from '../../dtype';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable } from '../context';
import { exactDivide } from '../symbolic';
import type { InferredType } from '../types';
import {
  broadcast,
  anyDtype,
  firstDtype,
  inputDtype,
  inputShape,
  inputType,
  normalizeAxis,
  tensor,
} from './common';

/** Operators that compute every output element from the elements at the same (broadcast) place. */
export const elementwiseOperators: OperatorTable = [
  [
    'Abs Acos Acosh Asin Asinh Atan Atanh Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish LeakyRelu Log Mish Neg Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh ThresholdedRelu BitwiseNot Clip',
    sameAsInput,
  ],
  ['Affine ParametricSoftplus ScaledTanh Scale ImageScaler ConstantFill', sameAsInput],
  ['Softmax LogSoftmax Hardmax LpNormalization', alongAxis],
  ['CumSum CumProd Trilu LRN', sameAsInput],
  ['MeanVarianceNormalization ReverseSequence Identity Scatter', sameAsInput],
  ['ScatterElements ScatterND TensorScatter', sameAsInput],
  ['com.microsoft::Gelu com.microsoft::FastGelu com.microsoft::BiasGelu', sameAsInput],
  ['com.microsoft::QuickGelu com.microsoft::BiasSoftmax com.microsoft::BiasAdd', sameAsInput],
  ['com.microsoft::ScaledSiLU com.microsoft::Trilu com.microsoft::GatedAdd', sameAsInput],
  ['com.microsoft::ComplexMul com.microsoft::ComplexMulConj', arithmetic],
  ['Add Sub Mul Div Pow Mod BitShift BitwiseAnd BitwiseOr BitwiseXor', arithmetic],
  ['Max Min Mean Sum', arithmetic],
  ['PRelu SwiGLU', sameAsInput],
  ['And Or Xor Equal Less LessOrEqual Greater GreaterOrEqual', comparison],
  ['Not IsNaN IsInf', toBool],
  ['Where', where],
  ['Cast BitCast', cast],
  ['CastLike', castLike],
  ['Dropout com.microsoft::BiasDropout', dropout],
  ['Bernoulli RandomNormalLike RandomUniformLike', randomLike],
  ['com.microsoft::BiasSplitGelu', halvedLastAxis],
];

/** Output 0 has the type of input 0, whatever kind it is. */
export function sameAsInput(context: NodeContext): readonly InferredType[] {
  return [inputType(context, 0)];
}

/** As the input, when the axis is one of its own. */
function alongAxis(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const axis = intAttribute(context.node, 'axis');
  const isBad =
    shape && axis !== undefined && normalizeAxis(context, axis, Math.max(1, shape.length)) === null;
  return [isBad ? tensor(inputDtype(context, 0), null) : inputType(context, 0)];
}

function arithmetic(context: NodeContext): readonly InferredType[] {
  return [tensor(anyDtype(context), broadcastInputs(context))];
}

function comparison(context: NodeContext): readonly InferredType[] {
  return [tensor('bool', broadcastInputs(context))];
}

const variadicOpTypes: ReadonlySet<string> = new Set(['Max', 'Min', 'Mean', 'Sum']);

/** Before opset 7 the second input was stretched along `axis` to the first one's shape. */
function broadcastInputs(context: NodeContext): ReturnType<typeof inputShape> {
  const { node, opset, inputs } = context;
  if (opset < 7 && node.domain === '' && !variadicOpTypes.has(node.opType)) {
    return inputShape(context, 0);
  }
  const shapes: ReturnType<typeof inputShape>[] = [];
  for (let index = 0; index < inputs.length; index++) shapes.push(inputShape(context, index));
  return broadcast(context, shapes);
}

function toBool(context: NodeContext): readonly InferredType[] {
  return [tensor('bool', inputShape(context, 0))];
}

function where(context: NodeContext): readonly InferredType[] {
  const shape = broadcast(
    context,
    [0, 1, 2].map((index) => inputShape(context, index)),
  );
  return [tensor(firstDtype(context, 1, 2), shape)];
}

function cast(context: NodeContext): readonly InferredType[] {
  return [tensor(dtypeAttribute(context, 'to'), inputShape(context, 0))];
}

/** A dtype attribute; null when absent or no dtype of ONNX. Opset 1 wrote its name: `FLOAT`. */
export function dtypeAttribute(context: NodeContext, name: string): DataType | null {
  const code = intAttribute(context.node, name);
  if (code !== undefined) {
    const dtype = dataTypeFromCode(code);
    if (dtype === undefined && code !== 0) context.invalid(`${name} ${code} is no ONNX data type.`);
    return dtype ?? null;
  }
  const text = stringAttribute(context.node, name)?.toLowerCase();
  if (text === undefined) return null;
  const legacy = { float: 'float32', double: 'float64' } as const;
  return text === 'float' || text === 'double' ? legacy[text] : (dataTypeFromName(text) ?? null);
}

function castLike(context: NodeContext): readonly InferredType[] {
  return [tensor(inputDtype(context, 1), inputShape(context, 0))];
}

/** The mask became boolean in opset 10. */
function dropout(context: NodeContext): readonly InferredType[] {
  const isBool = context.node.domain !== '' || context.opset >= 10;
  const mask = isBool ? 'bool' : inputDtype(context, 0);
  return [inputType(context, 0), tensor(mask, inputShape(context, 0))];
}

function randomLike(context: NodeContext): readonly InferredType[] {
  const dtype = dtypeAttribute(context, 'dtype') ?? inputDtype(context, 0);
  return [tensor(dtype, inputShape(context, 0))];
}

function halvedLastAxis(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const last = shape?.at(-1);
  const halved = shape && last !== undefined ? [...shape.slice(0, -1), exactDivide(last, 2)] : null;
  return [tensor(inputDtype(context, 0), halved)];
}
