import * as v from 'valibot';
import { carbonIntensity } from './cost/carbon';
import { defaultDevice, findDevice, suggestDeviceIds } from './cost/devices';
import type { Device } from './cost/devices';
import { shortName } from './format';
import { didYouMean } from './nearest';
import type { Problem } from './problem';
import { ruleById, rules } from './rules/index';
import { optionValues } from './rules/rule';
import type { OptionValues, Rule } from './rules/rule';
import type { GivenRuleSetting, SettingsFile } from './settings-file';
import { failLevels, failOnSchema, levelSchema, levels } from './settings-schema';
import type { FailLevel, Level } from './settings-schema';

export { parseSettings, settingsFileName } from './settings-file';
export type { SettingsFile } from './settings-file';
export type { FailLevel, Level } from './settings-schema';

/** What an analysis runs with: nothing left open. */
export interface Settings {
  readonly device: Device;
  /** ISO 3166 three-letter code or grams CO2e per kWh; null: not given. */
  readonly region: string | number | null;
  readonly rules: ReadonlyMap<string, RuleSetting>;
  /** Globs as in .gitignore, relative to the settings file. */
  readonly ignore: readonly string[];
  readonly failOn: FailLevel;
}

export interface RuleSetting {
  readonly level: Level;
  /** Complete: defaults filled in. */
  readonly options: OptionValues;
}

/** Flags of the command line, as typed. */
export interface SettingFlags {
  readonly device?: string | undefined;
  readonly region?: string | undefined;
  /** `ID=LEVEL`, the later one wins. */
  readonly rule?: readonly string[] | undefined;
  readonly failOn?: string | undefined;
}

/** Defaults ← file ← flags. A flag that makes no sense is an `invalid-flag` problem and is left out. */
export function resolveSettings(
  file: SettingsFile | null,
  flags: SettingFlags = {},
): { readonly settings: Settings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const flagLevels = readRuleFlags(flags.rule ?? [], problems);
  const settings: Settings = {
    device: readDeviceFlag(flags.device, problems) ?? fileDevice(file) ?? defaultDevice,
    region: readRegionFlag(flags.region, problems) ?? file?.region ?? null,
    rules: new Map(
      rules.map((rule) => {
        const { id } = rule.meta;
        return [id, ruleSetting(rule, file?.rules.get(id), flagLevels.get(id))];
      }),
    ),
    ignore: file?.ignore ?? [],
    failOn: readFailFlag(flags.failOn, problems) ?? file?.failOn ?? 'error',
  };
  return { settings, problems };
}

/** The setting of a rule nobody configured. */
export function defaultRuleSetting({ meta }: Rule): RuleSetting {
  return { level: meta.severity, options: optionValues(meta) };
}

function ruleSetting(
  rule: Rule,
  given: GivenRuleSetting | undefined,
  flagLevel: Level | undefined,
): RuleSetting {
  return {
    level: flagLevel ?? given?.level ?? rule.meta.severity,
    options: optionValues(rule.meta, given?.options),
  };
}

function fileDevice(file: SettingsFile | null): Device | undefined {
  return file?.deviceId === undefined ? undefined : findDevice(file.deviceId);
}

function readDeviceFlag(id: string | undefined, problems: Problem[]): Device | undefined {
  if (id === undefined) return undefined;
  const device = findDevice(id);
  if (!device) {
    const [meant] = suggestDeviceIds(id);
    const hint = meant === undefined ? 'See `green-ai devices`.' : `Did you mean "${meant}"?`;
    problems.push(invalidFlag(`--device: no device "${shortName(id)}". ${hint}`));
  }
  return device;
}

function readRuleFlags(flags: readonly string[], problems: Problem[]): Map<string, Level> {
  const found = new Map<string, Level>();
  for (const flag of flags) {
    const [id = '', level = ''] = splitOnce(flag, '=');
    const parsed = v.safeParse(levelSchema, level);
    if (!ruleById(id)) {
      const ids = rules.map(({ meta }) => meta.id);
      problems.push(invalidFlag(`--rule: no rule "${shortName(id)}".${didYouMean(id, ids)}`));
    } else if (parsed.success) found.set(id, parsed.output);
    else problems.push(invalidFlag(`--rule ${id}=LEVEL: LEVEL is one of ${levels.join(', ')}.`));
  }
  return found;
}

function readRegionFlag(
  region: string | undefined,
  problems: Problem[],
): string | number | undefined {
  if (region === undefined) return undefined;
  const intensity = carbonIntensity(region);
  if (intensity.kind === 'intensity') return region;
  problems.push(invalidFlag(`--region: ${intensity.problem.message}`));
  return undefined;
}

function readFailFlag(level: string | undefined, problems: Problem[]): FailLevel | undefined {
  if (level === undefined) return undefined;
  const parsed = v.safeParse(failOnSchema, level);
  if (parsed.success) return parsed.output;
  problems.push(invalidFlag(`--fail-on is one of ${failLevels.join(', ')}.`));
  return undefined;
}

function invalidFlag(message: string): Problem {
  return { code: 'invalid-flag', severity: 'error', message };
}

function splitOnce(text: string, separator: string): readonly string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
