import type { DecoderTraits } from './decoder';

/*
 * Sizes are the defaults of the config classes of transformers 5, which apply when a config leaves a
 * key out; biases, norms and tied embeddings are those of its modules, checked against its own
 * parameter counts (bench/hf-parameters.py).
 */

const attentionBias = { key: 'attention_bias', default: false } as const;
const rmsNorms = { perLayer: 2, weights: 'scale' } as const;
const noBias = { qkvBias: false, outputBias: false, mlpBias: false } as const;

const llama: DecoderTraits = {
  vocab: 32000,
  hidden: 4096,
  layers: 32,
  heads: 32,
  ffn: 11008,
  context: 2048,
  tied: false,
  qkvBias: attentionBias,
  outputBias: attentionBias,
  gated: true,
  mlpBias: { key: 'mlp_bias', default: false },
  norm: rmsNorms,
};

const mistral: DecoderTraits = {
  ...llama,
  ...noBias,
  ffn: 14336,
  kvHeads: 8,
  context: 131072,
  slidingWindow: 'all',
};

const qwen2: DecoderTraits = {
  ...llama,
  ...noBias,
  qkvBias: true,
  vocab: 151936,
  ffn: 22016,
  kvHeads: 32,
  context: 32768,
};

const qwen3: DecoderTraits = {
  ...qwen2,
  qkvBias: attentionBias,
  outputBias: attentionBias,
  headDim: 128,
  qkNorm: { over: 'head', when: true },
};

const phi3: DecoderTraits = {
  ...llama,
  ...noBias,
  vocab: 32064,
  hidden: 3072,
  ffn: 8192,
  context: 4096,
  slidingWindow: 'all',
};

const gemma: DecoderTraits = {
  ...llama,
  mlpBias: false,
  vocab: 256000,
  hidden: 3072,
  layers: 28,
  heads: 16,
  ffn: 24576,
  kvHeads: 16,
  headDim: 256,
  context: 8192,
  tied: true,
};

const gemma2: DecoderTraits = {
  ...gemma,
  hidden: 2304,
  layers: 26,
  heads: 8,
  ffn: 9216,
  kvHeads: 4,
  norm: { perLayer: 4, weights: 'scale' },
  slidingWindow: { fullEvery: 2 },
};

const gemma3: DecoderTraits = {
  ...gemma2,
  vocab: 262208,
  context: 131072,
  qkNorm: { over: 'head', when: true },
  slidingWindow: { fullEvery: 6 },
};

const olmo: DecoderTraits = {
  ...llama,
  mlpBias: false,
  vocab: 50304,
  norm: { perLayer: 0, weights: 'none' },
};

const cohere: DecoderTraits = {
  ...llama,
  mlpBias: false,
  vocab: 256000,
  hidden: 8192,
  layers: 40,
  heads: 64,
  ffn: 22528,
  context: 8192,
  tied: true,
  qkNorm: { over: 'width', when: { key: 'use_qk_norm', default: false } },
  norm: { perLayer: 1, weights: 'scale' },
};

const glm: DecoderTraits = {
  ...llama,
  mlpBias: false,
  qkvBias: { key: 'attention_bias', default: true },
  outputBias: false,
  vocab: 151552,
  layers: 40,
  ffn: 13696,
  kvHeads: 2,
  headDim: 128,
  context: 131072,
};

/** Decoders with gated feed-forward layers and rotary positions: LLaMA and what came of it. */
export const gatedModels: ReadonlyMap<string, DecoderTraits> = new Map<string, DecoderTraits>([
  ['llama', llama],
  ['mistral', mistral],
  ['ministral3', { ...mistral, vocab: 131072, layers: 34, headDim: 128, context: 262144 }],
  ['qwen2', qwen2],
  ['qwen3', qwen3],
  ['phi3', phi3],
  ['gemma', gemma],
  ['gemma2', gemma2],
  ['gemma3_text', gemma3],
  ['olmo', olmo],
  ['olmo2', { ...olmo, norm: rmsNorms, qkNorm: { over: 'width', when: true } }],
  ['cohere', cohere],
  [
    'cohere2',
    {
      ...cohere,
      headDim: 128,
      slidingWindow: { fullEvery: 4 },
      qkNorm: { over: 'width', when: false },
    },
  ],
  ['granite', llama],
  ['glm', glm],
  ['glm4', { ...glm, norm: { perLayer: 4, weights: 'scale' } }],
  [
    'exaone4',
    {
      ...llama,
      ...noBias,
      vocab: 102400,
      ffn: 16384,
      kvHeads: 32,
      qkNorm: { over: 'head', when: true },
      slidingWindow: { fullEvery: 4 },
    },
  ],
  [
    'smollm3',
    {
      ...llama,
      vocab: 128256,
      hidden: 2048,
      layers: 36,
      heads: 16,
      kvHeads: 4,
      context: 32768,
      tied: true,
    },
  ],
  [
    'stablelm',
    {
      ...llama,
      qkvBias: { key: 'use_qkv_bias', default: false },
      outputBias: false,
      mlpBias: false,
      vocab: 50304,
      hidden: 2560,
      ffn: 6912,
      kvHeads: 32,
      context: 4096,
      qkNorm: { over: 'width', when: { key: 'qk_layernorm', default: false } },
      norm: {
        perLayer: (fields) => (fields.flag('use_parallel_residual', false) ? 1 : 2),
        weights: 'scale-and-shift',
      },
    },
  ],
  // The first Qwen generation: code on the hub (modeling_qwen.py), not part of transformers.
  [
    'qwen',
    {
      ...llama,
      vocab: 151936,
      ffn: 22016,
      ffnDivisor: 2,
      context: 8192,
      qkvBias: true,
      outputBias: false,
      mlpBias: false,
      keys: {
        headDim: 'kv_channels',
        context: ['seq_length', 'max_position_embeddings'],
        kvHeads: [],
      },
    },
  ],
  // ChatGLM 2 and 3: code on the hub (modeling_chatglm.py), not part of transformers.
  [
    'chatglm',
    {
      ...llama,
      vocab: 65024,
      layers: 28,
      ffn: 13696,
      headDim: 128,
      context: 2048,
      qkvBias: { key: 'add_qkv_bias', default: false },
      outputBias: { key: 'add_bias_linear', default: true },
      mlpBias: { key: 'add_bias_linear', default: true },
      kvHeads: (fields, heads) =>
        fields.flag('multi_query_attention', false)
          ? fields.size('multi_query_group_num', 1)
          : heads,
      norm: {
        perLayer: 2,
        weights: 'scale',
        final: (fields) => fields.flag('post_layer_norm', true),
      },
      alwaysHasHead: true,
      keys: {
        vocab: ['padded_vocab_size', 'vocab_size'],
        layers: ['num_layers', 'num_hidden_layers'],
        headDim: 'kv_channels',
        ffn: 'ffn_hidden_size',
        context: 'seq_length',
      },
    },
  ],
]);
