import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describedModelTypes } from '../../server/src/core/config/families';
import type { Model } from '../../server/src/core/graph';
import { readModel } from '../../server/src/core/onnx/decode';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { printModel } from '../../server/src/core/onnx/text-print';
import { createProblemSink } from '../../server/src/core/problem';
import { rules } from '../../server/src/core/rules/index';
import { inferShapes } from '../../server/src/core/shapes/infer';
import { sourceFromBytes } from '../../server/src/core/source';
import { encodeAwkwardly, sketches, tapes } from '../../test/support/awkward';
import { acceptedTexts, header } from '../../test/unit/onnx/text-cases';

/** What mutations start from. The same folders give the same lists. */
export interface Seeds {
  readonly wire: readonly Uint8Array[];
  readonly text: readonly string[];
  readonly config: readonly string[];
}

/** An input takes about a millisecond; these are what most of a model's parts fit into. */
const maxSmallBytes = 4096;
const maxLargeBytes = 24_576;

/** Of the larger files every so many one is taken. */
const largeStep = 12;

/** Models of the corpus, where there is one, and what the tests and rules bring along. */
export async function loadSeeds(corpus: string): Promise<Seeds> {
  const texts = [...acceptedTexts.map((text) => `${header}${text}`), ...exampleTexts()];
  const wire: Uint8Array[] = [];
  const files = smallFiles(corpus, ['onnx', 'onnx-invalid'], /\.onnx$/u);
  for (const bytes of [...sketchedModels(), ...texts.flatMap(encoded), ...files]) {
    const read = await readModel(sourceFromBytes(bytes), createProblemSink());
    if (read && isBomb(read.model)) continue;
    wire.push(bytes);
    const text = read ? printModel(read.model, { weightsLocation: 'model.onnx' }).text : '';
    if (text !== '' && text.length <= maxSmallBytes) texts.push(text);
  }
  const config = [
    ...exampleConfigs(),
    ...describedModelTypes().map(plainConfig),
    '{"device": "laptop-cpu", "region": "DEU", "rules": {"float-weights": ["warning", {}]}, "ignore": ["*.onnx"], "failOn": "error"}',
    ...smallFiles(corpus, ['configs'], /\.json$/u).map((bytes) => Buffer.from(bytes).toString()),
  ];
  return { wire, text: texts, config };
}

function sketchedModels(): Uint8Array[] {
  return fc
    .sample(fc.tuple(sketches, tapes), { numRuns: 40, seed: 1 })
    .map(([sketch, tape]) => encodeAwkwardly(sketch, tape).bytes);
}

function exampleTexts(): string[] {
  return rules.flatMap((rule) =>
    rule.target === 'onnx'
      ? [...rule.examples.valid, ...rule.examples.invalid].map(({ model }) => model)
      : [],
  );
}

function exampleConfigs(): string[] {
  return rules.flatMap((rule) =>
    rule.target === 'hf-config'
      ? [...rule.examples.valid, ...rule.examples.invalid].map(({ config }) => config)
      : [],
  );
}

function plainConfig(modelType: string): string {
  return JSON.stringify({
    model_type: modelType,
    hidden_size: 64,
    intermediate_size: 128,
    num_hidden_layers: 3,
    num_attention_heads: 4,
    num_key_value_heads: 2,
    vocab_size: 1000,
    max_position_embeddings: 256,
    torch_dtype: 'float16',
  });
}

function encoded(text: string): Uint8Array[] {
  const { model } = parseModelText(text);
  return model ? [encodeModel(model)] : [];
}

/** Functions that call each other until a cap stops them: all their time is spent on the way there, the same each time. */
function isBomb(model: Model): boolean {
  if (model.functions.length === 0) return false;
  const sink = createProblemSink();
  inferShapes(model, sink);
  return sink.problems.some(({ code }) => code === 'function-expansion-limit');
}

function smallFiles(corpus: string, folders: readonly string[], name: RegExp): Uint8Array[] {
  const files = folders.flatMap((folder) => filesBelow(path.join(corpus, folder)));
  const wanted = files.filter((file) => name.test(file)).sort();
  const small = wanted.filter((file) => statSync(file).size <= maxSmallBytes);
  const large = wanted.filter((file) => {
    const { size } = statSync(file);
    return size > maxSmallBytes && size <= maxLargeBytes;
  });
  const some = large.filter((_, index) => index % largeStep === 0);
  return [...small, ...some].map((file) => new Uint8Array(readFileSync(file)));
}

function filesBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}
