import assert from 'node:assert/strict';
import type { FuzzInput } from '../../bench/fuzz/input';
import { failureOf } from '../../bench/fuzz/minimise';
import { analyzeConfig } from '../../server/src/core/config/config';
import { devices } from '../../server/src/core/cost/devices';
import { maxMessageLength } from '../../server/src/core/format';
import { runConfigRules } from '../../server/src/core/rules/run';
import { resolveSettings } from '../../server/src/core/settings';
import { concat, int, message, onnxField as f, text } from '../support/protobuf';
import { modelOf } from '../support/onnx';

interface Row {
  readonly title: string;
  readonly input: Omit<Extract<FuzzInput, { bytes: unknown }>, 'choice'> | TextRow;
}
type TextRow = Omit<Extract<FuzzInput, { text: unknown }>, 'choice'>;

function node(opType: string, inputs: readonly string[], outputs: readonly string[]): Uint8Array {
  return message(
    f.graph.node,
    ...inputs.map((name) => text(f.node.input, name)),
    ...outputs.map((name) => text(f.node.output, name)),
    text(f.node.opType, opType),
  );
}

function opset(version: number): Uint8Array {
  return message(f.model.opset, text(f.opset.domain, ''), int(f.opset.version, version));
}

const header = '<ir_version: 8, opset_import: ["" : 18, "com.microsoft" : 1]>\n';

/** Inputs that the fuzzer found and core once failed on, made smaller. */
const rows: readonly Row[] = [
  {
    title: 'an elementwise operator that reads its own result: fusing once had no end',
    input: {
      kind: 'wire',
      bytes: concat(modelOf(node('Relu', ['y'], ['y'])), opset(13)),
    },
  },
  {
    title: 'two operators that read each other',
    input: {
      kind: 'wire',
      bytes: concat(modelOf(node('Relu', ['a'], ['b']), node('Neg', ['b'], ['a'])), opset(13)),
    },
  },
  {
    title: 'a part of a config that is named by 2,000 characters: the message had them all',
    input: {
      kind: 'config',
      text: JSON.stringify({ model_type: 'falcon', architectures: [`Falcon${'x'.repeat(2000)}`] }),
    },
  },
  ...[
    ['LpPool', 'kernel_shape = [-2]'],
    ['com.microsoft.QAttention', 'num_heads = -5'],
    ['com.microsoft.MatMulBnb4', 'K = -8'],
  ].map(([operator = '', attributes = '']) => ({
    title: `${operator} with ${attributes}: its work was less than nothing`,
    input: {
      kind: 'text' as const,
      text: `${header}g (float[2,K] x) => (float[2] y, float[2] z) { y = ${operator} <${attributes}> () z = ${operator} <${attributes}> (x) }`,
    },
  })),
];

describe('hostile inputs: all of core, no throw, no promise broken', () => {
  for (const { title, input } of rows) {
    it(title, async () => {
      for (let choice = 0; choice < 4; choice++) {
        const failure = await failureOf({ ...input, choice });
        assert.equal(failure, null, failure?.stack);
      }
    });
  }

  it('a rule that names sizes and device says so in 120 characters on every device', () => {
    const analysis = analyzeConfig(
      JSON.stringify({
        model_type: 'llama',
        hidden_size: 5120,
        intermediate_size: 13824,
        num_hidden_layers: 40,
        num_attention_heads: 40,
        vocab_size: 32000,
        max_position_embeddings: 131072,
        torch_dtype: 'bfloat16',
      }),
      'config.json',
    );
    for (const device of devices) {
      const { settings } = resolveSettings(null);
      const findings = runConfigRules(analysis, { ...settings, device });
      for (const { message } of findings) {
        assert.ok(message.length <= maxMessageLength && !message.endsWith('…'), message);
      }
    }
  });
});
