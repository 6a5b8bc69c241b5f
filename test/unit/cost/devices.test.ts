import assert from 'node:assert/strict';
import { constant, describeConstant, units } from '../../../server/src/core/cost/constant';
import type { Constant } from '../../../server/src/core/cost/constant';
import {
  defaultDevice,
  defaultDeviceId,
  deviceClasses,
  devices,
  findDevice,
  precisions,
  processorKinds,
  suggestDeviceIds,
} from '../../../server/src/core/cost/devices';
import { datacentrePue } from '../../../server/src/core/cost/carbon';
import {
  kindEfficiency,
  launchPower,
  memoryBoundPower,
  processorModel,
  sharedPower,
} from '../../../server/src/core/cost/processors';

function constantsIn(value: unknown, path: string): readonly (readonly [string, Constant])[] {
  if (value instanceof Map) {
    return [...value].flatMap(([key, entry]) => constantsIn(entry, `${path}.${String(key)}`));
  }
  if (typeof value !== 'object' || value === null) return [];
  if ('unit' in value) return [[path, value as Constant]];
  return Object.entries(value).flatMap(([key, entry]) => constantsIn(entry, `${path}.${key}`));
}

const coefficients = processorKinds.map((kind) => [kind, processorModel(kind)] as const);
const everyConstant = [
  ...devices.flatMap((device) => constantsIn(device, device.id)),
  ...coefficients.flatMap(([kind, model]) => constantsIn(model, kind)),
  ...constantsIn({ kindEfficiency, launchPower, memoryBoundPower, sharedPower }, 'shares'),
  ...constantsIn({ datacentrePue }, 'carbon'),
];

describe('device table', () => {
  it('gives every constant a value, unit, source and confidence', () => {
    assert.ok(everyConstant.length > devices.length * 8);
    for (const [path, { value, unit, source, confidence }] of everyConstant) {
      assert.ok(Number.isFinite(value) && value >= 0, `${path}: ${value}`);
      assert.ok(units.includes(unit), `${path}: unit ${unit}`);
      assert.ok(source.trim().length >= 3, `${path}: source "${source}"`);
      assert.ok(['high', 'medium', 'low'].includes(confidence), `${path}: ${confidence}`);
      if (/^(class default|assumption)/.test(source)) assert.equal(confidence, 'low', path);
    }
  });

  it('stores no bare number beside the constants', () => {
    for (const device of devices) {
      for (const [field, value] of Object.entries(device)) {
        assert.notEqual(typeof value, 'number', `${device.id}.${field}`);
      }
    }
  });

  const unitOfField: Readonly<Record<string, string>> = {
    memoryBandwidth: 'B/s',
    ram: 'B',
    onchip: 'B',
    flash: 'B',
    tdp: 'W',
    idlePower: 'W',
    activePower: 'W',
    hostPower: 'W',
    cores: 'cores',
    int8DotProduct: 'flag',
    tensorCores: 'flag',
    sparsity24: 'flag',
  };
  it('uses the unit of the field', () => {
    for (const [path, { unit }] of devices.flatMap((device) => constantsIn(device, ''))) {
      const field = path.split('.')[1] ?? '';
      const expected = field === 'peakOpsPerSecond' ? 'op/s' : unitOfField[field];
      assert.equal(unit, expected, path);
    }
  });

  it('covers every class and every kind of processor, with unique ids', () => {
    assert.ok(devices.length >= 20);
    assert.equal(new Set(devices.map(({ id }) => id)).size, devices.length);
    const classes = new Set(devices.map((device) => device.class));
    assert.deepEqual([...classes].sort(), [...deviceClasses].sort());
    const processors = new Set(devices.map(({ processor }) => processor));
    assert.deepEqual([...processors].sort(), [...processorKinds].sort());
  });

  it('is physically consistent', () => {
    for (const device of devices) {
      const { id, idlePower, activePower, peakOpsPerSecond: peaks, processor, cores } = device;
      assert.ok(idlePower.value > 0 && idlePower.value < activePower.value, `${id} power`);
      assert.ok(device.memoryBandwidth.value > 1e6, `${id} bandwidth`);
      assert.ok(peaks.size > 0, `${id} has no rate`);
      for (const precision of peaks.keys()) assert.ok(precisions.includes(precision), id);
      const isCpu = processor === 'arm-cpu' || processor === 'x86-cpu';
      assert.equal(cores !== null, isCpu, `${id} cores`);
      if (isCpu) assert.ok(peaks.has('float32'), `${id} runs float32`);
      if (processor === 'microcontroller') assert.ok(device.flash && device.ram, `${id} memory`);
      for (const flag of [device.int8DotProduct, device.tensorCores, device.sparsity24]) {
        assert.ok(flag.value === 0 || flag.value === 1, `${id} flag`);
      }
    }
  });

  it('has the spec-sheet figures that vendors print', () => {
    // NVIDIA T4 and A100 data sheets: 65 TFLOPS float16, 130 TOPS int8, 70 W; 312 TFLOPS, 80 GB, 400 W.
    const t4 = findDevice('nvidia-t4');
    assert.equal(t4?.peakOpsPerSecond.get('float16')?.value, 65e12);
    assert.equal(t4.peakOpsPerSecond.get('int8')?.value, 130e12);
    assert.equal(t4.tdp?.value, 70);
    assert.equal(t4.sparsity24.value, 0);
    const a100 = findDevice('nvidia-a100-sxm-80gb');
    assert.equal(a100?.peakOpsPerSecond.get('float16')?.value, 312e12);
    assert.equal(a100.ram?.value, 80e9);
    assert.equal(a100.sparsity24.value, 1);
    // Armv8.0 has no SDOT, Cortex-A76 has.
    assert.equal(findDevice('raspberry-pi-4b')?.int8DotProduct.value, 0);
    assert.equal(findDevice('raspberry-pi-5')?.int8DotProduct.value, 1);
  });

  it('starts with the default device', () => {
    assert.equal(devices[0], defaultDevice);
    assert.equal(defaultDevice.id, defaultDeviceId);
    assert.equal(defaultDevice.class, 'laptop');
  });
});

