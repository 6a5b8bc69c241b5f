import type { DataType } from '../dtype';
import type { WorkItem, Workload } from '../workload';
import type { LayerGroup, LayerKind, Part } from './architecture';
import type { ConfigAnalysis } from './config';
import { isQuantised, storedBytes } from './quantization';
import { weightBytesOf } from './weight-dtype';

export interface ConfigRun {
  /** Tokens of the input of one sequence. */
  readonly prompt?: number;
  /** Tokens generated after it; encoders generate none. */
  readonly generate?: number;
  /** Sequences that run together: they read the same weights, and more experts the more there are. */
  readonly batch?: number;
}

/** A short chat turn; the command line lets the user say otherwise. */
export const defaultPromptTokens = 128;
export const defaultGeneratedTokens = 128;

/** Longer than any context that is served; bounds sums over tokens that a user types. */
const maxTokens = 10_000_000;

/**
 * The work of one run of a config: the prompt at once (`prefill/…`), then token by token (`decode/…`);
 * encoders and towers run once (`forward/…`). One item per phase and kind of layer; figures are totals of
 * the run for ONE sequence, but weights are what the whole batch reads together: an estimate for a batch
 * takes the same batch. Method: the energy documentation, section on language models.
 */
export function workloadOfConfig(analysis: ConfigAnalysis, run: ConfigRun = {}): Workload {
  const assumptions = [...analysis.assumptions];
  const plan = planOf(analysis, run, assumptions);
  const items = analysis.parts.flatMap((part) => itemsOfPart(part, plan));
  const missing = analysis.coverage < 1;
  return {
    items: missing ? [...items, unknownItem(analysis)] : items,
    parameters: analysis.parameters,
    weightBytes: analysis.weightBytes,
    peakActivationBytes: missing ? null : peakActivationBytes(analysis, plan),
    ioBytes: missing ? null : (plan.prompt + plan.generate) * tokenIdBytes,
    coverage: analysis.coverage,
    assumptions,
  };
}

/** Token ids are int64 in every exporter and framework. */
const tokenIdBytes = 8;

interface Plan {
  readonly analysis: ConfigAnalysis;
  readonly prompt: number;
  readonly generate: number;
  readonly batch: number;
  /** dtype of activations and of the cache. */
  readonly dtype: DataType | null;
}

function planOf(analysis: ConfigAnalysis, run: ConfigRun, assumptions: string[]): Plan {
  const generates = analysis.parts.some(({ role }) => role === 'decoder');
  const prompt = tokens(run.prompt, defaultPromptTokens, 'prompt', assumptions);
  const generate = generates
    ? tokens(run.generate, defaultGeneratedTokens, 'generate', assumptions)
    : 0;
  const batch = Math.max(1, Math.floor(run.batch ?? 1));
  if (run.batch === undefined) assumptions.push('batch = 1 (not given)');
  if (analysis.parts.some(({ name, role }) => role === 'tower' && name !== 'projector')) {
    assumptions.push(
      generates && hasText(analysis)
        ? 'text only: towers for images or sound do not run'
        : 'one image or sound clip per run',
    );
  }
  if (analysis.quantization) {
    assumptions.push('quantised: matrices of the text layers; the rest keeps its dtype');
  }
  const { contextLength } = analysis;
  if (contextLength !== null && prompt + generate > contextLength) {
    assumptions.push(`${prompt + generate} tokens exceed the context of ${contextLength}`);
  }
  return { analysis, prompt, generate, batch, dtype: analysis.computeDtype };
}

function tokens(
  given: number | undefined,
  fallback: number,
  name: string,
  assumptions: string[],
): number {
  if (given === undefined || !Number.isFinite(given)) {
    assumptions.push(`${name} = ${fallback} tokens (not given)`);
    return fallback;
  }
  return Math.min(maxTokens, Math.max(0, Math.floor(given)));
}

function hasText({ parts }: ConfigAnalysis): boolean {
  return parts.some(({ name }) => name === 'text');
}

/** One pass over some positions, repeated: the prefill is one step of `prompt` tokens, decoding many of one. */
interface Phase {
  readonly name: 'prefill' | 'decode' | 'forward';
  readonly steps: number;
  readonly tokensPerStep: number;
  /** Sum over the run of the tokens that each token looks back at, itself included. */
  readonly lookback: (window: number | null) => number;
  /** Tokens whose next token is predicted, per step. */
  readonly predictions: number;
}

function itemsOfPart(part: Part, plan: Plan): WorkItem[] {
  return phasesOf(part, plan)
    .filter(({ steps, tokensPerStep }) => steps * tokensPerStep > 0)
    .flatMap((phase) => [
      ...kindsOf(part).map((kind) => layerItem(part, kind, phase, plan)),
      ...contextItem(part, phase, plan),
    ]);
}

