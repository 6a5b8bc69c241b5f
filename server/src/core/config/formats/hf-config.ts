import type { DataType } from '../../dtype';
import { maxMessageLength, shortName } from '../../format';
import type { Architecture, LayerGroup, Part } from '../architecture';
import type { ConfigAnalysis, ConfigLayer } from '../config';
import { familyOf, modelTypeOfArchitecture } from '../families';
import { readFields } from '../fields';
import type { FieldNotes, Fields } from '../fields';
import { createProblemList } from '../parse';
import type { ConfigDocument } from '../parse';
import { isQuantised, readQuantization, storedBytes } from '../quantization';
import type { ConfigQuantization } from '../quantization';
import { at, propertyAt, stringAt } from '../tree';
import type { ConfigObject, ConfigPath, ConfigProblem, ConfigProperty } from '../tree';
import { dtypeOfTorchName, weightBytesOf } from '../weight-dtype';
import { together } from '../weights';

/** Keys that name a model or its size; any one of them tells a model's config from other JSON. */
const tellingKeys = [
  'model_type',
  'architectures',
  'hidden_size',
  'n_embd',
  'd_model',
  'num_hidden_layers',
  'num_attention_heads',
  'vocab_size',
];

/** A `config.json` of transformers, or of diffusers (recognised, not described). */
export function sniffHfConfig({ root }: Pick<ConfigDocument, 'root'>): boolean {
  if (root?.kind !== 'object') return false;
  if (isTokenizerOrTraining(root)) return false;
  return (
    tellingKeys.some((key) => root.properties.has(key)) || root.properties.has('_diffusers_version')
  );
}

/** Files that hold the same keys for another purpose. */
function isTokenizerOrTraining({ properties }: ConfigObject): boolean {
  return [
    'tokenizer_class_name',
    'train_batch_size',
    'train_micro_batch_size_per_gpu',
    'added_tokens',
  ].some((key) => properties.has(key));
}

/** Reads a config of transformers. The document's root is an object: `sniffHfConfig` said so. */
export function readHfConfig(document: ConfigDocument): ConfigAnalysis {
  const problems = createProblemList();
  document.problems.forEach((problem) => {
    problems.add(problem);
  });
  const assumptions: string[] = [];
  const root = document.root?.kind === 'object' ? document.root : null;
  const names = namesOf(root);
  const notes: FieldNotes = {
    problem: (problem) => {
      problems.add(problem);
    },
    assume: (assumption) => {
      if (!assumptions.includes(assumption)) assumptions.push(assumption);
    },
  };
  const { architecture: described, typeKnown } = describe(document, root, names, notes);
  const dtypeEntry = dtypeEntryOf(root);
  const dtype = dtypeOf(document, dtypeEntry, notes);
  const quantization = root ? readQuantization(root) : null;
  const parts = described?.parts ?? [];
  const unknownParts = described?.unknownParts ?? ['architecture'];
  const facts = factsOf(parts, unknownParts.length > 0, dtype, quantization);
  if (unknownParts.length > 0 && document.complete && (described || !typeKnown)) {
    problems.add(unknownArchitecture(root, names, unknownParts));
  }
  const main = parts.find((part) => part.name === 'text') ?? parts[0];
  return {
    format: 'hf-config',
    document,
    problems: problems.list,
    modelType: names.modelType,
    architecture: names.architecture,
    ...facts,
    contextLength: main?.contextLength ?? null,
    contextEntry: main?.contextKey ? (propertyAt(root, main.contextKey) ?? null) : null,
    dtypeEntry,
    useCacheEntry:
      propertyAt(root, ['use_cache']) ?? propertyAt(root, ['text_config', 'use_cache']) ?? null,
    quantization,
    parts,
    coverage: parts.length / (parts.length + unknownParts.length),
    assumptions,
  };
}

interface Names {
  readonly modelType: string | null;
  readonly architecture: string | null;
}

function namesOf(root: ConfigObject | null): Names {
  const architecture = stringAt(root, ['architectures', 0]) ?? null;
  return {
    modelType:
      stringAt(root, ['model_type']) ??
      (architecture === null ? null : modelTypeOfArchitecture(architecture)) ??
      stringAt(root, ['_class_name']) ??
      null,
    architecture,
  };
}

/** What `describe` found, and why not when it found nothing. */
interface Description {
  readonly architecture: Architecture | null;
  /** The type has a family: what is wrong is in the values and has its own problems. */
  readonly typeKnown: boolean;
}

/** The architecture, or null when the type is not described, or the values cannot be relied on. */
function describe(
  document: ConfigDocument,
  root: ConfigObject | null,
  { modelType, architecture }: Names,
  notes: FieldNotes,
): Description {
  const fields = readFields(root, [], notes);
  const family = modelType === null ? undefined : familyOf(modelType);
  if (!family || modelType === null) {
    checkUsualSizes(fields);
    return { architecture: null, typeKnown: false };
  }
  // A broken file may lack keys it once had: their defaults would be guesses.
  if (!document.complete) return { architecture: null, typeKnown: true };
  const described = family(fields, { modelType, architecture });
  if (!described || !fields.valid()) return { architecture: null, typeKnown: true };
  if (!isCountable(described)) {
    fields.reject('hidden_size', 'These sizes together make a model beyond what can be counted.');
    return { architecture: null, typeKnown: true };
  }
  return { architecture: described, typeKnown: true };
}

