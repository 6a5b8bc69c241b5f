import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

/** Real models that are not part of the repository; tests that want them skip when they are absent. */
export const corpus = path.resolve(
  import.meta.dirname,
  '../..',
  process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus',
);

export function hasCorpus(): boolean {
  return existsSync(corpus);
}

/** Paths of the model files below a folder of the corpus, sorted. */
export function corpusModels(folder: string): string[] {
  return readdirSync(path.join(corpus, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => path.join(corpus, folder, file))
    .sort();
}

/** At most `count` of the list, evenly spread. */
export function sample<T>(list: readonly T[], count: number): T[] {
  const step = Math.max(1, list.length / count);
  return Array.from(
    { length: Math.min(count, list.length) },
    (_, index) => list[Math.floor(index * step)],
  ).filter((one) => one !== undefined);
}
