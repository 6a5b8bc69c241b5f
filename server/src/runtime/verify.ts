import { shortName } from '../core/format';
import type { Problem } from '../core/problem';
import type { CancelSignal } from '../core/source';
import { decide, defaultBounds, worstOf, type Bounds, type Decision } from '../core/verify/decide';
import type { OutputAgreement } from '../core/verify/agreement';
import { compareLatency, type LatencyComparison } from '../core/verify/latency';
import type { ModelInput } from '../core/verify/samples';
import type { Host } from '../host';
import { compareSessions, nowSeconds, type Workset } from './comparison';
import { prepareData, type DataRequest } from './prepare-data';
import { startRuntime, type RuntimeProcess, type WorkerEntry } from './process';
import type { ModelFile, RuntimeKind, SessionInfo } from './protocol';

export interface VerifyOptions {
  readonly host: Host;
  readonly original: ModelFile;
  readonly candidate: ModelFile;
  readonly data: DataRequest;
  readonly bounds?: Partial<Bounds>;
  /** `load` only opens both models and compares their inputs and outputs. */
  readonly level?: 'run' | 'load';
  readonly runtime?: RuntimeKind | 'auto';
  /** Threads within an operator; 1 unless said, so that timings are comparable. */
  readonly threads?: number;
  /** For everything together. */
  readonly deadlineSeconds?: number;
  readonly memoryLimitBytes?: number;
  readonly measureLatency?: boolean;
  readonly worker?: WorkerEntry;
  readonly signal?: CancelSignal;
}

/** The contract's `verification` object, with more detail beside it. Plain JSON: no NaN, no Infinity. */
export interface Verification {
  /** How far it got: both ran, both (or only the original) loaded, nothing was tried, or the original cannot be run here. */
  readonly state: 'run' | 'load' | 'none' | 'impossible';
  readonly data: 'calibration' | 'random' | null;
  readonly runtime: RuntimeKind | null;
  readonly runtimeVersion: string | null;
  readonly threads: number;
  /** Runs of each model: rows of the data, unless the model takes more at once. */
  readonly samples: number;
  readonly accuracy: { readonly before: number; readonly after: number } | null;
  readonly cosine: number | null;
  readonly sqnrDb: number | null;
  readonly maxAbsError: number | null;
  readonly top1Agreement: number | null;
  /** Every element of every output equal: then `sqnrDb` is null because it would be infinite. */
  readonly identical: boolean | null;
  /** Medians; null unless measured by the native runtime. */
  readonly latencySeconds: { readonly before: number; readonly after: number } | null;
  readonly latency: LatencyComparison | null;
  readonly outputs: readonly OutputAgreement[];
  readonly decision: Decision;
  readonly reasons: readonly string[];
  /** What was chosen, converted, left out or cut short. */
  readonly notes: readonly string[];
  /** Data or labels that were asked for and cannot be used. */
  readonly problems: readonly Problem[];
}

const defaultDeadlineSeconds = 120;
const defaultMemoryLimitBytes = 4 * 1024 ** 3;
/** What is left after the samples is for latency and for ending in order. */
const sampleShareOfDeadline = 0.8;
const timing = { maxRounds: 101, budgetSeconds: 3 };

/**
 * Runs original and candidate in ONNX Runtime and decides whether the candidate may replace the original.
 * Never throws for what a model or its data does: that is the result's `decision` and `reasons`.
 */
export async function verify(options: VerifyOptions): Promise<Verification> {
  const end = nowSeconds() + (options.deadlineSeconds ?? defaultDeadlineSeconds);
  const started = await startRuntime({
    runtime: options.runtime ?? 'auto',
    threads: options.threads ?? 1,
    memoryLimitBytes: options.memoryLimitBytes ?? defaultMemoryLimitBytes,
    ...(options.worker && { worker: options.worker }),
  });
  const nothing = emptyVerification(options.threads ?? 1);
  if (started.outcome !== 'ok') {
    return { ...nothing, state: 'impossible', reasons: [started.message] };
  }
  const runtime = started.value;
  try {
    const result = await verifyIn(runtime, options, () => Math.max(0.001, end - nowSeconds()));
    return { ...nothing, runtime: runtime.runtime, runtimeVersion: runtime.version, ...result };
  } finally {
    await runtime.stop();
  }
}

/** What `optimize --verify none` reports. */
export function notVerified(): Verification {
  return { ...emptyVerification(1), reasons: ['Not verified: it was not asked for.'] };
}

type Outcome = Partial<Verification>;

async function verifyIn(
  runtime: RuntimeProcess,
  options: VerifyOptions,
  secondsLeft: () => number,
): Promise<Outcome> {
  const load = (model: ModelFile) =>
    runtime.request<'load'>({ kind: 'load', model }, secondsLeft());
  const original = await load(options.original);
  if (original.outcome !== 'ok') {
    return { state: 'impossible', ...told('The original does not load', original.message) };
  }
  const candidate = await load(options.candidate);
  if (candidate.outcome !== 'ok') {
    const failure = told('The new model does not load', candidate.message);
    return { state: 'load', decision: 'fail', ...failure };
  }
  const changed = changedInterface(original.value, candidate.value);
  if (changed) return { state: 'load', decision: 'fail', reasons: [changed] };
  if (options.level === 'load') {
    return { state: 'load', reasons: ['Both models load; nothing was run.'] };
  }
  return runBoth(runtime, options, [original.value, candidate.value], secondsLeft);
}

