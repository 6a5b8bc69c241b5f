import type { LatencyRound } from '../core/verify/latency';
import type { ModelInput, Sample } from '../core/verify/samples';
import type { NamedTensorData } from '../core/verify/tensor-data';

/** Messages between the host process and the one that runs ONNX Runtime. Structured clone, both ways. */

export type RuntimeKind = 'native' | 'wasm';

export interface ModelFile {
  readonly path: string;
  /** External data files as the model names them, relative to its folder. */
  readonly externalLocations: readonly string[];
}

/** A session's inputs and outputs. dtype null: a sequence, map or optional, which cannot be fed or fetched. */
export interface SessionInfo {
  readonly session: number;
  readonly inputs: readonly ModelInput[];
  readonly outputs: readonly ModelInput[];
}

export type RuntimeRequest =
  | { readonly kind: 'start'; readonly runtime: RuntimeKind | 'auto'; readonly threads: number }
  | { readonly kind: 'load'; readonly model: ModelFile }
  | { readonly kind: 'run'; readonly session: number; readonly samples: readonly Sample[] }
  | {
      readonly kind: 'time';
      readonly before: number;
      readonly after: number;
      readonly sample: Sample;
      readonly options: TimingOptions;
    }
  | { readonly kind: 'release'; readonly session: number };

export interface TimingOptions {
  readonly maxRounds: number;
  /** Stops after the round in which this is exceeded. */
  readonly budgetSeconds: number;
}

/** What each request answers when it succeeds. */
export interface RuntimeReplies {
  readonly start: { readonly runtime: RuntimeKind; readonly version: string };
  readonly load: SessionInfo;
  /** Tensor outputs per sample; outputs of other types are left out. */
  readonly run: readonly (readonly NamedTensorData[])[];
  readonly time: readonly LatencyRound[];
  readonly release: null;
}

export type RequestKind = RuntimeRequest['kind'];
export type RequestOf<Kind extends RequestKind> = Extract<RuntimeRequest, { kind: Kind }>;

export interface Envelope {
  readonly id: number;
  readonly request: RuntimeRequest;
}

export type ReplyEnvelope =
  | { readonly id: number; readonly ok: true; readonly value: RuntimeReplies[RequestKind] }
  | {
      readonly id: number;
      readonly ok: false;
      readonly message: string;
      /** The runtime's own state is broken (a WebAssembly trap): nothing more can be asked of it. */
      readonly broken: boolean;
    };

/** Settings that the worker reads from its environment, before any message. */
export const memoryLimitVariable = 'GREEN_AI_RUNTIME_MEMORY_LIMIT_BYTES';

/** Written to stderr by the watchdog before it ends the process. */
export const memoryLimitMarker = 'green-ai: memory limit exceeded at bytes:';
