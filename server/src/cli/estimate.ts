import { findDevice, suggestDeviceIds, type Device } from '../core/cost/devices';
import {
  energyMethodVersion,
  estimate,
  type Estimate,
  type EstimateOptions,
} from '../core/cost/energy';
import { workloadOfConfig } from '../core/config/workload';
import {
  formatBytes,
  formatGrams,
  formatJoules,
  formatPercent,
  formatSeconds,
} from '../core/format';
import { openModel } from '../engine';
import { readConfigFile } from '../config-file';
import { UsageError, fail, noteUnknownDims, type ExitCode, type Io } from './io';
import { Rows, writeLongJson } from './long-json';
import { oneLine, printable } from './terminal';

export interface EstimateFlags {
  readonly devices: readonly Device[];
  readonly dims: ReadonlyMap<string, number>;
  readonly options: EstimateOptions;
  readonly prompt?: number | undefined;
  readonly generate?: number | undefined;
  /** Text without assumptions and sources. */
  readonly brief: boolean;
  readonly format: 'text' | 'json';
}

/** Devices of a comma-separated list; a wrong id is answered with near ones. */
export function parseDevices(list: string): readonly Device[] {
  return list.split(',').map((text) => {
    const id = text.trim();
    const device = findDevice(id);
    if (device) return device;
    const near = suggestDeviceIds(id);
    const hint = near.length > 0 ? `did you mean ${near.join(' or ')}?` : 'see "green-ai devices"';
    throw new UsageError(`--device ${id}: no such device; ${hint}`);
  });
}

/** `green-ai estimate`: time, energy, carbon and memory of one run on each device. */
export async function estimateCommand(
  path: string,
  flags: EstimateFlags,
  io: Io,
): Promise<ExitCode> {
  const estimateOn = await estimatorFor(path, flags, io);
  if (typeof estimateOn === 'string') return fail(io, `${path}: ${estimateOn}`);
  const { devices } = flags;
  if (flags.format === 'text') {
    io.out(`${oneLine(path)}\n`);
    for (const [index, device] of devices.entries()) {
      io.out(`${index === 0 ? '' : '\n'}${estimateText(estimateOn(device), flags.brief)}`);
    }
    return 0;
  }
  await writeLongJson(io, {
    schemaVersion: 1,
    methodVersion: energyMethodVersion,
    file: path,
    // One at a time: each has a line for every node.
    estimates: new Rows('[]', estimateRows(devices, estimateOn)),
  });
  return 0;
}

type Estimator = (device: Device) => Estimate;

function* estimateRows(
  devices: readonly Device[],
  estimateOn: Estimator,
): Generator<Readonly<Record<string, unknown>>> {
  for (const device of devices) {
    const made = estimateOn(device);
    yield { ...made, perNode: new Rows('[]', nodeRows(made)) };
  }
}

function* nodeRows({ perNode }: Estimate): Generator<string> {
  for (const node of perNode) yield JSON.stringify(node);
}

/** For one model or config; otherwise the reason why there is none. */
async function estimatorFor(
  path: string,
  { dims, options, prompt, generate }: EstimateFlags,
  io: Io,
): Promise<Estimator | string> {
  if (!path.toLowerCase().endsWith('.onnx')) {
    const config = await readConfigFile(io.host, path);
    if (typeof config === 'string') return config;
    const { analysis } = config;
    if (analysis.format === null) {
      return analysis.problems[0]?.message ?? 'no model or model config of a known format';
    }
    const workload = workloadOfConfig(analysis, {
      ...(prompt !== undefined && { prompt }),
      ...(generate !== undefined && { generate }),
      ...(options.batch !== undefined && { batch: options.batch }),
    });
    return (device) => estimate(workload, device, options);
  }
  const opened = await openModel(io.host, path, { dims, estimate: options, signal: io.signal });
  if (opened.kind === 'unreadable') return opened.reason;
  if (opened.kind === 'broken') return opened.problems[0]?.message ?? 'not readable';
  try {
    const { analysis } = opened.model;
    noteUnknownDims(io, dims, analysis.model);
    return (device) => analysis.estimateOn(device);
  } finally {
    await opened.model.close();
  }
}

function estimateText(made: Estimate, brief: boolean): string {
  const fits = made.fits === null ? 'unknown' : made.fits ? 'fits' : 'does not fit';
  const top = made.perNode
    .filter(({ share }) => share !== null)
    .sort((a, b) => (b.share ?? 0) - (a.share ?? 0))
    .slice(0, 5);
  const lines = [
    `${made.device} (${made.runtime}, ${made.precision}, batch ${made.batch}; ${made.boundary})`,
    `  energy  ${formatJoules(made.energyJoules)}`,
    `  time    ${formatSeconds(made.latencySeconds)}`,
    `  carbon  ${formatGrams(made.carbonGrams)} CO2e`,
    `  memory  ${formatBytes(made.peakMemoryBytes)}, ${fits}`,
    `  known   ${formatPercent(made.coverage)} of the operators; ranges hold ${formatPercent(made.interval)}`,
    ...top.map(
      ({ name, share, bound }) =>
        `  ${formatPercent(share).padStart(7)}  ${printable(name)}${bound === null ? '' : ` (${bound})`}`,
    ),
    ...(brief ? [] : made.assumptions.map((text) => `  assumed ${oneLine(text)}`)),
    ...(brief ? [] : made.sources.map((text) => `  source  ${oneLine(text)}`)),
  ];
  return `${lines.join('\n')}\n`;
}
