import assert from 'node:assert/strict';
import { analyzeModel } from '../../../server/src/core/analyze';
import { maxMessageLength } from '../../../server/src/core/format';
import type { Model } from '../../../server/src/core/graph';
import { readModel } from '../../../server/src/core/onnx/decode';
import { encodeModel } from '../../../server/src/core/onnx/encode';
import { concatBytes } from '../../../server/src/core/onnx/protobuf-write';
import { planSplice, renderPieces } from '../../../server/src/core/onnx/splice';
import { parseModelText } from '../../../server/src/core/onnx/text-parse';
import { printModel } from '../../../server/src/core/onnx/text-print';
import { createProblemSink } from '../../../server/src/core/problem';
import { rules } from '../../../server/src/core/rules/index';
import type { ConfigExample, ModelExample, Report } from '../../../server/src/core/rules/rule';
import { sourceFromBytes } from '../../../server/src/core/source';
import { planCleanup } from '../../../server/src/core/transform/cleanup';
import { fixedConfig, runExample } from '../../../server/src/generate/run-example';

describe('rules: the examples of their documentation', () => {
  for (const rule of rules) {
    describe(rule.meta.id, () => {
      it('has examples that differ', () => {
        const { valid, invalid } = rule.examples;
        const inputs = [...valid, ...invalid].map(inputOf);
        assert.equal(new Set(inputs).size, inputs.length);
        const titles = [...valid, ...invalid].map(({ title }) => title);
        assert.equal(new Set(titles).size, titles.length);
      });

      for (const example of rule.examples.valid) {
        it(`says nothing: ${example.title}`, () => {
          const { reports, problems } = runExample(rule, example);
          assert.deepEqual(problems, []);
          assert.deepEqual(
            reports.map(({ message }) => message),
            [],
          );
        });
      }

      for (const example of rule.examples.invalid) {
        it(`reports: ${example.title}`, () => {
          const { reports, problems } = runExample(rule, example);
          assert.deepEqual(problems, []);
          const messages = reports.map(({ message }) => message);
          assert.equal(messages.length, example.messages.length, messages.join('\n'));
          for (const [index, message] of messages.entries()) {
            assert.ok(message.length <= maxMessageLength, `${message.length}: ${message}`);
            assert.match(message, patternOf(example.messages[index] ?? ''));
          }
          for (const report of reports) checkReport(report);
        });

        if (example.fixed === undefined) continue;
        it(`is fixed: ${example.title}`, async () => {
          const fix = runExample(rule, example).reports[0]?.fixes?.[0];
          assert.ok(fix, 'a fixed text without a fix');
          const { fixed = '' } = example;
          if ('model' in example) {
            assert.equal(fix.safety, 'safe');
            assert.equal(await cleanedModel(example.model), printed(fixed));
          } else {
            assert.equal(fixedConfig(example, fix), fixed);
          }
          const again = runExample(rule, fixedExample(example, fixed));
          assert.deepEqual(again.reports, []);
        });
      }
    });
  }
});

function inputOf(example: ModelExample | ConfigExample): string {
  const { device = '', options } = example;
  const text = 'model' in example ? example.model : example.config;
  return JSON.stringify([text, device, [...(options ?? [])]]);
}

/** `…` in an expected message is any text; the rest is literal. */
function patternOf(expected: string): RegExp {
  const parts = expected.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 'u');
}

function checkReport({ message, saving, fixes = [] }: Report): void {
  assert.ok(/\d/.test(message), `no figure in: ${message}`);
  if (saving?.bytes !== undefined) assert.ok(Number.isSafeInteger(saving.bytes));
  if (saving?.energyJoules) {
    const { low, mid, high } = saving.energyJoules;
    assert.ok(low >= 0 && low <= mid && mid <= high);
  }
  for (const fix of fixes) assert.match(fix.id, /^[a-z0-9]+(-[a-z0-9]+)*$/);
}

/** The whole road of the `cleanup` recipe: text → file → patch → new file → text. */
async function cleanedModel(text: string): Promise<string> {
  const source = sourceFromBytes(encodeModel(parsed(text)));
  const sink = createProblemSink();
  const read = await readModel(source, sink);
  assert.ok(read, JSON.stringify(sink.problems));
  const { model, wire } = read;
  const { scope } = analyzeModel(model, sink);
  const { patch } = planCleanup({ model, scope, exclude: new Map(), only: null });
  const parts: Uint8Array[] = [];
  const pieces = await planSplice(source, model, wire, patch);
  for await (const part of renderPieces(source, pieces)) parts.push(part.slice());
  const cleaned = await readModel(sourceFromBytes(concatBytes(parts)), sink);
  assert.ok(cleaned, JSON.stringify(sink.problems));
  return printModel(cleaned.model, { weightsLocation: 'model.onnx' }).text;
}

function printed(text: string): string {
  return printModel(parsed(text), { weightsLocation: 'model.onnx' }).text;
}

function parsed(text: string): Model {
  const { model, problems } = parseModelText(text);
  assert.ok(model, JSON.stringify(problems));
  return model;
}

function fixedExample<Example extends ModelExample | ConfigExample>(
  example: Example,
  fixed: string,
): Example {
  return { ...example, ...('model' in example ? { model: fixed } : { config: fixed }) };
}
