import assert from 'node:assert/strict';
import { analyzeConfig } from '../../../server/src/core/config/config';
import { workloadOfConfig } from '../../../server/src/core/config/workload';
import type { ConfigRun } from '../../../server/src/core/config/workload';
import type { WorkItem, Workload } from '../../../server/src/core/workload';

const llama3 = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  hidden_size: 4096,
  intermediate_size: 14336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 128256,
  max_position_embeddings: 8192,
  torch_dtype: 'bfloat16',
};

function workload(config: object, run: ConfigRun = {}): Workload {
  return workloadOfConfig(analyzeConfig(JSON.stringify(config), 'config.json'), run);
}

function item(of: Workload, name: string): WorkItem {
  const found = of.items.find((candidate) => candidate.name === name);
  assert.ok(found, `${name} among ${of.items.map((candidate) => candidate.name).join(', ')}`);
  return found;
}

function total(of: Workload, prefix: string, pick: (item: WorkItem) => number | null): number {
  return of.items
    .filter(({ name }) => name.startsWith(prefix))
    .reduce((sum, candidate) => sum + (pick(candidate) ?? 0), 0);
}

describe('config/workload', () => {
  const blocks = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336);
  const head = 4096 * 128256;

  it('prefill: every weight of the layers once per token, the head for one token', () => {
    const run = workload(llama3, { prompt: 100, generate: 0, batch: 1 });
    const products = total(run, 'prefill/', ({ macs }) => macs);
    const context = item(run, 'prefill/context').macs ?? 0;
    assert.equal(products - context, 100 * blocks + head);
    // Causal: token i looks at i tokens; a product for the scores and one for the sum.
    assert.equal(context, 32 * 4096 * 2 * ((100 * 101) / 2));
    assert.equal(
      run.items.some(({ name }) => name.startsWith('decode/')),
      false,
    );
  });

  it('decode: all weights and the cache again for each token', () => {
    const run = workload(llama3, { prompt: 100, generate: 11, batch: 1 });
    // The prompt yields the first token: ten steps are left, at contexts 101…110.
    const positions = 10 * 105.5;
    assert.equal(
      item(run, 'decode/attention').weightBytes + item(run, 'decode/mlp').weightBytes,
      10 * 2 * blocks,
    );
    assert.equal(item(run, 'decode/head').weightBytes, 10 * 2 * head);
    const context = item(run, 'decode/context');
    assert.equal(context.macs, 32 * 4096 * 2 * positions);
    const queries = 10 * 32 * 4096 * 2;
    assert.equal(context.readBytes, positions * 131072 + queries);
    assert.equal(context.launches, 320);
  });

  it('looks no further back than a sliding window', () => {
    const mistral = {
      ...llama3,
      model_type: 'mistral',
      architectures: ['MistralForCausalLM'],
      sliding_window: 64,
    };
    const run = workload(mistral, { prompt: 100, generate: 3, batch: 1 });
    // 1 + 2 + … + 64, then 64 for each of the other 36; two decoded tokens see 64 each.
    assert.equal(item(run, 'prefill/context').macs, 32 * 4096 * 2 * (2080 + 36 * 64));
    assert.equal(item(run, 'decode/context').macs, 32 * 4096 * 2 * 128);
  });

  it('reads the experts that a batch touches', () => {
    const mixtral = { ...llama3, model_type: 'mixtral', architectures: ['MixtralForCausalLM'] };
    const expert = 3 * 4096 * 14336;
    const router = 4096 * 8;
    for (const batch of [1, 4]) {
      const run = workload(mixtral, { prompt: 1, generate: 2, batch });
      const touched = 8 * (1 - (1 - 2 / 8) ** batch);
      const experts = item(run, 'decode/experts');
      const expected = 2 * 32 * (touched * expert + router);
      assert.ok(Math.abs(experts.weightBytes / expected - 1) < 1e-9);
      // Each token multiplies with two experts, however many others are read for its neighbours.
      assert.equal(experts.macs, 32 * (2 * expert + router));
    }
  });

  it('runs an encoder once, over all pairs of tokens', () => {
    const run = workload(
      { model_type: 'bert', architectures: ['BertModel'] },
      { prompt: 64, batch: 1 },
    );
    assert.deepEqual([...new Set(run.items.map(({ name }) => name.split('/')[0]))], ['forward']);
    assert.equal(item(run, 'forward/context').macs, 12 * 768 * 2 * 64 * 64);
    // The pooler sees one token of the sequence.
    assert.equal(item(run, 'forward/head').macs, 768 * 768);
    const layers = 12 * (4 * 768 * 768 + 2 * 768 * 3072);
    assert.equal(
      (item(run, 'forward/attention').macs ?? 0) + (item(run, 'forward/mlp').macs ?? 0),
      64 * layers,
    );
  });

  it('runs a vision model once over its patches', () => {
    const run = workload(
      { model_type: 'vit', architectures: ['ViTForImageClassification'] },
      { batch: 1 },
    );
    // ViT-B/16 at 224 pixels: torchvision lists 17.56 "GFLOPS", by which it means multiply-accumulates.
    assert.ok(Math.abs(total(run, 'forward/', ({ macs }) => macs) / 17.56e9 - 1) < 0.01);
  });

  it('leaves the towers of a multimodal model out of a text prompt', () => {
    const run = workload({ model_type: 'llava', text_config: llama3 }, { prompt: 8, generate: 8 });
    assert.equal(
      run.items.some(({ name }) => name.includes('vision')),
      false,
    );
    assert.ok(run.assumptions.some((text) => text.includes('text only')));
  });

  it('encodes the sound before Whisper decodes', () => {
    const run = workload({ model_type: 'whisper' }, { prompt: 4, generate: 16, batch: 1 });
    assert.equal(item(run, 'forward/audio/attention').macs, 1500 * 4 * 4 * 384 * 384);
  });

  it('multiplies quantised weights in the type they are unpacked to', () => {
    const gptq = {
      ...llama3,
      quantization_config: { quant_method: 'gptq', bits: 4, group_size: 128 },
    };
    assert.equal(item(workload(gptq), 'decode/mlp').computeDtype, 'bfloat16');
    const fp8 = { ...llama3, quantization_config: { quant_method: 'fp8' } };
    assert.equal(item(workload(fp8), 'decode/mlp').computeDtype, 'float8e4m3fn');
    assert.equal(item(workload(fp8), 'decode/head').computeDtype, 'bfloat16');
  });

  it('counts the cache of the whole run as activations', () => {
    const short = workload(llama3, { prompt: 100, generate: 0 }).peakActivationBytes ?? 0;
    const long = workload(llama3, { prompt: 100, generate: 1000 }).peakActivationBytes ?? 0;
    assert.equal(long - short, 1000 * 131072);
  });

  it('says what it assumed', () => {
    const { assumptions } = workload(llama3);
    assert.deepEqual(
      ['prompt = 128', 'generate = 128', 'batch = 1'].filter(
        (start) => !assumptions.some((text) => text.startsWith(start)),
      ),
      [],
    );
    const over = workload(llama3, { prompt: 8000, generate: 500 }).assumptions;
    assert.ok(over.some((text) => text.includes('exceed the context of 8192')));
  });

  it('is unknown where the model is', () => {
    const run = workload({ model_type: 'brand-new' });
    assert.deepEqual(
      run.items.map(({ kind, macs, readBytes }) => ({ kind, macs, readBytes })),
      [{ kind: 'unknown', macs: null, readBytes: null }],
    );
    assert.equal(run.parameters, null);
    assert.equal(run.peakActivationBytes, null);
    assert.equal(run.coverage, 0);
  });
});
