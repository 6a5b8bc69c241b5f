/**
 * Checks the uncalibrated estimate against published measurements, and fits the coefficients in
 * server/src/core/cost/processors.ts.
 *
 *   npx tsx bench/energy-first-check.ts measured-energy.tsv [--fit]
 *
 * The table has one measurement a row: device_id, model, params_M, gmacs, precision, scenario, batch,
 * value (joules), energy_boundary, flags. It is not part of the repository; docs/energy.md says what
 * it holds. Models are known by their MACs and parameters only, so each becomes a chain of equal layers.
 */
import { readFileSync } from 'node:fs';
import { constant } from '../server/src/core/cost/constant';
import { findDevice, processorKinds } from '../server/src/core/cost/devices';
import type { Device, ProcessorKind } from '../server/src/core/cost/devices';
import { estimateWith } from '../server/src/core/cost/energy';
import { processorModel } from '../server/src/core/cost/processors';
import type { ProcessorModel } from '../server/src/core/cost/processors';
import type { DataType } from '../server/src/core/dtype';
import { dataTypeInfo } from '../server/src/core/dtype';
import type { Workload } from '../server/src/core/workload';
import { item, modelWorkload, workloadOf } from '../test/unit/cost/published-workload';

interface Case {
  readonly row: string;
  readonly device: Device;
  readonly model: string;
  readonly measuredJoules: number;
  readonly workload: Workload;
  readonly batch: number;
}

/** Rows that say of themselves that MACs, power or model do not match what was run. */
const unusable =
  /suspect|exclude|variable_length|embedding|pipeline|meter_resolution|power_estimated/;

/** The tables leave the batch of throughput scenarios open; accelerators are fed in batches like this. */
const throughputBatch = 64;

/** MACs of models that a wall-meter table names without them, from torchvision's model pages. */
const macsOf: Readonly<Record<string, number>> = {
  ResNet50: 4.09e9,
  ResNet101V2: 7.8e9,
  ResNet152: 11.51e9,
  VGG16: 15.47e9,
  VGG19: 19.63e9,
  DenseNet121: 2.83e9,
  ConvNeXtTiny: 4.46e9,
  ConvNeXtSmall: 8.68e9,
};

const dtypes: Readonly<Record<string, DataType>> = {
  fp32: 'float32',
  fp16: 'float16',
  bf16: 'bfloat16',
  fp8: 'float8e4m3fn',
  int8: 'int8',
  'int8,fp16': 'int8',
};

type Row = ReadonlyMap<string, string>;

function readRows(path: string): readonly Row[] {
  const [header = '', ...lines] = readFileSync(path, 'utf8').split('\n');
  const names = header.split('\t');
  return lines.map((line) => {
    const cells = line.split('\t');
    return new Map(names.map((name, index) => [name, cells[index] ?? '']));
  });
}

function toCase(row: Row): readonly Case[] {
  const cell = (name: string): string => row.get(name) ?? '';
  const device = findDevice(cell('device_id'));
  const listed = device?.class === 'desktop' ? macsOf[cell('model')] : undefined;
  const macs = listed ?? Number(cell('gmacs')) * 1e9;
  if (!device || !(macs > 0)) return [];
  if (listed === undefined && unusable.test(cell('flags'))) return [];
  if (!/^(full|MCU|whole)/.test(cell('energy_boundary'))) return [];
  const scenario = cell('scenario');
  const throughput = scenario === 'Offline' || scenario === 'Server';
  // One board works in the other scenarios while the meter sees all of them.
  if (!throughput && Number(cell('n_accel')) > 1) return [];
  const dtype = dtypes[cell('precision')] ?? 'int8';
  const stated = scenario === 'MultiStream' ? 8 : Number(cell('batch')) || 1;
  return [
    {
      row: cell('row_id'),
      device,
      model: cell('model'),
      measuredJoules: Number(cell('value')),
      workload: modelWorkload(cell('model'), macs, Number(cell('params_M')) * 1e6, dtype),
      batch: throughput && device.processor !== 'arm-cpu' ? throughputBatch : stated,
    },
  ];
}

/** With more sequences the key-value cache, whose size the table does not tell, outweighs the weights. */
const weightBoundSequences = 16;

