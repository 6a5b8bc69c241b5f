import path from 'node:path';
import * as v from 'valibot';
import { readTextFile } from '../config-file';
import { provenancePath } from '../optimize';
import type { ReportVariant } from '../protocol';
import type { ServerHost } from './host';
import { pathOf, uriOf } from './uris';

/** Beside one model there are a handful. */
const maxVariants = 20;

const rangeSchema = v.nullable(v.object({ low: v.number(), mid: v.number(), high: v.number() }));

/** What is read of `OUT.green-ai.json`; anybody may have written it. */
const provenanceSchema = v.object({
  recipe: v.string(),
  input: v.object({ path: v.string(), bytes: v.number() }),
  output: v.object({ path: v.string(), bytes: v.nullable(v.number()) }),
  energyJoules: v.nullable(v.object({ before: rangeSchema, after: rangeSchema })),
  verification: v.object({
    accuracy: v.nullable(v.object({ before: v.number(), after: v.number() })),
  }),
});

/** What was made from this model and lies beside it, and what it was made from. */
export async function variantsOf(
  host: ServerHost,
  modelUri: string,
): Promise<readonly ReportVariant[]> {
  const file = pathOf(modelUri);
  if (file === null) return [];
  const folder = path.dirname(file);
  const name = path.basename(file);
  const own = await readVariant(host, file, 'original');
  const stem = name.replace(/\.onnx$/iu, '');
  const names = (await host.listNames(folder)).filter(
    (other) => other.startsWith(`${stem}.`) && other !== name && /\.onnx$/iu.test(other),
  );
  const made: ReportVariant[] = [];
  for (const other of names.sort()) {
    if (made.length >= maxVariants) break;
    const variant = await readVariant(host, path.join(folder, other), 'optimised');
    if (variant?.from === name) made.push(variant.shown);
  }
  return own ? [own.shown, ...made] : made;
}

interface FoundVariant {
  /** Name of the model it was made from. */
  readonly from: string;
  readonly shown: ReportVariant;
}

/** Null without a readable record, or when the model it tells of is not there. */
async function readVariant(
  host: ServerHost,
  output: string,
  role: ReportVariant['role'],
): Promise<FoundVariant | null> {
  const text = await readTextFile(host, provenancePath(output));
  const read = v.safeParse(provenanceSchema, typeof text === 'string' ? parseJson(text) : null);
  if (!read.success) return null;
  const { recipe, input, output: made, energyJoules, verification } = read.output;
  // A path in the record would lead wherever its author likes.
  if (input.path !== path.basename(input.path)) return null;
  const shownFile = role === 'original' ? path.join(path.dirname(output), input.path) : output;
  const version = await host.stat(shownFile);
  if (!version) return null;
  return {
    from: input.path,
    shown: {
      uri: uriOf(shownFile),
      fileName: path.basename(shownFile),
      role,
      recipe,
      bytesBefore: input.bytes,
      bytesAfter: made.bytes ?? version.byteLength,
      energyBefore: energyJoules?.before ?? null,
      energyAfter: energyJoules?.after ?? null,
      accuracyBefore: verification.accuracy?.before ?? null,
      accuracyAfter: verification.accuracy?.after ?? null,
    },
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
