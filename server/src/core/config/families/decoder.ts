import type { AttentionShape, Architecture, Family, LayerGroup, Part } from '../architecture';
import type { Fields, Keys } from '../fields';
import { borrowed, experts, linear, norm, table, times, together, vector } from '../weights';
import type { Weights } from '../weights';
import { latentAttention } from './latent-attention';
import type { LatentAttentionTraits } from './latent-attention';

/** A constant, or a key of the config with the framework's default. */
export type Flag = boolean | { readonly key: string; readonly default: boolean };

/** How a family of decoder-only models differs from the others; sizes are the framework's defaults. */
export interface DecoderTraits {
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  /** Absent: four times the hidden size. */
  readonly ffn?: number;
  /** Absent: as many as query heads. */
  readonly kvHeads?: number | ((fields: Fields, heads: number) => number);
  /** Absent: hidden size / heads. */
  readonly headDim?: number;
  readonly context: number | null;
  /** Names of the keys where they are not the usual ones. */
  readonly keys?: Partial<KeyNames>;
  /** The input embedding serves as output projection unless the config says otherwise. */
  readonly tied: boolean;
  /** Position embeddings are a trained table of `context + offset` rows. */
  readonly learnedPositions?: { readonly offset: number };
  readonly qkvBias: Flag;
  readonly outputBias: Flag;
  /** Norms of queries and keys: one per head width, or one over all heads. */
  readonly qkNorm?: {
    readonly over: 'head' | 'width';
    readonly bias?: boolean;
    readonly when: Flag;
  };
  readonly gated: boolean;
  readonly mlpBias: Flag;
  /** Some families store the width of both halves of the gated layer in one number. */
  readonly ffnDivisor?: number;
  readonly norm: {
    readonly perLayer: number | ((fields: Fields) => number);
    /** Norms hold a scale and, with `bias`, a shift; `'none'`: they hold nothing. */
    readonly weights: 'scale' | 'scale-and-shift' | 'none';
    readonly afterEmbedding?: boolean;
    readonly final?: boolean | ((fields: Fields) => boolean);
  };
  /** Further trained values in each attention layer: sinks. */
  readonly extraPerHead?: number;
  readonly lmHeadBias?: Flag;
  /** Models whose base class already has the output projection. */
  readonly alwaysHasHead?: boolean;
  /** Width of the token embedding where it differs from the hidden size (with projections between). */
  readonly embeddingWidthKey?: string;
  readonly slidingWindow?: 'all' | { readonly fullEvery: number };
  readonly moe?: MoeTraits;
  readonly latent?: LatentAttentionTraits;
}

interface KeyNames {
  readonly vocab: Keys;
  readonly hidden: Keys;
  readonly layers: Keys;
  readonly heads: Keys;
  readonly kvHeads: Keys;
  readonly headDim: Keys;
  readonly ffn: Keys;
  readonly context: Keys;
}

const usualKeys: KeyNames = {
  vocab: 'vocab_size',
  hidden: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  kvHeads: 'num_key_value_heads',
  headDim: 'head_dim',
  ffn: 'intermediate_size',
  context: ['max_position_embeddings', 'max_sequence_length', 'n_positions'],
};

export interface MoeTraits {
  readonly expertKeys: Keys;
  readonly experts: number;
  readonly chosen: number;
  readonly chosenKeys?: Keys;
  readonly ffnKey: string;
  readonly ffn: number;
  readonly bias?: boolean;
  /** `gated-by-one`: a shared expert of its own width behind a gate; `multiple`: n shared experts' widths joined. */
  readonly shared?: 'gated-by-one' | 'multiple';
  readonly sharedDefault?: number;
  /** Which layers stay dense: none, all but every nth and listed ones, or the first k. */
  readonly dense: 'none' | 'step-and-list' | 'first';
  readonly firstDense?: number;
}

interface Sizes {
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly ffn: number;
  readonly context: number | null;
}

/** A family of decoder-only transformers. */
export function decoderFamily(traits: DecoderTraits): Family {
  return (fields, { architecture }) => {
    const { part, unknownParts } = decoderPart(traits, fields, architecture);
    return { parts: [part], unknownParts } satisfies Architecture;
  };
}

