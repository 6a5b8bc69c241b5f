import { analyzeModel } from '../core/analyze';
import { analyzeConfig } from '../core/config/config';
import { defaultDevice, findDevice } from '../core/cost/devices';
import type { Device } from '../core/cost/devices';
import type { Fix, TextEdit } from '../core/finding';
import type { Model } from '../core/graph';
import { parseModelText } from '../core/onnx/text-parse';
import { createProblemSink } from '../core/problem';
import type { Problem } from '../core/problem';
import { optionValues } from '../core/rules/rule';
import type { ConfigExample, ModelExample, Report, Rule } from '../core/rules/rule';

export interface ExampleRun {
  readonly reports: readonly Report[];
  /** Errors and warnings of reading the example: it should have none. */
  readonly problems: readonly Problem[];
}

/** What the rule says of one of its examples. Throws when the example is of the wrong kind for the rule. */
export function runExample(rule: Rule, example: ModelExample | ConfigExample): ExampleRun {
  const device = deviceOf(example);
  const options = optionValues(rule.meta, example.options);
  if (rule.target === 'onnx' && 'model' in example) {
    const { model, problems } = readModel(example.model);
    const sink = createProblemSink();
    const analysis = analyzeModel(model, sink);
    return {
      reports: rule.check({ analysis, device, options }),
      problems: worthSaying([...problems, ...sink.problems]),
    };
  }
  if (rule.target === 'hf-config' && 'config' in example) {
    const config = analyzeConfig(example.config, 'config.json');
    return {
      reports: rule.check({ config, device, options }),
      problems: worthSaying(config.problems),
    };
  }
  throw new Error(`${rule.meta.id}: example "${example.title}" is of the wrong kind`);
}

function readModel(text: string): { readonly model: Model; readonly problems: readonly Problem[] } {
  const { model, problems } = parseModelText(text);
  if (!model) throw new Error(problems.map(({ message }) => message).join('\n'));
  return { model, problems };
}

function worthSaying(problems: readonly Problem[]): readonly Problem[] {
  return problems.filter(({ severity }) => severity !== 'info');
}

function deviceOf({ device, title }: ModelExample | ConfigExample): Device {
  if (device === undefined) return defaultDevice;
  const found = findDevice(device);
  if (!found) throw new Error(`example "${title}": no device ${device}`);
  return found;
}

/** A text after its edits; they must not overlap. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = text;
  let before = Infinity;
  for (const { start, end, newText } of [...edits].sort(
    (left, right) => right.start - left.start,
  )) {
    if (end > before) throw new Error('edits overlap');
    result = result.slice(0, start) + newText + result.slice(end);
    before = start;
  }
  return result;
}

/** The config after a fix that edits it. */
export function fixedConfig({ config }: ConfigExample, { change }: Fix): string {
  if (change.kind !== 'edit') throw new Error('not a fix of text');
  return applyEdits(config, change.edits);
}
