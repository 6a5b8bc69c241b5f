import * as v from 'valibot';
import { createProblemList, parseConfig } from './config/parse';
import type { ConfigNode, ConfigProblem, ConfigProperty } from './config/tree';
import { carbonIntensity } from './cost/carbon';
import { findDevice, suggestDeviceIds } from './cost/devices';
import { shortName } from './format';
import { didYouMean, nearest } from './nearest';
import { ruleById, rules } from './rules/index';
import type { OptionValues, RuleMeta } from './rules/rule';
import {
  deviceSchema,
  failOnSchema,
  ignoreSchema,
  levelSchema,
  optionSchema,
  settingNames,
} from './settings-schema';
import type { FailLevel, Level } from './settings-schema';

export const settingsFileName = 'green-ai.json';

/** What `green-ai.json` says; a field it leaves out, or has wrong, is `undefined`. */
export interface SettingsFile {
  readonly deviceId: string | undefined;
  readonly region: string | number | undefined;
  readonly rules: ReadonlyMap<string, GivenRuleSetting>;
  readonly ignore: readonly string[];
  readonly failOn: FailLevel | undefined;
}

export interface GivenRuleSetting {
  readonly level: Level | undefined;
  /** Only those the file gives. */
  readonly options: OptionValues;
}

/** Reads `green-ai.json`. What is wrong is a positioned `invalid-settings` problem, and the rest still counts. */
export function parseSettings(text: string): {
  readonly settings: SettingsFile;
  readonly problems: readonly ConfigProblem[];
} {
  const { root, problems, complete } = parseConfig(text);
  const reader = createReader();
  // What can be read to its end is good enough here: comments and trailing commas are welcome.
  for (const problem of problems) {
    if (!complete || problem.code === 'duplicate-key') reader.report(problem, problem.message);
  }
  if (root && root.kind !== 'object') reader.report(root, 'The settings must be a JSON object.');
  const fields = propertiesOf(root);
  reader.reportUnknown(fields, 'setting', settingNames);
  const settings = {
    deviceId: readDevice(reader, fields.get('device')?.value),
    region: readRegion(reader, fields.get('region')?.value),
    rules: readRules(reader, fields.get('rules')?.value),
    ignore: reader.read('ignore', ignoreSchema, fields.get('ignore')?.value) ?? [],
    failOn: reader.read('failOn', failOnSchema, fields.get('failOn')?.value),
  };
  return { settings, problems: reader.problems };
}

function readDevice(reader: Reader, node: ConfigNode | undefined): string | undefined {
  if (node?.kind !== 'string') return reader.read('device', deviceSchema, node);
  const id = node.value;
  if (findDevice(id)) return id;
  const [meant] = suggestDeviceIds(id);
  const hint = meant === undefined ? 'See `green-ai devices`.' : `Did you mean "${meant}"?`;
  reader.report(node, `No device "${shortName(id)}". ${hint}`, meant);
  return undefined;
}

function readRegion(reader: Reader, node: ConfigNode | undefined): string | number | undefined {
  if (node?.kind !== 'string' && node?.kind !== 'number') {
    if (node) reader.report(node, '"region" must be a country code such as "DEU", or g CO2e/kWh.');
    return undefined;
  }
  const intensity = carbonIntensity(node.value);
  if (intensity.kind === 'intensity') return node.value;
  reader.report(node, intensity.problem.message);
  return undefined;
}

function readRules(reader: Reader, node: ConfigNode | undefined): Map<string, GivenRuleSetting> {
  const found = new Map<string, GivenRuleSetting>();
  if (!node) return found;
  if (node.kind !== 'object') {
    reader.report(node, '"rules" must be an object of rule ids.');
    return found;
  }
  const fields = propertiesOf(node);
  reader.reportUnknown(
    fields,
    'rule',
    rules.map(({ meta }) => meta.id),
  );
  for (const [id, { value }] of fields) {
    const rule = ruleById(id);
    if (rule) found.set(id, readRule(reader, rule.meta, value));
  }
  return found;
}

/** `"off"`, `["warning", {options}]` or `{"severity": "warning", options}`. */
function readRule(reader: Reader, meta: RuleMeta, node: ConfigNode): GivenRuleSetting {
  if (node.kind === 'object') {
    const fields = propertiesOf(node);
    const level = reader.read('severity', levelSchema, fields.get('severity')?.value);
    return { level, options: readOptions(reader, meta, fields, ['severity']) };
  }
  if (node.kind !== 'array') {
    return { level: reader.read(meta.id, levelSchema, node), options: new Map() };
  }
  const [levelNode, optionsNode, surplus] = node.items;
  if (surplus) reader.report(surplus, 'Expected a severity and one object of options.');
  if (optionsNode && optionsNode.kind !== 'object') {
    reader.report(optionsNode, `The options of "${meta.id}" must be an object.`);
  }
  return {
    level: reader.read(meta.id, levelSchema, levelNode),
    options: readOptions(reader, meta, propertiesOf(optionsNode), []),
  };
}

function readOptions(
  reader: Reader,
  meta: RuleMeta,
  fields: Properties,
  otherNames: readonly string[],
): OptionValues {
  const known = [...meta.options.map(({ name }) => name), ...otherNames];
  reader.reportUnknown(fields, `option of ${meta.id}`, known);
  const found = new Map<string, number>();
  for (const declared of meta.options) {
    const value = reader.read(
      declared.name,
      optionSchema(declared),
      fields.get(declared.name)?.value,
    );
    if (value !== undefined) found.set(declared.name, value);
  }
  return found;
}

type Properties = ReadonlyMap<string, ConfigProperty>;

function propertiesOf(node: ConfigNode | null | undefined): Properties {
  return node?.kind === 'object' ? node.properties : new Map<string, ConfigProperty>();
}

/** Scalars and lists as plain values; an object fits none of the schemas, nor does what is given for it. */
function plainValue(node: ConfigNode): unknown {
  if (node.kind === 'array') return node.items.map(plainValue);
  return node.kind === 'object' || node.kind === 'null' ? null : node.value;
}

interface TextRange {
  readonly start: number;
  readonly end: number;
}

interface Reader {
  readonly problems: readonly ConfigProblem[];
  /** `meant`: the string that probably belongs there. */
  report(at: TextRange, message: string, meant?: string): void;
  reportUnknown(fields: Properties, what: string, known: readonly string[]): void;
  /** The value when it fits the schema; else `undefined` and, when there is a value, a problem. */
  read<Schema extends v.GenericSchema>(
    name: string,
    schema: Schema,
    node: ConfigNode | undefined,
  ): v.InferOutput<Schema> | undefined;
}

function createReader(): Reader {
  const found = createProblemList();
  const report = ({ start, end }: TextRange, message: string, meant?: string) => {
    const replacement = meant === undefined ? {} : { replacement: JSON.stringify(meant) };
    found.add({ code: 'invalid-settings', severity: 'error', message, start, end, ...replacement });
  };
  return {
    problems: found.list,
    report,
    reportUnknown(fields, what, known) {
      for (const [name, { keyStart: start, keyEnd: end }] of fields) {
        if (known.includes(name)) continue;
        const message = `Unknown ${what} "${shortName(name)}".${didYouMean(name, known)}`;
        report({ start, end }, message, nearest(name, known));
      }
    },
    read(name, schema, node) {
      if (!node) return undefined;
      const parsed = v.safeParse(schema, plainValue(node));
      if (parsed.success) return parsed.output;
      report(node, `"${name}" ${parsed.issues[0].message}.`);
      return undefined;
    },
  };
}
