import {
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  stringsAttribute,
  tensorAttribute,
} from '../../attributes';
import type { DataType } from '../../dtype';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { Dim } from '../symbolic';
import { product } from '../symbolic';
import type { InferredType } from '../types';
import { inputDtype, inputShape, sum, tensor, withDim } from './common';

/** Classical machine learning, domain ai.onnx.ml. */
export const mlOperators: OperatorTable = [
  ['ai.onnx.ml::Scaler ai.onnx.ml::Normalizer', floatSameShape],
  [
    'ai.onnx.ml::Binarizer ai.onnx.ml::Imputer',
    (c) => [tensor(inputDtype(c, 0), inputShape(c, 0))],
  ],
  ['ai.onnx.ml::ArrayFeatureExtractor', arrayFeatureExtractor],
  ['ai.onnx.ml::OneHotEncoder', oneHotEncoder],
  ['ai.onnx.ml::FeatureVectorizer', featureVectorizer],
  ['ai.onnx.ml::LabelEncoder', labelEncoder],
  ['ai.onnx.ml::CategoryMapper', categoryMapper],
  ['ai.onnx.ml::DictVectorizer', dictVectorizer],
  ['ai.onnx.ml::CastMap', castMap],
  ['ai.onnx.ml::LinearClassifier ai.onnx.ml::SVMClassifier', classifier],
  ['ai.onnx.ml::TreeEnsembleClassifier', classifier],
  ['ai.onnx.ml::LinearRegressor', (context) => [perRow(context, targets(context, 'targets'))]],
  ['ai.onnx.ml::TreeEnsembleRegressor', (c) => [perRow(c, targets(c, 'n_targets'))]],
  ['ai.onnx.ml::SVMRegressor', (context) => [perRow(context, 1)]],
  ['ai.onnx.ml::TreeEnsemble', treeEnsemble],
  ['ai.onnx.ml::ZipMap', zipMap],
];

function floatSameShape(context: NodeContext): readonly InferredType[] {
  return [tensor('float32', inputShape(context, 0))];
}

/** The columns that Y lists; a vector counts as one row. */
function arrayFeatureExtractor(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const indices = inputShape(context, 1);
  const dtype = inputDtype(context, 0);
  const count = indices ? product(indices) : null;
  if (!shape || shape.length === 0) return [tensor(dtype, null)];
  return [tensor(dtype, shape.length === 1 ? [1, count] : withDim(shape, shape.length - 1, count))];
}

function oneHotEncoder(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const count =
    intsAttribute(context.node, 'cats_int64s')?.length ??
    stringsAttribute(context.node, 'cats_strings')?.length ??
    null;
  return [tensor('float32', shape && [...shape, count])];
}

/** Rows of all inputs side by side. */
function featureVectorizer(context: NodeContext): readonly InferredType[] {
  const widths = intsAttribute(context.node, 'inputdimensions');
  const shapes = context.inputs.map((_, index) => inputShape(context, index));
  const width = widths ? sum(widths) : sum(shapes.map((shape) => shape?.[1] ?? null));
  const [first] = shapes;
  const rows: Dim = !first ? null : first.length < 2 ? 1 : (first[0] ?? null);
  return [tensor('float32', [rows, width])];
}

/** The value attribute that is present tells the dtype; opset 1 mapped strings to integers or back. */
function labelEncoder(context: NodeContext): readonly InferredType[] {
  return [tensor(labelDtype(context), inputShape(context, 0))];
}

function labelDtype(context: NodeContext): DataType | null {
  const values = tensorAttribute(context.node, 'values_tensor');
  if (values) return values.dtype;
  if (stringsAttribute(context.node, 'values_strings')) return 'string';
  if (intsAttribute(context.node, 'values_int64s')) return 'int64';
  if (floatsAttribute(context.node, 'values_floats')) return 'float32';
  return otherOfStringAndInt(context);
}

function otherOfStringAndInt(context: NodeContext): DataType | null {
  const dtype = inputDtype(context, 0);
  if (dtype === null) return null;
  return dtype === 'string' ? 'int64' : 'string';
}

function categoryMapper(context: NodeContext): readonly InferredType[] {
  return [tensor(otherOfStringAndInt(context), inputShape(context, 0))];
}

function dictVectorizer(context: NodeContext): readonly InferredType[] {
  const count =
    stringsAttribute(context.node, 'string_vocabulary')?.length ??
    intsAttribute(context.node, 'int64_vocabulary')?.length ??
    null;
  const type = context.inputs[0];
  const value = type?.kind === 'map' ? type.value : undefined;
  return [tensor(value?.kind === 'tensor' ? value.dtype : null, [1, count])];
}

function castMap(context: NodeContext): readonly InferredType[] {
  const target = stringAttribute(context.node, 'cast_to') ?? 'TO_FLOAT';
  const dtypes = new Map<string, DataType>([
    ['TO_FLOAT', 'float32'],
    ['TO_INT64', 'int64'],
    ['TO_STRING', 'string'],
  ]);
  const size = intAttribute(context.node, 'max_map') ?? 1;
  const isSparse = stringAttribute(context.node, 'map_form') === 'SPARSE';
  return [tensor(dtypes.get(target) ?? null, [1, isSparse && size > 0 ? size : null])];
}

/** Labels [N], scores [N, classes]. */
function classifier(context: NodeContext): readonly InferredType[] {
  const strings =
    stringsAttribute(context.node, 'classlabels_strings') ??
    stringsAttribute(context.node, 'classlabels_string') ??
    [];
  const integers =
    intsAttribute(context.node, 'classlabels_ints') ??
    intsAttribute(context.node, 'classlabels_int64s') ??
    [];
  const labels = strings.length > 0 ? 'string' : 'int64';
  const count = Math.max(strings.length, integers.length);
  const rows = rowsOf(inputShape(context, 0));
  return [tensor(labels, [rows]), tensor('float32', [rows, count > 0 ? count : null])];
}

/** A vector is one row. */
function rowsOf(shape: Shape | null): Dim {
  return shape?.length === 1 ? 1 : (shape?.[0] ?? null);
}

function targets(context: NodeContext, attribute: string): Dim {
  const count = intAttribute(context.node, attribute) ?? 1;
  if (count >= 1 && count < Number.MAX_SAFE_INTEGER) return count;
  context.invalid(`${attribute} is ${count}; it must be at least 1.`);
  return null;
}

function perRow(context: NodeContext, width: Dim): InferredType {
  return tensor('float32', [rowsOf(inputShape(context, 0)), width]);
}

function treeEnsemble(context: NodeContext): readonly InferredType[] {
  const dtype = inputDtype(context, 0);
  return [tensor(dtype, [rowsOf(inputShape(context, 0)), targets(context, 'n_targets')])];
}

/** A sequence of maps from class label to score. */
function zipMap(context: NodeContext): readonly InferredType[] {
  const keyType = stringsAttribute(context.node, 'classlabels_strings') ? 'string' : 'int64';
  const value = tensor('float32', []);
  return [{ kind: 'sequence', element: { kind: 'map', keyType, value } }];
}
