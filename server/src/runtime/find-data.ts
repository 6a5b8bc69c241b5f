import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { formatBytes, shortName } from '../core/format';
import { maxArrayBytes, readNpy } from '../core/verify/npy';
import { readNpz } from '../core/verify/npz';
import { parsed, refused, type Parsed } from '../core/verify/parsed';
import type { NamedTensorData, TensorData } from '../core/verify/tensor-data';
import { readTensorProto } from '../core/verify/tensor-proto';
import type { Host } from '../host';

/** Inputs that belong together: one `.npz`, one `.npy`, one `test_data_set_*` folder. */
export interface DataSet {
  readonly source: string;
  readonly arrays: readonly NamedTensorData[];
  /** Reference outputs (`output_0.pb` …) in the order of the model's; empty when there are none. */
  readonly expected: readonly NamedTensorData[];
  /** Arrays stand in the order of the model's inputs, so that names need not match. */
  readonly positional: boolean;
}

/** Names beside `folder/stem.onnx` that are looked for, the first that exists wins. */
export function dataNamesBeside(modelPath: string): readonly string[] {
  const stem = path.parse(modelPath).name;
  return [`${stem}.inputs.npz`, `${stem}.npz`, 'inputs.npz'];
}

export function labelNamesBeside(modelPath: string): readonly string[] {
  const stem = path.parse(modelPath).name;
  return [`${stem}.labels.npz`, 'labels.npz'];
}

/** Test data that lies beside a model: an `.npz` by name, else `test_data_set_*` folders. Empty when there is none. */
export async function findTestData(
  host: Host,
  modelPath: string,
  inputNames: readonly string[],
): Promise<Parsed<readonly DataSet[]>> {
  const folder = path.dirname(modelPath);
  const file = await firstExisting(host, folder, dataNamesBeside(modelPath));
  if (file !== null) return readTestData(host, [file], inputNames);
  const folders = (await list(folder)).filter((name) => testDataFolder.test(name));
  return readTestData(
    host,
    folders.map((name) => path.join(folder, name)),
    inputNames,
  );
}

/** Path of the labels beside a model, or null. */
export function findLabels(host: Host, modelPath: string): Promise<string | null> {
  return firstExisting(host, path.dirname(modelPath), labelNamesBeside(modelPath));
}

/**
 * Reads files (`.npz`, `.npy`, `.pb`) and folders of them. `.npy` files are one set when one is named as an input
 * of the model, else a set each. A folder's `test_data_set_*` folders are sets; `*labels.npz` is left out.
 */
export async function readTestData(
  host: Host,
  paths: readonly string[],
  inputNames: readonly string[],
): Promise<Parsed<readonly DataSet[]>> {
  const files: string[] = [];
  const protoFolders: string[] = [];
  for (const one of paths) {
    if (await isFolder(one)) await collectFolder(one, files, protoFolders);
    else files.push(one);
  }
  if (files.length + protoFolders.length > maxFiles) {
    return refused('test-data-too-large', `More than ${maxFiles} data files; give fewer samples.`);
  }
  const reader = createReader(host);
  const sets: DataSet[] = [];
  for (const folder of protoFolders) {
    const set = await readProtoFolder(reader, folder);
    if (!set.ok) return set;
    sets.push(set.value);
  }
  for (const file of files.filter((name) => !name.endsWith('.npy'))) {
    const arrays = await readArrays(reader, file);
    if (!arrays.ok) return arrays;
    const positional = file.endsWith('.pb');
    sets.push({ source: file, arrays: arrays.value, expected: [], positional });
  }
  const single = await readNpyFiles(reader, files, inputNames);
  return single.ok ? parsed([...sets, ...single.value]) : single;
}

/** The array `labels` of an `.npz`, or its only one; or a `.npy`. */
export async function readLabelsFile(host: Host, file: string): Promise<Parsed<TensorData>> {
  const arrays = await readArrays(createReader(host), file);
  if (!arrays.ok) return arrays;
  const [only, ...others] = arrays.value;
  const labels =
    arrays.value.find((array) => array.name === 'labels') ??
    (others.length === 0 ? only : undefined);
  return labels
    ? parsed(labels.data)
    : refused('labels-unusable', `${shortName(path.basename(file))} has no array named labels.`);
}

