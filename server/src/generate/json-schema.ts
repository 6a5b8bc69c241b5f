import { toJsonSchema } from '@valibot/to-json-schema';
import { settingsSchema } from '../core/settings-schema';

/** The JSON schema of `green-ai.json`. */
export function settingsJsonSchema(): string {
  const schema = toJsonSchema(settingsSchema(), { target: 'draft-07' });
  const described = {
    $schema: schema.$schema,
    title: 'Green AI Lint settings (green-ai.json)',
    ...schema,
  };
  return `${JSON.stringify(described, null, 2)}\n`;
}
