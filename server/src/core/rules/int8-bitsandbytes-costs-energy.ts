import type { ConfigAnalysis } from '../config/config';
import { removeProperty } from '../config/edit';
import type { ConfigQuantization } from '../config/quantization';
import type { ConfigProperty } from '../config/tree';
import type { ProcessorKind } from '../cost/devices';
import type { Fix, TextEdit } from '../finding';
import { formatBytes } from '../format';
import { option } from './rule';
import type { ConfigContext, ConfigRule, Report } from './rule';

/** Where bitsandbytes has kernels. The figures are of GPUs; an x86 host is the usual default device. */
const processors: ReadonlySet<ProcessorKind> = new Set(['gpu', 'embedded-gpu', 'x86-cpu']);

export const rule: ConfigRule = {
  target: 'hf-config',
  meta: {
    id: 'int8-bitsandbytes-costs-energy',
    title: 'load_in_8bit of bitsandbytes, which saves memory and costs energy.',
    severity: 'warning',
    options: [
      {
        name: 'minimumParametersFor4Bit',
        description: 'From this many parameters the fix offers 4-bit weights first.',
        default: 5e9,
        minimum: 0,
        maximum: 1e15,
      },
    ],
    description: `
LLM.int8 of bitsandbytes halves the memory of the weights. It does not make the model cheaper to run: with its default
threshold each product is split, outliers are computed in float16 and the rest is converted back and forth. Measured against
float16, energy per generated token with one request at a time:

| GPU | LLM.int8 (\`load_in_8bit\`) | NF4 (\`load_in_4bit\`) |
| --- | --- | --- |
| RTX 4090D | +17 to +33 % | -30 to -35 % from 5–6 billion parameters up |
| A800 | +122 to +147 % | |
| RTX 5090 | | -11 % from 5–6 billion parameters up |

Below 3 billion parameters NF4 raised the energy, too. Source: NVML measurements of one contributor,
[bitsandbytes#1867](https://github.com/bitsandbytes-foundation/bitsandbytes/issues/1867) and the pull request
bitsandbytes#1882; not repeated by others. [arXiv 2601.22362](https://arxiv.org/abs/2601.22362) finds on an H100 that low
precision saves in phases bound by compute only. The same source measured 84 % less energy per request at batch 8 than at
batch 1: batching saves more than any format.

The fixes: remove the \`quantization_config\` and run in the config's \`dtype\`; from 5 billion parameters up, switch to NF4.
Both assume that the checkpoint itself is stored in float: a checkpoint that was saved in int8 needs its float original.

It is fine when the model does not fit in the memory otherwise, and on devices where bitsandbytes does not run (this rule says
nothing on microcontrollers, NPUs, phones and Arm CPUs).
`,
  },
  check,
  examples: {
    valid: [
      {
        title: 'No quantisation',
        device: 'nvidia-rtx-4090',
        config: llama({ layers: 32, hidden: 4096, inner: 11008 }),
      },
      {
        title: 'NF4 on a model of 7 billion parameters',
        device: 'nvidia-rtx-4090',
        config: llama({
          ...{ layers: 32, hidden: 4096, inner: 11008 },
          quantization: '{ "quant_method": "bitsandbytes", "load_in_4bit": true }',
        }),
      },
      {
        title: 'A device without bitsandbytes',
        device: 'raspberry-pi-5',
        config: llama({
          ...{ layers: 16, hidden: 2048, inner: 8192 },
          quantization: '{ "load_in_8bit": true }',
        }),
      },
    ],
    invalid: [
      {
        title: 'A model of 1 billion parameters: run it in bfloat16',
        device: 'nvidia-rtx-4090',
        config: llama({
          ...{ layers: 16, hidden: 2048, inner: 8192 },
          quantization: '{ "quant_method": "bitsandbytes", "load_in_8bit": true }',
        }),
        fixed: llama({ layers: 16, hidden: 2048, inner: 8192 }),
        messages: [
          'load_in_8bit saves memory but costs energy: +17…33 % on RTX 4090D, +122…147 % on A800. Remove it.',
        ],
      },
      {
        title: 'A model of 7 billion parameters: 4 bits instead',
        device: 'nvidia-rtx-4090',
        config: llama({
          ...{ layers: 32, hidden: 4096, inner: 11008 },
          quantization:
            '{\n    "quant_method": "bitsandbytes",\n    "load_in_8bit": true,\n    "llm_int8_threshold": 6.0\n  }',
        }),
        fixed: llama({
          ...{ layers: 32, hidden: 4096, inner: 11008 },
          quantization:
            '{\n    "quant_method": "bitsandbytes",\n    "load_in_4bit": true,\n    "bnb_4bit_quant_type": "nf4",\n    "bnb_4bit_compute_dtype": "bfloat16",\n    "llm_int8_threshold": 6.0\n  }',
        }),
        messages: [
          'load_in_8bit saves memory but costs energy: +17…33 % on RTX 4090D, +122…147 % on A800. Use 4-bit NF4.',
        ],
      },
    ],
  },
};