/** `architecture`: the class that is built, deciding which head there is; `tied` overrides the config's own key. */
export function decoderPart(
  traits: DecoderTraits,
  fields: Fields,
  architecture: string | null,
  tied?: boolean,
): { readonly part: Part; readonly unknownParts: readonly string[] } {
  const sizes = readSizes(traits, fields);
  const attention = attentionLayers(traits, fields, sizes);
  const head = outputHead(traits, fields, sizes, architecture, tied);
  return {
    part: {
      name: 'text',
      role: 'decoder',
      layers: [
        ...embeddings(traits, fields, sizes),
        attention.group,
        ...feedForward(traits, fields, sizes),
        ...norms(traits, fields, sizes),
        ...head.groups,
      ],
      attention: attention.shapes,
      positions: null,
      contextLength: sizes.context,
      contextKey: contextKey(traits, fields),
      hiddenSize: sizes.hidden,
    },
    unknownParts: head.unknownParts,
  };
}

export function flagOf(flag: Flag, fields: Fields): boolean {
  return typeof flag === 'boolean' ? flag : fields.flag(flag.key, flag.default);
}

/** How many classes a classifier has: `id2label`, else `num_labels`, else the framework's 2. */
export function labelCount(fields: Fields): number {
  return fields.entries('id2label') ?? fields.count('num_labels', 2);
}

function readSizes(traits: DecoderTraits, fields: Fields): Sizes {
  const keys = { ...usualKeys, ...traits.keys };
  const hidden = fields.size(keys.hidden, traits.hidden);
  const heads = fields.size(keys.heads, traits.heads);
  const kvHeads =
    typeof traits.kvHeads === 'function'
      ? traits.kvHeads(fields, heads)
      : keyValueHeads(fields, keys.kvHeads, traits.kvHeads, heads);
  if (fields.valid() && heads % kvHeads !== 0) {
    fields.reject(
      'num_key_value_heads',
      `${kvHeads} key/value heads do not divide ${heads} heads.`,
    );
  }
  const derived = Math.floor(hidden / heads);
  const headDim = traits.latent
    ? derived
    : fields.has(firstKey(keys.headDim)) || traits.headDim !== undefined
      ? fields.optionalSize(keys.headDim, traits.headDim ?? derived)
      : derived;
  const ffn = fields.optionalSize(keys.ffn, traits.ffn ?? 4 * hidden);
  return {
    vocab: fields.size(keys.vocab, traits.vocab),
    hidden,
    layers: fields.size(keys.layers, traits.layers),
    heads,
    kvHeads,
    headDim,
    ffn: ffn / (traits.ffnDivisor ?? 1),
    context:
      traits.context === null && !contextKey(traits, fields)
        ? null
        : fields.optionalSize(keys.context, traits.context ?? 0),
  };
}

/** A default for grouped heads holds for absent keys; `null` always means one per query head. */
function keyValueHeads(
  fields: Fields,
  keys: Keys,
  fallback: number | undefined,
  heads: number,
): number {
  const present = [keys].flat().some((key) => fields.has(key));
  return present ? fields.optionalSize(keys, heads) : fields.optionalSize(keys, fallback ?? heads);
}

function firstKey(keys: Keys): string {
  return typeof keys === 'string' ? keys : (keys[0] ?? '');
}

function contextKey(traits: DecoderTraits, fields: Fields): readonly string[] | null {
  const keys = [traits.keys?.context ?? usualKeys.context].flat();
  const key = keys.find((name) => fields.has(name));
  return key === undefined ? null : [...fields.path.map(String), key];
}

function embeddings(traits: DecoderTraits, fields: Fields, sizes: Sizes): LayerGroup[] {
  const { vocab, hidden, context } = sizes;
  const width = embeddingWidth(traits, fields, hidden);
  const groups: LayerGroup[] = [group('embed_tokens', 'embedding', 1, table(vocab, width))];
  if (traits.learnedPositions) {
    const rows = (context ?? 0) + traits.learnedPositions.offset;
    groups.push(group('embed_positions', 'embedding', 1, table(rows, hidden)));
  }
  if (width !== hidden) {
    const projections = together(linear(width, hidden), linear(hidden, width));
    groups.push(group('embedding_projections', 'projector', 2, projections));
  }
  return groups;
}

