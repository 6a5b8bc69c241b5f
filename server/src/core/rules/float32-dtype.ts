import { formatBytes } from '../format';
import type { ConfigContext, ConfigRule, Report } from './rule';

export const rule: ConfigRule = {
  target: 'hf-config',
  meta: {
    id: 'float32-dtype',
    title: 'A model config that loads its weights in float32, at twice the bytes of bfloat16.',
    severity: 'info',
    options: [],
    description: `
\`dtype\` (\`torch_dtype\` in files written before transformers 4.56) decides in which format the weights are loaded and in which
format the model computes. float32 takes 4 bytes a weight, bfloat16 takes 2. The exponent of bfloat16 is as wide as that of
float32, so no weight overflows; what is lost is the last 16 bits of the mantissa.

Producing text reads every weight once per token, so half the bytes is about half the time and energy of that part where
memory bandwidth is the limit; on GPUs with tensor cores the multiplications get several times faster as well. Low precision
helps most in phases that are bound by compute ([arXiv 2601.22362](https://arxiv.org/abs/2601.22362), H100).

The fix changes the value and nothing else: the key stays \`dtype\` or \`torch_dtype\` as it is.

It is fine for training in full precision, for models that were never run in anything else (small encoders, models with
exponentials of large numbers), and on CPUs without bfloat16 instructions, which save memory but not time. A config with a
\`quantization_config\` is left alone: there \`dtype\` only concerns the few weights that are not quantised.
`,
  },
  check,
  examples: {
    valid: [
      { title: 'bfloat16', config: llama('"dtype": "bfloat16"') },
      {
        title: 'float32 for what is not quantised',
        config: llama(
          '"torch_dtype": "float32",\n  "quantization_config": { "quant_method": "gptq", "bits": 4, "group_size": 128 }',
        ),
      },
      { title: 'No dtype given', config: llama('"use_cache": true') },
    ],
    invalid: [
      {
        title: 'float32 weights',
        config: llama('"dtype": "float32"'),
        fixed: llama('"dtype": "bfloat16"'),
        messages: [
          'float32 weights take … GB, bfloat16 takes … GB and is as wide: set dtype to "bfloat16".',
        ],
      },
      {
        title: 'The older key stays',
        config: llama('"torch_dtype": "float32"'),
        fixed: llama('"torch_dtype": "bfloat16"'),
        messages: [
          'float32 weights take … GB, bfloat16 takes … GB and is as wide: set torch_dtype to "bfloat16".',
        ],
      },
    ],
  },
};

function check({ config, device }: ConfigContext): readonly Report[] {
  const { dtypeEntry, quantization, document, weightBytes, weightDtype } = config;
  if (!dtypeEntry || quantization !== null || dtypeEntry.value.kind !== 'string') return [];
  const { start, end, value } = dtypeEntry.value;
  if (!/^(torch\.)?float(32)?$/.test(value)) return [];
  const key = document.text.slice(dtypeEntry.keyStart + 1, dtypeEntry.keyEnd - 1);
  const bytes = weightDtype === 'float32' ? weightBytes : null;
  const figures =
    bytes === null
      ? 'float32 takes 4 bytes a weight, bfloat16 takes 2'
      : `float32 weights take ${formatBytes(bytes)}, bfloat16 takes ${formatBytes(bytes / 2)}`;
  const hasBfloat16 = device.peakOpsPerSecond.has('bfloat16');
  return [
    {
      message: `${figures} and is as wide: set ${key} to "bfloat16".`,
      ...(hasBfloat16
        ? {}
        : {
            detail: `${device.name} has no bfloat16 arithmetic on record: expect half the memory, not less time.`,
          }),
      anchor: { kind: 'text', start: dtypeEntry.keyStart, end },
      ...(bytes === null ? {} : { saving: { bytes: Math.floor(bytes / 2) } }),
      fixes: [
        {
          id: 'dtype-bfloat16',
          title: 'Load the weights in bfloat16',
          safety: 'lossy',
          change: { kind: 'edit', edits: [{ start, end, newText: '"bfloat16"' }] },
        },
      ],
    },
  ];
}

function llama(entry: string): string {
  return `{
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "hidden_size": 2048,
  "intermediate_size": 8192,
  "num_hidden_layers": 16,
  "num_attention_heads": 32,
  "num_key_value_heads": 8,
  "max_position_embeddings": 8192,
  "vocab_size": 128256,
  "tie_word_embeddings": true,
  ${entry}
}`;
}
