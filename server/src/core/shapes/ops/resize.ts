import { floatAttribute, floatsAttribute, intsAttribute, stringAttribute } from '../../attributes';
import type { NodeContext, OperatorTable, Shape } from '../context';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import {
  constantDims,
  constantNumbers,
  freshShape,
  hasInput,
  inputDtype,
  inputShape,
  lengthOfVector,
  normalizeAxes,
  scaleDim,
  sizeOrProblem,
  tensor,
} from './common';

export const resizeOperators: OperatorTable = [
  ['Resize com.ms.internal.nhwc::Resize', resize],
  ['Upsample com.microsoft.nchwc::Upsample', upsample],
  ['GridSample com.microsoft::GridSample', gridSample],
  ['AffineGrid', affineGrid],
];

/** Opset 10: X, scales. Since 11: X, roi, scales, sizes, of which one is given; 18 adds axes. */
function resize(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  const scalesInput = context.opset < 11 ? 1 : 2;
  if (!shape) {
    const rank = lengthOfVector(context, 3) ?? lengthOfVector(context, scalesInput);
    const isPartial = intsAttribute(context.node, 'axes') !== undefined;
    return [tensor(dtype, rank === null || isPartial ? null : freshShape(context, rank))];
  }
  const axes = intsAttribute(context.node, 'axes') ?? shape.map((_, axis) => axis);
  const normal = normalizeAxes(context, axes, shape.length);
  if (!normal) return [tensor(dtype, null)];
  if (context.opset >= 11 && hasInput(context, 3)) {
    return [tensor(dtype, resizedToSizes(context, shape, normal, constantDims(context, 3)))];
  }
  return [tensor(dtype, scaled(context, shape, normal, constantNumbers(context, scalesInput)))];
}

function resizedToSizes(
  context: NodeContext,
  shape: Shape,
  axes: readonly number[],
  sizes: Shape | undefined,
): Shape | null {
  if (sizes && sizes.length !== axes.length) {
    context.invalid(`sizes has ${sizes.length} entries for ${axes.length} axes.`);
    return null;
  }
  const policy = stringAttribute(context.node, 'keep_aspect_ratio_policy') ?? 'stretch';
  const wanted = policy === 'stretch' ? sizes : keepAspectRatio(shape, axes, sizes, policy);
  const result = [...shape];
  for (const [index, axis] of axes.entries()) {
    const size = sizeOrProblem(context, wanted?.[index] ?? context.fresh(0, axis), axis);
    if (size === undefined) return null;
    result[axis] = size;
  }
  return result;
}

/** One factor for all axes: the smallest wanted one (`not_larger`) or the largest; halves round up. */
function keepAspectRatio(
  shape: Shape,
  axes: readonly number[],
  sizes: Shape | undefined,
  policy: string,
): Shape | undefined {
  const ratios: number[] = [];
  for (const [index, axis] of axes.entries()) {
    const [wanted, has] = [sizes?.[index], shape[axis]];
    if (typeof wanted !== 'number' || typeof has !== 'number' || has === 0) return undefined;
    ratios.push(wanted / has);
  }
  const ratio = policy === 'not_larger' ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis) => {
    const has = shape[axis];
    return typeof has === 'number' ? Math.floor(has * ratio + 0.5) : null;
  });
}

function scaled(
  context: NodeContext,
  shape: Shape,
  axes: readonly number[],
  scales: readonly number[] | undefined,
): Shape | null {
  if (scales && scales.length !== axes.length) {
    context.invalid(`scales has ${scales.length} entries for ${axes.length} axes.`);
    return null;
  }
  if (scales?.some((scale) => !(scale > 0))) {
    context.invalid('scales must be greater than 0.');
    return null;
  }
  const result: Dim[] = [...shape];
  for (const [index, axis] of axes.entries()) {
    const scale = scales?.[index];
    const size = scale === undefined ? null : scaleDim(shape[axis] ?? null, scale);
    result[axis] = size ?? context.fresh(0, axis);
  }
  return result;
}

/** Scales: two attributes in opset 1, one attribute in 7, an input in 9. */
function upsample(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  if (!shape) return [tensor(dtype, null)];
  const height = floatAttribute(context.node, 'height_scale');
  const width = floatAttribute(context.node, 'width_scale');
  const legacy = height !== undefined && width !== undefined ? [1, 1, height, width] : undefined;
  const scales =
    floatsAttribute(context.node, 'scales') ??
    intsAttribute(context.node, 'scales') ??
    legacy ??
    constantNumbers(context, 1);
  const axes = shape.map((_, axis) => axis);
  return [tensor(dtype, scaled(context, shape, axes, scales))];
}

/** X [N, C, …], grid [N, …out, spatial rank] → [N, C, …out]. */
function gridSample(context: NodeContext): readonly InferredType[] {
  const x = inputShape(context, 0);
  const grid = inputShape(context, 1);
  const shape = x && grid ? [x[0] ?? null, x[1] ?? null, ...grid.slice(1, -1)] : null;
  return [tensor(inputDtype(context, 0), shape)];
}

/** size is [N, C, (D,) H, W] → grid [N, (D,) H, W, 2 or 3]. */
function affineGrid(context: NodeContext): readonly InferredType[] {
  const size = constantDims(context, 1);
  const count = size?.length ?? lengthOfVector(context, 1);
  const dtype = inputDtype(context, 0);
  if (count !== 4 && count !== 5) return [tensor(dtype, null)];
  const batch = size?.[0] ?? inputShape(context, 0)?.[0] ?? context.fresh(0, 0);
  const outer = Array.from(
    { length: count - 2 },
    (_, axis) => size?.[axis + 2] ?? context.fresh(0, axis + 1),
  );
  return [tensor(dtype, [batch, ...outer, count - 2])];
}
