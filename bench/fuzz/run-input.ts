import { analyzeModel } from '../../server/src/core/analyze';
import { analyzeConfig } from '../../server/src/core/config/config';
import { workloadOfConfig } from '../../server/src/core/config/workload';
import { devices } from '../../server/src/core/cost/devices';
import { estimate, type Estimate } from '../../server/src/core/cost/energy';
import type { Finding } from '../../server/src/core/finding';
import { maxMessageLength } from '../../server/src/core/format';
import type { Model } from '../../server/src/core/graph';
import { readModel, type ReadModel } from '../../server/src/core/onnx/decode';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { readPayload } from '../../server/src/core/onnx/payload';
import { plannedByteLength, planSplice, renderPieces } from '../../server/src/core/onnx/splice';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { printModel } from '../../server/src/core/onnx/text-print';
import { createProblemSink } from '../../server/src/core/problem';
import { runConfigRules, runModelRules } from '../../server/src/core/rules/run';
import { parseSettings, resolveSettings } from '../../server/src/core/settings';
import type { Settings } from '../../server/src/core/settings';
import { sourceFromBytes } from '../../server/src/core/source';
import { recipes } from '../../server/src/core/transform/recipes';
import type { Workload } from '../../server/src/core/workload';
import type { FuzzInput } from './input';
import { randomPatch } from './random-patch';
import { choicesOf, type Choices } from './random';

/** Takes an input through everything in core that reads its kind. Throws when core throws or breaks a promise. */
export async function runInput(input: FuzzInput): Promise<void> {
  const choices = choicesOf(input.choice);
  if (input.kind === 'wire') await runWire(input.bytes, choices);
  else if (input.kind === 'text') await runText(input.text, choices);
  else runConfig(input.text, choices);
}

/** A promise that core broke without throwing. */
export class BrokenPromise extends Error {}

function promise(holds: boolean, what: () => string): void {
  if (!holds) throw new BrokenPromise(what());
}

async function runWire(bytes: Uint8Array, choices: Choices): Promise<void> {
  const sink = createProblemSink();
  const read = await readModel(sourceFromBytes(bytes), sink);
  const isAnswered = read !== null || sink.problems.some(({ severity }) => severity === 'error');
  promise(isAnswered, () => 'neither a model nor an error');
  if (!read) return;
  const scope = runModel(read.model, choices, sink);
  const { text } = printModel(read.model, { weightsLocation: 'model.onnx' });
  // Texts have inputs of their own.
  if (choices.oneIn(4)) parseModelText(text);
  await rewrite(bytes, read, scope, choices);
}

async function runText(text: string, choices: Choices): Promise<void> {
  const { model, problems } = parseModelText(text);
  promise(model !== null || problems.length > 0, () => 'neither a model nor a problem');
  if (!model) return;
  runModel(model, choices);
  printModel(model, { weightsLocation: 'model.onnx' });
  const bytes = encodeModel(model);
  await readModel(sourceFromBytes(bytes), createProblemSink());
}

function runModel(
  model: Model,
  choices: Choices,
  sink = createProblemSink(),
): ReturnType<typeof analyzeModel>['scope'] {
  const dims = new Map(choices.oneIn(2) ? [['N', choices.below(9)]] : []);
  const options = choices.oneIn(4) ? { estimate: { batch: 1 + choices.below(64) } } : {};
  const analysis = analyzeModel(model, sink, { dims, ...options });
  const settings = settingsOf(choices);
  checkFindings(runModelRules(analysis, settings), null);
  checkWorkload(analysis.workload);
  checkEstimate(analysis.estimateOn(settings.device));
  return analysis.scope;
}

function settingsOf(choices: Choices, text = '{}'): Settings {
  const { settings } = resolveSettings(parseSettings(text).settings);
  return choices.oneIn(2)
    ? settings
    : { ...settings, device: choices.pick(devices, settings.device) };
}

/** Plans of recipes and a patch that hits whatever is there; what comes out must be readable. */
async function rewrite(
  bytes: Uint8Array,
  { model, wire }: ReadModel,
  scope: ReturnType<typeof runModel>,
  choices: Choices,
): Promise<void> {
  const source = sourceFromBytes(bytes);
  const context = {
    model,
    scope,
    readTensor: (tensor: Parameters<typeof readPayload>[0]) =>
      readPayload(tensor, source, () => Promise.resolve(null)),
    exclude: new Map<string, string>(),
    only: null,
  };
  const plans = await Promise.all(recipes.map((recipe) => recipe.plan(context)));
  const patches = plans
    .filter(({ changedNodes }) => changedNodes.length > 0)
    .map(({ patch }) => patch);
  for (const patch of [...patches, randomPatch(model, choices)]) {
    const pieces = await planSplice(source, model, wire, patch);
    const parts: Uint8Array[] = [];
    for await (const part of renderPieces(source, pieces)) parts.push(part.slice());
    const result = new Uint8Array(Buffer.concat(parts));
    promise(result.byteLength === plannedByteLength(pieces), () => 'spliced: another length');
    const sink = createProblemSink();
    const again = await readModel(sourceFromBytes(result), sink);
    promise(again !== null, () => `spliced: unreadable: ${sink.problems.at(-1)?.message ?? ''}`);
  }
}

function runConfig(text: string, choices: Choices): void {
  const analysis = analyzeConfig(text, 'config.json');
  const settings = settingsOf(choices, choices.oneIn(2) ? text : '{}');
  const findings = runConfigRules(analysis, settings);
  checkFindings(findings, text);
  const run = choices.oneIn(2) ? {} : { prompt: choices.below(9999), generate: choices.below(99) };
  const workload = workloadOfConfig(analysis, run);
  checkWorkload(workload);
  checkEstimate(estimate(workload, settings.device, {}));
  for (const { change } of findings.flatMap(({ fixes }) => fixes)) {
    if (change.kind !== 'edit') continue;
    const edited = change.edits
      .toSorted((a, b) => b.start - a.start)
      .reduce(
        (now, { start, end, newText }) => now.slice(0, start) + newText + now.slice(end),
        text,
      );
    const { complete } = analyzeConfig(edited, 'config.json').document;
    promise(complete || !analysis.document.complete, () => 'a fix broke the config');
  }
}

function checkFindings(findings: readonly Finding[], text: string | null): void {
  for (const { ruleId, message, anchor } of findings) {
    promise(ruleId !== 'rule-crashed', () => message);
    promise(message.length <= maxMessageLength, () => `${ruleId}: too long: ${message}`);
    if (anchor.kind !== 'text') continue;
    const isInside =
      0 <= anchor.start && anchor.start <= anchor.end && anchor.end <= (text ?? '').length;
    promise(isInside, () => `${ruleId}: the range is outside the text`);
  }
}

/** Figures that are known are finite and not negative. */
function checkWorkload(workload: Workload): void {
  checkNumbers('workload', workload);
  for (const item of workload.items) checkNumbers(`work of ${item.opType}`, item);
  promise(workload.coverage <= 1, () => 'coverage above 1');
}

function checkEstimate(made: Estimate): void {
  for (const name of ['latencySeconds', 'energyJoules', 'carbonGrams'] as const) {
    const range = made[name];
    if (!range) continue;
    checkNumbers(name, range);
    promise(
      range.low <= range.mid && range.mid <= range.high,
      () => `${name}: bounds out of order`,
    );
  }
  for (const node of made.perNode) checkNumbers('estimate per node', node);
}

function checkNumbers(what: string, values: object): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'number') continue;
    promise(Number.isFinite(value) && value >= 0, () => `${what}: ${name} is ${value}`);
  }
}