/** Sizes of an unknown type are still either sensible or not. */
function checkUsualSizes(fields: Fields): void {
  const usual = ['hidden_size', 'num_hidden_layers', 'num_attention_heads', 'vocab_size'];
  usual.filter((key) => fields.has(key)).forEach((key) => fields.size(key, 1));
}

/** Sizes may each be plausible and their product beyond what a double counts exactly. */
function isCountable({ parts }: Architecture): boolean {
  const { parameters, macs } = together(
    ...parts.flatMap(({ layers }) => layers.map(({ weights }) => weights)),
  );
  return Number.isSafeInteger(parameters) && macs <= Number.MAX_SAFE_INTEGER;
}

function dtypeEntryOf(root: ConfigObject | null): ConfigProperty | null {
  const paths: ConfigPath[] = [
    ['dtype'],
    ['torch_dtype'],
    ['text_config', 'dtype'],
    ['text_config', 'torch_dtype'],
  ];
  const entries = paths.map((path) => propertyAt(root, path));
  return entries.find((entry) => entry !== undefined && entry.value.kind !== 'null') ?? null;
}

function dtypeOf(
  document: ConfigDocument,
  entry: ConfigProperty | null,
  notes: FieldNotes,
): DataType | null {
  if (!entry) {
    if (!document.complete) return null;
    notes.assume('dtype = float32 (the framework\u2019s default; the config names none)');
    return 'float32';
  }
  const { value } = entry;
  const dtype = value.kind === 'string' ? dtypeOfTorchName(value.value) : null;
  if (dtype !== null || (value.kind === 'string' && value.value === 'auto')) return dtype;
  const shown = value.kind === 'string' ? `"${shortName(value.value, 20)}"` : `a ${value.kind}`;
  notes.problem({
    code: 'invalid-config-value',
    severity: 'warning',
    message: `${shown} is not a dtype of torch: write "bfloat16", "float16" or "float32".`,
    start: value.start,
    end: value.end,
  });
  return null;
}

type Facts = Pick<
  ConfigAnalysis,
  | 'parameters'
  | 'activeParameters'
  | 'weightBytes'
  | 'weightDtype'
  | 'computeDtype'
  | 'kvCacheBytesPerToken'
  | 'macsPerToken'
  | 'layers'
>;

function factsOf(
  parts: readonly Part[],
  incomplete: boolean,
  dtype: DataType | null,
  quantization: ConfigQuantization | null,
): Facts {
  const groups = parts.flatMap((part) => part.layers);
  const all = together(...groups.map(({ weights }) => weights));
  const layers = groups.map((layer) => configLayer(layer, dtype, quantization));
  const bytes = layers.map(({ weightBytes }) => weightBytes);
  const text = parts.find((part) => part.name === 'text');
  const quantised =
    quantization !== null && groups.some((layer) => isQuantised(layer, quantization));
  return {
    parameters: incomplete ? null : all.parameters,
    activeParameters: incomplete ? null : all.activeParameters,
    weightBytes: incomplete ? null : sumOrNull(bytes),
    weightDtype: quantised ? quantization.weightDtype : dtype,
    computeDtype: dtype,
    kvCacheBytesPerToken: text && dtype ? kvCacheBytes(text, dtype) : null,
    macsPerToken: text ? macsPerToken(text) : null,
    layers,
  };
}

function configLayer(
  layer: LayerGroup,
  dtype: DataType | null,
  quantization: ConfigQuantization | null,
): ConfigLayer {
  const { name, kind, part, count, weights } = layer;
  return {
    name,
    kind,
    part,
    count,
    parameters: weights.parameters,
    activeParameters: weights.activeParameters,
    weightBytes: dtype === null ? null : storedBytes(layer, dtype, quantization),
    macsPerToken: layer.perToken ? weights.macs : 0,
  };
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (sum, value) => (sum === null || value === null ? null : sum + value),
    0,
  );
}

function kvCacheBytes(text: Part, dtype: DataType): number {
  return text.attention.reduce(
    (sum, { layers, cacheElementsPerToken }) =>
      sum + weightBytesOf(dtype, layers * cacheElementsPerToken),
    0,
  );
}

function macsPerToken(text: Part): number {
  return together(...text.layers.filter((layer) => layer.perToken).map(({ weights }) => weights))
    .macs;
}

function unknownArchitecture(
  root: ConfigObject | null,
  { modelType, architecture }: Names,
  unknownParts: readonly string[],
): ConfigProblem {
  const node =
    at(root, ['model_type']) ?? at(root, ['architectures', 0]) ?? at(root, ['_class_name']);
  return {
    code: 'unknown-architecture',
    severity: 'info',
    message: unknownMessage(shortName(modelType ?? architecture ?? '', 30), unknownParts),
    start: node?.start ?? root?.start ?? 0,
    end: node?.end ?? root?.start ?? 0,
  };
}

function unknownMessage(name: string, unknownParts: readonly string[]): string {
  if (name === '') {
    return 'Neither model_type nor architectures is given: what model this is stays unknown.';
  }
  if (unknownParts[0] === 'architecture') {
    return `The architecture "${name}" is not described: sizes and energy stay unknown.`;
  }
  const message = (count: number): string => {
    const parts = unknownParts.slice(0, count).map((part) => shortName(part, 32));
    return `Of "${name}" not described: ${parts.join(', ')}. Totals stay unknown.`;
  };
  // Parts may carry names out of the file.
  return message([3, 2].find((count) => message(count).length <= maxMessageLength) ?? 1);
}
