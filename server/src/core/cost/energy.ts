import type { DataType } from '../dtype';
import type { Range } from '../interval';
import { scaled } from '../interval';
import type { WorkItem, Workload } from '../workload';
import { carbonIntensity, defaultRegion, pueOf } from './carbon';
import { describeConstant } from './constant';
import type { Constant } from './constant';
import type { Device } from './devices';
import { memoryFit } from './memory';
import type { MemoryDemand } from './memory';
import { resolvePrecision } from './precision';
import { launchPower, memoryBoundPower, processorModel, sharedPower } from './processors';
import type { ProcessorModel } from './processors';
import { itemTime, widthRatio } from './roofline';
import type { Bound, ItemTime, RunConditions } from './roofline';

/** Rises when the same workload and device give other figures: `methodVersion` of the JSON. */
export const energyMethodVersion = '1.0';

export interface EstimateOptions {
  /** Samples in one run; default 1. Times the batch that the workload was counted for. */
  readonly batch?: number | undefined;
  /** CPU threads; default all cores. Other devices ignore it and say so. */
  readonly threads?: number | undefined;
  /** Count float work as if the model were converted to this. Integer work stays as it is. */
  readonly precision?: DataType | undefined;
  /** ISO 3166 three-letter code or g CO2e/kWh; default the world's mean. */
  readonly region?: string | number | undefined;
}

/** What one run costs on one device. The figures are of the whole run, all its samples together. */
export interface Estimate {
  readonly device: string;
  readonly runtime: string;
  /** Format of most multiplications, as they run. */
  readonly precision: string;
  readonly batch: number;
  /** What the joules cover. */
  readonly boundary: string;
  /** Null when nothing is known of the work. */
  readonly latencySeconds: Range | null;
  readonly energyJoules: Range | null;
  /** `energyJoules` over the batch: one inference. */
  readonly energyPerSampleJoules: Range | null;
  /** With the data centre's overhead where the device stands in one. */
  readonly carbonGrams: Range | null;
  /** Probability that the truth lies between low and high, if the model's errors are the checked ones. */
  readonly interval: number;
  readonly peakMemoryBytes: number | null;
  readonly fits: boolean | null;
  readonly memory: readonly MemoryDemand[];
  readonly perNode: readonly NodeEstimate[];
  readonly assumptions: readonly string[];
  readonly sources: readonly string[];
  /** Share of the items whose work is known, 0…1. */
  readonly coverage: number;
  /** False: coefficients are of the kind of processor, not of this device and runtime. */
  readonly calibrated: boolean;
}

export interface NodeEstimate {
  /** `WorkItem.name`. */
  readonly name: string;
  /** The middle estimate; null when the item's work is not known. */
  readonly energyJoules: number | null;
  /** Of the known total, 0…1. */
  readonly share: number | null;
  readonly bound: Bound | null;
}

/**
 * Time, energy, carbon and memory of one run of `workload` on `device`: a roofline per operator, idle
 * power over the whole time, dynamic power by what each operator waits for. Method: docs/energy.md.
 */
export function estimate(
  workload: Workload,
  device: Device,
  options: EstimateOptions = {},
): Estimate {
  return estimateWith(processorModel(device.processor), workload, device, options);
}

/** The same with other coefficients: for fitting them and for calibration. */
export function estimateWith(
  model: ProcessorModel,
  workload: Workload,
  device: Device,
  options: EstimateOptions = {},
): Estimate {
  let nodes: readonly NodeEstimate[] | undefined;
  const notes = new Set<string>(workload.assumptions);
  const conditions = readConditions(workload, device, options, notes);
  const costs = workload.items
    .filter((item) => item.kind !== 'none')
    .map((item) => itemCost(item, device, model, conditions));
  const totals = sumCosts(costs, notes);
  const coverage = Math.min(workload.coverage, knownShare(costs));
  const factor = intervalFactor(model, device, notes);
  const latencySeconds = spread(totals.seconds, factor, coverage);
  const energyJoules = spread(totals.joules, factor, coverage);
  const fit = memoryFit(workload, device, model, memoryScale(workload, device, conditions));
  const carbon = carbonOf(energyJoules, device, options.region ?? defaultRegion, notes);
  if (energyJoules === null) notes.add('no operator with known work: no energy estimate');
  else if (coverage < 1) notes.add(coverageNote(coverage));
  notes.add(`${device.runtime} assumed; coefficients of the processor kind, not calibrated`);
  return {
    device: device.id,
    runtime: device.runtime,
    precision: totals.precision ?? options.precision ?? 'unknown',
    batch: conditions.batch,
    boundary: device.boundary,
    latencySeconds,
    energyJoules,
    energyPerSampleJoules: energyJoules && scaled(energyJoules, 1 / conditions.batch),
    carbonGrams: carbon.grams,
    interval,
    peakMemoryBytes: fit.peakMemoryBytes,
    fits: fit.fits,
    memory: fit.demands,
    assumptions: [...notes],
    sources: sourcesOf(
      [...baseConstants(device, model), ...totals.constants, ...fit.constants],
      carbon.source,
    ),
    coverage,
    calibrated: false,
    // Whoever compares totals does not look at it.
    get perNode() {
      return (nodes ??= perNode(costs, totals.joules));
    },
  };
}

