import { clampToSafe } from '../attributes';
import { isFloat } from '../dtype';
import type { DataType } from '../dtype';
import type { AttributeValue, Node, Tensor } from '../graph';
import { hasInlineValues, inlineValues } from '../tensor-values';
import { maximumRank, tensor as tensorType, unknownType } from './ops/common';
import type { ConstantValue, InferredType } from './types';

/** Longer tensors are data, not shapes: their values are never needed to infer a shape. */
export const maximumConstantElements = 4096;

/** Dtypes of shapes, indices and masks; the others hold weights, of which scales and scalars matter. */
const shapeDtypes: ReadonlySet<DataType> = new Set(['int64', 'int32', 'bool']);
const maximumWeightElements = 256;

/** The type of a stored tensor; its shape is known unless a dim is broken or the rank absurd. */
export function typeOfTensor(tensor: Tensor): InferredType {
  const isUsable = tensor.elementCount !== null && tensor.dims.length <= maximumRank;
  return tensorType(tensor.dtype, isUsable ? tensor.dims : null);
}

/** The elements of a small stored tensor, when its payload was kept inline. */
export function constantOfTensor(tensor: Tensor): ConstantValue | undefined {
  const { dtype, elementCount, dims } = tensor;
  if (dtype === null || elementCount === null || dims.length > maximumRank) return undefined;
  const limit = shapeDtypes.has(dtype) ? maximumConstantElements : maximumWeightElements;
  if (elementCount > limit || !hasInlineValues(tensor)) return undefined;
  return new StoredConstant(tensor, dtype, dims);
}

/** Decoded when somebody asks: most small tensors are biases and scales, whose values no shape depends on. */
class StoredConstant implements ConstantValue {
  #values: readonly (number | null)[] | null = null;

  constructor(
    readonly tensor: Tensor,
    readonly dtype: DataType,
    readonly shape: readonly number[],
  ) {}

  get values(): readonly (number | null)[] {
    return (this.#values ??= decoded(this.tensor, this.dtype));
  }
}

function decoded(tensor: Tensor, dtype: DataType): readonly (number | null)[] {
  const values: (number | null)[] = [];
  for (const value of inlineValues(tensor) ?? []) values.push(usableNumber(value, dtype));
  return values;
}

function usableNumber(value: number | bigint, dtype: DataType): number | null {
  if (typeof value === 'bigint') return clampToSafe(value);
  // `+ 0` makes -0 a plain 0: these numbers become sizes.
  return Number.isFinite(value) || isFloat(dtype) ? value + 0 : null;
}

/** The type that a Constant node gives, whichever of its attributes it uses. */
export function constantType(node: Node): InferredType {
  const value = constantAttribute(node);
  if (value?.kind === 'tensor') return typeOfTensor(value.value);
  if (value?.kind === 'sparse-tensor') {
    const isUsable = value.value.dims.length <= maximumRank;
    return tensorType(value.value.values.dtype, isUsable ? value.value.dims : null);
  }
  const constant = constantOfNode(node);
  if (constant) return tensorType(constant.dtype, constant.shape);
  if (value?.kind === 'string') return tensorType('string', []);
  if (value?.kind === 'strings') return tensorType('string', [value.value.length]);
  if (value?.kind === 'ints') return tensorType('int64', [value.value.length]);
  if (value?.kind === 'floats') return tensorType('float32', [value.value.length]);
  return unknownType;
}

/** The elements of a Constant node, when there are few enough of them. */
export function constantOfNode(node: Node): ConstantValue | undefined {
  const value = constantAttribute(node);
  switch (value?.kind) {
    case 'tensor':
      return constantOfTensor(value.value);
    case 'int':
      return { dtype: 'int64', values: [clampToSafe(value.value)], shape: [] };
    case 'float':
      return { dtype: 'float32', values: [value.value], shape: [] };
    case 'ints':
      return vector('int64', value.value.slice(0, maximumConstantElements + 1).map(clampToSafe));
    case 'floats':
      return vector('float32', value.value);
    default:
      return undefined;
  }
}

function vector(dtype: DataType, values: readonly number[]): ConstantValue | undefined {
  if (values.length > maximumConstantElements) return undefined;
  return { dtype, values, shape: [values.length] };
}

const constantAttributes = [
  'value',
  'sparse_value',
  'value_int',
  'value_ints',
  'value_float',
  'value_floats',
  'value_string',
  'value_strings',
];

function constantAttribute(node: Node): AttributeValue | undefined {
  for (const name of constantAttributes) {
    const value = node.attributes.get(name)?.value;
    if (value) return value;
  }
  return undefined;
}
