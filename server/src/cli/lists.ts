import { devices, type Device } from '../core/cost/devices';
import { formatBytes } from '../core/format';
import { rules } from '../core/rules/index';
import { writeJson, type ExitCode, type Io } from './io';

/** `green-ai devices`. */
export function listDevices(format: 'text' | 'json', io: Io): ExitCode {
  if (format === 'json') writeJson(io, { schemaVersion: 1, devices: devices.map(deviceJson) });
  else {
    const width = Math.max(...devices.map(({ id }) => id.length));
    for (const device of devices) {
      const memory = device.ram === null ? '' : formatBytes(device.ram.value);
      io.out(
        `${device.id.padEnd(width)}  ${device.class.padEnd(16)} ${memory.padStart(10)}  ${device.name}\n`,
      );
    }
  }
  return 0;
}

/** A device as JSON: every constant with unit, source and confidence. */
function deviceJson(device: Device): unknown {
  return { ...device, peakOpsPerSecond: Object.fromEntries(device.peakOpsPerSecond) };
}

/** `green-ai rules`. */
export function listRules(format: 'text' | 'json', io: Io): ExitCode {
  if (format === 'json') {
    writeJson(io, {
      schemaVersion: 1,
      rules: rules.map(({ meta, target }) => ({ ...meta, target })),
    });
  } else {
    const width = Math.max(...rules.map(({ meta }) => meta.id.length));
    for (const { meta, target } of rules) {
      io.out(
        `${meta.id.padEnd(width)}  ${meta.severity.padEnd(7)}  ${target.padEnd(9)}  ${meta.title}\n`,
      );
    }
  }
  return 0;
}
