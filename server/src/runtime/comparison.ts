import { createAccuracyMeter, type Accuracy, type Labels } from '../core/verify/accuracy';
import { createAgreementMeter, type OutputAgreement } from '../core/verify/agreement';
import type { Sample, SampleSet } from '../core/verify/samples';
import type { NamedTensorData } from '../core/verify/tensor-data';
import type { CancelSignal } from '../core/source';
import type { RuntimeProcess, RuntimeResult } from './process';

/** Samples in the order in which they are run, with what is known of their right outputs. */
export interface Workset {
  readonly sets: readonly (SampleSet & { readonly expected: readonly NamedTensorData[] })[];
  readonly labels: Labels | null;
  readonly maxSamples: number;
}

export interface Compared {
  readonly outputs: readonly OutputAgreement[];
  readonly accuracy: Accuracy | null;
  /** Runs of each model. */
  readonly samples: number;
  /** False when the original differed from itself on the first sample: it draws random numbers. */
  readonly deterministic: boolean;
  readonly notes: readonly string[];
}

export type CompareResult =
  | { readonly kind: 'compared'; readonly compared: Compared }
  | { readonly kind: 'cancelled' }
  /** One of the two did not get through; the message is the runtime's. */
  | {
      readonly kind: 'original-failed' | 'candidate-failed';
      readonly outcome: string;
      readonly message: string;
    };

/** Below this a chunk's cost is mostly the messages'. */
const growBelowSeconds = 0.25;
const maxChunk = 32;
/** A reference output further off than this was made by another model. */
const minReferenceCosine = 0.99;

/**
 * Runs both models over the samples, a chunk at a time and never holding more than a chunk's outputs.
 * Stops early, and says so, when `untilSeconds` (of `performance.now() / 1000`) is reached.
 */
export async function compareSessions(
  runtime: RuntimeProcess,
  sessions: { readonly original: number; readonly candidate: number },
  work: Workset,
  limits: {
    readonly untilSeconds: number;
    readonly deadlineSeconds: () => number;
    readonly signal?: CancelSignal;
  },
): Promise<CompareResult> {
  const agreement = createAgreementMeter();
  const reference = createAgreementMeter();
  const itself = createAgreementMeter();
  const accuracy = work.labels && createAccuracyMeter(work.labels);
  const queue = samplesOf(work);
  const total = work.sets.reduce((sum, set) => sum + set.count, 0);
  let done = 0;
  let chunkSize = 1;
  while (done < queue.length && (done === 0 || nowSeconds() < limits.untilSeconds)) {
    if (limits.signal?.cancelled) return { kind: 'cancelled' };
    const chunk = queue.slice(done, done + chunkSize);
    const samples = chunk.map((one) => one.sample());
    const started = nowSeconds();
    const runOn = (
      session: number,
    ): Promise<RuntimeResult<readonly (readonly NamedTensorData[])[]>> =>
      runtime.request({ kind: 'run', session, samples }, limits.deadlineSeconds());
    const before = await runOn(sessions.original);
    if (before.outcome !== 'ok') return { kind: 'original-failed', ...before };
    if (done === 0) {
      const again = await runOn(sessions.original);
      if (again.outcome !== 'ok') return { kind: 'original-failed', ...again };
      itself.add(before.value[0] ?? [], again.value[0] ?? []);
    }
    const after = await runOn(sessions.candidate);
    if (after.outcome !== 'ok') return { kind: 'candidate-failed', ...after };
    for (const [index, one] of chunk.entries()) {
      const a = before.value[index] ?? [];
      const b = after.value[index] ?? [];
      agreement.add(a, b);
      accuracy?.add(a, b);
      reference.add(asNamed(one.expected, a), a);
    }
    done += chunk.length;
    if (nowSeconds() - started < growBelowSeconds) chunkSize = Math.min(maxChunk, chunkSize * 2);
  }
  return { kind: 'compared', compared: summary() };

  function summary(): Compared {
    const notes: string[] = [];
    if (done < queue.length)
      notes.push(`stopped after ${done} of ${queue.length} samples: time limit`);
    if (queue.length < total) notes.push(`${queue.length} of ${total} samples were asked for`);
    const measured = accuracy?.result(done === total) ?? null;
    if (measured && !measured.ok) notes.push(measured.problem.message);
    if (reference.outputs().some((one) => (one.cosine ?? 1) < minReferenceCosine)) {
      notes.push('the original does not give the reference outputs of its test data');
    }
    return {
      outputs: agreement.outputs(),
      accuracy: measured?.ok ? measured.value : null,
      samples: done,
      deterministic: itself.outputs().every((one) => one.identical),
      notes,
    };
  }
}

interface QueuedSample {
  readonly sample: () => Sample;
  readonly expected: readonly NamedTensorData[];
}

function samplesOf({ sets, maxSamples }: Workset): readonly QueuedSample[] {
  const queue: QueuedSample[] = [];
  for (const set of sets) {
    for (let index = 0; index < set.count && queue.length < maxSamples; index++) {
      // A reference belongs to the whole set: it says nothing about a part of it.
      queue.push({
        sample: () => set.sample(index),
        expected: set.count === 1 ? set.expected : [],
      });
    }
  }
  return queue;
}

/** Reference outputs stand in the model's order and may carry other names. */
function asNamed(
  expected: readonly NamedTensorData[],
  outputs: readonly NamedTensorData[],
): readonly NamedTensorData[] {
  return expected.flatMap(({ data }, index) => {
    const output = outputs[index];
    return output ? [{ name: output.name, data }] : [];
  });
}

export function nowSeconds(): number {
  return performance.now() / 1000;
}