/** A folder of more files than this is not test data for one model. */
const maxFiles = 4096;
const testDataFolder = /^test_data_set_\d+$/;
const protoFile = /^(input|output)_(\d+)\.pb$/;

type Reader = (file: string) => Promise<Parsed<Uint8Array>>;

/** Reads whole files, up to a total that fits in memory. */
function createReader(host: Host): Reader {
  let totalBytes = 0;
  return async (file) => {
    const name = shortName(path.basename(file), 48);
    const source = await host.open(file);
    if (!source) return refused('test-data-missing', `No such data file: ${name}.`);
    try {
      totalBytes += source.byteLength;
      if (totalBytes > maxArrayBytes) {
        const limit = formatBytes(maxArrayBytes);
        return refused(
          'test-data-too-large',
          `With ${name} the data exceeds ${limit}; give fewer samples.`,
        );
      }
      return parsed(await source.read(0, source.byteLength));
    } finally {
      await source.close();
    }
  };
}

async function readArrays(read: Reader, file: string): Promise<Parsed<readonly NamedTensorData[]>> {
  const bytes = await read(file);
  if (!bytes.ok) return bytes;
  const stem = path.parse(file).name;
  switch (path.extname(file)) {
    case '.npz':
      return readNpz(bytes.value);
    case '.npy': {
      const array = readNpy(bytes.value);
      return array.ok ? parsed([{ name: stem, data: array.value }]) : array;
    }
    case '.pb': {
      const tensor = await readTensorProto(bytes.value);
      return tensor.ok ? parsed([tensor.value]) : tensor;
    }
    default: {
      const name = shortName(path.basename(file), 48);
      return refused(
        'test-data-format',
        `${name} is no .npz, .npy or .pb file; save the inputs as one.`,
      );
    }
  }
}

async function readNpyFiles(
  read: Reader,
  files: readonly string[],
  inputNames: readonly string[],
): Promise<Parsed<readonly DataSet[]>> {
  const sets: DataSet[] = [];
  for (const file of files.filter((name) => name.endsWith('.npy'))) {
    const arrays = await readArrays(read, file);
    if (!arrays.ok) return arrays;
    sets.push({ source: file, arrays: arrays.value, expected: [], positional: false });
  }
  const arrays = sets.flatMap((set) => set.arrays);
  const [first] = sets;
  const isOneSet = arrays.some((array) => inputNames.includes(array.name));
  return parsed(first && isOneSet ? [{ ...first, arrays }] : sets);
}

async function readProtoFolder(read: Reader, folder: string): Promise<Parsed<DataSet>> {
  const names = (await list(folder)).filter((name) => protoFile.test(name));
  const tensors: Record<'input' | 'output', NamedTensorData[]> = { input: [], output: [] };
  // By number: input_10 comes after input_9.
  const numberOf = (name: string): number => Number(protoFile.exec(name)?.[2]);
  for (const name of names.sort((a, b) => numberOf(a) - numberOf(b))) {
    const tensor = await readArrays(read, path.join(folder, name));
    if (!tensor.ok) return tensor;
    tensors[name.startsWith('input') ? 'input' : 'output'].push(...tensor.value);
  }
  return parsed({
    source: folder,
    arrays: tensors.input,
    expected: tensors.output,
    positional: true,
  });
}

async function collectFolder(
  folder: string,
  files: string[],
  protoFolders: string[],
): Promise<void> {
  const names = await list(folder);
  if (names.some((name) => protoFile.test(name))) protoFolders.push(folder);
  for (const name of names) {
    if (testDataFolder.test(name)) protoFolders.push(path.join(folder, name));
    else if (/\.np[yz]$/.test(name) && !/labels\.np[yz]$/.test(name))
      files.push(path.join(folder, name));
  }
}

async function firstExisting(
  host: Host,
  folder: string,
  names: readonly string[],
): Promise<string | null> {
  for (const name of names) {
    const file = path.join(folder, name);
    if (await host.exists(file)) return file;
  }
  return null;
}

/** Names in a folder, sorted so that numbers count; empty when it cannot be listed. */
async function list(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names.sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  } catch {
    return [];
  }
}

async function isFolder(file: string): Promise<boolean> {
  try {
    await readdir(file);
    return true;
  } catch {
    return false;
  }
}