function embeddingWidth(traits: DecoderTraits, fields: Fields, hidden: number): number {
  return traits.embeddingWidthKey ? fields.optionalSize(traits.embeddingWidthKey, hidden) : hidden;
}

function attentionLayers(
  traits: DecoderTraits,
  fields: Fields,
  sizes: Sizes,
): { readonly group: LayerGroup; readonly shapes: readonly AttentionShape[] } {
  if (traits.latent) return latentAttention(traits.latent, fields, sizes);
  const { hidden, layers, heads, kvHeads, headDim } = sizes;
  const queryWidth = heads * headDim;
  const keyWidth = kvHeads * headDim;
  const bias = flagOf(traits.qkvBias, fields);
  const parts: Weights[] = [
    linear(hidden, queryWidth, bias),
    times(2, linear(hidden, keyWidth, bias)),
    linear(queryWidth, hidden, flagOf(traits.outputBias, fields)),
    vector((traits.extraPerHead ?? 0) * heads),
  ];
  const { qkNorm } = traits;
  if (qkNorm && flagOf(qkNorm.when, fields)) {
    const widths = qkNorm.over === 'head' ? [headDim, headDim] : [queryWidth, keyWidth];
    parts.push(...widths.map((width) => norm(width, qkNorm.bias ?? false)));
  }
  const shape = {
    heads,
    keyWidth: headDim,
    valueWidth: headDim,
    cacheElementsPerToken: 2 * keyWidth,
  };
  return {
    group: group('self_attn', 'attention', layers, times(layers, together(...parts))),
    shapes: windows(traits, fields, layers).map((part) => ({ ...part, ...shape })),
  };
}

/** Layers that see everything and layers that see a window, as the config says. */
function windows(
  traits: DecoderTraits,
  fields: Fields,
  layers: number,
): readonly { readonly layers: number; readonly window: number | null }[] {
  const all = [{ layers, window: null }];
  if (!traits.slidingWindow || !fields.flag('use_sliding_window', true)) return all;
  const window = fields.count('sliding_window', 0);
  if (window === 0) return all;
  const listed = fields.texts('layer_types')?.filter((type) => type === 'sliding_attention').length;
  const byPattern =
    traits.slidingWindow === 'all'
      ? layers
      : layers - Math.floor(layers / traits.slidingWindow.fullEvery);
  const sliding = Math.min(layers, listed ?? byPattern);
  return [
    { layers: sliding, window },
    { layers: layers - sliding, window: null },
  ].filter((part) => part.layers > 0);
}

function feedForward(traits: DecoderTraits, fields: Fields, sizes: Sizes): LayerGroup[] {
  const { hidden, layers, ffn } = sizes;
  const bias = flagOf(traits.mlpBias, fields);
  const dense = mlp(hidden, ffn, traits.gated, bias);
  const { moe } = traits;
  if (!moe) return [group('mlp', 'mlp', layers, times(layers, dense))];
  const total = fields.count(moe.expertKeys, moe.experts);
  if (total === 0) return [group('mlp', 'mlp', layers, times(layers, dense))];
  const denseLayers = denseLayerCount(moe, fields, layers);
  const sparseLayers = layers - denseLayers;
  const chosen = fields.optionalSize(moe.chosenKeys ?? 'num_experts_per_tok', moe.chosen);
  if (chosen > total) {
    fields.reject('num_experts_per_tok', `${chosen} experts a token, but there are ${total}.`);
  }
  const expertFfn = fields.size(moe.ffnKey, moe.ffn);
  const expertBias = moe.bias ?? false;
  const one = mlp(hidden, expertFfn, traits.gated, expertBias);
  const router = linear(hidden, total, expertBias);
  const sparse = together(
    experts(total, chosen, one),
    router,
    sharedExperts(moe, fields, hidden, expertFfn),
  );
  const groups: LayerGroup[] = [];
  if (denseLayers > 0) groups.push(group('mlp', 'mlp', denseLayers, times(denseLayers, dense)));
  if (sparseLayers > 0) {
    groups.push({
      ...group('mlp.experts', 'experts', sparseLayers, times(sparseLayers, sparse)),
      experts: { total, active: Math.min(chosen, total) },
    });
  }
  return groups;
}