function check(context: ConfigContext): readonly Report[] {
  const { config, device } = context;
  const { quantization, parameters } = config;
  const entry = quantization?.loadIn8bit;
  if (!quantization || !entry || !processors.has(device.processor)) return [];
  if (quantization.method !== 'bitsandbytes') return [];
  if (entry.value.kind !== 'boolean' || !entry.value.value) return [];
  const isLarge = parameters !== null && parameters >= option(context, 'minimumParametersFor4Bit');
  const remove = removal(config, quantization);
  const to4Bit = fourBit(config, quantization, entry);
  return [
    {
      message:
        'load_in_8bit saves memory but costs energy: +17…33 % on RTX 4090D, +122…147 % on A800. ' +
        (isLarge ? 'Use 4-bit NF4.' : 'Remove it.'),
      detail: detail(config),
      anchor: { kind: 'text', start: entry.keyStart, end: entry.value.end },
      fixes: [...(isLarge ? [to4Bit] : []), ...remove],
    },
  ];
}

function detail({ parameters, weightBytes }: ConfigAnalysis): string {
  const without = parameters === null ? 'unknown' : formatBytes(2 * parameters);
  return [
    'Energy per token against float16, one request at a time (bitsandbytes#1867, one contributor, NVML).',
    `Weights: ${formatBytes(weightBytes)} as configured, ${without} in a 16-bit format.`,
    'A checkpoint that was saved in int8 needs its float original for either fix.',
  ].join('\n\n');
}

function removal(config: ConfigAnalysis, { entry }: ConfigQuantization): readonly Fix[] {
  const { document } = config;
  if (document.root?.kind !== 'object') return [];
  const key = [...document.root.properties].find(([, property]) => property === entry)?.[0];
  if (key === undefined) return [];
  return [
    {
      id: 'remove-quantization-config',
      title: `Remove ${key} and run in the config's dtype`,
      safety: 'lossy',
      change: { kind: 'edit', edits: removeProperty(document, [key]) },
    },
  ];
}

/** What NF4 was measured with; bitsandbytes' own defaults are fp4 and float32. */
const fourBitSettings: readonly (readonly [string, string])[] = [
  ['bnb_4bit_quant_type', '"nf4"'],
  ['bnb_4bit_compute_dtype', '"bfloat16"'],
];

function fourBit(
  config: ConfigAnalysis,
  { entry }: ConfigQuantization,
  in8bit: ConfigProperty,
): Fix {
  const { text } = config.document;
  const properties =
    entry.value.kind === 'object' ? entry.value.properties : new Map<string, ConfigProperty>();
  const edits: TextEdit[] = [];
  const in4bit = properties.get('load_in_4bit');
  if (in4bit) {
    edits.push({ start: in8bit.value.start, end: in8bit.value.end, newText: 'false' });
    edits.push({ start: in4bit.value.start, end: in4bit.value.end, newText: 'true' });
  } else {
    edits.push({ start: in8bit.keyStart, end: in8bit.keyEnd, newText: '"load_in_4bit"' });
  }
  const separator = separatorBefore(text, in8bit.keyStart);
  const missing = fourBitSettings.filter(([key]) => !properties.has(key));
  for (const [key, newText] of fourBitSettings) {
    const present = properties.get(key)?.value;
    if (present) edits.push({ start: present.start, end: present.end, newText });
  }
  if (missing.length > 0) {
    const added = missing.map(([key, value]) => `,${separator}"${key}": ${value}`).join('');
    // With both switches the value is replaced already: two edits must not touch.
    const at = in4bit ? in4bit.value : in8bit.value;
    if (in4bit) edits.splice(1, 1, { start: at.start, end: at.end, newText: `true${added}` });
    else edits.push({ start: at.end, end: at.end, newText: added });
  }
  return {
    id: 'bitsandbytes-nf4',
    title: 'Use 4-bit NF4 weights',
    safety: 'lossy',
    change: { kind: 'edit', edits: edits.sort((left, right) => left.start - right.start) },
  };
}

/** White space between the entry before (or the brace) and this key: new entries get the same. */
function separatorBefore(text: string, keyStart: number): string {
  const before = /[ \t\r\n]*$/.exec(text.slice(Math.max(0, keyStart - 200), keyStart))?.[0] ?? '';
  return before === '' ? ' ' : before;
}

function llama(sizes: {
  readonly layers: number;
  readonly hidden: number;
  readonly inner: number;
  readonly quantization?: string;
}): string {
  const quantization =
    sizes.quantization === undefined ? '' : `,\n  "quantization_config": ${sizes.quantization}`;
  return `{
  "architectures": ["LlamaForCausalLM"],
  "model_type": "llama",
  "dtype": "bfloat16",
  "hidden_size": ${sizes.hidden},
  "intermediate_size": ${sizes.inner},
  "num_hidden_layers": ${sizes.layers},
  "num_attention_heads": 32,
  "num_key_value_heads": 32,
  "max_position_embeddings": 4096,
  "vocab_size": 32000${quantization}
}`;
}
