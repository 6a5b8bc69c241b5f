import { intAttribute, intsAttribute, tensorAttribute } from '../../attributes';
import type { EvaluateOperator, NodeContext, OperatorTable } from '../context';
import { hasInput, inputShape } from '../ops/common';
import { clampBounds, sliceBounds } from '../ops/cut';
import { shapeSlice } from '../ops/generate';
import { add, maximum, minimum, multiply, product } from '../symbolic';
import type { Dim } from '../symbolic';
import { constantOfNode, constantOfTensor } from '../tensor-constants';
import type { ConstantValue, InferredType } from '../types';
import {
  broadcastElement,
  constantFor,
  elementAt,
  elementCount,
  mapCoordinates,
  plainShape,
  stridesOf,
} from './common';

/** Operators that make, move or combine known values without computing on each alone. */
export const movementEvaluators: OperatorTable<EvaluateOperator> = [
  ['Constant', (context) => [constantOfNode(context.node)]],
  ['Shape', shapeValues],
  ['Size', (c, o) => [constantFor(o, () => sizeValues(c))]],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
  ['Identity Reshape Squeeze Unsqueeze Flatten', sameValues],
  ['Expand', expand],
  ['Tile', tile],
  ['Transpose', transpose],
  ['Gather', gather],
  ['Slice', slice],
  ['Concat', concat],
  ['Split', split],
  ['NonZero', nonZero],
  ['ReduceProd', reduced(1, multiply)],
  ['ReduceSum', reduced(0, add)],
  ['ReduceMax', reduced(null, maximum)],
  ['ReduceMin', reduced(null, minimum)],
];

function shapeValues(context: NodeContext, outputs: readonly InferredType[]): Values {
  const shape = inputShape(context, 0);
  return [shape ? constantFor(outputs, () => shapeSlice(context, shape)) : undefined];
}

type Values = ReturnType<EvaluateOperator>;

function sizeValues(context: NodeContext): readonly Dim[] | undefined {
  const shape = inputShape(context, 0);
  return shape ? [product(shape)] : undefined;
}

function constantOfShape(context: NodeContext, outputs: readonly InferredType[]): Values {
  const attribute = tensorAttribute(context.node, 'value');
  const value = attribute ? (constantOfTensor(attribute)?.values[0] ?? null) : 0;
  return [
    constantFor(outputs, (shape) => Array.from({ length: elementCount(shape) }, () => value)),
  ];
}

function range(context: NodeContext, outputs: readonly InferredType[]): Values {
  const start = context.constant(0)?.values[0] ?? null;
  const delta = context.node.inputs.length > 2 ? (context.constant(2)?.values[0] ?? null) : 1;
  const isWhole = typeof delta === 'number' && Number.isInteger(delta);
  return [
    constantFor(outputs, ([length = 0]) =>
      Array.from({ length }, (_, index) => {
        if (typeof start === 'number' && typeof delta === 'number') return start + index * delta;
        return isWhole ? add(start, index * delta) : null;
      }),
    ),
  ];
}

function sameValues(context: NodeContext, outputs: readonly InferredType[]): Values {
  const value = context.constant(0);
  return [value && constantFor(outputs, () => value.values)];
}

function expand(context: NodeContext, outputs: readonly InferredType[]): Values {
  const value = context.constant(0);
  if (!value) return [];
  return [
    constantFor(outputs, (shape) => mapCoordinates(shape, (at) => broadcastElement(value, at))),
  ];
}

function tile(context: NodeContext, outputs: readonly InferredType[]): Values {
  const value = context.constant(0);
  if (!value) return [];
  return [
    constantFor(outputs, (shape) =>
      mapCoordinates(shape, (at) =>
        elementAt(
          value,
          at.map((index, axis) => index % (value.shape[axis] ?? 1)),
        ),
      ),
    ),
  ];
}

function transpose(context: NodeContext, outputs: readonly InferredType[]): Values {
  const value = context.constant(0);
  if (!value) return [];
  const perm =
    intsAttribute(context.node, 'perm') ?? value.shape.map((_, axis) => axis).toReversed();
  const strides = stridesOf(value.shape);
  return [
    constantFor(outputs, (shape) =>
      mapCoordinates(shape, (at) => {
        let index = 0;
        for (const [axis, from] of perm.entries()) index += (at[axis] ?? 0) * (strides[from] ?? 0);
        return value.values[index] ?? null;
      }),
    ),
  ];
}

function gather(context: NodeContext, outputs: readonly InferredType[]): Values {
  const data = context.constant(0);
  const indices = context.constant(1);
  if (!data || !indices) return [];
  const attribute = intAttribute(context.node, 'axis') ?? 0;
  const axis = attribute < 0 ? attribute + data.shape.length : attribute;
  const size = data.shape[axis] ?? 0;
  const rows = elementCount(data.shape.slice(0, axis));
  const rowLength = elementCount(data.shape.slice(axis + 1));
  return [
    constantFor(outputs, (shape) => {
      if (rows * indices.values.length * rowLength !== elementCount(shape)) return undefined;
      const values: Dim[] = [];
      for (let row = 0; row < rows; row++) {
        for (const index of indices.values) {
          const isInside = typeof index === 'number' && index < size && index >= -size;
          const from = isInside ? (row * size + (index < 0 ? index + size : index)) * rowLength : 0;
          for (let at = 0; at < rowLength; at++) {
            values.push(isInside ? (data.values[from + at] ?? null) : null);
          }
        }
      }
      return values;
    }),
  ];
}

