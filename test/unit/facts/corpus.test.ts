import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { countFacts, type ModelFacts } from '../../../server/src/core/facts/count';
import { evaluateFacts } from '../../../server/src/core/facts/evaluate';
import { sizeFacts, workloadOf } from '../../../server/src/core/facts/workload';
import { readModel } from '../../../server/src/core/onnx/decode';
import { createProblemSink } from '../../../server/src/core/problem';
import { inferShapes } from '../../../server/src/core/shapes/infer';
import { sourceFromBytes } from '../../../server/src/core/source';

const corpus = path.resolve(process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus');

async function factsOf(file: string): Promise<ModelFacts | null> {
  const sink = createProblemSink();
  const read = await readModel(sourceFromBytes(readFileSync(path.join(corpus, file))), sink);
  return read && countFacts(inferShapes(read.model, sink), sink);
}

interface Published {
  readonly file: string;
  readonly macs: number;
  readonly parameters: number;
  readonly source: string;
}

const published: readonly Published[] = [
  {
    file: 'onnx/onnx-backend/light/light_resnet50.onnx',
    macs: 4_089_184_256,
    // 25,557,032 trained ones, and the running means and variances of 53 normalisations: 2 × 26,560.
    parameters: 25_557_032 + 53_120,
    source: 'torchvision ResNet50: 4.09 GFLOPS, 25,557,032 parameters',
  },
  {
    file: 'onnx/onnx-backend/light/light_vgg19.onnx',
    macs: 19_632_062_464,
    parameters: 143_667_240,
    source: 'torchvision VGG19: 19.63 GFLOPS, 143,667,240 parameters',
  },
  {
    file: 'onnx/real/vision-cls/squeezenet_fp16.onnx',
    macs: 349_151_936,
    parameters: 1_235_496,
    source: 'torchvision SqueezeNet 1.1: 0.35 GFLOPS, 1,235,496 parameters',
  },
  {
    file: 'onnx/real/vision-cls/mlperf_tiny_resnet8_fp32.onnx',
    macs: 12_501_632,
    parameters: 77_706,
    source: 'MLPerf Tiny image classification: 12.5 M MACs; elements of its float tensors',
  },
  {
    file: 'onnx/real/tabular/mlperf_tiny_ad_autoencoder_int8.onnx',
    // 640-128-128-128-128-8-128-128-128-128-640.
    macs: 2 * 640 * 128 + 6 * 128 * 128 + 2 * 128 * 8,
    // int8 weights, int32 biases (1,672 without 10 zero points) and 42 scales.
    parameters: 264_192 + 1_672 + 42,
    source: 'MLPerf Tiny anomaly detection: layer sizes of the autoencoder',
  },
];

describe('facts: corpus', function () {
  this.timeout(120_000);

  before(function () {
    if (existsSync(corpus)) return;
    console.log(`    corpus not found at ${corpus}: skipped (set GREEN_AI_CORPUS)`);
    this.skip();
  });

  for (const { file, macs, parameters, source } of published) {
    it(`${path.basename(file)}: ${source}`, async () => {
      const facts = await factsOf(file);
      assert.ok(facts);
      assert.equal(evaluateFacts(facts).macs, macs);
      assert.equal(facts.parameters, parameters);
    });
  }

  it('ResNet-50 needs two full maps and a bottleneck of stage 1 at once', async () => {
    const facts = await factsOf('onnx/onnx-backend/light/light_resnet50.onnx');
    assert.ok(facts);
    // Shortcut and result, 256 × 56 × 56 each, and the 64 × 56 × 56 that the last convolution reads.
    const elements = 2 * 256 * 56 * 56 + 64 * 56 * 56;
    assert.equal(sizeFacts(facts).memory.peakActivationBytes, 4 * elements);
  });

  it('at least 97 % of the MAC-type nodes of the real models have known MACs', async () => {
    let total = 0;
    const unknown: string[] = [];
    for (const file of globSync('onnx/real/**/*.onnx', { cwd: corpus })) {
      const facts = await factsOf(file);
      assert.ok(facts, file);
      for (const node of facts.nodes.filter(({ isMacType }) => isMacType)) {
        total++;
        if (node.macs === null) unknown.push(`${file} ${node.path}`);
      }
    }
    assert.ok(total > 400);
    assert.ok(1 - unknown.length / total >= 0.97, unknown.join('\n'));
  });

  it('every model of the corpus gives facts and a workload', async () => {
    for (const file of globSync('{onnx,onnx-invalid}/**/*.onnx', { cwd: corpus })) {
      const facts = await factsOf(file);
      if (!facts) continue;
      const { coverage, items } = workloadOf(facts, sizeFacts(facts));
      assert.ok(coverage >= 0 && coverage <= 1, file);
      for (const { name, macs, flops, readBytes, writeBytes, weightBytes } of items) {
        for (const value of [macs, flops, readBytes, writeBytes, weightBytes]) {
          assert.ok(value === null || value >= 0, `${file} ${name}`);
        }
        assert.ok(readBytes === null || weightBytes <= readBytes, `${file} ${name}`);
      }
    }
  });
});
