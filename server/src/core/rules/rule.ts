import type { Analysis } from '../analysis';
import type { ConfigAnalysis } from '../config/config';
import type { Device } from '../cost/devices';
import type { Anchor, Fix, Saving, Severity } from '../finding';

/** One thing to look for. A rule is one file: meta, options, check, fixes, examples. */
export type Rule = ModelRule | ConfigRule;

export interface RuleMeta {
  /** Kebab-case, the same everywhere: file name, docs page, settings, SARIF. */
  readonly id: string;
  readonly title: string;
  readonly severity: Severity;
  /** Markdown body of `docs/rules/<id>.md`: what, why with figures and sources, when it is fine. */
  readonly description: string;
  readonly options: readonly RuleOption[];
}

/** Numbers only: that is all the rules need, and it keeps settings and their schema plain. */
export interface RuleOption {
  readonly name: string;
  readonly description: string;
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
}

/** Every option of the rule, defaults filled in. */
export type OptionValues = ReadonlyMap<string, number>;

/** What a rule reports; the engine adds id and severity. */
export interface Report {
  /** What, why with numbers and units, what to do; at most 120 characters. */
  readonly message: string;
  /** Longer text for the hover: assumptions, sources. Markdown. */
  readonly detail?: string;
  readonly anchor: Anchor;
  readonly saving?: Saving;
  /** The best one first. */
  readonly fixes?: readonly Fix[];
}

export interface ModelRule {
  readonly target: 'onnx';
  readonly meta: RuleMeta;
  /** Pure: the same context gives the same reports, and no other rule's result is seen. */
  readonly check: (context: ModelContext) => readonly Report[];
  readonly examples: Examples<ModelExample>;
}

export interface ConfigRule {
  readonly target: 'hf-config';
  readonly meta: RuleMeta;
  /** Pure: the same context gives the same reports, and no other rule's result is seen. */
  readonly check: (context: ConfigContext) => readonly Report[];
  readonly examples: Examples<ConfigExample>;
}

export interface ModelContext {
  readonly analysis: Analysis;
  readonly device: Device;
  readonly options: OptionValues;
}

export interface ConfigContext {
  readonly config: ConfigAnalysis;
  readonly device: Device;
  readonly options: OptionValues;
}

export interface Examples<Example> {
  readonly valid: readonly Example[];
  readonly invalid: readonly (Example & ExpectedReports)[];
}

export interface ExpectedReports {
  /** Every message the rule reports, in order. `…` stands for any text: figures move with device data. */
  readonly messages: readonly string[];
}

/** A small model in ONNX text form. `fixed`: the model after the first fix, for fixes that are safe. */
export interface ModelExample {
  readonly title: string;
  readonly model: string;
  readonly fixed?: string;
  /** Device id; the default device when absent. */
  readonly device?: string;
  readonly options?: OptionValues;
}

/** A `config.json`. `fixed`: the text after the first fix. */
export interface ConfigExample {
  readonly title: string;
  readonly config: string;
  readonly fixed?: string;
  /** Device id; the default device when absent. */
  readonly device?: string;
  readonly options?: OptionValues;
}

/** The value of a declared option. Asking for an undeclared one is a bug in the rule. */
export function option(context: { readonly options: OptionValues }, name: string): number {
  const value = context.options.get(name);
  if (value === undefined) throw new Error(`undeclared option ${name}`);
  return value;
}

/** The options of a rule with these values over its defaults; names the rule does not declare are left out. */
export function optionValues(meta: RuleMeta, given?: OptionValues): OptionValues {
  return new Map(meta.options.map(({ name, default: value }) => [name, given?.get(name) ?? value]));
}