const interval = 0.9;

interface ItemCost {
  readonly item: WorkItem;
  readonly time: ItemTime | null;
  readonly joules: number | null;
}

function readConditions(
  workload: Workload,
  device: Device,
  options: EstimateOptions,
  notes: Set<string>,
): RunConditions {
  const batch = positive(options.batch) ?? 1;
  if (options.batch !== undefined && batch !== options.batch)
    notes.add('batch not usable: 1 taken');
  return {
    batch,
    coreShare: coreShare(device, options.threads, notes),
    precision: options.precision ?? null,
    streamedWeightShare: streamedWeightShare(workload, device, notes),
    onchipActivationBytes: keepsOnChip(device) ? (device.onchip?.value ?? 0) / 2 : 0,
  };
}

function positive(value: number | undefined): number | null {
  return value !== undefined && Number.isFinite(value) && value > 0 ? value : null;
}

function coreShare(device: Device, threads: number | undefined, notes: Set<string>): number {
  const asked = positive(threads);
  if (asked === null) return 1;
  if (!device.cores) {
    notes.add('threads ignored: not a CPU');
    return 1;
  }
  return Math.min(1, asked / device.cores.value);
}

/**
 * An NPU that keeps weights on the chip reads only what does not fit there. Microcontrollers read
 * theirs from flash, other processors from memory, once a run.
 */
function streamedWeightShare(workload: Workload, device: Device, notes: Set<string>): number {
  const { weightBytes } = workload;
  if (!keepsOnChip(device) || !device.onchip || weightBytes === null || weightBytes <= 0) return 1;
  const resident = Math.min(1, device.onchip.value / weightBytes);
  if (resident === 1) notes.add('weights stay in on-chip memory between runs');
  return 1 - resident;
}

/** NPUs are built around a scratchpad; caches of other processors are left to the memory efficiency. */
function keepsOnChip({ processor }: Device): boolean {
  return processor === 'npu' || processor === 'micro-npu';
}

function itemCost(
  item: WorkItem,
  device: Device,
  model: ProcessorModel,
  conditions: RunConditions,
): ItemCost {
  const time = itemTime(item, device, model, conditions);
  if (time === null) return { item, time, joules: null };
  return { item, time, joules: itemJoules(time, device, conditions.coreShare) };
}

/** Idle power over the whole time; dynamic power as far as the item is busy. Monotone in all times. */
function itemJoules(time: ItemTime, device: Device, cores: number): number {
  const { computeSeconds, memorySeconds, launchSeconds } = time;
  const seconds = secondsOf(time);
  const idle = device.idlePower.value + (device.hostPower?.value ?? 0);
  const shared = sharedPower.value;
  const dynamic =
    Math.max(0, device.activePower.value - device.idlePower.value) *
    (shared + (1 - shared) * cores);
  const busy =
    Math.max(computeSeconds, memoryBoundPower.value * memorySeconds) +
    launchPower.value * launchSeconds;
  return idle * seconds + dynamic * busy;
}

function secondsOf(time: ItemTime): number {
  return Math.max(time.computeSeconds, time.memorySeconds) + time.launchSeconds;
}

interface Totals {
  readonly seconds: number | null;
  readonly joules: number | null;
  readonly precision: string | null;
  readonly constants: readonly Constant[];
}

function sumCosts(costs: readonly ItemCost[], notes: Set<string>): Totals {
  const macsByPrecision = new Map<string, number>();
  const constants = new Set<Constant>();
  let seconds = 0;
  let joules = 0;
  let known = 0;
  for (const { item, time, joules: itemEnergy } of costs) {
    if (time === null || itemEnergy === null) continue;
    known++;
    seconds += secondsOf(time);
    joules += itemEnergy;
    for (const note of time.notes) notes.add(note);
    for (const used of time.constants) constants.add(used);
    if (item.macs !== null) {
      const name = time.precision === 'tf32' ? 'float32' : time.precision;
      macsByPrecision.set(name, (macsByPrecision.get(name) ?? 0) + item.macs);
    }
  }
  const usable = known > 0 && Number.isFinite(seconds) && Number.isFinite(joules);
  return {
    seconds: usable ? seconds : null,
    joules: usable ? joules : null,
    precision: largest(macsByPrecision),
    constants: [...constants],
  };
}

