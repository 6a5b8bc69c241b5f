import { getNodeValue } from 'jsonc-parser';
import type { Node as JsonNode } from 'jsonc-parser';
import * as v from 'valibot';
import { devices } from './cost/devices';
import { shortName } from './format';
import { parseJsonText } from './json-text';
import { didYouMean } from './nearest';
import { createProblemSink } from './problem';
import type { Problem } from './problem';
import { ruleById, rules } from './rules/index';
import type { OptionValues, RuleMeta } from './rules/rule';
import {
  deviceSchema,
  failOnSchema,
  ignoreSchema,
  levelSchema,
  optionSchema,
  regionSchema,
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
  readonly problems: readonly Problem[];
} {
  const { tree, problems } = parseJsonText(text, 'invalid-settings');
  const reader = createReader(problems);
  if (tree && tree.type !== 'object') reader.report(tree, 'The settings must be a JSON object.');
  const fields = propertiesOf(tree);
  reader.reportUnknown(fields, 'setting', settingNames);
  const settings = {
    deviceId: readDevice(reader, fields.get('device')?.value),
    region: reader.read('region', regionSchema, fields.get('region')?.value),
    rules: readRules(reader, fields.get('rules')?.value),
    ignore: reader.read('ignore', ignoreSchema, fields.get('ignore')?.value) ?? [],
    failOn: reader.read('failOn', failOnSchema, fields.get('failOn')?.value),
  };
  return { settings, problems: reader.problems };
}

function readDevice(reader: Reader, node: JsonNode | undefined): string | undefined {
  if (node?.type !== 'string') return reader.read('device', deviceSchema, node);
  const id = String(getNodeValue(node));
  const ids = devices.map((device) => device.id);
  if (ids.includes(id)) return id;
  reader.report(node, `No device "${shortName(id)}".${didYouMean(id, ids)}`);
  return undefined;
}

function readRules(reader: Reader, node: JsonNode | undefined): Map<string, GivenRuleSetting> {
  const found = new Map<string, GivenRuleSetting>();
  if (!node) return found;
  if (node.type !== 'object') {
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
function readRule(reader: Reader, meta: RuleMeta, node: JsonNode): GivenRuleSetting {
  if (node.type === 'object') {
    const fields = propertiesOf(node);
    const level = reader.read('severity', levelSchema, fields.get('severity')?.value);
    return { level, options: readOptions(reader, meta, fields, ['severity']) };
  }
  if (node.type !== 'array') {
    return { level: reader.read(meta.id, levelSchema, node), options: new Map() };
  }
  const [levelNode, optionsNode, surplus] = node.children ?? [];
  if (surplus) reader.report(surplus, 'Expected a severity and one object of options.');
  if (optionsNode && optionsNode.type !== 'object') {
    reader.report(optionsNode, `The options of "${meta.id}" must be an object.`);
  }
  return {
    level: reader.read(meta.id, levelSchema, levelNode),
    options: readOptions(reader, meta, propertiesOf(optionsNode ?? null), []),
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
    const value = reader.read(declared.name, optionSchema(declared), fields.get(declared.name)?.value);
    if (value !== undefined) found.set(declared.name, value);
  }
  return found;
}

type Properties = ReadonlyMap<string, { readonly key: JsonNode; readonly value: JsonNode }>;

/** The last of repeated keys wins, as in `JSON.parse`. */
function propertiesOf(node: JsonNode | null): Properties {
  const found = new Map<string, { key: JsonNode; value: JsonNode }>();
  if (node?.type !== 'object') return found;
  for (const { children } of node.children ?? []) {
    const [key, value] = children ?? [];
    if (key && value) found.set(String(getNodeValue(key)), { key, value });
  }
  return found;
}

interface Reader {
  readonly problems: readonly Problem[];
  report(node: JsonNode, message: string): void;
  reportUnknown(fields: Properties, what: string, known: readonly string[]): void;
  /** The value when it fits the schema; else `undefined` and, when there is a value, a problem. */
  read<Schema extends v.GenericSchema>(
    name: string,
    schema: Schema,
    node: JsonNode | undefined,
  ): v.InferOutput<Schema> | undefined;
}

function createReader(problems: readonly Problem[]): Reader {
  const sink = createProblemSink();
  problems.forEach(sink.add);
  const report = ({ offset, length }: JsonNode, message: string) => {
    const span = { start: offset, end: offset + length };
    sink.add({ code: 'invalid-settings', severity: 'error', message, span });
  };
  return {
    problems: sink.problems,
    report,
    reportUnknown(fields, what, known) {
      for (const [name, { key }] of fields) {
        if (known.includes(name)) continue;
        report(key, `Unknown ${what} "${shortName(name)}".${didYouMean(name, known)}`);
      }
    },
    read(name, schema, node) {
      if (!node) return undefined;
      const parsed = v.safeParse(schema, getNodeValue(node));
      if (parsed.success) return parsed.output;
      report(node, `"${name}" ${parsed.issues[0].message}.`);
      return undefined;
    },
  };
}
