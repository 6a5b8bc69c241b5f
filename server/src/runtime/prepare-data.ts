import path from 'node:path';
import { shortName } from '../core/format';
import type { Problem } from '../core/problem';
import { readLabels, type Labels } from '../core/verify/accuracy';
import { parsed, refused, type Parsed } from '../core/verify/parsed';
import { randomData } from '../core/verify/random';
import { arrangeSamples, type ModelInput } from '../core/verify/samples';
import type { Host } from '../host';
import type { Workset } from './comparison';
import { findLabels, findTestData, readLabelsFile, readTestData, type DataSet } from './find-data';

/** What to feed the models, and how much of it. */
export interface DataRequest {
  /** `beside`: what lies beside the original, else random. A list: files or folders. */
  readonly inputs: 'beside' | 'random' | readonly string[];
  /** A file; `beside`: what lies beside the original, if anything. */
  readonly labels?: string | null;
  readonly maxSamples?: number;
  /** Rows per run where the model takes any number. 1 is how devices run, and what dynamic quantisation depends on. */
  readonly batchRows?: number;
  readonly seed?: number;
}

export interface PreparedData {
  readonly work: Workset;
  readonly kind: 'calibration' | 'random';
  readonly majorityShare: number;
  readonly notes: readonly string[];
  readonly problems: readonly Problem[];
}

/** The deadline ends a run long before so many samples do; this only bounds their list. */
const defaultMaxSamples = 10_000;
const randomSamples = 8;

/** Reads, matches and splits the data for a model with these inputs. Refuses what was asked for and cannot be had. */
export async function prepareData(
  host: Host,
  modelPath: string,
  inputs: readonly ModelInput[],
  request: DataRequest,
): Promise<Parsed<PreparedData>> {
  if (request.inputs === 'random') return prepareRandom(inputs, request, []);
  const names = inputs.map((input) => input.name);
  const found =
    request.inputs === 'beside'
      ? await findTestData(host, modelPath, names)
      : await readTestData(host, request.inputs, names);
  const arranged = found.ok ? arrange(inputs, found.value, request) : found;
  if (!arranged.ok) {
    // Nobody asked for what happens to lie there: say so and go on without.
    return request.inputs === 'beside'
      ? prepareRandom(inputs, request, [arranged.problem])
      : arranged;
  }
  if (arranged.value.length === 0) {
    if (request.inputs === 'beside') return prepareRandom(inputs, request, []);
    return refused(
      'test-data-missing',
      'The given folder holds no .npz, .npy or test_data_set_* data.',
    );
  }
  const labels = await labelsFor(host, modelPath, names, found.ok ? found.value : [], request);
  if (!labels.ok && typeof request.labels === 'string') return labels;
  const known = labels.ok ? labels.value : null;
  return parsed({
    work: {
      sets: arranged.value,
      labels: known,
      maxSamples: request.maxSamples ?? defaultMaxSamples,
    },
    kind: 'calibration',
    majorityShare: known?.majorityShare ?? 0,
    notes: [sourceNote(found.ok ? found.value : []), ...notesOf(arranged.value)],
    problems: labels.ok ? [] : [labels.problem],
  });
}

function arrange(
  inputs: readonly ModelInput[],
  sets: readonly DataSet[],
  request: DataRequest,
): Parsed<Workset['sets']> {
  const arranged: Workset['sets'][number][] = [];
  for (const { arrays, expected, positional } of sets) {
    const samples = arrangeSamples(inputs, arrays, {
      batchRows: request.batchRows ?? 1,
      positional,
    });
    if (!samples.ok) return samples;
    arranged.push({ ...samples.value, expected });
  }
  return parsed(arranged);
}

/** Labels as asked for, else beside the model, else an array `labels` in the data that is no input. */
async function labelsFor(
  host: Host,
  modelPath: string,
  inputNames: readonly string[],
  sets: readonly DataSet[],
  request: DataRequest,
): Promise<Parsed<Labels | null>> {
  const beside = request.inputs === 'beside' ? await findLabels(host, modelPath) : null;
  const file = request.labels ?? beside;
  if (file !== null) {
    const data = await readLabelsFile(host, file);
    return data.ok ? readLabels(data.value) : data;
  }
  const within = sets[0]?.arrays.find(
    ({ name }) => name === 'labels' && !inputNames.includes(name),
  );
  return within && sets.length === 1 ? readLabels(within.data) : parsed(null);
}

function prepareRandom(
  inputs: readonly ModelInput[],
  request: DataRequest,
  problems: readonly Problem[],
): Parsed<PreparedData> {
  const samples = Math.min(request.maxSamples ?? randomSamples, randomSamples);
  const random = randomData(inputs, { samples, seed: request.seed ?? 0 });
  if (!random.ok) return random;
  const sets = random.value.sets.map((sample) => ({
    count: 1,
    sample: () => sample,
    notes: [],
    expected: [],
  }));
  return parsed({
    work: { sets, labels: null, maxSamples: samples },
    kind: 'random',
    majorityShare: 0,
    notes: random.value.notes,
    problems,
  });
}

function sourceNote(sets: readonly DataSet[]): string {
  const [first, ...others] = sets.map((set) => shortName(path.basename(set.source), 48));
  return `inputs from ${first ?? 'nowhere'}${others.length > 0 ? ` and ${others.length} more` : ''}`;
}

function notesOf(sets: Workset['sets']): readonly string[] {
  return Array.from(new Set(sets.flatMap((set) => set.notes)));
}
