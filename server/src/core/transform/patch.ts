import type { DataType } from '../dtype';
import type { AttributeValue } from '../graph';

/**
 * A change to one graph of a model, named by what it touches; `wire` splices it into the bytes.
 * Everything it does not name is copied as it is.
 */
export interface Patch {
  /** Node indices of the main graph that go. */
  readonly removeNodes: readonly number[];
  /** New nodes, placed before the node of that index (or at the end), in this order. */
  readonly insertNodes: readonly { readonly before: number | 'end'; readonly node: NewNode }[];
  /** Names in node inputs and outputs that change, by node index; the rest of the node is copied. */
  readonly renameInputs: readonly {
    readonly node: number;
    readonly input: number;
    readonly to: string;
  }[];
  readonly renameOutputs: readonly {
    readonly node: number;
    readonly output: number;
    readonly to: string;
  }[];
  /** `to` null: the node has no name any more (most exporters leave the field out then). */
  readonly renameNodes: readonly { readonly node: number; readonly to: string | null }[];
  /** Positions in `Graph.initializers` that go. */
  readonly removeInitializers: readonly number[];
  /** Positions in `Graph.inputs` that go: an initializer of an IR 3 file is listed there too. */
  readonly removeInputs: readonly number[];
  readonly addInitializers: readonly NewTensor[];
  /** Names of `Graph.valueInfos` that no longer exist. */
  readonly removeValueInfos: readonly string[];
  /** Domains whose version is set or added. */
  readonly setOpsets: ReadonlyMap<string, number>;
  readonly setMetadata: ReadonlyMap<string, string>;
}

export interface NewNode {
  readonly name: string;
  readonly opType: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly { readonly name: string; readonly value: AttributeValue }[];
  /** Copied from the node it replaces, so that scopes and doc strings are not lost. */
  readonly docString?: string;
  readonly metadata?: ReadonlyMap<string, string>;
}

export interface NewTensor {
  readonly name: string;
  readonly dtype: DataType;
  readonly dims: readonly number[];
  readonly byteLength: number;
  /** Little-endian `raw_data`, made when the writer gets there: one tensor in memory at a time. */
  readonly data: () => Promise<Uint8Array>;
}

export const emptyPatch: Patch = {
  removeNodes: [],
  insertNodes: [],
  renameInputs: [],
  renameOutputs: [],
  renameNodes: [],
  removeInitializers: [],
  removeInputs: [],
  addInitializers: [],
  removeValueInfos: [],
  setOpsets: new Map(),
  setMetadata: new Map(),
};
