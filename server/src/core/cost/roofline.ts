import type { DataType } from '../dtype';
import { dataTypeInfo } from '../dtype';
import type { WorkItem, WorkKind } from '../workload';
import type { Constant } from './constant';
import type { Device, Precision } from './devices';
import { resolvePrecision } from './precision';
import type { ResolvedPrecision } from './precision';
import { kindEfficiency } from './processors';
import type { ProcessorModel } from './processors';

export type Bound = 'compute' | 'memory' | 'overhead';

/** Seconds of one item, split by what they wait for. `seconds` = max(compute, memory) + launch. */
export interface ItemTime {
  readonly computeSeconds: number;
  readonly memorySeconds: number;
  readonly launchSeconds: number;
  readonly bound: Bound;
  readonly precision: Precision;
  readonly notes: readonly string[];
  /** 1: operations and bytes known; ½: bytes unknown, so a lower bound. */
  readonly known: number;
  readonly constants: readonly Constant[];
}

export interface RunConditions {
  readonly batch: number;
  /** Share of the CPU's cores in use, 0…1. */
  readonly coreShare: number;
  /** Replaces the dtype of multiplications and the width of their tensors. */
  readonly precision: DataType | null;
  /** Share of the weights that has to be read from memory: 0 when all stay on the chip. */
  readonly streamedWeightShare: number;
  /** An operator whose activations of one sample take no more than this leaves them on the chip. */
  readonly onchipActivationBytes: number;
}

const multiplying: ReadonlySet<WorkKind> = new Set([
  'conv',
  'depthwise-conv',
  'matmul',
  'attention',
  'recurrent',
]);

/** Integer formats of weights alone: the products run in float. */
const weightOnly: ReadonlySet<DataType> = new Set(['int4', 'uint4', 'int2', 'uint2']);

/**
 * Roofline time of one operator, after Williams et al. 2009, with an efficiency that falls on small
 * work: t = (F + F½) / (η·Π) against Q / (η_m·β), plus the launch. Null when its work is not known.
 */
export function itemTime(
  item: WorkItem,
  device: Device,
  model: ProcessorModel,
  conditions: RunConditions,
): ItemTime | null {
  const operations = itemOperations(item, conditions.batch);
  const plan = planFor(item, device, conditions);
  const bytes = itemBytes(item, plan, conditions);
  const isMac = multiplying.has(item.kind);
  if (operations === null && (isMac || bytes === null)) return null;
  const rate = computeRate(item.kind, device, model, plan.resolved);
  const halfOps = operations !== null && operations > 0 ? model.halfEfficiencyOps.value : 0;
  const launches = item.launches ?? 1;
  const work = (operations ?? 0) + (isMac ? halfOps * launches : 0);
  const computeSeconds = work / (rate.opsPerSecond * conditions.coreShare);
  const bandwidth = device.memoryBandwidth.value * model.memoryEfficiency.value;
  const memorySeconds = (bytes ?? 0) / bandwidth;
  const launchSeconds = model.launchSeconds.value * launches;
  return {
    computeSeconds,
    memorySeconds,
    launchSeconds,
    bound: boundOf(computeSeconds, memorySeconds, launchSeconds),
    precision: plan.resolved.precision,
    notes: isMac && plan.resolved.note !== null ? [plan.resolved.note] : [],
    known: bytes === null ? 0.5 : 1,
    constants: rate.constants,
  };
}

/** Multiplications and additions of one run, 2 per MAC; null when nothing is known. */
function itemOperations(item: WorkItem, batch: number): number | null {
  if (multiplying.has(item.kind)) {
    return item.macs === null ? null : batch * (2 * item.macs + (item.flops ?? 0));
  }
  if (item.macs === null && item.flops === null) return null;
  return batch * (2 * (item.macs ?? 0) + (item.flops ?? 0));
}

interface Plan {
  readonly resolved: ResolvedPrecision;
  readonly weightFactor: number;
  readonly activationFactor: number;
}

/** In which precision the item runs and how its tensors shrink when that is not the file's. */
function planFor(item: WorkItem, device: Device, conditions: RunConditions): Plan {
  const wanted = conditions.precision;
  const own = item.computeDtype;
  if (wanted === null || own === null || !dataTypeInfo(own).isFloat) {
    const resolved = resolvePrecision(device, own);
    return { resolved, weightFactor: resolved.byteFactor, activationFactor: resolved.byteFactor };
  }
  const ratio = widthRatio(wanted, own);
  if (weightOnly.has(wanted)) {
    return { resolved: resolvePrecision(device, own), weightFactor: ratio, activationFactor: 1 };
  }
  const resolved = resolvePrecision(device, wanted);
  const factor = ratio * resolved.byteFactor;
  return { resolved, weightFactor: factor, activationFactor: factor };
}

/** Weights are read once a run, activations once a sample. */
function itemBytes(item: WorkItem, plan: Plan, conditions: RunConditions): number | null {
  if (item.readBytes === null || item.writeBytes === null) return null;
  const weights = item.weightBytes * plan.weightFactor * conditions.streamedWeightShare;
  const read = Math.max(0, item.readBytes - item.weightBytes);
  const activations = (read + item.writeBytes) * plan.activationFactor;
  const perLaunch = activations / (item.launches ?? 1);
  if (perLaunch <= conditions.onchipActivationBytes) return weights;
  return weights + activations * conditions.batch;
}

/** Elementwise work runs on the vector unit, whose rate is the float32 one; matrix units do not help. */
const vectorShareOfMatrixRate = 1 / 8;

function computeRate(
  kind: WorkKind,
  device: Device,
  model: ProcessorModel,
  resolved: ResolvedPrecision,
): { readonly opsPerSecond: number; readonly constants: readonly Constant[] } {
  const peak = device.peakOpsPerSecond.get(resolved.precision);
  const vector = device.peakOpsPerSecond.get('float32');
  const isMac = multiplying.has(kind);
  const used = isMac ? peak : (vector ?? peak);
  const efficiency = resolved.precision === 'int8' ? model.int8Efficiency : model.floatEfficiency;
  const shape = kindEfficiency[kind];
  const factor = isMac ? resolved.rateFactor : vector ? 1 : vectorShareOfMatrixRate;
  const opsPerSecond = (used?.value ?? 0) * factor * efficiency.value * shape.value;
  return { opsPerSecond, constants: used ? [used, efficiency] : [] };
}

function boundOf(compute: number, memory: number, launch: number): Bound {
  if (launch > Math.max(compute, memory)) return 'overhead';
  return compute >= memory ? 'compute' : 'memory';
}

export function widthRatio(wanted: DataType, own: DataType): number {
  const to = dataTypeInfo(wanted).bits;
  const from = dataTypeInfo(own).bits;
  return to === null || from === null ? 1 : to / from;
}
