import { evaluate } from '../shapes/symbolic';
import { typeOf, type Scope } from '../shapes/types';
import { bodyInputs, bodyOutputs, isGraph } from './body';
import type { ModelFacts, NodeFacts, ScopeFacts } from './count';
import type { FusionPlan } from './fusion';
import { planLifetimes } from './lifetimes';
import { bytesAt } from './site';

export interface ActivationMemory {
  /** Most bytes of activations alive at once; null when the size of one that matters is unknown. */
  readonly peakActivationBytes: number | null;
  /** The same over the sizes that are known. */
  readonly lowerBoundBytes: number;
  /** The node that runs at the peak; null for a model without nodes. */
  readonly peakNode: NodeFacts | null;
  /** Inputs and outputs of one run; null when one of their sizes is unknown. */
  readonly ioBytes: number | null;
}

/**
 * Peak activation memory by liveness over the topological order. The model:
 *
 * - A value lives from the step that makes it to its last use; the model's inputs live from the
 *   start to their last use, its outputs to the end. Weights are not counted, nor what is made of
 *   them at load, nor scratch space inside kernels.
 * - Views (Reshape, Squeeze, Identity …) and folded quantisation steps share their input's memory.
 * - What is fused into one kernel (`fusion.ts`) has no memory of its own in between.
 * - An elementwise operator writes over an input that dies there and has the same size, unless it
 *   is an input of the model, which belongs to the caller.
 * - A subgraph's own peak is added at its node; of two branches the larger one.
 */
export function activationMemory(
  facts: ModelFacts,
  fusion: FusionPlan,
  values: ReadonlyMap<string, number>,
): ActivationMemory {
  const peak = peakOf(facts.main, { facts, fusion, values });
  return {
    peakActivationBytes: peak.isComplete ? peak.bytes : null,
    lowerBoundBytes: peak.bytes,
    peakNode: peak.node,
    ioBytes: ioBytes(facts.main.scope, values),
  };
}

export interface MemoryInput {
  readonly facts: ModelFacts;
  readonly fusion: FusionPlan;
  readonly values: ReadonlyMap<string, number>;
}

interface Peak {
  readonly bytes: number;
  readonly isComplete: boolean;
  readonly node: NodeFacts | null;
}

function peakOf(facts: ScopeFacts, input: MemoryInput): Peak {
  const { bytesAtStart, bornBytes, dyingBytes, reusedBytes, unknown } = planLifetimes(facts, input);
  let live = bytesAtStart;
  let peak = live;
  let peakNode: NodeFacts | null = null;
  let isComplete = unknown === 0;
  for (const node of facts.nodes) {
    const step = node.position;
    const given = reusedBytes[step] ?? 0;
    const own = (bornBytes[step] ?? 0) - given;
    const inner = peakInside(facts, node, input);
    isComplete &&= inner.isComplete;
    // A branch's or function's results are the node's own outputs; a loop collects them beside its body.
    const atStep = live + (inner.isLoop ? own + inner.bytes : Math.max(own, inner.bytes));
    if (atStep > peak || peakNode === null) {
      peak = Math.max(peak, atStep);
      peakNode = node;
    }
    live += own - (dyingBytes[step] ?? 0) + given;
  }
  return { bytes: peak, isComplete, node: peakNode };
}

interface InnerPeak {
  readonly bytes: number;
  readonly isComplete: boolean;
  readonly isLoop: boolean;
}

const nothingInside: InnerPeak = { bytes: 0, isComplete: true, isLoop: false };

function peakInside(facts: ScopeFacts, node: NodeFacts, input: MemoryInput): InnerPeak {
  const children = facts.children.size > 0 ? facts.children.get(node.node) : undefined;
  if (!children) return nothingInside;
  let bytes = 0;
  let isComplete = true;
  let isLoop = false;
  for (const child of children) {
    if (child.tripCount === 0) continue;
    const peak = peakOf(child.facts, input);
    bytes = Math.max(bytes, peak.bytes);
    isComplete &&= peak.isComplete;
    isLoop ||= child.role === 'body';
  }
  return { bytes, isComplete, isLoop };
}

function ioBytes(scope: Scope, values: ReadonlyMap<string, number>): number | null {
  let bytes = 0;
  if (!isGraph(scope.body)) return null;
  for (const name of [...bodyInputs(scope), ...bodyOutputs(scope)]) {
    if (name === '') continue;
    const each = evaluate(bytesAt(scope, scope.numbers.numberOf(name)), values);
    // Sizes that a file claims may give less than nothing.
    if (each === null || each < 0 || typeOf(scope, name).kind !== 'tensor') return null;
    bytes += each;
  }
  return bytes;
}
