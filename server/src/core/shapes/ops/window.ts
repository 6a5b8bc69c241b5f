import { intAttribute, intsAttribute, stringAttribute } from '../../attributes';
import type { NodeContext, Shape } from '../context';
import { add, ceilDivide, dimText, floorDivide, minimum, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';

/** Sliding windows of convolutions and pools: attributes checked once, one formula for the output size. */
export interface WindowAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
  readonly autoPad: 'NOTSET' | 'VALID' | 'SAME';
  readonly ceilMode: boolean;
}

/** The window attributes for this many spatial axes; null (with a problem) when one is out of range. */
export function windowAttributes(
  context: NodeContext,
  spatialRank: number,
): WindowAttributes | null {
  const strides = listAttribute(context, 'strides', spatialRank, 1, 1);
  const dilations = listAttribute(context, 'dilations', spatialRank, 1, 1);
  const pads = listAttribute(context, 'pads', 2 * spatialRank, -Infinity, 0);
  if (!strides || !dilations || !pads) return null;
  const autoPad = stringAttribute(context.node, 'auto_pad') ?? 'NOTSET';
  const isSame = autoPad === 'SAME_UPPER' || autoPad === 'SAME_LOWER';
  if (!isSame && autoPad !== 'VALID' && autoPad !== 'NOTSET' && autoPad !== '') {
    context.invalid('auto_pad is none of NOTSET, VALID, SAME_UPPER and SAME_LOWER.');
    return null;
  }
  const usesPads = !isSame && autoPad !== 'VALID';
  return {
    strides,
    dilations,
    padsBegin: pads.slice(0, spatialRank).map((pad) => (usesPads ? pad : 0)),
    padsEnd: pads.slice(spatialRank).map((pad) => (usesPads ? pad : 0)),
    autoPad: isSame ? 'SAME' : autoPad === 'VALID' ? 'VALID' : 'NOTSET',
    ceilMode: intAttribute(context.node, 'ceil_mode') === 1,
  };
}

/** A list attribute of exactly this length, each entry a safe integer at least `minimumValue`. */
export function listAttribute(
  context: NodeContext,
  name: string,
  length: number,
  minimumValue: number,
  fallback: number,
): readonly number[] | null {
  const values = intsAttribute(context.node, name);
  if (!values || values.length === 0) return Array.from({ length }, () => fallback);
  if (values.length !== length) {
    context.invalid(`${name} has ${values.length} entries where the input needs ${length}.`);
    return null;
  }
  const bad = values.find((value) => value < minimumValue || Math.abs(value) > maximumAttribute);
  if (bad === undefined) return values;
  context.invalid(`${name} holds ${bad}, which is out of range.`);
  return null;
}

/** No stride, dilation or pad of a real model comes near it, and products of two stay exact. */
const maximumAttribute = 2 ** 26;

/**
 * Output sizes of a sliding window over `spatial`; null (with a problem) when no window fits
 * into the padded input. A null kernel entry is an unknown size.
 */
export function windowSizes(
  context: NodeContext,
  spatial: Shape,
  kernel: Shape,
  window: WindowAttributes,
): Shape | null {
  const sizes: Dim[] = [];
  for (const [axis, input] of spatial.entries()) {
    const size = windowSize(context, input, kernel[axis] ?? null, window, axis);
    if (size === undefined) return null;
    sizes.push(size);
  }
  return sizes;
}

function windowSize(
  context: NodeContext,
  input: Dim,
  kernel: Dim,
  window: WindowAttributes,
  axis: number,
): Dim | undefined {
  const stride = window.strides[axis] ?? 1;
  if (window.autoPad === 'SAME') return ceilDivide(input, stride);
  const begin = window.padsBegin[axis] ?? 0;
  const end = window.padsEnd[axis] ?? 0;
  const extent = kernelExtent(kernel, window.dilations[axis] ?? 1);
  const free = subtract(add(input, begin + end), extent);
  const count = window.ceilMode
    ? add(ceilDivide(free, stride), 1)
    : add(floorDivide(free, stride), 1);
  // Rounding up may keep one window that is wider than the input.
  if (typeof count === 'number' && count < 1) {
    const padded = typeof input === 'number' ? input + begin + end : '?';
    context.mismatch(`a window of ${dimText(extent)} does not fit into ${padded} on axis ${axis}.`);
    return undefined;
  }
  if (!window.ceilMode) return count;
  // A window that would start in the end padding is dropped, as runtimes do.
  return minimum(count, ceilDivide(add(input, begin), stride));
}

/** Input elements a kernel reaches over: `(kernel - 1) * dilation + 1`. */
export function kernelExtent(kernel: Dim, dilation: number): Dim {
  return add(multiply(subtract(kernel, 1), dilation), 1);
}
