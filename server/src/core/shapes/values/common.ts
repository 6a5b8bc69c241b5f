import type { DataType } from '../../dtype';
import type { NodeContext } from '../context';
import type { Dim } from '../symbolic';
import { maximumConstantElements } from '../tensor-constants';
import type { ConstantValue, InferredType } from '../types';

/** Helpers of the evaluators: index arithmetic over row-major values. */

/** The plain numbers of an output's shape; undefined when it is unknown or has too many elements. */
export function plainShape(type: InferredType | undefined): readonly number[] | undefined {
  if (type?.kind !== 'tensor' || !type.shape) return undefined;
  const shape: number[] = [];
  let count = 1;
  for (const dim of type.shape) {
    if (typeof dim !== 'number' || dim < 0) return undefined;
    count *= dim;
    if (count > maximumConstantElements) return undefined;
    shape.push(dim);
  }
  return shape;
}

export function elementCount(shape: readonly number[]): number {
  return shape.reduce((count, dim) => count * dim, 1);
}

/** A value for output 0 (or `output`) when its dtype and plain shape are known. */
export function constantFor(
  outputs: readonly InferredType[],
  values: (shape: readonly number[], dtype: DataType) => readonly Dim[] | undefined,
  output = 0,
): ConstantValue | undefined {
  const type = outputs[output];
  const shape = plainShape(type);
  if (!shape || type?.kind !== 'tensor' || type.dtype === null) return undefined;
  const computed = values(shape, type.dtype);
  return computed && { dtype: type.dtype, values: computed, shape };
}

/** Every input's value; undefined when one is not known at all. */
export function allConstants(context: NodeContext): readonly ConstantValue[] | undefined {
  const values: ConstantValue[] = [];
  for (const index of context.inputs.keys()) {
    const value = context.constant(index);
    if (!value) return undefined;
    values.push(value);
  }
  return values;
}

/** Steps between neighbours along each axis. */
export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides: number[] = [];
  let step = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = step;
    step *= shape[axis] ?? 1;
  }
  return strides;
}

/** Calls `visit` with the coordinates of every element; the array is reused. */
export function mapCoordinates<T>(
  shape: readonly number[],
  visit: (coordinates: readonly number[]) => T,
): T[] {
  const coordinates = shape.map(() => 0);
  const results: T[] = [];
  for (let count = elementCount(shape); count > 0; count--) {
    results.push(visit(coordinates));
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (coordinates[axis] ?? 0) + 1;
      const isCarry = next >= (shape[axis] ?? 1);
      coordinates[axis] = isCarry ? 0 : next;
      if (!isCarry) break;
    }
  }
  return results;
}

/** The element at these coordinates, broadcast: aligned at the end, axes of 1 repeated. */
export function broadcastElement(value: ConstantValue, coordinates: readonly number[]): Dim {
  const offset = coordinates.length - value.shape.length;
  let index = 0;
  for (const [axis, size] of value.shape.entries()) {
    const at = coordinates[axis + offset] ?? 0;
    index = index * size + (size === 1 ? 0 : at);
  }
  return value.values[index] ?? null;
}

/** The element at exactly these coordinates. */
export function elementAt(value: ConstantValue, coordinates: readonly number[]): Dim {
  let index = 0;
  for (const [axis, size] of value.shape.entries()) index = index * size + (coordinates[axis] ?? 0);
  return value.values[index] ?? null;
}