function slice(context: NodeContext, outputs: readonly InferredType[]): Values {
  const data = context.constant(0);
  const bounds = data && sliceBounds(context, data.shape.length);
  if (!data || !bounds || bounds === 'invalid') return [];
  const starts = new Map<number, readonly [number, number]>();
  for (const [axis, { start, end, step }] of bounds) {
    if (typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number') return [];
    const [first] = clampBounds(data.shape[axis] ?? 0, start, end, step);
    starts.set(axis, [first, step]);
  }
  return [
    constantFor(outputs, (shape) =>
      mapCoordinates(shape, (at) => {
        const from = at.map((index, axis) => {
          const [first, step] = starts.get(axis) ?? [0, 1];
          return first + index * step;
        });
        return elementAt(data, from);
      }),
    ),
  ];
}

function concat(context: NodeContext, outputs: readonly InferredType[]): Values {
  const parts = context.inputs.map((_, index) => context.constant(index));
  if (parts.every((part) => part === undefined)) return [];
  const attribute = intAttribute(context.node, 'axis') ?? 1;
  return [
    constantFor(outputs, (shape) => {
      const axis = attribute < 0 ? attribute + shape.length : attribute;
      const size = shape[axis];
      if (size === undefined) return undefined;
      const rows = elementCount(shape.slice(0, axis));
      const width = elementCount(shape.slice(axis + 1));
      // Behind a part of unknown size, nobody knows which element comes where.
      const lengths = parts.map(
        (part, index) =>
          ((part?.shape ?? plainInputShape(context, index))?.[axis] ?? Infinity) * width,
      );
      const values: Dim[] = [];
      for (let row = 0; row < rows; row++) {
        const end = values.length + size * width;
        for (const [index, part] of parts.entries()) {
          const length = lengths[index] ?? 0;
          for (let at = 0; at < length && values.length < end; at++) {
            values.push(part?.values[row * length + at] ?? null);
          }
        }
        while (values.length < end) values.push(null);
      }
      return values;
    }),
  ];
}

/** The shape of an input whose values are not known: its elements are unknown, but not their number. */
function plainInputShape(context: NodeContext, index: number): readonly number[] | undefined {
  const shape = inputShape(context, index);
  const numbers = shape?.filter((dim) => typeof dim === 'number');
  return shape && numbers?.length === shape.length ? numbers : undefined;
}

function split(context: NodeContext, outputs: readonly InferredType[]): Values {
  const data = context.constant(0);
  if (!data) return [];
  const attribute = intAttribute(context.node, 'axis') ?? 0;
  const axis = attribute < 0 ? attribute + data.shape.length : attribute;
  let offset = 0;
  return context.node.outputs.map((_, output) => {
    const start = offset;
    const size = plainShape(outputs[output])?.[axis];
    offset = size === undefined ? Infinity : offset + size;
    // After a part of unknown size nothing is known about the next ones.
    if (!Number.isFinite(offset)) return undefined;
    const shifted = (at: readonly number[]): readonly number[] =>
      at.map((index, i) => (i === axis ? index + start : index));
    return constantFor(
      outputs,
      (shape) => mapCoordinates(shape, (at) => elementAt(data, shifted(at))),
      output,
    );
  });
}

function nonZero(context: NodeContext, outputs: readonly InferredType[]): Values {
  const data = context.constant(0);
  if (!data?.values.every((value) => typeof value === 'number')) return [];
  const found: (readonly number[])[] = [];
  mapCoordinates(data.shape, (at) => {
    if (elementAt(data, at) !== 0) found.push(at.length === 0 ? [0] : [...at]);
  });
  return [
    constantFor(outputs, (shape) =>
      mapCoordinates(shape, ([axis = 0, index = 0]) => found[index]?.[axis] ?? null),
    ),
  ];
}

/** Reductions over the axes that the output no longer has (or has as 1). */
function reduced(initial: number | null, operator: (a: Dim, b: Dim) => Dim): EvaluateOperator {
  return (context, outputs) => {
    const data = context.constant(0);
    if (!data || (hasInput(context, 1) && !context.constant(1))) return [];
    const axes = reducedAxes(context, data);
    if (!axes) return [];
    const kept = data.shape.map((size, axis) => (axes.has(axis) ? 1 : size));
    return [
      constantFor(outputs, (shape) => {
        const count = elementCount(kept);
        if (elementCount(shape) !== count) return undefined;
        const sums: (Dim | undefined)[] = Array.from({ length: count });
        mapCoordinates(data.shape, (at) => {
          let target = 0;
          for (const [axis, size] of kept.entries())
            target = target * size + (size === 1 ? 0 : (at[axis] ?? 0));
          const value = elementAt(data, at);
          const before = sums[target];
          sums[target] = before === undefined ? value : operator(before, value);
        });
        return sums.map((value) => (value === undefined ? initial : value));
      }),
    ];
  };
}

function reducedAxes(context: NodeContext, data: ConstantValue): ReadonlySet<number> | undefined {
  const rank = data.shape.length;
  const given = intsAttribute(context.node, 'axes') ?? context.constant(1)?.values;
  const all = Array.from({ length: rank }, (_, axis) => axis);
  const isNoop = intAttribute(context.node, 'noop_with_empty_axes') === 1;
  if (!given || given.length === 0) return new Set(isNoop ? [] : all);
  const axes = new Set<number>();
  for (const axis of given) {
    if (typeof axis !== 'number') return undefined;
    axes.add(axis < 0 ? axis + rank : axis);
  }
  return axes;
}
