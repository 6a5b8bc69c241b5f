import * as v from 'valibot';
import { gridRegions, maxGramsPerKwh } from './cost/carbon';
import { devices } from './cost/devices';
import { severities } from './finding';
import { rules } from './rules/index';
import type { Rule, RuleOption } from './rules/rule';

/**
 * The values that `green-ai.json` may hold, described once: `settings.ts` reads with these schemas and
 * the generator turns them into `media/green-ai.schema.json`.
 */

export const levels = ['off', ...severities] as const;
export type Level = (typeof levels)[number];

export const failLevels = ['error', 'warning', 'info', 'never'] as const;
export type FailLevel = (typeof failLevels)[number];

/** More globs than this are a mistake, and each is tried on every file. */
const maxIgnoreGlobs = 1000;

export const levelSchema = v.pipe(
  v.picklist(levels, `must be one of ${levels.join(', ')}`),
  v.description('How findings of this rule are reported; "off" silences it.'),
);

export const deviceSchema = v.pipe(
  v.picklist(
    devices.map(({ id }) => id),
    'must be a device id of `green-ai devices`',
  ),
  v.description('Device that energy, time and memory are estimated for.'),
);

export const regionSchema = v.pipe(
  v.union([
    v.picklist([...gridRegions.keys()]),
    v.pipe(v.number(), v.minValue(0), v.maxValue(maxGramsPerKwh)),
  ]),
  v.description('Where the electricity comes from: an ISO 3166 three-letter code, or g CO2e/kWh.'),
);

export const ignoreSchema = v.pipe(
  v.array(v.string(), 'must be a list of glob patterns'),
  v.maxLength(maxIgnoreGlobs, `must not have more than ${maxIgnoreGlobs} patterns`),
  v.description('Files to leave out, as in .gitignore, relative to this file.'),
);

export const failOnSchema = v.pipe(
  v.picklist(failLevels, `must be one of ${failLevels.join(', ')}`),
  v.description('Lowest severity that makes `green-ai lint` exit with 1.'),
);

export function optionSchema(option: RuleOption) {
  const { minimum, maximum } = option;
  const range = `must be a number from ${minimum} to ${maximum}`;
  return v.pipe(
    v.number(range),
    v.minValue(minimum, range),
    v.maxValue(maximum, range),
    v.description(`${option.description} Default: ${option.default}.`),
  );
}

export const settingNames = ['$schema', 'device', 'region', 'rules', 'ignore', 'failOn'];

/** All of `green-ai.json`. */
export function settingsSchema() {
  return v.strictObject({
    $schema: v.optional(v.string()),
    device: v.optional(deviceSchema),
    region: v.optional(regionSchema),
    rules: v.optional(
      v.strictObject(
        Object.fromEntries(rules.map((rule) => [rule.meta.id, v.optional(ruleSchema(rule))])),
      ),
    ),
    ignore: v.optional(ignoreSchema),
    failOn: v.optional(failOnSchema),
  });
}

/** `"off"`, `["warning", {options}]` or `{"severity": "warning", options}`. */
function ruleSchema({ meta }: Rule) {
  const options = Object.fromEntries(
    meta.options.map((option) => [option.name, v.optional(optionSchema(option))]),
  );
  return v.pipe(
    v.union([
      levelSchema,
      v.strictTuple([levelSchema, v.strictObject(options)]),
      v.strictObject({ severity: v.optional(levelSchema), ...options }),
    ]),
    v.description(`${meta.title} Default: ${meta.severity}.`),
  );
}
