import type { Device } from './cost/devices';
import type { Estimate } from './cost/energy';
import type { ModelFacts } from './facts/count';
import type { SizedFacts } from './facts/workload';
import type { Model } from './graph';
import type { Problem } from './problem';
import type { Scope } from './shapes/types';
import type { Workload } from './workload';

/** Everything known of one ONNX file; what rules, command line, editor and report read. */
export interface Analysis {
  readonly model: Model;
  readonly problems: readonly Problem[];
  readonly scope: Scope;
  readonly facts: ModelFacts;
  /** The facts as numbers, for the sizes given and assumed. */
  readonly sized: SizedFacts;
  readonly workload: Workload;
  /** The estimate on a device, computed once per device and options. */
  readonly estimateOn: (device: Device) => Estimate;
}
