import type { DataType } from '../../dtype';
import type { Dim } from '../../shapes/symbolic';
import type { WorkKind } from '../../workload';
import { multiply } from '../../shapes/symbolic';
import { inputElements, outputElements, type Site } from '../site';

/** Counts something of a node; null when a size that it needs is not known. */
export type Count = (site: Site) => Dim;

/**
 * What running an operator costs. One row of a family table per operator:
 * a new operator is one row, and an operator without a row costs "unknown".
 */
export interface OpCost {
  readonly kind: WorkKind | ((site: Site) => WorkKind);
  /** Multiply-accumulates. Present makes it a MAC-type operator; absent means it has none. */
  readonly macs?: Count;
  /** Arithmetic beside the MACs, in elementary operations; absent means none. */
  readonly flops?: Count;
  /** What moves through memory when nothing is fused; `streams` when absent. */
  readonly traffic?: Traffic | ((site: Site) => Traffic);
  /** Inputs whose buffer output 0 may take over when they die here and have the same size. */
  readonly inPlace?: readonly number[];
  /** Inputs that are zero points: stored with the weights, but no parameters. */
  readonly zeroPoints?: readonly number[];
  /** Elements that the `stored` bytes of input `index` hold, where several share a byte. */
  readonly packing?: (site: Site, index: number, stored: number) => number;
  /** dtype of the multiplications; that of input 0, or else of output 0, when absent. */
  readonly computeDtype?: (site: Site) => DataType | null;
}

/**
 * - `streams`: reads its inputs, writes its outputs.
 * - `picks`: reads of its data input only what it writes (slices, lookups), and its other inputs.
 * - `generates`: writes its outputs, reads nothing to speak of.
 * - `alias`: the output is the first input under another name or shape: nothing moves.
 * - `none`: touches shapes or references only.
 */
export type Traffic = 'streams' | 'picks' | 'generates' | 'alias' | 'none';

export function trafficKind(cost: OpCost, site: Site): Traffic {
  const { traffic = 'streams' } = cost;
  return typeof traffic === 'function' ? traffic(site) : traffic;
}

/** Operator name → row, for one domain. */
export type OpTable = Readonly<Record<string, OpCost>>;

/**
 * Elementary operations per element. An addition, multiplication, comparison or selection is 1.
 */
export const simple = 1;
/**
 * Divisions and square roots keep the vector divider busy for several cycles; Eigen's cost model
 * weighs a vectorised float division between 2 and 8 multiplications by CPU. 4 is in the middle.
 */
export const division = 4;
/**
 * Exponential, logarithm, error function, trigonometry: a polynomial after range reduction.
 * Eigen counts 8 fused multiply-adds, 4 multiplications and 2 additions for its vectorised exp.
 */
export const transcendental = 14;

/** `cost` operations for every element of output 0. */
export function perOutput(cost: number): Count {
  return (site) => multiply(outputElements(site), cost);
}

/** `cost` operations for every element of input `index`. */
export function perInput(cost: number, index = 0): Count {
  return (site) => multiply(inputElements(site, index), cost);
}
