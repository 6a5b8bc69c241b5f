import type { Fields } from '../fields';
import type { DecoderTraits } from './decoder';

const shifted = { perLayer: 2, weights: 'scale-and-shift' } as const;
const allBiased = { qkvBias: true, outputBias: true, mlpBias: true } as const;

/** GPT-2's names of the sizes; transformers accepts the usual ones as well. */
const gpt2Keys = {
  hidden: ['n_embd', 'hidden_size'],
  layers: ['n_layer', 'num_hidden_layers'],
  heads: ['n_head', 'num_attention_heads'],
  ffn: 'n_inner',
  context: ['n_positions', 'max_position_embeddings'],
} as const;

const rotary: DecoderTraits = {
  ...allBiased,
  vocab: 50257,
  hidden: 768,
  layers: 12,
  heads: 12,
  context: 1024,
  keys: gpt2Keys,
  tied: true,
  gated: false,
  norm: shifted,
};

const gpt2: DecoderTraits = { ...rotary, learnedPositions: { offset: 0 } };

/** Attention and feed-forward side by side after one norm, no attention bias, a bias on the output. */
const gptj: DecoderTraits = {
  ...rotary,
  vocab: 50400,
  hidden: 4096,
  layers: 28,
  heads: 16,
  context: 2048,
  tied: false,
  qkvBias: false,
  outputBias: false,
  norm: { perLayer: 1, weights: 'scale-and-shift' },
  lmHeadBias: true,
};

const optBias = { key: 'enable_bias', default: true } as const;
const falconBias = { key: 'bias', default: false } as const;
const useBias = { key: 'use_bias', default: true } as const;
const attentionBias = { key: 'attention_bias', default: false } as const;

function falconNorms(fields: Fields): number {
  if (fields.flag('new_decoder_architecture', false)) {
    return fields.optionalSize('num_ln_in_parallel_attn', 2);
  }
  return fields.flag('parallel_attn', true) ? 1 : 2;
}

function falconKeyValueHeads(fields: Fields, heads: number): number {
  if (fields.flag('new_decoder_architecture', false))
    return fields.optionalSize('num_kv_heads', heads);
  return fields.flag('multi_query', true) ? 1 : heads;
}

/** Decoders with plain (not gated) feed-forward layers: GPT-2 and its contemporaries. */
export const classicModels: ReadonlyMap<string, DecoderTraits> = new Map<string, DecoderTraits>([
  ['gpt2', gpt2],
  [
    'gpt_bigcode',
    {
      ...gpt2,
      kvHeads: (fields, heads) => (fields.flag('multi_query', true) ? 1 : heads),
    },
  ],
  [
    'gpt_neo',
    {
      ...gpt2,
      hidden: 2048,
      layers: 24,
      heads: 16,
      context: 2048,
      qkvBias: false,
      keys: {
        layers: ['num_layers', 'num_hidden_layers'],
        heads: ['num_heads', 'num_attention_heads'],
      },
    },
  ],
  [
    'gpt_neox',
    {
      ...rotary,
      vocab: 50432,
      hidden: 6144,
      layers: 44,
      heads: 64,
      ffn: 24576,
      context: 2048,
      keys: {},
      tied: false,
      qkvBias: { key: 'attention_bias', default: true },
      outputBias: { key: 'attention_bias', default: true },
    },
  ],
  ['gptj', gptj],
  ['codegen', gptj],
  [
    'opt',
    {
      ...gpt2,
      vocab: 50272,
      ffn: 3072,
      context: 2048,
      keys: { ffn: 'ffn_dim' },
      learnedPositions: { offset: 2 },
      qkvBias: optBias,
      outputBias: optBias,
      mlpBias: optBias,
      embeddingWidthKey: 'word_embed_proj_dim',
      norm: { ...shifted, final: (fields) => fields.flag('do_layer_norm_before', true) },
    },
  ],
  [
    'bloom',
    {
      ...rotary,
      vocab: 250880,
      hidden: 64,
      layers: 2,
      heads: 8,
      context: null,
      keys: {
        hidden: ['n_embed', 'hidden_size'],
        layers: ['n_layer', 'num_hidden_layers'],
        heads: ['n_head', 'num_attention_heads'],
        context: 'seq_length',
        ffn: [],
      },
      norm: { ...shifted, afterEmbedding: true },
    },
  ],
  [
    'falcon',
    {
      ...rotary,
      vocab: 65024,
      hidden: 4544,
      layers: 32,
      heads: 71,
      context: 2048,
      keys: { ffn: 'ffn_hidden_size' },
      qkvBias: falconBias,
      outputBias: falconBias,
      mlpBias: falconBias,
      kvHeads: falconKeyValueHeads,
      norm: { perLayer: falconNorms, weights: 'scale-and-shift' },
    },
  ],
  [
    'mpt',
    {
      ...rotary,
      vocab: 50368,
      hidden: 2048,
      layers: 24,
      heads: 16,
      context: 2048,
      keys: {
        hidden: ['d_model', 'hidden_size'],
        layers: ['n_layers', 'num_hidden_layers'],
        heads: ['n_heads', 'num_attention_heads'],
        context: 'max_seq_len',
        ffn: [],
      },
      qkvBias: false,
      outputBias: false,
      mlpBias: false,
      norm: { perLayer: 2, weights: 'scale' },
    },
  ],
  [
    'phi',
    {
      ...rotary,
      vocab: 51200,
      hidden: 2048,
      layers: 24,
      heads: 32,
      ffn: 8192,
      context: 2048,
      keys: {},
      tied: false,
      qkNorm: { over: 'head', bias: true, when: { key: 'qk_layernorm', default: false } },
      norm: { perLayer: 1, weights: 'scale-and-shift' },
      lmHeadBias: true,
    },
  ],
  [
    'starcoder2',
    {
      ...rotary,
      vocab: 49152,
      hidden: 3072,
      layers: 30,
      heads: 24,
      ffn: 12288,
      kvHeads: 2,
      context: 4096,
      keys: {},
      qkvBias: useBias,
      outputBias: useBias,
      mlpBias: useBias,
      slidingWindow: 'all',
    },
  ],
  [
    'nemotron',
    {
      ...rotary,
      vocab: 256000,
      hidden: 6144,
      layers: 32,
      heads: 48,
      ffn: 24576,
      headDim: 128,
      context: 4096,
      keys: {},
      tied: false,
      qkvBias: attentionBias,
      outputBias: attentionBias,
      mlpBias: { key: 'mlp_bias', default: false },
    },
  ],
]);
