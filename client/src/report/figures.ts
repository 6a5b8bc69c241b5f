import {
  formatPercent,
  type DeviceChoice,
  type ModelReport,
  type RangeFigure,
  type ReportEstimate,
  type ReportLayer,
} from '../../../server/src/protocol';

/** `−74 %`, `+3 %`, `unchanged`; null when there is nothing to compare. */
export function changeText(before: number | null, after: number | null): string | null {
  if (before === null || after === null || !(before > 0) || !Number.isFinite(after)) return null;
  const change = after / before - 1;
  if (change === 0) return 'unchanged';
  return `${change < 0 ? '−' : '+'}${formatPercent(Math.abs(change))}`;
}

/** `97.2 %`: accuracies differ in the tenths. */
export function accuracyText(accuracy: number | null): string {
  return accuracy === null ? 'not measured' : `${Number((accuracy * 100).toFixed(1)).toString()} %`;
}

/** How many of the heaviest layers make up `target` of the energy; null when they are not known to. */
export function paretoCount(layers: readonly ReportLayer[], target: number): number | null {
  let sum = 0;
  const index = layers.findIndex(({ share }) => (sum += share ?? 0) >= target);
  return index < 0 ? null : index + 1;
}

/** One sentence over the layers: where the energy goes. */
export function paretoText({ layers, otherLayers, coverage }: ModelReport): string {
  const total = layers.length + otherLayers.count;
  if (layers.every(({ share }) => share === null)) {
    return `${counted(total, 'layer')} of unknown energy.`;
  }
  const count = paretoCount(layers, 0.8);
  if (count === null || total === 1) return `${counted(total, 'layer')}.`;
  const energy = coverage < 1 ? 'known energy' : 'energy';
  return `${count} of ${counted(total, 'layer')} ${count === 1 ? 'uses' : 'use'} 80 % of the ${energy}.`;
}

/** `1 layer`, `3 layers`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

/** `1.2 to 3.4 mJ, middle estimate 2 mJ`: for those who hear the graphic. */
export function spokenRange(
  range: RangeFigure,
  format: (value: number | RangeFigure) => string,
): string {
  return `${format(range).replace('–', ' to ')}, middle estimate ${format(range.mid)}`;
}

export const sortKeys = ['device', 'energy', 'time', 'carbon', 'memory'] as const;
export type SortKey = (typeof sortKeys)[number];

/** Estimates in the order of a column; devices that the model does not fit on and unknown figures come last. */
export function sortedEstimates(
  estimates: readonly ReportEstimate[],
  key: SortKey,
): readonly ReportEstimate[] {
  const figure = (estimate: ReportEstimate): number => {
    switch (key) {
      case 'energy':
        return estimate.energyJoules?.mid ?? Infinity;
      case 'time':
        return estimate.latencySeconds?.mid ?? Infinity;
      case 'carbon':
        return estimate.carbonGrams?.mid ?? Infinity;
      case 'memory':
        return estimate.peakMemoryBytes ?? Infinity;
      case 'device':
        return 0;
    }
  };
  return estimates.toSorted((a, b) => {
    if (key === 'device') return a.deviceName.localeCompare(b.deviceName);
    const byFit = Number(a.fits === false) - Number(b.fits === false);
    // Infinity less Infinity is no number.
    const [left, right] = [figure(a), figure(b)];
    const byFigure = left === right ? 0 : left - right;
    return byFit || byFigure || a.deviceName.localeCompare(b.deviceName);
  });
}

/** What `devices` are called together, in the order of the list. */
export interface DeviceGroup {
  readonly name: string;
  readonly devices: readonly DeviceChoice[];
}

const classNames: ReadonlyMap<string, string> = new Map([
  ['mcu', 'Microcontrollers'],
  ['phone', 'Phones'],
  ['sbc', 'Single-board computers'],
  ['edge-accelerator', 'Edge accelerators'],
  ['laptop', 'Laptops'],
  ['desktop', 'Desktops'],
  ['server-cpu', 'Server CPUs'],
  ['gpu', 'GPUs'],
  ['tpu', 'TPUs'],
]);

/** By class; a class of later days is called by its id. */
export function deviceGroups(devices: readonly DeviceChoice[]): readonly DeviceGroup[] {
  const byClass = new Map<string, DeviceChoice[]>();
  for (const device of devices) {
    const group = byClass.get(device.class);
    if (group) group.push(device);
    else byClass.set(device.class, [device]);
  }
  return [...byClass].map(([id, members]) => ({
    name: classNames.get(id) ?? id,
    devices: members,
  }));
}

/** What can be compared with `current`, which is always among them: one device of each class first. */
export function comparisonGroups(
  devices: readonly DeviceChoice[],
  current: string,
): readonly DeviceGroup[] {
  const groups = deviceGroups(devices);
  const own = devices.filter(({ id }) => id === current);
  const withOwn = (members: readonly DeviceChoice[]): readonly DeviceChoice[] =>
    members.some(({ id }) => id === current) ? members : [...own, ...members];
  const typical = groups.flatMap(
    (group) => group.devices.find(({ id }) => id === current) ?? group.devices.slice(0, 1),
  );
  return [
    { name: 'One device of each kind', devices: withOwn(typical) },
    ...groups.map(({ name, devices: members }) => ({ name, devices: withOwn(members) })),
    { name: 'All devices', devices },
  ];
}
