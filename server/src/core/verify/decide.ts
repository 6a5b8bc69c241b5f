import type { Accuracy } from './accuracy';
import type { OutputAgreement } from './agreement';
import { shortName } from '../format';

/** Bounds on what a rewritten model may lose. */
export interface Bounds {
  /** Drop in top-1 accuracy allowed when labels are given, a share: 0.005 is half a point. */
  readonly maxDrop: number;
  readonly minCosine: number;
  readonly minTop1Agreement: number;
  /** The rewrite claims to change no result: every output must be equal. */
  readonly exact: boolean;
}

export const defaultBounds: Bounds = {
  maxDrop: 0.005,
  minCosine: 0.999,
  minTop1Agreement: 0.99,
  exact: false,
};

/** Everything measured, reduced to one number each: the worst output's. */
export interface Measured {
  readonly cosine: number | null;
  readonly sqnrDb: number | null;
  readonly maxAbsError: number | null;
  readonly top1Agreement: number | null;
  readonly identical: boolean;
}

/** `unproven`: nothing speaks against it, but what was run cannot show that it is right. */
export type Decision = 'pass' | 'fail' | 'unproven';

export interface Judgement {
  readonly decision: Decision;
  /** Sentences with the numbers that decided; at most 120 characters each. */
  readonly reasons: readonly string[];
}

export function worstOf(outputs: readonly OutputAgreement[]): Measured {
  const known = (pick: (one: OutputAgreement) => number | null): number[] =>
    outputs.map(pick).filter((value) => value !== null);
  const least = (values: number[]): number | null =>
    values.length > 0 ? Math.min(...values) : null;
  const errors = known((one) => one.maxAbsError);
  return {
    cosine: least(known((one) => one.cosine)),
    sqnrDb: least(known((one) => one.sqnrDb)),
    maxAbsError: errors.length > 0 ? Math.max(...errors) : null,
    top1Agreement: least(known((one) => one.top1Agreement)),
    identical: outputs.length > 0 && outputs.every((one) => one.identical),
  };
}

/**
 * Decides on measured outputs. Broken outputs (other shapes, new NaN) fail on any data.
 * Real data: labels decide by accuracy; without them (or when the original does not beat the commonest class)
 * cosine and top-1 agreement do. Random data proves nothing: at best `unproven`.
 */
export function decide(
  outputs: readonly OutputAgreement[],
  context: {
    readonly data: 'calibration' | 'random';
    readonly accuracy: Accuracy | null;
    /** Accuracy of always answering the commonest label. */
    readonly majorityShare: number;
    readonly bounds: Bounds;
    /** The original gives the same outputs for the same inputs. */
    readonly deterministic: boolean;
  },
): Judgement {
  const { accuracy, bounds, data } = context;
  const broken = outputs.flatMap(brokenOutput);
  if (broken.length > 0) return { decision: 'fail', reasons: broken };
  const measured = worstOf(outputs);
  if (!context.deterministic && !accuracy && !measured.identical) {
    const reason =
      'The original gives other outputs every time: only labels could tell what is lost.';
    return { decision: 'unproven', reasons: [reason] };
  }
  if (bounds.exact && !measured.identical) {
    return {
      decision: 'fail',
      reasons: [`Outputs must be equal; they differ by up to ${text(measured.maxAbsError)}.`],
    };
  }
  if (data === 'random') {
    return {
      decision: 'unproven',
      reasons: [
        `Random inputs prove nothing about accuracy (cosine ${text(measured.cosine)}); give real ones.`,
      ],
    };
  }
  if (accuracy && accuracy.before > context.majorityShare) return byAccuracy(accuracy, bounds);
  const judged = byOutputs(measured, bounds);
  if (!accuracy) return judged;
  const note = `Labels not used: accuracy ${points(accuracy.before)} is no better than the commonest class.`;
  return { decision: judged.decision, reasons: [note, ...judged.reasons] };
}

function brokenOutput(output: OutputAgreement): string[] {
  const name = shortName(output.name, 24);
  if (output.shapeMismatch !== null) {
    return [`Output ${name} changed shape: ${shortName(output.shapeMismatch, 72)}.`];
  }
  if (output.nonFiniteMismatches > 0) {
    return [`Output ${name} has ${output.nonFiniteMismatches} new or lost NaN or infinite values.`];
  }
  return [];
}

function byAccuracy({ before, after, rows }: Accuracy, bounds: Bounds): Judgement {
  // Rounding of the two shares must not turn a drop of exactly the bound into a failure.
  const passes = before - after <= bounds.maxDrop + 1e-12;
  return {
    decision: passes ? 'pass' : 'fail',
    reasons: [
      `Accuracy ${points(before)} → ${points(after)} on ${rows} rows; ${points(bounds.maxDrop)} may be lost.`,
    ],
  };
}

function byOutputs(measured: Measured, bounds: Bounds): Judgement {
  if (measured.identical) return { decision: 'pass', reasons: ['Every output is equal.'] };
  if (measured.cosine === null) {
    return {
      decision: 'fail',
      reasons: ['Outputs differ, and hold no finite numbers to compare.'],
    };
  }
  const reasons = [`Cosine ${text(measured.cosine)}; at least ${bounds.minCosine} is wanted.`];
  let passes = measured.cosine >= bounds.minCosine;
  if (measured.top1Agreement !== null) {
    passes &&= measured.top1Agreement >= bounds.minTop1Agreement;
    reasons.push(
      `Top-1 agreement ${points(measured.top1Agreement)}; at least ${points(bounds.minTop1Agreement)} is wanted.`,
    );
  }
  return { decision: passes ? 'pass' : 'fail', reasons };
}

function points(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/** Five digits, cut rather than rounded up: 0.99998 must not read 1. */
function text(value: number | null): string {
  if (value === null) return 'unknown';
  const cut = Math.trunc(value * 1e5) / 1e5;
  return (cut === 0 ? Number(value.toPrecision(2)) : cut).toString();
}
