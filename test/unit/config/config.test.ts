import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import fc from 'fast-check';
import { analyzeConfig } from '../../../server/src/core/config/config';
import type { ConfigAnalysis } from '../../../server/src/core/config/config';
import { decodeText } from '../../../server/src/core/config/decode-text';
import { describedModelTypes } from '../../../server/src/core/config/families';
import { workloadOfConfig } from '../../../server/src/core/config/workload';
import table from './transformers-counts.json';

const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';

function analyze(config: object): ConfigAnalysis {
  return analyzeConfig(JSON.stringify(config, null, 2), 'config.json');
}

/** `code@text` of each problem. */
function problemsOf(text: string, fileName = 'config.json'): string[] {
  return analyzeConfig(text, fileName).problems.map(
    ({ code, start, end }) => `${code}@${text.slice(start, end)}`,
  );
}

interface CountedRow {
  readonly name?: string;
  /** Path inside the corpus, where the config is not inline. */
  readonly file?: string;
  readonly config?: object;
  /** Count on the model's card or in its paper, where there is one. */
  readonly published?: number;
  /** Counted by transformers; null when it does not know the model. */
  readonly parameters: number | null;
  readonly macsPerToken: number | null;
  readonly macsDiffer?: { readonly by: number; readonly reason: string };
}
const rows: readonly CountedRow[] = table.rows;

describe(`config/families against transformers ${table.transformersVersion}`, () => {
  for (const row of rows) {
    if (row.parameters === null) continue;
    it(row.name ?? row.file ?? 'row', function () {
      const text = row.config ? JSON.stringify(row.config) : readCorpus(row.file ?? '');
      if (text === null) this.skip();
      const analysis = analyzeConfig(text, 'config.json');
      assert.equal(analysis.parameters, row.parameters);
      assert.equal(analysis.coverage, 1);
      if (row.published !== undefined) assert.equal(analysis.parameters, row.published);
      if (row.macsPerToken !== null) {
        assert.equal(analysis.macsPerToken, row.macsPerToken + (row.macsDiffer?.by ?? 0));
      }
      const sum = analysis.layers.reduce((total, layer) => total + layer.parameters, 0);
      assert.equal(sum, analysis.parameters);
    });
  }
});

/** Null, with a word about it, when the corpus is not on this machine. */
function readCorpus(file: string): string | null {
  const path = join(corpus, file);
  if (existsSync(path)) return decodeText(readFileSync(path)).text;
  console.log(`      no corpus at ${corpus}: skipped`);
  return null;
}

