import type { Model, Tensor } from '../graph';
import type { FixSafety } from '../finding';
import type { CancelSignal } from '../source';
import type { Scope } from '../shapes/types';
import type { Patch } from './patch';

/** A way to make a model smaller. It plans; splicing, verifying and writing are the engine's. */
export interface Recipe {
  readonly name: string;
  readonly title: string;
  readonly safety: FixSafety;
  /** In the name of the file it makes: `model.int8.onnx`. */
  readonly suffix: string;
  readonly plan: (context: RecipeContext) => Promise<TransformPlan>;
}

export interface RecipeContext {
  readonly model: Model;
  readonly scope: Scope;
  /** Little-endian bytes of a tensor's elements; null when they cannot be had. */
  readonly readTensor: (tensor: Tensor) => Promise<Uint8Array | null>;
  /** Node paths to leave as they are, with the reason: what verification rolled back. */
  readonly exclude: ReadonlyMap<string, string>;
  /** When given, only these node paths are changed. */
  readonly only: ReadonlySet<string> | null;
  readonly progress?: (done: number, total: number, what: string) => void;
  readonly signal?: CancelSignal;
}

export interface TransformPlan {
  readonly patch: Patch;
  /** Paths of the original nodes that the patch changes or removes. */
  readonly changedNodes: readonly string[];
  readonly skipped: readonly SkippedNode[];
  /** Paths of changed nodes that share a weight: they change together or not at all. */
  readonly groups?: readonly (readonly string[])[];
}

export interface SkippedNode {
  readonly node: string;
  /** A clause after "because": why the node stays as it is. */
  readonly reason: string;
}
