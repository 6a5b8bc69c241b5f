import type { InputKind } from './input';
import type { Failure } from './minimise';

/** What a child process is told, as JSON in its only argument. */
export interface Job {
  readonly seed: number;
  readonly first: number;
  /** The first index that is not run. */
  readonly end: number;
  readonly kinds: readonly InputKind[];
  readonly corpus: string;
  /** Mutations to leave out. */
  readonly skip: readonly number[];
  /** Milliseconds since 1970 after which no input is begun; null: none. */
  readonly until: number | null;
  /** Inputs between two reports of progress: each costs system calls. */
  readonly stride: number;
}

export type ChildMessage =
  | { readonly kind: 'ready'; readonly counts: Readonly<Record<InputKind, number>> }
  | { readonly kind: 'failure'; readonly found: FoundFailure }
  | { readonly kind: 'slow'; readonly index: number; readonly cpuSeconds: number }
  /** `next`: the index that would have been the next one. */
  | { readonly kind: 'done'; readonly next: number };

export interface FoundFailure extends Failure {
  readonly index: number;
  readonly inputKind: InputKind;
  /** The smaller input, in base64; null for a defect that was already reported. */
  readonly input: string | null;
}

/** Where progress goes: two numbers before an input, its index and the peak memory so far in kB. */
export const progressFd = 3;
export const progressBytes = 8;
