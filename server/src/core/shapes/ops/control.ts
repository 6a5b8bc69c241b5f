import { graphAttribute, intAttribute, intsAttribute } from '../../attributes';
import type { Graph } from '../../graph';
import type { BodyResult, NodeContext, OperatorTable, Shape } from '../context';
import { equalTypes, mergeTypes } from '../merge';
import { equalDims, maximum } from '../symbolic';
import type { Dim } from '../symbolic';
import type { ConstantValue, InferredType } from '../types';
import {
  constantScalar,
  hasInput,
  inputShape,
  inputType,
  normalizeAxis,
  tensor,
  unknownType,
} from './common';

/** Operators that run subgraphs. */
export const controlOperators: OperatorTable = [
  ['If', ifOperator],
  ['Loop', loop],
  ['Scan', scan],
];

/** Both branches are inferred; with a condition known before the run its branch gives the types. */
function ifOperator(context: NodeContext): readonly InferredType[] {
  const condition = constantScalar(context, 0);
  const isKnown = typeof condition === 'number';
  const branch = (role: 'then' | 'else', isTaken: boolean): BodyResult | null => {
    const attribute = `${role}_branch`;
    const graph = graphAttribute(context.node, attribute);
    if (!graph) return null;
    return context.runBody({ graph, role, attribute, inputs: [], isSpeculative: !isTaken });
  };
  const taken = branch('then', isKnown && condition !== 0);
  const other = branch('else', isKnown && condition === 0);
  context.setChildren([
    ...(taken ? [taken.child(isKnown ? Number(condition !== 0) : null)] : []),
    ...(other ? [other.child(isKnown ? Number(condition === 0) : null)] : []),
  ]);
  if (isKnown) {
    const chosen = condition === 0 ? other : taken;
    chosen?.constants.forEach((constant, output) => {
      context.keepConstant(output, constant);
    });
    return chosen?.outputs ?? [];
  }
  return context.node.outputs.map((_, output) =>
    mergeTypes(
      taken?.outputs[output] ?? unknownType,
      other?.outputs[output] ?? unknownType,
      (axis) => context.fresh(output, axis),
    ),
  );
}

/** Rounds until the carried types no longer change; then their ranks are given up. */
const maximumRounds = 3;

/** Inputs: trip count, condition, carried values. Body: iteration, condition, carried values. */
function loop(context: NodeContext): readonly InferredType[] {
  const graph = graphAttribute(context.node, 'body');
  if (!graph) return [];
  const carriedCount = Math.max(0, context.inputs.length - 2);
  const initial = context.inputs.slice(2);
  const settled = settle(context, graph, initial, carriedCount);
  if (!settled) return [];
  const { result, carried } = settled;
  const trips = loopTrips(context, result.constants[0]);
  context.setChildren([result.child(trips)]);
  const scanned = result.outputs
    .slice(1 + carriedCount)
    .map((type, index) => stacked(type, trips ?? context.fresh(carriedCount + index, 0), 0));
  return [
    ...carried.map((type, index) => afterLoop(context, initial[index], type, index)),
    ...scanned,
  ];
}

/** Sizes that change from round to round: what the body last read is not what comes out. */
function afterLoop(
  context: NodeContext,
  initial: InferredType | undefined,
  carried: InferredType,
  output: number,
): InferredType {
  if (carried.kind !== 'tensor' || !carried.shape) return carried;
  const before = initial?.kind === 'tensor' ? initial.shape : null;
  const shape = carried.shape.map((dim, axis) =>
    equalDims(before?.[axis] ?? null, dim) ? dim : context.fresh(output, axis),
  );
  return tensor(carried.dtype, shape);
}

interface Settled {
  readonly result: BodyResult;
  readonly carried: readonly InferredType[];
}

/** Runs the body with ever more general carried types until its outputs agree with its inputs. */
function settle(
  context: NodeContext,
  graph: Graph,
  initial: readonly InferredType[],
  carriedCount: number,
): Settled | null {
  const one: ConstantValue = { dtype: 'bool', values: [1], shape: [] };
  let carried = initial;
  for (let round = 0; ; round++) {
    const result = context.runBody({
      graph,
      role: 'body',
      attribute: 'body',
      inputs: [tensor('int64', []), tensor('bool', []), ...carried],
      // The body only runs while the condition holds.
      constants: [undefined, one],
    });
    if (!result) return null;
    const outputs = result.outputs.slice(1, 1 + carriedCount);
    const merged = carried.map((type, index) =>
      generalised(context, type, outputs[index] ?? unknownType, index, round),
    );
    if (merged.every((type, index) => equalTypes(type, carried[index] ?? unknownType))) {
      return { result, carried: merged };
    }
    carried = merged;
    if (round > maximumRounds) return { result, carried };
  }
}

