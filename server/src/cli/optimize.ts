import type { Device } from '../core/cost/devices';
import { formatBytes, formatJoules, formatSeconds } from '../core/format';
import { findRecipe, plannedRecipes, recipes } from '../core/transform/recipes';
import { optimizeFile, type EnergyChange, type OptimizeResult } from '../optimize';
import { fail, UsageError, writeJson, type ExitCode, type Io } from './io';
import { oneLine, printable } from './terminal';

export interface OptimizeFlags {
  readonly recipe: string;
  readonly out?: string | undefined;
  readonly device: Device;
  readonly calibration?: string | undefined;
  readonly samples?: number | undefined;
  readonly labels?: string | undefined;
  readonly maxDrop?: string | undefined;
  readonly verify: string;
  readonly dryRun: boolean;
  readonly force: boolean;
  readonly runtime?: string | undefined;
  readonly timeout?: number | undefined;
  readonly dims: ReadonlyMap<string, number>;
  readonly format: 'text' | 'json';
}

/** `green-ai optimize`: applies a recipe; exit 1 when the result missed its bound and was not written. */
export async function optimize(path: string, flags: OptimizeFlags, io: Io): Promise<ExitCode> {
  const recipe = findRecipe(flags.recipe);
  if (!recipe) return fail(io, unknownRecipe(flags.recipe));
  const outcome = await optimizeFile(io.host, path, {
    recipe,
    device: flags.device,
    ...(flags.out !== undefined && { output: flags.out }),
    force: flags.force,
    verify: oneOf('--verify', flags.verify, ['run', 'load', 'none']),
    data: {
      inputs: inputsOf(flags.calibration),
      ...(flags.labels !== undefined && { labels: flags.labels }),
      ...(flags.samples !== undefined && { maxSamples: flags.samples }),
    },
    maxDrop: parseDrop(flags.maxDrop),
    dryRun: flags.dryRun,
    dims: flags.dims,
    only: null,
    ...(flags.runtime !== undefined && {
      runtime: oneOf('--runtime', flags.runtime, ['native', 'wasm', 'auto']),
    }),
    ...(flags.timeout !== undefined && { deadlineSeconds: flags.timeout }),
    progress: createProgress(io),
    signal: io.signal,
    toolVersion: io.version,
    ...(io.worker && { worker: io.worker }),
  });
  switch (outcome.kind) {
    case 'refused':
      return fail(io, outcome.reason);
    case 'cancelled':
      return fail(io, 'cancelled; nothing was written');
    case 'done':
      if (flags.format === 'json') writeJson(io, outcome.result);
      else io.out(resultText(outcome.result));
      return outcome.accepted ? 0 : 1;
  }
}

function unknownRecipe(name: string): string {
  const have = recipes.map((recipe) => recipe.name).join(', ');
  return plannedRecipes.includes(name)
    ? `the recipe ${name} is not part of this version yet; there are ${have}`
    : `there is no recipe "${name}"; there are ${have}`;
}

function inputsOf(calibration: string | undefined): 'beside' | 'random' | readonly string[] {
  if (calibration === undefined) return 'beside';
  return calibration === 'random' ? 'random' : [calibration];
}

function oneOf<Choice extends string>(
  flag: string,
  value: string,
  choices: readonly Choice[],
): Choice {
  const found = choices.find((choice) => choice === value);
  if (found === undefined)
    throw new UsageError(`${flag} ${value}: give one of ${choices.join(', ')}`);
  return found;
}

const defaultMaxDrop = 0.005;

/** `0.005` and `0.5%` are half a point. */
function parseDrop(text: string | undefined): number {
  if (text === undefined) return defaultMaxDrop;
  const match = /^(\d+(?:\.\d+)?)(%?)$/u.exec(text);
  const value = match ? Number(match[1]) / (match[2] === '%' ? 100 : 1) : Number.NaN;
  if (!(value <= 1)) throw new UsageError(`--max-drop ${text}: give a share as 0.005 or 0.5%`);
  return value;
}

/** One line per stage on stderr, each stage once. */
function createProgress(io: Io): (text: string) => void {
  let last = '';
  return (text) => {
    const stage = text.replace(/ \d+\/\d+.*$/u, '');
    if (stage !== last) io.err(`${printable(stage)}\n`);
    last = stage;
  };
}

function resultText(result: OptimizeResult): string {
  const { verification, energyJoules } = result;
  const lines = [
    `${oneLine(result.input)}: ${result.recipe}`,
    `  output    ${result.output === null ? 'nothing written' : oneLine(result.output)}`,
    `  size      ${formatBytes(result.bytesBefore)} → ${formatBytes(result.bytesAfter)}`,
    `  changed   ${result.changedNodes.length} nodes, ${result.skipped.length} left, ${result.rolledBack.length} rolled back`,
    `  energy    ${formatJoules(energyJoules?.before ?? null)} → ${formatJoules(energyJoules?.after ?? null)}${changeOf(energyJoules)} on ${result.device}`,
    `  verified  ${verification.state}${verification.data === null ? '' : ` on ${verification.data} data`}, ${verification.samples} samples, ${verification.runtime ?? 'no runtime'}`,
    ...(verification.accuracy
      ? [
          `  accuracy  ${points(verification.accuracy.before)} → ${points(verification.accuracy.after)}`,
        ]
      : []),
    ...(verification.latencySeconds
      ? [
          `  latency   ${formatSeconds(verification.latencySeconds.before)} → ${formatSeconds(verification.latencySeconds.after)} measured here, ${verification.threads} thread`,
        ]
      : []),
    ...verification.reasons.map((text) => `  ${oneLine(text)}`),
    ...[...result.rolledBack, ...result.skipped].map(
      ({ node, reason }) => `  kept      ${printable(node)}: ${oneLine(reason)}`,
    ),
    ...result.warnings.map((text) => `  warning   ${oneLine(text)}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** Accuracy to a hundredth of a point: the bound is half a point. */
function points(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}

/** The ranges share their uncertainty, so the change of the middle says more than they do. */
function changeOf(energy: EnergyChange | null): string {
  if (!energy?.before || !energy.after || energy.before.mid === 0) return '';
  const percent = Math.round((energy.after.mid / energy.before.mid - 1) * 100);
  return ` (${percent > 0 ? '+' : ''}${percent} %)`;
}