describe('describeConstant', () => {
  const rows: readonly (readonly [Parameters<typeof constant>, string])[] = [
    [[312e12, 'op/s', 'high', 'data sheet'], '312 Top/s: data sheet'],
    [[0.0425, 'W', 'high', 'rail'], '42.5 mW: rail'],
    [[5e-6, 's', 'low', 'guess'], '5 µs: guess'],
    [[0, 'W', 'low', 'none'], '0 W: none'],
    [[0.68, 'ratio', 'low', 'fit'], '0.68 ratio: fit'],
  ];
  for (const [given, text] of rows) {
    it(text, () => {
      assert.equal(describeConstant(constant(...given)), text);
    });
  }
});

describe('suggestDeviceIds', () => {
  const rows: readonly (readonly [string, string])[] = [
    ['raspbery-pi-4b', 'raspberry-pi-4b'],
    ['Raspberry Pi 5', 'raspberry-pi-5'],
    ['a100', 'nvidia-a100-sxm-40gb'],
    ['laptop', 'laptop-cpu'],
    ['nvidia-T4', 'nvidia-t4'],
  ];
  for (const [typed, meant] of rows) {
    it(`${typed} → ${meant}`, () => {
      assert.ok(suggestDeviceIds(typed).includes(meant), suggestDeviceIds(typed).join());
    });
  }
  it('suggests nothing for nothing and stays small', () => {
    assert.deepEqual(suggestDeviceIds(''), []);
    assert.deepEqual(suggestDeviceIds('x'.repeat(100_000)), []);
    assert.ok(suggestDeviceIds('nvidia').length <= 3);
    assert.equal(findDevice('__proto__'), undefined);
  });
});