async function runBoth(
  runtime: RuntimeProcess,
  options: VerifyOptions,
  [original, candidate]: readonly [SessionInfo, SessionInfo],
  secondsLeft: () => number,
): Promise<Outcome> {
  const prepared = await prepareData(
    options.host,
    options.original.path,
    original.inputs,
    options.data,
  );
  if (!prepared.ok) {
    return { state: 'load', reasons: [prepared.problem.message], problems: [prepared.problem] };
  }
  const { work, kind: data, notes, problems, majorityShare } = prepared.value;
  const sessions = { original: original.session, candidate: candidate.session };
  const result = await compareSessions(runtime, sessions, work, {
    untilSeconds: nowSeconds() + secondsLeft() * sampleShareOfDeadline,
    deadlineSeconds: secondsLeft,
    ...(options.signal && { signal: options.signal }),
  });
  switch (result.kind) {
    case 'cancelled':
      return { state: 'none', reasons: ['Cancelled before anything was decided.'] };
    case 'original-failed': {
      const state = result.outcome === 'failed' ? 'load' : 'impossible';
      const failure = told('The original does not run on this data', result.message, notes);
      return { state, data, problems, ...failure };
    }
    case 'candidate-failed': {
      const failure = told('The new model does not run', result.message, notes);
      return { state: 'run', data, decision: 'fail', problems, ...failure };
    }
    case 'compared':
  }
  const { outputs, accuracy, samples, deterministic } = result.compared;
  const bounds = { ...defaultBounds, ...options.bounds };
  const latency = await latencyOf(runtime, options, sessions, work, secondsLeft());
  return {
    state: 'run',
    data,
    samples,
    accuracy: accuracy && { before: accuracy.before, after: accuracy.after },
    ...worstOf(outputs),
    latencySeconds: latency && { before: latency.beforeSeconds, after: latency.afterSeconds },
    latency,
    outputs,
    ...decide(outputs, { data, accuracy, majorityShare, bounds, deterministic }),
    notes: [...notes, ...result.compared.notes],
    problems,
  };
}

/** One line for people, and the runtime's words in full among the notes. */
function told(
  what: string,
  message: string,
  notes: readonly string[] = [],
): Pick<Verification, 'reasons' | 'notes'> {
  const reason = `${what}: ${message}`;
  if (reason.length <= maxReasonLength) return { reasons: [reason], notes };
  const cut = shortName(message, maxReasonLength - what.length - 2);
  return { reasons: [`${what}: ${cut}`], notes: [...notes, `ONNX Runtime: ${message}`] };
}

const maxReasonLength = 120;

/** Null from wasm, whose ranking of speeds contradicts the native runtime's, and when time or rounds do not suffice. */
async function latencyOf(
  runtime: RuntimeProcess,
  options: VerifyOptions,
  { original, candidate }: { readonly original: number; readonly candidate: number },
  work: Workset,
  secondsLeft: number,
): Promise<LatencyComparison | null> {
  const sample = work.sets[0]?.sample(0);
  if (!options.measureLatency || runtime.runtime !== 'native' || !sample) return null;
  const budgetSeconds = Math.min(timing.budgetSeconds, secondsLeft / 2);
  const rounds = await runtime.request(
    {
      kind: 'time',
      before: original,
      after: candidate,
      sample,
      options: { maxRounds: timing.maxRounds, budgetSeconds },
    },
    secondsLeft,
  );
  return rounds.outcome === 'ok' ? compareLatency(rounds.value) : null;
}

/** A sentence when inputs or outputs are not the same by name and dtype: callers of the model would notice. */
function changedInterface(original: SessionInfo, candidate: SessionInfo): string | null {
  for (const side of ['inputs', 'outputs'] as const) {
    const [before, after] = [original[side], candidate[side]];
    const gone = before.find((one) => !after.some((other) => sameValue(one, other)));
    const added = after.find((one) => !before.some((other) => other.name === one.name));
    const first = gone ?? added;
    if (first) return `The new model has other ${side}: ${shortName(first.name, 40)} differs.`;
  }
  return null;
}

function sameValue(a: ModelInput, b: ModelInput): boolean {
  return a.name === b.name && a.dtype === b.dtype;
}

function emptyVerification(threads: number): Verification {
  return {
    state: 'none',
    data: null,
    runtime: null,
    runtimeVersion: null,
    threads,
    samples: 0,
    accuracy: null,
    cosine: null,
    sqnrDb: null,
    maxAbsError: null,
    top1Agreement: null,
    identical: null,
    latencySeconds: null,
    latency: null,
    outputs: [],
    decision: 'unproven',
    reasons: [],
    notes: [],
    problems: [],
  };
}