describe('config/analyzeConfig', () => {
  // Code on the hub, not in transformers: counts from the model cards.
  const published: readonly (readonly [string, object, number])[] = [
    [
      'Qwen 7B',
      {
        model_type: 'qwen',
        hidden_size: 4096,
        intermediate_size: 22016,
        kv_channels: 128,
        num_attention_heads: 32,
        num_hidden_layers: 32,
        vocab_size: 151936,
      },
      7_721_324_544,
    ],
    [
      'ChatGLM3 6B',
      {
        model_type: 'chatglm',
        add_bias_linear: false,
        add_qkv_bias: true,
        ffn_hidden_size: 13696,
        hidden_size: 4096,
        kv_channels: 128,
        multi_query_attention: true,
        multi_query_group_num: 2,
        num_attention_heads: 32,
        num_layers: 28,
        padded_vocab_size: 65024,
      },
      6_243_584_000,
    ],
  ];
  for (const [title, config, parameters] of published) {
    it(`counts ${title}`, () => {
      assert.equal(analyze(config).parameters, parameters);
    });
  }

  it('counts gpt-oss as its model card does (arXiv 2508.10925, table 1)', () => {
    const { layers, weightBytes, parameters, activeParameters } = analyze({
      model_type: 'gpt_oss',
      architectures: ['GptOssForCausalLM'],
      num_hidden_layers: 24,
      num_local_experts: 32,
      experts_per_token: 4,
      torch_dtype: 'bfloat16',
      quantization_config: { quant_method: 'mxfp4', modules_to_not_convert: [] },
    });
    const billions = (kind: string): string =>
      (
        layers
          .filter((layer) => layer.kind === kind)
          .reduce((sum, layer) => sum + layer.parameters, 0) / 1e9
      ).toFixed(2);
    assert.equal(billions('experts'), '19.12');
    assert.equal(billions('attention'), '0.64');
    assert.equal(((parameters ?? 0) / 1e9).toFixed(2), '20.91');
    // The card counts the output projection but not the input embedding as active: 3.61 B.
    const embedding = layers.find((layer) => layer.kind === 'embedding')?.parameters ?? 0;
    assert.equal((((activeParameters ?? 0) - embedding) / 1e9).toFixed(2), '3.61');
    assert.equal(((weightBytes ?? 0) / 2 ** 30).toFixed(1), '12.8');
  });

  it('gives the cache of Llama 3 8B: 2 × 32 layers × 8 heads × 128 features × 2 bytes', () => {
    const row = rows.find(({ name }) => name === 'Llama 3 8B');
    const analysis = analyze(row?.config ?? {});
    assert.equal(analysis.kvCacheBytesPerToken, 131072);
    assert.equal(analysis.weightBytes, 16_060_522_496);
    assert.equal(analysis.weightDtype, 'bfloat16');
    assert.equal(analysis.activeParameters, analysis.parameters);
  });

  it('caches the latent vector of DeepSeek V3: 61 layers × (512 + 64) × 2 bytes', () => {
    const { kvCacheBytesPerToken } = analyze({
      model_type: 'deepseek_v3',
      torch_dtype: 'bfloat16',
    });
    assert.equal(kvCacheBytesPerToken, 61 * 576 * 2);
  });

  // File sizes on the cards of the published quantised checkpoints, in GB to two places.
  const llama3 = {
    model_type: 'llama',
    architectures: ['LlamaForCausalLM'],
    hidden_size: 4096,
    intermediate_size: 14336,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    num_key_value_heads: 8,
    vocab_size: 128256,
    torch_dtype: 'float16',
  };
  const llama2 = {
    ...llama3,
    intermediate_size: 11008,
    num_key_value_heads: 32,
    vocab_size: 32000,
  };
  const quantised: readonly (readonly [string, object, object, string, number])[] = [
    ['GPTQ, group 128', llama2, { quant_method: 'gptq', bits: 4, group_size: 128 }, 'int4', 3.9],
    ['AWQ, group 128', llama3, { quant_method: 'awq', bits: 4, group_size: 128 }, 'int4', 5.73],
    [
      'NF4, double quantised',
      llama3,
      { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_use_double_quant: true },
      'int4',
      5.7,
    ],
  ];
  for (const [title, base, quantization_config, dtype, gigabytes] of quantised) {
    it(`estimates the file of a ${title} checkpoint within 1 %`, () => {
      const { weightBytes, weightDtype } = analyze({ ...base, quantization_config });
      assert.equal(weightDtype, dtype);
      assert.ok(Math.abs((weightBytes ?? 0) / 1e9 / gigabytes - 1) < 0.01, String(weightBytes));
    });
  }

  it('does not guess the bytes of a quantiser it does not know', () => {
    const analysis = analyze({ ...llama3, quantization_config: { quant_method: 'new-thing' } });
    assert.equal(analysis.quantization?.method, 'new-thing');
    assert.equal(analysis.weightBytes, null);
    assert.equal(analysis.weightDtype, null);
    assert.equal(analysis.parameters, 8_030_261_248);
  });

  it('points at the keys that rules speak of', () => {
    const text = JSON.stringify({
      ...llama3,
      max_position_embeddings: 8192,
      use_cache: false,
      quantization_config: { load_in_8bit: true },
    });
    const analysis = analyzeConfig(text, 'config.json');
    const pointed = (entry: { keyStart: number; value: { end: number } } | null | undefined) =>
      entry ? text.slice(entry.keyStart, entry.value.end) : null;
    assert.equal(pointed(analysis.dtypeEntry), '"torch_dtype":"float16"');
    assert.equal(pointed(analysis.contextEntry), '"max_position_embeddings":8192');
    assert.equal(pointed(analysis.useCacheEntry), '"use_cache":false');
    assert.equal(pointed(analysis.quantization?.loadIn8bit), '"load_in_8bit":true');
    assert.equal(analysis.quantization?.method, 'bitsandbytes');
    assert.equal(analysis.weightDtype, 'int8');
  });

  const refused: readonly (readonly [string, string, readonly string[]])[] = [
    [
      'a size in quotes',
      '{"model_type":"llama","hidden_size":"4096"}',
      ['invalid-config-value@"4096"'],
    ],
    ['zero', '{"model_type":"llama","hidden_size":0}', ['invalid-config-value@0']],
    ['a fraction', '{"model_type":"llama","num_hidden_layers":1.5}', ['invalid-config-value@1.5']],
    ['null for a size', '{"model_type":"llama","vocab_size":null}', ['invalid-config-value@null']],
    [
      'a size beyond reason',
      '{"model_type":"bert","vocab_size":99999999999999999999}',
      ['invalid-config-value@99999999999999999999'],
    ],
    [
      'a number beyond double',
      '{"model_type":"bert","vocab_size":1e999}',
      ['invalid-config-value@1e999'],
    ],
    [
      'heads that do not divide',
      '{"model_type":"llama","num_key_value_heads":3}',
      ['invalid-config-value@3'],
    ],
    [
      'more chosen experts than there are',
      '{"model_type":"mixtral","num_experts_per_tok":9}',
      ['invalid-config-value@9'],
    ],
    [
      'a nested config that is a list',
      '{"model_type":"llava","text_config":[1]}',
      ['invalid-config-value@[1]'],
    ],
    [
      'sizes whose product cannot be counted',
      '{"model_type":"llama","hidden_size":2147483648,"intermediate_size":2147483648}',
      ['invalid-config-value@2147483648'],
    ],
    [
      'a size of an unknown type',
      '{"model_type":"x","hidden_size":-1}',
      ['invalid-config-value@-1', 'unknown-architecture@"x"'],
    ],
    ['an unknown type', '{"model_type":"x"}', ['unknown-architecture@"x"']],
    ['a file that breaks off', '{"model_type":"bert","hidden_size":76', ['malformed-config@']],
  ];
  for (const [title, text, problems] of refused) {
    it(`leaves everything unknown at ${title}`, () => {
      assert.deepEqual(problemsOf(text), problems);
      const analysis = analyzeConfig(text, 'config.json');
      assert.equal(analysis.format, 'hf-config');
      assert.equal(analysis.parameters, null);
      assert.equal(analysis.weightBytes, null);
      assert.ok(analysis.coverage < 1);
    });
  }

  const accepted: readonly (readonly [string, string])[] = [
    ['defaults alone', '{"model_type":"bert"}'],
    ['the class in place of the type', '{"architectures":["BertModel"]}'],
    ['a byte order mark', '\u{feff}{"model_type":"bert"}'],
    ['a __proto__ key', '{"__proto__":{"hidden_size":1},"model_type":"bert"}'],
    ['comments (reported)', '// bert\n{"model_type":"bert"}'],
  ];
  for (const [title, text] of accepted) {
    it(`counts BERT base from ${title}`, () => {
      assert.equal(analyzeConfig(text, 'config.json').parameters, 109_482_240);
    });
  }

  const foreign: readonly (readonly [string, string, string, readonly string[]])[] = [
    ['other JSON', '{"name": "x"}', 'package.json', []],
    ['JSON with comments of another tool', '{// c\n"a": 1}', 'tsconfig.json', []],
    ['a list', '[1]', 'list.json', []],
    ['YAML', 'model_type: bert\n', 'config.yaml', []],
    ['YAML in braces', '{"model_type": bert, # x\n}', 'config.yml', []],
    [
      'a list of configs',
      '[{"model_type":"bert"}]',
      'config.json',
      ['malformed-config@[{"model_type":"bert"}]'],
    ],
    ['broken JSON', '{"a": ', 'a.json', ['malformed-config@']],
    [
      'a pointer in place of anything',
      'version https://git-lfs.github.com/spec/v1',
      'a.bin',
      ['git-lfs-pointer@version https://git-lfs.github.com/spec/v1'],
    ],
  ];
  for (const [title, text, fileName, problems] of foreign) {
    it(`finds no model config in ${title}`, () => {
      assert.equal(analyzeConfig(text, fileName).format, null);
      assert.deepEqual(problemsOf(text, fileName), problems);
    });
  }

  it('keeps what it knows of a model with parts it does not', () => {
    const analysis = analyze({
      model_type: 'llava',
      text_config: llama3,
      vision_config: { model_type: 'new-vision' },
    });
    assert.equal(analysis.parameters, null);
    assert.ok(analysis.coverage > 0 && analysis.coverage < 1);
    assert.equal(analysis.kvCacheBytesPerToken, 131072);
    assert.ok(analysis.layers.length > 0);
  });

  it('describes every listed type from its defaults alone', () => {
    for (const model_type of describedModelTypes()) {
      const { parameters, coverage, layers, problems } = analyze({ model_type });
      assert.equal(parameters === null, coverage < 1, model_type);
      assert.ok(parameters === null || parameters > 0, model_type);
      assert.ok(layers.length > 0, model_type);
      assert.ok(!problems.some(({ severity }) => severity === 'error'), model_type);
    }
  });

  it('never throws, whatever the values are', () => {
    const key = fc.constantFrom(
      'hidden_size',
      'num_hidden_layers',
      'num_attention_heads',
      'num_key_value_heads',
      'head_dim',
      'vocab_size',
      'intermediate_size',
      'num_experts',
      'num_experts_per_tok',
      'layer_types',
      'mlp_only_layers',
      'decoder_sparse_step',
      'text_config',
      'vision_config',
      'quantization_config',
      'torch_dtype',
      'architectures',
      'id2label',
      'tie_word_embeddings',
      'sliding_window',
      'image_size',
      'patch_size',
      'n_embd',
      'd_model',
      'num_local_experts',
      'max_position_embeddings',
      '__proto__',
    );
    const value = fc.oneof(
      fc.integer(),
      fc.nat(64),
      fc.jsonValue(),
      fc.constantFrom(null, 0, -1, 2 ** 31, 2 ** 53, 1e300),
    );
    const config = fc.tuple(
      fc.constantFrom(...describedModelTypes()),
      fc.array(fc.tuple(key, value), { maxLength: 8 }),
    );
    fc.assert(
      fc.property(config, ([modelType, entries]) => {
        const fields = entries.map(
          ([name, item]) => `${JSON.stringify(name)}: ${JSON.stringify(item)}`,
        );
        const analysis = analyzeConfig(
          `{"model_type": "${modelType}", ${fields.join(', ')}${fields.length ? ', ' : ''}"x": 1}`,
          'config.json',
        );
        const { parameters } = analysis;
        assert.ok(parameters === null || (Number.isSafeInteger(parameters) && parameters > 0));
        for (const item of workloadOfConfig(analysis).items) {
          assert.ok(
            [item.macs, item.readBytes, item.writeBytes, item.weightBytes].every(
              (n) => n === null || n >= 0,
            ),
            item.name,
          );
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('config corpus', () => {
  it('is answered without a throw, every file of it', function () {
    const folder = join(corpus, 'configs');
    if (!existsSync(folder)) {
      console.log(`      no corpus at ${corpus}: skipped`);
      this.skip();
    }
    const formats = new Set<string>();
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      const analysis = analyzeConfig(decodeText(readFileSync(path)).text, path);
      workloadOfConfig(analysis);
      // Only what the corpus calls model configs, or made to look like them, may be taken for one.
      if (analysis.format) formats.add(relative(folder, path).split(/[\\/]/)[0] ?? '');
      for (const { message } of analysis.problems) assert.ok(message.length <= 120, message);
    }
    assert.deepEqual([...formats].sort(), ['hf-config', 'hf-quantized', 'invalid']);
  });
});
