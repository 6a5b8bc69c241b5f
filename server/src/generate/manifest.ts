import { applyEdits, modify } from 'jsonc-parser';
import { defaultDevice, devices } from '../core/cost/devices';
import { rules } from '../core/rules/index';
import { levels } from '../core/settings-schema';

const properties = ['contributes', 'configuration', 'properties'];

/** `package.json` with the editor settings that list devices and rules written anew. */
export function withSettings(manifest: string): string {
  const device = [...properties, 'greenAi.device'];
  const values: readonly (readonly [readonly string[], unknown])[] = [
    [
      [...device, 'enum'],
      ['', ...devices.map(({ id }) => id)],
    ],
    [
      [...device, 'enumDescriptions'],
      [
        `What green-ai.json says, else ${defaultDevice.name}`,
        ...devices.map((one) => `${one.name} (${one.class})`),
      ],
    ],
    [[...properties, 'greenAi.rules', 'properties'], Object.fromEntries(rules.map(ruleSetting))],
  ];
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  return values.reduce(
    (text, [path, value]) =>
      applyEdits(text, modify(text, [...path], value, { formattingOptions })),
    manifest,
  );
}

function ruleSetting({ meta }: (typeof rules)[number]): readonly [string, unknown] {
  const description = `${meta.title} Default: ${meta.severity}.`;
  return [meta.id, { type: 'string', enum: levels, description }];
}