function generalised(
  context: NodeContext,
  before: InferredType,
  after: InferredType,
  output: number,
  round: number,
): InferredType {
  if (after.kind === 'unknown') return before;
  const merged = mergeTypes(before, after, (axis) => context.fresh(output, axis, '.in'));
  const isStuck = round >= maximumRounds && !equalTypes(before, merged);
  return isStuck && merged.kind === 'tensor' ? tensor(merged.dtype, null) : merged;
}

/** Known when the body never clears the condition and the trip count is given. */
function loopTrips(context: NodeContext, bodyCondition: ConstantValue | undefined): Dim {
  const limit = hasInput(context, 0) ? constantScalar(context, 0) : null;
  const start = hasInput(context, 1) ? constantScalar(context, 1) : 1;
  if (start === 0) return 0;
  if (start !== 1 || bodyCondition?.values[0] !== 1) return null;
  return typeof limit === 'number' ? Math.max(0, limit) : maximum(limit, 0);
}

function stacked(type: InferredType, count: Dim, axis: number): InferredType {
  if (type.kind !== 'tensor' || !type.shape) {
    return type.kind === 'tensor' ? tensor(type.dtype, null) : unknownType;
  }
  return tensor(type.dtype, [...type.shape.slice(0, axis), count, ...type.shape.slice(axis)]);
}

/** Inputs: (sequence lengths in opset 8,) states, then scanned tensors; the body sees one slice of them. */
function scan(context: NodeContext): readonly InferredType[] {
  const graph = graphAttribute(context.node, 'body');
  const scanCount = intAttribute(context.node, 'num_scan_inputs') ?? 0;
  const isBatched = context.opset < 9;
  const inputs = context.inputs.slice(isBatched ? 1 : 0);
  const stateCount = inputs.length - scanCount;
  if (!graph || scanCount < 1 || stateCount < 0) {
    context.invalid('num_scan_inputs or body does not fit the inputs.');
    return [];
  }
  const offset = isBatched ? 1 : 0;
  const axes = intsAttribute(context.node, 'scan_input_axes') ?? [];
  const batch = isBatched ? (inputShape(context, 1)?.[0] ?? null) : null;
  let trips: Dim = null;
  const slices = inputs.map((type, index): InferredType => {
    if (type.kind !== 'tensor' || !type.shape) return type;
    const unbatched = type.shape.slice(offset);
    if (index < stateCount) return tensor(type.dtype, unbatched);
    const axis = normalizeAxis(context, axes[index - stateCount] ?? 0, unbatched.length);
    if (axis === null) return tensor(type.dtype, null);
    trips ??= unbatched[axis] ?? null;
    return tensor(
      type.dtype,
      unbatched.filter((_, at) => at !== axis),
    );
  });
  const result = context.runBody({ graph, role: 'body', attribute: 'body', inputs: slices });
  if (!result) return [];
  context.setChildren([result.child(trips)]);
  return scanOutputs(context, result, { stateCount, isBatched, batch, trips });
}

interface ScanSizes {
  readonly stateCount: number;
  readonly isBatched: boolean;
  readonly batch: Dim;
  readonly trips: Dim;
}

function scanOutputs(
  context: NodeContext,
  result: BodyResult,
  { stateCount, isBatched, batch, trips }: ScanSizes,
): readonly InferredType[] {
  const axes = intsAttribute(context.node, 'scan_output_axes') ?? [];
  return result.outputs.map((type, index) => {
    const isState = index < stateCount;
    const from = inputType(context, index + (isBatched ? 1 : 0));
    if (isState && from.kind === 'tensor' && from.shape) return from;
    if (type.kind !== 'tensor' || !type.shape) return type;
    const batched: Shape = isBatched ? [batch] : [];
    if (isState) return tensor(type.dtype, [...batched, ...type.shape]);
    const axis = normalizeAxis(context, axes[index - stateCount] ?? 0, type.shape.length + 1);
    const count = trips ?? context.fresh(index, axis ?? 0);
    const all = axis === null ? unknownType : stacked(type, count, axis);
    return all.kind === 'tensor' && all.shape ? tensor(all.dtype, [...batched, ...all.shape]) : all;
  });
}
