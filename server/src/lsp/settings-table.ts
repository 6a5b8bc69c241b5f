import * as v from 'valibot';

export const settingsSection = 'greenAi';

/** A key of the editor's settings. The client's manifest contributes the same ones; a test compares them. */
export interface EditorSetting {
  /** Without the section. */
  readonly key: string;
  readonly types: readonly ('string' | 'number' | 'integer' | 'boolean' | 'object' | 'array')[];
  readonly default: string | number | boolean | readonly never[] | Readonly<Record<string, never>>;
  /** The values, when there are only some. */
  readonly choices?: readonly string[];
}

export const configurationPreferences = ['editorFirst', 'filesystemFirst'] as const;

/** Every key is of the scope `resource`: folders of one workspace may differ. */
export const editorSettingTable: readonly EditorSetting[] = [
  { key: 'device', types: ['string'], default: '' },
  { key: 'region', types: ['string', 'number'], default: '' },
  { key: 'rules', types: ['object'], default: {} },
  { key: 'ignore', types: ['array'], default: [] },
  {
    key: 'configurationPreference',
    types: ['string'],
    default: 'editorFirst',
    choices: configurationPreferences,
  },
  { key: 'lint.enable', types: ['boolean'], default: true },
  { key: 'lint.workspace', types: ['boolean'], default: true },
  { key: 'maxFindingsPerModel', types: ['integer'], default: 20 },
  { key: 'codeLens.enable', types: ['boolean'], default: true },
  { key: 'optimize.maxDrop', types: ['number'], default: 0.005 },
];

/** What the editor says, checked; a wrong value counts as not given. */
export interface EditorSettings {
  /** The part that `green-ai.json` has too, in its form. */
  readonly shared: Readonly<Record<string, unknown>>;
  /** Whose `device`, `region` and rules win where both say something. */
  readonly preference: (typeof configurationPreferences)[number];
  readonly isEnabled: boolean;
  /** Files that are not open are linted, too. */
  readonly lintsWorkspace: boolean;
  readonly maxFindingsPerModel: number;
  readonly showsLenses: boolean;
  readonly maxDrop: number;
}

/** Rows of one model beyond this make the list of problems useless, whatever was asked for. */
const mostFindingsPerModel = 1000;

const schema = v.object({
  device: v.fallback(v.optional(v.string(), ''), ''),
  region: v.fallback(v.optional(v.union([v.string(), v.number()]), ''), ''),
  rules: v.fallback(v.optional(v.record(v.string(), v.unknown()), {}), {}),
  ignore: v.fallback(v.optional(v.array(v.string()), []), []),
  configurationPreference: v.fallback(
    v.optional(v.picklist(configurationPreferences), 'editorFirst'),
    'editorFirst',
  ),
  lint: v.fallback(v.optional(v.object({ enable: flag(true), workspace: flag(true) }), {}), {
    enable: true,
    workspace: true,
  }),
  maxFindingsPerModel: number(20, 0, mostFindingsPerModel),
  codeLens: v.fallback(v.optional(v.object({ enable: flag(true) }), {}), { enable: true }),
  optimize: v.fallback(v.optional(v.object({ maxDrop: number(0.005, 0, 1) }), {}), {
    maxDrop: 0.005,
  }),
});

/** Reads the value of the section `greenAi` as the client gives it. */
export function readEditorSettings(value: unknown): EditorSettings {
  const read = v.safeParse(schema, value ?? {});
  const given = read.success ? read.output : v.parse(schema, {});
  const { device, region, rules, ignore } = given;
  return {
    shared: {
      ...(device !== '' && { device }),
      ...(region !== '' && { region }),
      rules,
      ignore,
    },
    preference: given.configurationPreference,
    isEnabled: given.lint.enable,
    lintsWorkspace: given.lint.workspace,
    maxFindingsPerModel: Math.floor(given.maxFindingsPerModel),
    showsLenses: given.codeLens.enable,
    maxDrop: given.optimize.maxDrop,
  };
}

function flag(byDefault: boolean) {
  return v.fallback(v.optional(v.boolean(), byDefault), byDefault);
}

function number(byDefault: number, minimum: number, maximum: number) {
  const inRange = v.pipe(v.number(), v.minValue(minimum), v.maxValue(maximum));
  return v.fallback(v.optional(inRange, byDefault), byDefault);
}
