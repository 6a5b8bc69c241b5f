import type { Fields } from './fields';
import type { Weights } from './weights';

export const layerKinds = [
  'embedding',
  'attention',
  'linear-attention',
  'cross-attention',
  'mlp',
  'experts',
  'norm',
  'conv',
  'projector',
  'head',
  'other',
] as const;
export type LayerKind = (typeof layerKinds)[number];

/** Which of a model's parts a layer belongs to; only text layers run once per token. */
export type PartName = 'text' | 'encoder' | 'vision' | 'audio' | 'projector';

/** All layers of one shape, taken together. */
export interface LayerGroup {
  /** As the framework names the module, without index: `layers.self_attn`. */
  readonly name: string;
  readonly kind: LayerKind;
  readonly part: PartName;
  readonly count: number;
  /** Of all `count` layers. */
  readonly weights: Weights;
  /** Mixture of experts: how many there are and how many a token uses. */
  readonly experts?: { readonly total: number; readonly active: number };
  /** False for layers that run once per sequence (poolers, classifiers), not per token. */
  readonly perToken: boolean;
}

/** Sizes of attention, for the part of its work that grows with the context. */
export interface AttentionShape {
  readonly layers: number;
  readonly heads: number;
  /** Features per head in query-key products and in value sums. */
  readonly keyWidth: number;
  readonly valueWidth: number;
  /** Elements cached per token and layer; 0 where nothing is cached. */
  readonly cacheElementsPerToken: number;
  /** Tokens a layer looks back at most; null for all. */
  readonly window: number | null;
}

/** One described part: a text decoder, an encoder, a vision tower, a projector. */
export interface Part {
  readonly name: PartName;
  /** How it runs: token after token, whole sequences at once, or once per image or audio clip. */
  readonly role: 'decoder' | 'encoder' | 'tower';
  readonly layers: readonly LayerGroup[];
  readonly attention: readonly AttentionShape[];
  /** Tokens or patches in one pass, where the config fixes them (images); null for text. */
  readonly positions: number | null;
  readonly contextLength: number | null;
  /** Key the context length was read from, for ranges. */
  readonly contextKey: readonly string[] | null;
  readonly hiddenSize: number;
}

/** What a family makes of a config. Parts it knows to exist but cannot describe are named. */
export interface Architecture {
  readonly parts: readonly Part[];
  readonly unknownParts: readonly string[];
}

export interface FamilyContext {
  readonly modelType: string;
  /** `architectures[0]`, or null. */
  readonly architecture: string | null;
}

/** Describes a config of its family; null when it is of a form the family does not cover. */
export type Family = (fields: Fields, context: FamilyContext) => Architecture | null;