export function mlp(hidden: number, ffn: number, gated: boolean, bias: boolean): Weights {
  return together(times(gated ? 2 : 1, linear(hidden, ffn, bias)), linear(ffn, hidden, bias));
}

function sharedExperts(moe: MoeTraits, fields: Fields, hidden: number, expertFfn: number): Weights {
  if (moe.shared === 'gated-by-one') {
    const ffn = fields.count('shared_expert_intermediate_size', moe.sharedDefault ?? 0);
    return ffn === 0 ? vector(0) : together(mlp(hidden, ffn, true, false), linear(hidden, 1));
  }
  if (moe.shared === 'multiple') {
    const shared = fields.count('n_shared_experts', moe.sharedDefault ?? 0);
    return shared === 0 ? vector(0) : mlp(hidden, shared * expertFfn, true, false);
  }
  return vector(0);
}

function denseLayerCount(moe: MoeTraits, fields: Fields, layers: number): number {
  if (moe.dense === 'first') {
    return Math.min(layers, fields.count('first_k_dense_replace', moe.firstDense ?? 0));
  }
  if (moe.dense === 'none') return 0;
  const step = fields.size('decoder_sparse_step', 1);
  const listed = new Set(fields.integers('mlp_only_layers') ?? []);
  const denseAnyway = [...listed].filter(
    (layer) => layer >= 0 && layer < layers && (layer + 1) % step === 0,
  ).length;
  return layers - Math.floor(layers / step) + denseAnyway;
}

function norms(traits: DecoderTraits, fields: Fields, sizes: Sizes): LayerGroup[] {
  const { hidden, layers } = sizes;
  const { perLayer, weights, afterEmbedding, final } = traits.norm;
  if (weights === 'none') return [];
  const one = norm(hidden, weights === 'scale-and-shift');
  const each = typeof perLayer === 'function' ? perLayer(fields) : perLayer;
  const groups = [group('layernorm', 'norm', layers * each, times(layers * each, one))];
  if (afterEmbedding) groups.push(group('embedding_layernorm', 'norm', 1, one));
  if (typeof final === 'function' ? final(fields) : (final ?? true)) {
    groups.push(group('norm', 'norm', 1, one));
  }
  return groups;
}

/** The head of the class that the config names; transformers' base classes have none. */
function outputHead(
  traits: DecoderTraits,
  fields: Fields,
  sizes: Sizes,
  architecture: string | null,
  tiedOverride: boolean | undefined,
): { readonly groups: readonly LayerGroup[]; readonly unknownParts: readonly string[] } {
  const { vocab, hidden } = sizes;
  const one = (weights: Weights): LayerGroup => group('lm_head', 'head', 1, weights);
  const found = (...groups: LayerGroup[]) => ({ groups, unknownParts: [] });
  if (architecture === null || isLanguageModel(architecture) || traits.alwaysHasHead) {
    const width = embeddingWidth(traits, fields, hidden);
    const tied = tiedOverride ?? fields.flag('tie_word_embeddings', traits.tied);
    const matrix = linear(width, vocab);
    const bias = traits.lmHeadBias && flagOf(traits.lmHeadBias, fields) ? vocab : 0;
    return found(one(together(tied ? borrowed(matrix) : matrix, vector(bias))));
  }
  if (architecture.endsWith('ForSequenceClassification')) {
    return found({ ...one(linear(hidden, labelCount(fields))), name: 'score' });
  }
  if (architecture.endsWith('ForTokenClassification')) {
    return found({ ...one(linear(hidden, labelCount(fields), true)), name: 'score' });
  }
  if (architecture.endsWith('ForQuestionAnswering')) {
    return found({ ...one(linear(hidden, 2, true)), name: 'qa_outputs' });
  }
  if (architecture.endsWith('Model')) return found();
  return { groups: [], unknownParts: [`head of ${architecture}`] };
}

function isLanguageModel(architecture: string): boolean {
  return /(ForCausalLM|LMHeadModel|ForConditionalGeneration)$/.test(architecture);
}

function group(
  name: string,
  kind: LayerGroup['kind'],
  count: number,
  weights: Weights,
): LayerGroup {
  return { name, kind, part: 'text', count, weights, perToken: true };
}