function phasesOf(part: Part, { analysis, prompt, generate }: Plan): Phase[] {
  if (part.role === 'decoder') {
    // The prompt's pass already yields the first generated token.
    const steps = Math.max(0, generate - 1);
    return [
      {
        name: 'prefill',
        steps: 1,
        tokensPerStep: prompt,
        lookback: (window) => lookbackSum(1, prompt, window),
        predictions: 1,
      },
      {
        name: 'decode',
        steps,
        tokensPerStep: 1,
        lookback: (window) => lookbackSum(prompt + 1, prompt + steps, window),
        predictions: 1,
      },
    ];
  }
  // In front of a text decoder, a tower runs only for images or sound, which a text prompt has none of;
  // where it is the model's only input (Whisper) or a model by itself, it runs once.
  const encodesInput =
    part.name === 'audio' && analysis.parts.every(({ name }) => name !== 'projector');
  const runs =
    part.role === 'encoder' ||
    encodesInput ||
    !analysis.parts.some(({ role }) => role === 'decoder');
  const positions = part.positions ?? (part.role === 'encoder' ? prompt : 1);
  return [
    {
      name: 'forward',
      steps: runs ? 1 : 0,
      tokensPerStep: positions,
      lookback: () => positions * positions,
      predictions: positions,
    },
  ];
}

/** Σ min(position, window) for positions first…last, in closed form. */
function lookbackSum(first: number, last: number, window: number | null): number {
  if (last < first) return 0;
  const sumTo = (n: number): number => (n * (n + 1)) / 2;
  if (window === null || last <= window) return sumTo(last) - sumTo(first - 1);
  if (first > window) return (last - first + 1) * window;
  return sumTo(window) - sumTo(first - 1) + (last - window) * window;
}

function kindsOf(part: Part): LayerKind[] {
  return [...new Set(part.layers.map(({ kind }) => kind))];
}

function layerItem(part: Part, kind: LayerKind, phase: Phase, plan: Plan): WorkItem {
  const groups = part.layers.filter((layer) => layer.kind === kind);
  const each = groups.map((layer) => groupWork(layer, part, phase, plan));
  const total = (pick: (work: GroupWork) => number): number =>
    each.reduce((sum, work) => sum + pick(work), 0);
  const known = each.every(({ weightBytes }) => weightBytes !== null) && plan.dtype !== null;
  const weightBytes = total((work) => work.weightBytes ?? 0);
  return {
    name: itemName(part, phase, kind),
    opType: kind,
    kind: workKindOf(kind),
    macs: kind === 'embedding' || kind === 'norm' ? 0 : total(({ macs }) => macs),
    flops: total(({ flops }) => flops),
    readBytes: known ? weightBytes + total(({ inputBytes }) => inputBytes) : null,
    writeBytes: known ? total(({ outputBytes }) => outputBytes) : null,
    weightBytes,
    computeDtype: computeDtypeOf(groups, plan),
    launches: total(({ launches }) => launches),
  };
}

function itemName(part: Part, phase: Phase, kind: LayerKind): string {
  return part.name === 'text' ? `${phase.name}/${kind}` : `${phase.name}/${part.name}/${kind}`;
}

interface GroupWork {
  readonly macs: number;
  readonly flops: number;
  readonly weightBytes: number | null;
  readonly inputBytes: number;
  readonly outputBytes: number;
  readonly launches: number;
}

/** Operations on each element of a norm: mean, difference, square, sum, scale. */
const normFlopsPerElement = 5;

function groupWork(layer: LayerGroup, part: Part, phase: Phase, plan: Plan): GroupWork {
  const { dtype, batch } = plan;
  const { steps } = phase;
  const tokensPerStep = !layer.perToken
    ? 1
    : layer.kind === 'head'
      ? Math.min(phase.predictions, phase.tokensPerStep)
      : phase.tokensPerStep;
  const elementBytes = dtype === null ? 0 : weightBytesOf(dtype, 1);
  const hiddenBytes = tokensPerStep * part.hiddenSize * elementBytes * steps;
  // Each group takes the hidden state and gives one back, once per layer.
  const passes = Math.max(1, layer.count);
  const macs = layer.weights.macs * tokensPerStep * steps;
  // Every matrix reads its input and writes its output; within a layer those widths add up to about its
  // multiplications per input feature, half of them read and half written.
  const within = (macs / Math.max(1, part.hiddenSize)) * elementBytes;
  return {
    macs,
    flops:
      layer.kind === 'norm'
        ? normFlopsPerElement * tokensPerStep * steps * part.hiddenSize * passes
        : 0,
    weightBytes:
      dtype === null ? null : touchedBytes(layer, part, tokensPerStep * batch, plan, dtype, steps),
    inputBytes:
      layer.kind === 'embedding'
        ? tokensPerStep * steps * tokenIdBytes
        : hiddenBytes * passes + within / 2,
    outputBytes: hiddenBytes * passes + within / 2,
    launches: passes * steps,
  };
}

