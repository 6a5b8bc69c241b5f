import type { Analysis } from './analysis';
import type { Device } from './cost/devices';
import { estimate, type Estimate, type EstimateOptions } from './cost/energy';
import { countFacts } from './facts/count';
import { sizeFacts, workloadOf, type SizedFacts } from './facts/workload';
import type { Model } from './graph';
import { scaled } from './interval';
import { validateModel } from './onnx/validate';
import type { ProblemSink } from './problem';
import { inferShapes } from './shapes/infer';
import type { Workload } from './workload';

export type { Analysis } from './analysis';

export interface AnalysisOptions {
  /** Sizes of named dims, as given by the user. */
  readonly dims?: ReadonlyMap<string, number>;
  /** `batch` sets the model's own batch dims where it has any. */
  readonly estimate?: EstimateOptions;
}

/**
 * Everything that follows from a model that was read: shapes, counts, memory, and the estimate on any device. Sizes and
 * work are worked out when they are asked for: a text that somebody types in is mostly judged without them.
 * What is wrong with the model goes to `sink`; nothing throws.
 */
export function analyzeModel(
  model: Model,
  sink: ProblemSink,
  options: AnalysisOptions = {},
): Analysis {
  const steps = analysisSteps(model, sink, options);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    // The analysis is there; the steps behind it only work things out beforehand.
    if (step.value) return step.value;
  }
}

/** The same in pieces, all worked out: whoever has other things to do goes on when there is time. */
export function* analysisSteps(
  model: Model,
  sink: ProblemSink,
  options: AnalysisOptions = {},
): Generator<Analysis | undefined, Analysis, undefined> {
  const { dims = new Map<string, number>() } = options;
  const { batch, ...otherEstimateOptions } = options.estimate ?? {};
  validateModel(model, sink);
  yield;
  const scope = inferShapes(model, sink, { dims });
  yield;
  const facts = countFacts(scope, sink);
  let sized: SizedFacts | undefined;
  let workload: Workload | undefined;
  const sizes = (): SizedFacts =>
    (sized ??= sizeFacts(facts, { dims, ...(batch !== undefined && { batch }) }));
  const work = (): Workload => (workload ??= workloadOf(facts, sizes()));
  const isBatchInWork = facts.symbols.some(({ isBatchLike }) => isBatchLike);
  const estimates = new Map<string, Estimate>();
  const analysis: Analysis = {
    model,
    problems: sink.problems,
    scope,
    facts,
    get sized() {
      return sizes();
    },
    get workload() {
      return work();
    },
    estimateOn(device: Device): Estimate {
      const known = estimates.get(device.id);
      if (known) {
        // The one asked for last is the last to go.
        estimates.delete(device.id);
        estimates.set(device.id, known);
        return known;
      }
      const made =
        isBatchInWork && batch !== undefined
          ? withBatch(estimate(work(), device, otherEstimateOptions), batch)
          : estimate(work(), device, options.estimate);
      const [oldest] = estimates.keys();
      if (oldest !== undefined && estimates.size >= maxKeptEstimates) estimates.delete(oldest);
      estimates.set(device.id, made);
      return made;
    },
  };
  yield analysis;
  sizes();
  yield analysis;
  work();
  return analysis;
}

/** Each has figures for every node: those of all devices for a large graph took gigabytes. */
const maxKeptEstimates = 4;

/** The workload was counted for a batch already: only the figures per sample differ. */
function withBatch(made: Estimate, batch: number): Estimate {
  const { energyJoules } = made;
  return {
    ...made,
    batch,
    energyPerSampleJoules: energyJoules && scaled(energyJoules, 1 / batch),
  };
}
