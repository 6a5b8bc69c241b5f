import type { DataType } from './dtype';

/**
 * What a device has to do for one run, whether it came from a graph or from a config.
 * The only input of `cost/`. `null` is unknown and stays unknown.
 */
export interface Workload {
  readonly items: readonly WorkItem[];
  readonly parameters: number | null;
  readonly weightBytes: number | null;
  /** Activations alive at the worst moment, weights not counted. */
  readonly peakActivationBytes: number | null;
  /** Bytes of the inputs and outputs of one run. */
  readonly ioBytes: number | null;
  /** Share of the items whose work is known, 0…1; weighted by nothing. */
  readonly coverage: number;
  /** `batch = 1 (not given)` and the like. */
  readonly assumptions: readonly string[];
}

/** Kinds of work that hardware runs at different efficiency. */
export const workKinds = [
  'conv',
  'depthwise-conv',
  'matmul',
  'attention',
  'recurrent',
  'normalization',
  'elementwise',
  'reduction',
  'pooling',
  'data-movement',
  'lookup',
  'tree',
  'quantize',
  'control',
  'none',
  'unknown',
] as const;
export type WorkKind = (typeof workKinds)[number];

export interface WorkItem {
  /** `Node.path`, or the layer's name for a config. */
  readonly name: string;
  readonly opType: string;
  readonly kind: WorkKind;
  readonly macs: number | null;
  /** Other arithmetic, elementwise operations counted once each. */
  readonly flops: number | null;
  /** Bytes read and written after the fusions that runtimes do (an activation folded into its producer moves nothing). */
  readonly readBytes: number | null;
  readonly writeBytes: number | null;
  /** Part of `readBytes` that is weights. */
  readonly weightBytes: number;
  /** dtype in which the multiplications run; `null` when unknown. */
  readonly computeDtype: DataType | null;
  /** How many times it is started in one run (layers × generated tokens); the figures are totals. Absent: once. */
  readonly launches?: number;
}