/** Weights that `rows` tokens of one step read, for all steps. */
function touchedBytes(
  layer: LayerGroup,
  part: Part,
  rows: number,
  { analysis }: Plan,
  dtype: DataType,
  steps: number,
): number | null {
  if (layer.kind === 'embedding') {
    // A lookup reads the rows it needs, not the table.
    const table = weightBytesOf(dtype, layer.weights.parameters);
    return steps * Math.min(table, rows * weightBytesOf(dtype, part.hiddenSize));
  }
  const stored =
    layer.weights.parameters === 0 && layer.weights.macs > 0
      ? weightBytesOf(dtype, layer.weights.macs)
      : storedBytes(layer, dtype, analysis.quantization);
  if (stored === null) return null;
  return steps * stored * touchedShare(layer, rows);
}

/** Of n experts, each token choosing k, a batch of B tokens touches 1 − (1 − k/n)^B when choices are even. */
function touchedShare(layer: LayerGroup, rows: number): number {
  const { experts, weights } = layer;
  if (!experts || weights.parameters === 0) return 1;
  const { total, active } = experts;
  if (active >= total) return 1;
  const idle = weights.parameters - weights.activeParameters;
  const expertParameters = idle / (1 - active / total);
  const shared = weights.parameters - expertParameters;
  const touched = 1 - (1 - active / total) ** rows;
  return (shared + expertParameters * touched) / weights.parameters;
}

/** Scores and weighted sums over the context, with the cache that is read for them and written. */
function contextItem(part: Part, phase: Phase, plan: Plan): WorkItem[] {
  if (part.attention.length === 0) return [];
  const { dtype } = plan;
  const bytes = (elements: number): number => (dtype === null ? 0 : weightBytesOf(dtype, elements));
  let macs = 0;
  let readElements = 0;
  let writeElements = 0;
  let launches = 0;
  for (const shape of part.attention) {
    const { layers, heads, keyWidth, valueWidth, cacheElementsPerToken, window } = shape;
    const lookback = phase.lookback(window);
    const tokenCount = phase.steps * phase.tokensPerStep;
    macs += layers * heads * (keyWidth + valueWidth) * lookback;
    // Decoding reads the cache anew for each token; a prefill's keys and values are read once.
    const cachedPerPass =
      cacheElementsPerToken > 0 ? cacheElementsPerToken : heads * (keyWidth + valueWidth);
    readElements += layers * cachedPerPass * (phase.name === 'decode' ? lookback : tokenCount);
    readElements += layers * heads * keyWidth * tokenCount;
    writeElements += layers * (cacheElementsPerToken + heads * valueWidth) * tokenCount;
    launches += layers * phase.steps;
  }
  const prefix = part.name === 'text' ? phase.name : `${phase.name}/${part.name}`;
  return [
    {
      name: `${prefix}/context`,
      opType: 'context',
      kind: 'attention',
      macs,
      flops: 0,
      readBytes: dtype === null ? null : bytes(readElements),
      writeBytes: dtype === null ? null : bytes(writeElements),
      weightBytes: 0,
      computeDtype: dtype,
      launches,
    },
  ];
}

function workKindOf(kind: LayerKind): WorkItem['kind'] {
  switch (kind) {
    case 'embedding':
      return 'lookup';
    case 'norm':
      return 'normalization';
    case 'conv':
      return 'conv';
    case 'other':
      return 'elementwise';
    default:
      return 'matmul';
  }
}

/** Methods that also quantise activations multiply in their own format; the others unpack weights first. */
const multipliesQuantised: ReadonlySet<string> = new Set(['fp8', 'fbgemm_fp8']);

function computeDtypeOf(groups: readonly LayerGroup[], { analysis, dtype }: Plan): DataType | null {
  const { quantization } = analysis;
  if (!quantization || !groups.some((layer) => isQuantised(layer, quantization))) return dtype;
  const { method, weightDtype } = quantization;
  const int8 = method === 'bitsandbytes' && weightDtype === 'int8';
  return int8 || (method !== null && multipliesQuantised.has(method)) ? weightDtype : dtype;
}

/** Cache of the whole run and the widest layer's tensors of one pass, for one sequence. */
function peakActivationBytes(analysis: ConfigAnalysis, plan: Plan): number | null {
  const { dtype, prompt, generate } = plan;
  if (dtype === null) return null;
  const cache = (analysis.kvCacheBytesPerToken ?? 0) * (prompt + generate);
  const widest = analysis.parts.flatMap((part) =>
    phasesOf(part, plan).map((phase) => {
      // A layer's multiplications per token over its input width: the features it holds at once.
      const features = Math.max(
        0,
        ...part.layers
          .filter(({ kind, perToken }) => kind !== 'head' && kind !== 'conv' && perToken)
          .map(
            ({ weights, count }) =>
              weights.macs / Math.max(1, count) / Math.max(1, part.hiddenSize),
          ),
      );
      const positions = phase.steps > 0 ? phase.tokensPerStep : 0;
      return weightBytesOf(dtype, positions * (2 * part.hiddenSize + features));
    }),
  );
  return cache + Math.max(0, ...widest);
}

function unknownItem({ modelType }: ConfigAnalysis): WorkItem {
  return {
    name: modelType ?? 'model',
    opType: 'unknown',
    kind: 'unknown',
    macs: null,
    flops: null,
    readBytes: null,
    writeBytes: null,
    weightBytes: 0,
    computeDtype: null,
  };
}