/** One token of every sequence on one board: the weights are read once, the key-value cache is left out. */
function toDecodeCase(row: Row): readonly Case[] {
  const cell = (name: string): string => row.get(name) ?? '';
  const board = findDevice(cell('device_id'));
  const sequences = Number(/max_num_seqs=(\d+)/.exec(cell('scenario'))?.[1]);
  const parameters = Number(cell('params_M')) * 1e6;
  const dense = cell('active_params_M') === '' || cell('active_params_M') === cell('params_M');
  if (
    board?.processor !== 'gpu' ||
    !(sequences > 0 && sequences <= weightBoundSequences) ||
    !(parameters > 0) ||
    !dense
  )
    return [];
  if (cell('metric') !== 'energy_per_output_token' || Number(cell('n_accel')) !== 1) return [];
  return [
    {
      row: cell('row_id'),
      // These joules are the board's own counter's.
      device: { ...board, hostPower: null },
      model: cell('model'),
      measuredJoules: Number(cell('value')),
      workload: decodeWorkload(parameters, dtypes[cell('precision')] ?? 'bfloat16'),
      batch: sequences,
    },
  ];
}

/** 32 blocks of 5 products, as dense decoders have them. */
function decodeWorkload(parameters: number, dtype: DataType): Workload {
  const products = 32 * 5;
  const weightBytes = (parameters * (dataTypeInfo(dtype).bits ?? 16)) / 8 / products;
  const one = item({
    kind: 'matmul',
    opType: 'MatMul',
    macs: parameters / products,
    readBytes: weightBytes,
    weightBytes,
    computeDtype: dtype,
  });
  return workloadOf(Array.from({ length: products }, () => one));
}

