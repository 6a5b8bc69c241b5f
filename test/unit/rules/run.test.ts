import assert from 'node:assert/strict';
import fc from 'fast-check';
import { analyzeModel } from '../../../server/src/core/analyze';
import type { Analysis } from '../../../server/src/core/analysis';
import { analyzeConfig } from '../../../server/src/core/config/config';
import { devices } from '../../../server/src/core/cost/devices';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { createProblemSink } from '../../../server/src/core/problem';
import { rules } from '../../../server/src/core/rules/index';
import type { ConfigRule, ModelRule, Report, Rule } from '../../../server/src/core/rules/rule';
import { runConfigRules, runModelRules } from '../../../server/src/core/rules/run';
import { parseSettings, resolveSettings } from '../../../server/src/core/settings';
import type { Settings } from '../../../server/src/core/settings';

const { settings: defaults } = resolveSettings(null);

function settingsOf(json: string): Settings {
  const { settings, problems } = parseSettings(json);
  assert.deepEqual(problems, []);
  return resolveSettings(settings).settings;
}

function analysisOf(text: string): Analysis {
  const { model, problems } = parseModelText(text);
  assert.ok(model, JSON.stringify(problems));
  return analyzeModel(model, createProblemSink());
}

const smallModel = `
<ir_version: 8, opset_import: ["" : 17]>
g (float[1,4] x) => (float[1,4] y)
<float[100] unused = ["location": "weights.bin", "offset": "0", "length": "400"]>
{
  ["same"] h = Identity (x)
  ["act"] y = Relu (h)
}
`;

const smallConfig = `{
  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "dtype": "float32",
  "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2,
  "num_attention_heads": 4, "max_position_embeddings": 1024, "vocab_size": 100
}`;

const meta = { title: 't', severity: 'info', description: 'd', options: [] } as const;
const examples = { valid: [], invalid: [] };

function modelRule(id: string, check: () => readonly Report[]): ModelRule {
  return { target: 'onnx', meta: { ...meta, id }, check, examples };
}

function configRule(id: string, check: () => readonly Report[]): ConfigRule {
  return { target: 'hf-config', meta: { ...meta, id }, check, examples };
}

function reporting(...messages: readonly string[]): () => readonly Report[] {
  return () => messages.map((message) => ({ message, anchor: { kind: 'file' } }));
}

function throwing(error: unknown): () => readonly Report[] {
  return () => {
    throw error;
  };
}

describe('runModelRules', () => {
  const analysis = () => analysisOf(smallModel);

  it('gives reports their id and severity, and runs rules for models only', () => {
    const findings = runModelRules(analysis(), defaults, [
      modelRule('one', reporting('a', 'b')),
      configRule('other', reporting('c')),
    ]);
    assert.deepEqual(
      findings.map(({ ruleId, severity, message, fixes }) => [ruleId, severity, message, fixes]),
      [
        ['one', 'info', 'a', []],
        ['one', 'info', 'b', []],
      ],
    );
  });

  for (const error of [new Error('boom'), new RangeError('x'.repeat(500)), 'text', null]) {
    it(`a crashing rule loses only its own findings: ${String(error).slice(0, 20)}`, () => {
      const findings = runModelRules(analysis(), defaults, [
        modelRule('before', reporting('a')),
        modelRule('bad', throwing(error)),
        modelRule('after', reporting('b')),
      ]);
      const crashed = findings.filter(({ ruleId }) => ruleId === 'rule-crashed');
      assert.equal(crashed.length, 1);
      assert.match(crashed[0]?.message ?? '', /^Rule bad failed/);
      assert.ok((crashed[0]?.message.length ?? 0) <= 120);
      assert.deepEqual(
        findings.filter(({ ruleId }) => ruleId !== 'rule-crashed').map(({ message }) => message),
        ['b', 'a'],
      );
    });
  }

  it('the order of the rules does not matter', () => {
    const ready = analysis();
    const all: Rule[] = [
      ...rules,
      modelRule('extra', reporting('a', 'b')),
      modelRule('bad', throwing(1)),
    ];
    const expected = runModelRules(ready, defaults, all);
    fc.assert(
      fc.property(fc.shuffledSubarray(all, { minLength: all.length }), (shuffled) => {
        assert.deepEqual(runModelRules(ready, defaults, shuffled), expected);
      }),
      { numRuns: 30 },
    );
  });

  it('rules are pure: a second run says the same, and the analysis is not changed', () => {
    const ready = deepFrozen(analysis());
    assert.deepEqual(runModelRules(ready, defaults), runModelRules(ready, defaults));
  });

  it('problems become findings at the node or tensor they name', () => {
    const { model, ...rest } = analysis();
    const path = model.graph.nodes[1]?.path ?? '';
    const findings = runModelRules(
      {
        ...rest,
        model,
        problems: [
          { code: 'p-file', severity: 'error', message: 'a' },
          { code: 'p-node', severity: 'error', message: 'b', where: path },
          { code: 'p-tensor', severity: 'error', message: 'c', where: 'unused' },
          { code: 'p-offset', severity: 'error', message: 'd', where: '1234' },
        ],
      },
      defaults,
      [],
    );
    assert.deepEqual(
      findings.map(({ ruleId, anchor }) => [ruleId, anchor]),
      [
        ['p-file', { kind: 'file' }],
        ['p-node', { kind: 'node', path }],
        ['p-offset', { kind: 'file' }],
        ['p-tensor', { kind: 'tensor', name: 'unused' }],
      ],
    );
  });

  it('settings change severities, switch rules off and set options', () => {
    const ids = (json: string) =>
      runModelRules(analysis(), settingsOf(json)).map(({ ruleId, severity }) => [ruleId, severity]);
    assert.deepEqual(ids('{}'), [['redundant-nodes', 'info']]);
    assert.deepEqual(ids('{ "rules": { "redundant-nodes": "error" } }'), [
      ['redundant-nodes', 'error'],
    ]);
    assert.deepEqual(ids('{ "rules": { "redundant-nodes": "off" } }'), []);
    const chatty =
      '"oversized-layer": { "minimumLayers": 1, "minimumMacs": 0, "energyShare": 0.01 }';
    assert.deepEqual(ids(`{ "rules": { "redundant-nodes": "off", ${chatty} } }`), []);
  });

  it('puts the most severe first', () => {
    const severities = runModelRules(
      { ...analysis(), problems: [{ code: 'zz', severity: 'error', message: 'a' }] },
      defaults,
      [modelRule('aa', reporting('b')), modelRule('bad', throwing(1))],
    ).map(({ severity }) => severity);
    assert.deepEqual(severities, ['error', 'warning', 'info']);
  });
});