function largest(weights: ReadonlyMap<string, number>): string | null {
  let best: string | null = null;
  let most = -1;
  for (const [name, weight] of weights) {
    if (weight > most) [best, most] = [name, weight];
  }
  return best;
}

/** Items count alike: what an unknown operator costs is not known, so neither is its weight. */
function knownShare(costs: readonly ItemCost[]): number {
  if (costs.length === 0) return 0;
  return costs.reduce((sum, { time }) => sum + (time?.known ?? 0), 0) / costs.length;
}

/** Upwards the interval also covers unknown items, as if they cost on average what the known ones do. */
function spread(mid: number | null, factor: number, coverage: number): Range | null {
  if (mid === null) return null;
  const missing = 1 / Math.max(coverage, minimumCoverage);
  return { low: mid / factor, mid, high: mid * factor * missing };
}

/** Below this the upper bound would be a number without meaning; the coverage says so itself. */
const minimumCoverage = 0.02;

/** Wider where the watts themselves are guesses. */
const weakPowerFactor = 1.3;

function intervalFactor(model: ProcessorModel, device: Device, notes: Set<string>): number {
  const base = model.intervalFactor.value;
  if (device.activePower.confidence !== 'low') return base;
  notes.add('active power of the device is a guess: interval widened');
  return base * weakPowerFactor;
}

function coverageNote(coverage: number): string {
  const percent = Math.floor(coverage * 100);
  return `work known for ${percent} % of the operators: the upper bound allows for the rest`;
}

/** How stored weights and activations shrink when all float work is converted. */
function memoryScale(workload: Workload, device: Device, conditions: RunConditions) {
  const float = mostWeight(workload.items);
  const wanted = conditions.precision;
  const { batch } = conditions;
  if (float === null) return { batch, weightFactor: 1, activationFactor: 1 };
  if (wanted === null) {
    const factor = resolvePrecision(device, float).byteFactor;
    return { batch, weightFactor: factor, activationFactor: factor };
  }
  const ratio = widthRatio(wanted, float);
  const narrow = ratio < 0.25;
  return { batch, weightFactor: ratio, activationFactor: narrow ? 1 : ratio };
}

/** The float dtype that most weight bytes are computed in; null when the work is integer. */
function mostWeight(items: readonly WorkItem[]): DataType | null {
  const bytesByDtype = new Map<DataType, number>();
  for (const { computeDtype, weightBytes } of items) {
    if (computeDtype === null) continue;
    bytesByDtype.set(computeDtype, (bytesByDtype.get(computeDtype) ?? 0) + weightBytes);
  }
  const dtype = largest(bytesByDtype) as DataType | null;
  return dtype?.includes('float') ? dtype : null;
}

function perNode(costs: readonly ItemCost[], total: number | null): readonly NodeEstimate[] {
  return costs.map(({ item, time, joules }) => ({
    name: item.name,
    energyJoules: joules,
    share: joules === null || total === null || total <= 0 ? null : joules / total,
    bound: time?.bound ?? null,
  }));
}

const joulesPerKwh = 3.6e6;

function carbonOf(
  energy: Range | null,
  device: Device,
  region: string | number,
  notes: Set<string>,
): { readonly grams: Range | null; readonly source: string | null } {
  const intensity = carbonIntensity(region);
  if (intensity.kind === 'problem') {
    notes.add(intensity.problem.message);
    return { grams: null, source: null };
  }
  const pue = pueOf(device);
  notes.add(
    `carbon: ${intensity.gramsPerKwh} g/kWh, PUE ${pue.value}; making the device not counted`,
  );
  const grams = energy && scaled(energy, (pue.value * intensity.gramsPerKwh) / joulesPerKwh);
  return { grams, source: intensity.source };
}

function baseConstants(device: Device, model: ProcessorModel): readonly Constant[] {
  return [
    device.idlePower,
    device.activePower,
    ...(device.hostPower ? [device.hostPower] : []),
    device.memoryBandwidth,
    model.memoryEfficiency,
    model.launchSeconds,
    model.halfEfficiencyOps,
    model.intervalFactor,
    memoryBoundPower,
    launchPower,
    ...(pueOf(device).value === 1 ? [] : [pueOf(device)]),
  ];
}

function sourcesOf(constants: readonly Constant[], carbon: string | null): readonly string[] {
  const texts = constants.map(describeConstant);
  return [...new Set([...texts, ...(carbon === null ? [] : [carbon])])];
}