/** ln(estimate / measured) of one inference. */
function logError(
  model: ProcessorModel,
  { workload, device, batch, measuredJoules }: Case,
): number {
  const energy = estimateWith(model, workload, device, { batch }).energyPerSampleJoules;
  return energy ? Math.log(energy.mid / measuredJoules) : Number.NaN;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

const percentError = (log: number): number => Math.abs(Math.exp(log) - 1) * 100;

function byDevice(cases: readonly Case[]): ReadonlyMap<string, readonly Case[]> {
  const groups = new Map<string, Case[]>();
  for (const one of cases) {
    const group = groups.get(one.device.id) ?? [];
    group.push(one);
    groups.set(one.device.id, group);
  }
  return groups;
}

/** Devices count alike, however many rows they have. */
function loss(model: ProcessorModel, cases: readonly Case[]): number {
  const groups = [...byDevice(cases).values()];
  const losses = groups.map((group) => {
    const errors = group.map((one) => Math.abs(logError(model, one)));
    return errors.reduce((sum, error) => sum + error, 0) / errors.length;
  });
  return losses.reduce((sum, one) => sum + one, 0) / losses.length;
}

const fittedKeys = ['floatEfficiency', 'int8Efficiency', 'halfEfficiencyOps'] as const;

/** The best of several starts: large half-efficiency work and high efficiency trade against each other. */
function fit(shipped: ProcessorModel, cases: readonly Case[]): ProcessorModel {
  const starts = [1e-2, 1, 1e2].flatMap((half) =>
    [1, 2.5].map((efficiency) => {
      const scaled = (key: (typeof fittedKeys)[number], factor: number) =>
        constant(
          Math.min(key === 'halfEfficiencyOps' ? 1e12 : 1, shipped[key].value * factor),
          shipped[key].unit,
          'medium',
          'fit',
        );
      return {
        ...shipped,
        floatEfficiency: scaled('floatEfficiency', efficiency),
        int8Efficiency: scaled('int8Efficiency', efficiency),
        halfEfficiencyOps: scaled('halfEfficiencyOps', half),
      };
    }),
  );
  const found = starts.map((start) => descend(start, cases));
  return found.reduce((best, one) => (one.loss < best.loss ? one : best)).model;
}

/** Coordinate search on a shrinking multiplicative grid; the loss has no useful derivative. */
function descend(
  start: ProcessorModel,
  cases: readonly Case[],
): { readonly model: ProcessorModel; readonly loss: number } {
  let best = start;
  let bestLoss = loss(start, cases);
  for (const step of [3, 1.7, 1.3, 1.12, 1.05]) {
    for (let round = 0; round < 3; round++) {
      for (const key of fittedKeys) {
        for (const factor of [step, 1 / step]) {
          const value = best[key].value * factor;
          if (key !== 'halfEfficiencyOps' && value > 1) continue;
          const next = { ...best, [key]: constant(value, best[key].unit, 'medium', 'fit') };
          const nextLoss = loss(next, cases);
          if (nextLoss < bestLoss) [best, bestLoss] = [next, nextLoss];
        }
      }
    }
  }
  return { model: best, loss: bestLoss };
}

interface Score {
  readonly rows: number;
  readonly mdape: number;
  readonly p90: number;
  readonly bias: number;
  readonly factor90: number;
  readonly covered: number;
}

/** Every figure is the mean over devices, each device's rows weighing alike. */
function score(errors: readonly (readonly number[])[], factor: number): Score {
  const mean = (of: (group: readonly number[]) => number): number =>
    errors.reduce((sum, group) => sum + of(group), 0) / errors.length;
  const balanced = errors.flatMap((group) =>
    Array.from({ length: 200 }, (_, index) => quantile(group.map(Math.abs), (index + 0.5) / 200)),
  );
  return {
    rows: errors.reduce((sum, group) => sum + group.length, 0),
    mdape: mean((group) => quantile(group.map(percentError), 0.5)),
    p90: mean((group) => quantile(group.map(percentError), 0.9)),
    bias: mean((group) => Math.exp(quantile(group, 0.5))),
    factor90: Math.exp(quantile(balanced, 0.9)),
    covered: mean(
      (group) => group.filter((error) => Math.abs(error) <= Math.log(factor)).length / group.length,
    ),
  };
}

function print(label: string, { rows, mdape, p90, bias, factor90, covered }: Score): void {
  const cells = [
    `${rows} rows`,
    `MdAPE ${mdape.toFixed(0)} %`,
    `p90 ${p90.toFixed(0)} %`,
    `median ratio ${bias.toFixed(2)}`,
    `90 % factor ${factor90.toFixed(2)}`,
    `covered ${(covered * 100).toFixed(0)} %`,
  ];
  console.log(`${label.padEnd(34)} ${cells.join('  ')}`);
}

function report(kind: ProcessorKind, cases: readonly Case[], fitting: boolean): void {
  const shipped = processorModel(kind);
  const groups = byDevice(cases);
  const factor = shipped.intervalFactor.value;
  const errorsOf = (model: ProcessorModel, group: readonly Case[]): readonly number[] =>
    group.map((one) => logError(model, one));
  const model = fitting ? fit(shipped, cases) : shipped;
  if (fitting) {
    const values = fittedKeys.map((key) => `${key} ${model[key].value.toPrecision(3)}`);
    console.log(`\n${kind}: ${values.join(', ')}`);
  }
  print(
    kind,
    score(
      [...groups.values()].map((group) => errorsOf(model, group)),
      factor,
    ),
  );
  for (const [id, group] of groups) print(`  ${id}`, score([errorsOf(model, group)], factor));
  if (!fitting || groups.size < 3) return;
  const heldOut = [...groups].map(([id, group]) => {
    const others = cases.filter((one) => one.device.id !== id);
    return errorsOf(fit(shipped, others), group);
  });
  print('  each device from the others', score(heldOut, factor));
}

const [path, flag] = process.argv.slice(2);
if (path === undefined) {
  console.error('usage: npx tsx bench/energy-first-check.ts measured-energy.tsv [--fit]');
  process.exit(2);
}
const rows = readRows(path);
const cases = rows.flatMap(toCase);
for (const kind of processorKinds) {
  const own = cases.filter(({ device }) => device.processor === kind);
  if (own.length > 0) report(kind, own, flag === '--fit');
  else console.log(`${kind.padEnd(34)} no row: coefficients are assumptions`);
}

console.log('\nDense text decoding, one board, joules of its own counter (not fitted):');
report('gpu', rows.flatMap(toDecodeCase), false);
