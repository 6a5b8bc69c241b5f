import type { Family } from './architecture';
import { composites, decoders } from './families/composite';
import { decoderFamily } from './families/decoder';
import { encoderFamily, encoders } from './families/encoder';
import { encoderDecoders } from './families/encoder-decoder';
import { qwen35Text } from './families/hybrid';
import { towers } from './families/towers';

/** The description of a `model_type`; `undefined` for those nobody has described yet. */
export function familyOf(modelType: string): Family | undefined {
  return families.get(modelType);
}

/** Every described `model_type`. */
export function describedModelTypes(): readonly string[] {
  return [...families.keys()];
}

/**
 * The `model_type` that a class belongs to, for configs that leave the type out:
 * `BertForMaskedLM` → `bert`. The longest matching name wins (`Qwen2Moe…` is not `qwen2`).
 */
export function modelTypeOfArchitecture(architecture: string): string | null {
  const name = architecture.toLowerCase();
  const matches = [...families.keys()].filter((type) => name.startsWith(type.replace(/[-_]/g, '')));
  return matches.sort((a, b) => b.length - a.length)[0] ?? null;
}

const families: ReadonlyMap<string, Family> = new Map<string, Family>([
  ...[...decoders].map(([type, traits]): [string, Family] => [type, decoderFamily(traits)]),
  ...[...encoders].map(([type, traits]): [string, Family] => [type, encoderFamily(traits)]),
  ...[...towers].map(([type, describe]): [string, Family] => [
    type,
    (fields, { architecture }) => ({ parts: [describe(fields, architecture)], unknownParts: [] }),
  ]),
  ...encoderDecoders,
  ...composites,
  [
    'qwen3_5_text',
    (fields, { architecture }) => ({
      parts: [qwen35Text(fields, architecture?.endsWith('Model') !== true)],
      unknownParts: [],
    }),
  ],
]);
