import type { ConfigAnalysis } from '../config/config';
import type { Device } from '../cost/devices';
import { processorModel } from '../cost/processors';
import { bytesOf } from '../dtype';
import { formatBytes, markdownText, maxMessageLength } from '../format';
import type { Fix } from '../finding';
import type { ConfigContext, ConfigRule, Report } from './rule';

/** Contexts are multiples of this: what runtimes allocate in, and a number people recognise. */
const contextStep = 1024;

export const rule: ConfigRule = {
  target: 'hf-config',
  meta: {
    id: 'kv-cache-too-large',
    title: 'A context length whose key-value cache does not fit beside the weights.',
    severity: 'error',
    options: [],
    description: `
A decoder keeps the keys and values of every token it has seen: per token and layer, 2 x key-value heads x head size elements.
At the context length that the config promises, this cache can be larger than the weights. When weights, runtime and cache do
not fit into the device's memory together, the model stops with an out-of-memory error in the middle of a long request, or
the runtime pages to disk and every token costs many times the energy.

Counted for one sequence at the full context length, in the config's dtype, with sliding windows where the config has them.
The memory for the weights is that of the config's dtype or quantisation; what a model may use of the device's memory is an
assumption of its kind of processor, listed in the finding's details. Activations are not counted, so the real limit is lower.

The fix lowers the context length to the largest multiple of ${contextStep} that fits. It changes what the model can do, so it is
offered and never applied by itself. Alternatives: fewer key-value heads (a model with grouped queries), an 8-bit cache
(half the bytes in vLLM with \`kv-cache-dtype fp8\`), smaller weights, another device.

It is fine when the runtime limits the context by itself (\`max-model-len\`, \`num_ctx\`) and nobody sends more.
`,
  },
  check,
  examples: {
    valid: [
      {
        title: '4,096 tokens beside 13.5 GB of weights',
        device: 'nvidia-a10',
        config: llama(4096),
      },
      {
        title: 'No cache is kept',
        device: 'nvidia-a10',
        config: llama(131072, '"use_cache": false'),
      },
      { title: 'A large GPU', device: 'nvidia-h200-sxm-141gb', config: llama(131072) },
    ],
    invalid: [
      {
        title: '131,072 tokens beside 13.5 GB of weights on 24 GB',
        device: 'nvidia-a10',
        config: llama(131072),
        fixed: llama(14336),
        messages: [
          'KV cache of 131072 tokens takes 68.7 GB, … GB are free beside 13.5 GB of weights on nvidia-a10: … tokens fit.',
        ],
      },
      {
        title: 'Weights that leave no room at all',
        device: 'raspberry-pi-4b',
        config: llama(4096),
        messages: [
          'Weights of 13.5 GB leave no room for a KV cache in the … GB usable on raspberry-pi-4b.',
        ],
      },
    ],
  },
};

function check({ config, device }: ConfigContext): readonly Report[] {
  const { contextLength, weightBytes, useCacheEntry } = config;
  if (contextLength === null || weightBytes === null || device.ram === null) return [];
  if (useCacheEntry?.value.kind === 'boolean' && !useCacheEntry.value.value) return [];
  const cacheBytes = cacheBytesAt(config, contextLength);
  if (cacheBytes === null || cacheBytes === 0) return [];
  const model = processorModel(device.processor);
  const usable = device.ram.value * model.usableMemoryShare.value;
  const free = usable - model.runtimeMemoryBytes.value - weightBytes;
  if (cacheBytes <= free) return [];
  const fitting = largestContext(config, contextLength, free);
  return [
    {
      message: messageFor(config, device, { contextLength, cacheBytes, usable, free, fitting }),
      detail: [
        `- weights: ${formatBytes(weightBytes)}`,
        `- cache: ${formatBytes(config.kvCacheBytesPerToken)} a token`,
        `- runtime: ${formatBytes(model.runtimeMemoryBytes.value)} (${model.runtimeMemoryBytes.source})`,
        `- usable: ${formatBytes(usable)} of ${formatBytes(device.ram.value)} (${model.usableMemoryShare.source})`,
        ...config.assumptions.map((assumption) => `- ${markdownText(assumption, 200)}`),
      ].join('\n'),
      anchor: anchorOf(config),
      fixes: fixesFor(config, fitting),
    },
  ];
}

interface Figures {
  readonly contextLength: number;
  readonly cacheBytes: number;
  readonly usable: number;
  readonly free: number;
  readonly fitting: number;
}

function messageFor(config: ConfigAnalysis, device: Device, figures: Figures): string {
  const weights = formatBytes(config.weightBytes);
  if (figures.free <= 0) {
    const usable = formatBytes(figures.usable);
    return `Weights of ${weights} leave no room for a KV cache in the ${usable} usable on ${device.id}.`;
  }
  const message = (beside: string): string =>
    `KV cache of ${figures.contextLength} tokens takes ${formatBytes(figures.cacheBytes)}, ` +
    `${formatBytes(figures.free)} are free${beside} on ${device.id}: ${figures.fitting} tokens fit.`;
  const whole = message(` beside ${weights} of weights`);
  // Devices with long names; the detail has the weights, too.
  return whole.length <= maxMessageLength ? whole : message('');
}

/** Bytes of the cache of one sequence of that many tokens; null when the model is not described. */
function cacheBytesAt({ parts, computeDtype }: ConfigAnalysis, tokens: number): number | null {
  if (parts.length === 0 || computeDtype === null) return null;
  let elements = 0;
  for (const { attention } of parts) {
    for (const { layers, cacheElementsPerToken, window } of attention) {
      elements += layers * cacheElementsPerToken * Math.min(tokens, window ?? tokens);
    }
  }
  return bytesOf(computeDtype, elements);
}

/** The largest multiple of the step whose cache fits; 0 when none does. The cache grows with the context. */
function largestContext(config: ConfigAnalysis, contextLength: number, free: number): number {
  let fits = 0;
  let tooMany = Math.ceil(contextLength / contextStep);
  while (tooMany - fits > 1) {
    const middle = Math.floor((fits + tooMany) / 2);
    const bytes = cacheBytesAt(config, middle * contextStep);
    if (bytes !== null && bytes <= free) fits = middle;
    else tooMany = middle;
  }
  return fits * contextStep;
}

function anchorOf({ contextEntry }: ConfigAnalysis): Report['anchor'] {
  return contextEntry
    ? { kind: 'text', start: contextEntry.keyStart, end: contextEntry.value.end }
    : { kind: 'file' };
}

function fixesFor({ contextEntry }: ConfigAnalysis, fitting: number): readonly Fix[] {
  if (!contextEntry || fitting <= 0) return [];
  const { start, end } = contextEntry.value;
  return [
    {
      id: 'shorten-context',
      title: `Limit the context to ${fitting} tokens`,
      safety: 'lossy',
      change: { kind: 'edit', edits: [{ start, end, newText: fitting.toString() }] },
    },
  ];
}

function llama(context: number, entry = '"use_cache": true'): string {
  return `{
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "dtype": "bfloat16",
  "hidden_size": 4096,
  "intermediate_size": 11008,
  "num_hidden_layers": 32,
  "num_attention_heads": 32,
  "num_key_value_heads": 32,
  "max_position_embeddings": ${context},
  "vocab_size": 32000,
  ${entry}
}`;
}
