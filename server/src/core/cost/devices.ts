import { nearest } from '../nearest';
import { constant } from './constant';
import type { Confidence, Constant, Unit } from './constant';
import { defaultDeviceId } from './default-device';
import data from './devices.json';

export const deviceClasses = [
  'mcu',
  'phone',
  'sbc',
  'edge-accelerator',
  'laptop',
  'desktop',
  'server-cpu',
  'gpu',
  'tpu',
] as const;
export type DeviceClass = (typeof deviceClasses)[number];

/** What does the arithmetic: decides the efficiencies (`processors.ts`) and which quantisation pays. */
export const processorKinds = [
  'microcontroller',
  'arm-cpu',
  'x86-cpu',
  'mobile-gpu',
  'embedded-gpu',
  'gpu',
  'npu',
  'micro-npu',
] as const;
export type ProcessorKind = (typeof processorKinds)[number];

/** Formats that vendors state a rate for; `tf32` is float32 in memory, multiplied with a shorter mantissa. */
export const precisions = [
  'float32',
  'tf32',
  'float16',
  'bfloat16',
  'float8',
  'int8',
  'int4',
] as const;
export type Precision = (typeof precisions)[number];

/** One target: spec-sheet figures, each with its source. Rates are dense, without 2:4 sparsity. */
export interface Device {
  readonly id: string;
  readonly name: string;
  readonly class: DeviceClass;
  readonly vendor: string;
  readonly processor: ProcessorKind;
  /** A data centre adds cooling and distribution (PUE) to carbon. */
  readonly site: 'local' | 'datacentre';
  /** The runtime that estimates assume: `onnxruntime-cpu`, `tensorrt`, `tflite-micro` … */
  readonly runtime: string;
  /** What the joules cover: `full system, AC wall`. */
  readonly boundary: string;
  /** Operations per second (1 MAC = 2) by format; a format that is absent is not run natively. */
  readonly peakOpsPerSecond: ReadonlyMap<Precision, Constant>;
  /** Bytes per second; on microcontrollers the on-chip bus. */
  readonly memoryBandwidth: Constant;
  /** Bytes of main memory; null when the device uses its host's, whose size is unknown. */
  readonly ram: Constant | null;
  /** Bytes of on-chip memory (last-level cache or scratchpad); null: not published. */
  readonly onchip: Constant | null;
  /** Bytes of program flash, where microcontrollers keep weights. */
  readonly flash: Constant | null;
  /** CPU cores; null for anything that is not a CPU. */
  readonly cores: Constant | null;
  readonly tdp: Constant | null;
  /** Watts inside the boundary, doing nothing and fully busy. */
  readonly idlePower: Constant;
  readonly activePower: Constant;
  /** Watts of the host that belong to one accelerator; null when the device is the system. */
  readonly hostPower: Constant | null;
  /** int8 multiply-accumulate instructions or units (VNNI, SDOT, tensor cores, NPU). */
  readonly int8DotProduct: Constant;
  readonly tensorCores: Constant;
  readonly sparsity24: Constant;
}

export { defaultDeviceId } from './default-device';

/** All devices, the default first. */
export const devices: readonly Device[] = readDevices(data as unknown as DeviceFile);

const byId = new Map(devices.map((device) => [device.id, device]));

export function findDevice(id: string): Device | undefined {
  return byId.get(id);
}

export const defaultDevice: Device = known(defaultDeviceId);

/** Ids that a mistyped one may mean, the likeliest first, at most three. */
export function suggestDeviceIds(typed: string): readonly string[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted.length < 2) return [];
  const ids = devices.map(({ id }) => id);
  const close = nearest(wanted, ids);
  const containing = ids.filter((id) => id.includes(wanted) || wanted.includes(id));
  const parts = wanted.split(/[^a-z0-9]+/).filter((part) => part.length > 1);
  const sharing = ids.filter((id) => parts.length > 0 && parts.every((part) => id.includes(part)));
  return [...new Set([...(close === undefined ? [] : [close]), ...containing, ...sharing])].slice(
    0,
    maxSuggestions,
  );
}

const maxSuggestions = 3;

/** A constant as stored: value, unit, confidence, source. */
type ConstantTuple = readonly [number, Unit, Confidence, string];

type StoredDevice = Pick<
  Device,
  'id' | 'name' | 'class' | 'vendor' | 'processor' | 'site' | 'runtime' | 'boundary'
> & {
  readonly peakOpsPerSecond: Readonly<Partial<Record<Precision, ConstantTuple>>>;
} & Readonly<Record<RequiredConstant, ConstantTuple>> &
  Readonly<Partial<Record<OptionalConstant, ConstantTuple>>>;

type RequiredConstant =
  'memoryBandwidth' | 'idlePower' | 'activePower' | 'int8DotProduct' | 'tensorCores' | 'sparsity24';
type OptionalConstant = 'ram' | 'onchip' | 'flash' | 'cores' | 'tdp' | 'hostPower';

interface DeviceFile {
  readonly devices: readonly StoredDevice[];
}

function readDevices(file: DeviceFile): readonly Device[] {
  return file.devices.map((stored) => ({
    id: stored.id,
    name: stored.name,
    class: stored.class,
    vendor: stored.vendor,
    processor: stored.processor,
    site: stored.site,
    runtime: stored.runtime,
    boundary: stored.boundary,
    peakOpsPerSecond: readPeaks(stored),
    memoryBandwidth: constant(...stored.memoryBandwidth),
    ram: optional(stored.ram),
    onchip: optional(stored.onchip),
    flash: optional(stored.flash),
    cores: optional(stored.cores),
    tdp: optional(stored.tdp),
    idlePower: constant(...stored.idlePower),
    activePower: constant(...stored.activePower),
    hostPower: optional(stored.hostPower),
    int8DotProduct: constant(...stored.int8DotProduct),
    tensorCores: constant(...stored.tensorCores),
    sparsity24: constant(...stored.sparsity24),
  }));
}

function readPeaks(stored: StoredDevice): ReadonlyMap<Precision, Constant> {
  const peaks = new Map<Precision, Constant>();
  for (const precision of precisions) {
    const tuple = stored.peakOpsPerSecond[precision];
    if (tuple) peaks.set(precision, constant(...tuple));
  }
  return peaks;
}

function optional(tuple: ConstantTuple | undefined): Constant | null {
  return tuple ? constant(...tuple) : null;
}

function known(id: string): Device {
  const device = byId.get(id);
  if (!device) throw new Error(`devices.json has no ${id}`);
  return device;
}