describe('runConfigRules', () => {
  it('reports problems where they are in the text', () => {
    const text = '{ "model_type": "llama", "model_type": "llama" }';
    const config = analyzeConfig(text, 'config.json');
    const [finding] = runConfigRules(config, defaults, []);
    assert.equal(finding?.ruleId, 'duplicate-key');
    assert.equal(finding.anchor.kind, 'text');
  });

  it('a crashing rule loses only its own findings', () => {
    const config = analyzeConfig(smallConfig, 'config.json');
    const findings = runConfigRules(config, defaults, [
      ...rules,
      configRule('bad', throwing(new Error('boom'))),
    ]);
    assert.deepEqual(
      findings.map(({ ruleId }) => ruleId),
      ['rule-crashed', 'float32-dtype'],
    );
  });

  it('says the same in any order of the rules and in a second run', () => {
    const config = deepFrozen(analyzeConfig(smallConfig, 'config.json'));
    const expected = runConfigRules(config, defaults);
    assert.deepEqual(runConfigRules(config, defaults, [...rules].reverse()), expected);
  });
});

describe('rules on input that makes no sense', () => {
  const models: readonly string[] = [
    '<ir_version: 8, opset_import: ["" : 17]> g () => () { }',
    '<ir_version: 8, opset_import: ["" : 17]> g (float[N,M] x) => (y) { y = MatMul (x, nowhere) }',
    '<ir_version: 8, opset_import: ["" : 17]> g (x) => (x) { x = Identity (x) }',
    '<ir_version: 8, opset_import: ["" : 17]> g (float[2] x) => (a, b) { a = Dropout (b) b = Identity (a) }',
    '<ir_version: 3, opset_import: ["" : 1]> g (x) => (y) { y = ConvInteger () }',
    '<ir_version: 8, opset_import: ["none" : 1]> g (float[1] x) => (y) { y = none.Conv (x, x) }',
  ];
  const configs: readonly string[] = [
    '{ "model_type": "llama" }',
    '{ "model_type": "llama", "dtype": "float32", "hidden_size": -1 }',
    '{ "model_type": "llama", "dtype": "float32", "quantization_config": 5 }',
    '{ "model_type": "gpt2", "quantization_config": { "load_in_8bit": "true" } }',
    '{ "model_type": "llama", "max_position_embeddings": 1e300, "torch_dtype": "float" }',
    '{ "model_type": "nobody-knows", "torch_dtype": "float32", "quantization_config": {} }',
    '{ "model_type": "llama", "quantization_config": { "load_in_8bit": true, "load_in_4bit": false',
  ];
  // Without a crash there is no `rule-crashed`; a throw fails the test by itself.
  for (const text of models) {
    it(`does not crash: ${text.slice(40, 100)}`, () => {
      const analysis = analysisOf(text);
      for (const device of devices) {
        const findings = runModelRules(analysis, { ...defaults, device });
        assert.deepEqual(
          findings.filter(({ ruleId }) => ruleId === 'rule-crashed'),
          [],
        );
      }
    });
  }
  for (const text of configs) {
    it(`does not crash: ${text.slice(0, 80)}`, () => {
      const config = analyzeConfig(text, 'config.json');
      for (const device of devices) {
        const findings = runConfigRules(config, { ...defaults, device });
        assert.deepEqual(
          findings.filter(({ ruleId }) => ruleId === 'rule-crashed'),
          [],
        );
      }
    });
  }
});

/** Freezes what plain data there is; a rule that writes into it throws. Maps stay as they are. */
function deepFrozen<Value>(value: Value, seen = new Set<unknown>()): Value {
  if (typeof value !== 'object' || value === null || seen.has(value)) return value;
  seen.add(value);
  if (ArrayBuffer.isView(value)) return value;
  for (const inner of Object.values(value)) deepFrozen(inner, seen);
  return Object.freeze(value);
}
