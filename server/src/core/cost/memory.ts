import type { Workload } from '../workload';
import type { Constant } from './constant';
import type { Device } from './devices';
import type { ProcessorModel } from './processors';

/** One store of the device against what the model needs there, in bytes. */
export interface MemoryDemand {
  readonly store: 'ram' | 'flash';
  /** Null: not known. */
  readonly neededBytes: number | null;
  /** What is usable, not the whole store; null: the device's size is not known. */
  readonly availableBytes: number | null;
}

export interface MemoryFit {
  /** Weights + activations alive at the worst moment + runtime; on microcontrollers the RAM part of it. */
  readonly peakMemoryBytes: number | null;
  readonly fits: boolean | null;
  readonly demands: readonly MemoryDemand[];
  readonly constants: readonly Constant[];
}

/** How tensors differ from the file's: another precision, more samples at once. */
export interface MemoryScale {
  readonly batch: number;
  readonly weightFactor: number;
  readonly activationFactor: number;
}

/** Does the model fit? Weights lie in flash where there is some, else in RAM with everything else. */
export function memoryFit(
  workload: Workload,
  device: Device,
  model: ProcessorModel,
  scale: MemoryScale,
): MemoryFit {
  const weights = times(workload.weightBytes, scale.weightFactor);
  const activations = times(workload.peakActivationBytes, scale.activationFactor * scale.batch);
  const runtime = model.runtimeMemoryBytes.value;
  const usable = model.usableMemoryShare.value;
  const inFlash = device.flash !== null;
  const ramNeeded = add(activations, inFlash ? 0 : weights, runtime);
  const demands: MemoryDemand[] = [
    { store: 'ram', neededBytes: ramNeeded, availableBytes: times(device.ram?.value, usable) },
  ];
  if (inFlash) {
    const availableBytes = times(device.flash.value, usable);
    demands.push({ store: 'flash', neededBytes: add(weights, runtime), availableBytes });
  }
  return {
    peakMemoryBytes: ramNeeded,
    fits: verdict(demands),
    demands,
    constants: [
      model.runtimeMemoryBytes,
      model.usableMemoryShare,
      ...(device.ram ? [device.ram] : []),
      ...(device.flash ? [device.flash] : []),
    ],
  };
}

/** One store that overflows is enough for no; one that is unknown is enough to withhold a yes. */
function verdict(demands: readonly MemoryDemand[]): boolean | null {
  const answers = demands.map(({ neededBytes, availableBytes }) =>
    neededBytes === null || availableBytes === null ? null : neededBytes <= availableBytes,
  );
  if (answers.includes(false)) return false;
  return answers.includes(null) ? null : true;
}

/** Products such as 102.4e6 · 0.25 must not gain a byte from binary fractions. */
const rounding = 1e-3;

function times(value: number | null | undefined, factor: number): number | null {
  return value === null || value === undefined ? null : Math.ceil(value * factor - rounding);
}

function add(...values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}
