import assert from 'node:assert/strict';
import { analyzeConfig } from '../../../server/src/core/config/config';
import { findDevice } from '../../../server/src/core/cost/devices';
import { rule } from '../../../server/src/core/rules/int8-bitsandbytes-costs-energy';
import { optionValues } from '../../../server/src/core/rules/rule';
import { fixedConfig } from '../../../server/src/generate/run-example';

/** A Llama of 7 billion parameters, for which both fixes are offered. */
function config(quantization: string): string {
  return `{
  "model_type": "llama", "dtype": "bfloat16", "hidden_size": 4096, "intermediate_size": 11008,
  "num_hidden_layers": 32, "num_attention_heads": 32, "vocab_size": 32000,
  "quantization_config": ${quantization},
  "use_cache": true
}`;
}

/** What Python would read after each fix, by the fix's id. */
function afterFixes(text: string): ReadonlyMap<string, Record<string, unknown>> {
  const device = findDevice('nvidia-rtx-4090');
  assert.ok(device);
  const analysis = analyzeConfig(text, 'config.json');
  assert.deepEqual(analysis.problems, []);
  const reports = rule.check({ config: analysis, device, options: optionValues(rule.meta) });
  return new Map(
    reports
      .flatMap(({ fixes = [] }) => fixes)
      .map((fix) => [
        fix.id,
        JSON.parse(fixedConfig({ title: '', config: text }, fix)) as Record<string, unknown>,
      ]),
  );
}

describe('fixes of int8-bitsandbytes-costs-energy', () => {
  const nf4 = { bnb_4bit_quant_type: 'nf4', bnb_4bit_compute_dtype: 'bfloat16' };
  const rows: readonly (readonly [string, string, Record<string, unknown>])[] = [
    ['the switch alone', '{"load_in_8bit": true}', { load_in_4bit: true, ...nf4 }],
    [
      'on one line',
      '{ "quant_method": "bitsandbytes", "load_in_8bit": true }',
      { quant_method: 'bitsandbytes', load_in_4bit: true, ...nf4 },
    ],
    [
      'both switches, 4 bits first',
      '{ "load_in_4bit": false, "load_in_8bit": true, "llm_int8_skip_modules": ["lm_head"] }',
      { load_in_4bit: true, load_in_8bit: false, llm_int8_skip_modules: ['lm_head'], ...nf4 },
    ],
    [
      'both switches, 8 bits first',
      '{\n    "load_in_8bit": true,\n    "load_in_4bit": false\n  }',
      { load_in_8bit: false, load_in_4bit: true, ...nf4 },
    ],
    [
      'all keys, as bitsandbytes saves them',
      '{ "bnb_4bit_compute_dtype": "float32", "bnb_4bit_quant_type": "fp4", "load_in_4bit": false, "load_in_8bit": true }',
      { load_in_4bit: true, load_in_8bit: false, ...nf4 },
    ],
    [
      'one of the two settings',
      '{ "load_in_8bit": true, "bnb_4bit_quant_type": "nf4", "load_in_4bit": false }',
      { load_in_8bit: false, load_in_4bit: true, ...nf4 },
    ],
  ];
  for (const [title, quantization, expected] of rows) {
    it(`switch to NF4: ${title}`, () => {
      const after = afterFixes(config(quantization)).get('bitsandbytes-nf4');
      assert.deepEqual(after?.['quantization_config'], expected);
      assert.equal(after['use_cache'], true);
    });

    it(`remove: ${title}`, () => {
      const after = afterFixes(config(quantization)).get('remove-quantization-config');
      assert.ok(after);
      assert.ok(!('quantization_config' in after));
      assert.equal(after['use_cache'], true);
    });
  }
});
