import type { Device } from '../core/cost/devices';
import { findDevice } from '../core/cost/devices';
import { estimate, type Estimate } from '../core/cost/energy';
import { workloadOfConfig } from '../core/config/workload';
import { formatJoules } from '../core/format';
import type { DeviceComparison, ModelStatus, ReportEstimate } from '../protocol';
import type { Linter } from './linter';
import type { Models } from './models';
import type { FileSettings } from './settings';
import { kindOf, normalized, textAddressOf } from './uris';

export interface Estimates {
  /** The estimates of a model or config; null when there is nothing to estimate. */
  compare(uri: string, devices: readonly string[]): Promise<DeviceComparison | null>;
  status(uri: string): Promise<ModelStatus | null>;
}

/** Estimates on any device, or a sentence why there are none. */
type Estimator =
  | { readonly settings: FileSettings; readonly on: (device: Device) => Estimate }
  | { readonly settings: FileSettings; readonly failure: string };

export function createEstimates(models: Models, linter: Linter): Estimates {
  const estimatorOf = async (given: string): Promise<Estimator | null> => {
    const uri = textAddressOf(given)?.modelUri ?? normalized(given);
    const kind = kindOf(uri);
    if (kind === 'model') {
      const view = await models.open(uri);
      const { settings } = view;
      if (view.kind === 'unreadable') return { settings, failure: view.failure };
      return { settings, on: (device) => view.analysis.estimateOn(device) };
    }
    const linted = kind === 'config' ? await linter.lintedText(uri) : null;
    if (!linted) return null;
    const { settings, config } = linted;
    if (!config) return { settings, failure: 'no model config' };
    const { region } = settings.settings;
    const workload = workloadOfConfig(config);
    return {
      settings,
      on: (device) => estimate(workload, device, { ...(region !== null && { region }) }),
    };
  };
  return {
    compare: async (uri, devices) => {
      const estimator = await estimatorOf(uri);
      if (!estimator || 'failure' in estimator) return null;
      return [...new Set(devices)].flatMap((id) => {
        const device = findDevice(id);
        return device ? [reportEstimate(estimator.on(device), device)] : [];
      });
    },
    status: async (uri) => {
      const estimator = await estimatorOf(uri);
      if (!estimator) return null;
      const { device } = estimator.settings.settings;
      return {
        device: device.id,
        deviceName: device.name,
        energy:
          'failure' in estimator
            ? estimator.failure
            : formatJoules(estimator.on(device).energyJoules),
      };
    },
  };
}

const storeNames = { ram: 'RAM', flash: 'Flash' } as const;

export function reportEstimate(made: Estimate, device: Device): ReportEstimate {
  return {
    device: device.id,
    deviceName: device.name,
    runtime: made.runtime,
    precision: made.precision,
    boundary: made.boundary,
    interval: made.interval,
    energyJoules: made.energyJoules,
    latencySeconds: made.latencySeconds,
    carbonGrams: made.carbonGrams,
    peakMemoryBytes: made.peakMemoryBytes,
    memory: made.memory.flatMap(({ store, neededBytes, availableBytes }) =>
      neededBytes === null || availableBytes === null
        ? []
        : [{ name: storeNames[store], needed: neededBytes, available: availableBytes }],
    ),
    fits: made.fits,
    assumptions: made.assumptions,
    sources: made.sources,
  };
}
