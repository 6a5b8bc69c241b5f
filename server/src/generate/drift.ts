import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { filesWithRegions, generatedFiles, generatedFolders } from './files';
import type { GeneratedFile } from './files';

/** Generated files whose text on disk differs; `text` null: a left-over to be removed. */
export async function drift(
  root: string,
): Promise<readonly { readonly path: string; readonly text: string | null }[]> {
  const wanted: GeneratedFile[] = [...generatedFiles()];
  for (const [file, renewed] of filesWithRegions) {
    const text = await readIfThere(path.join(root, file));
    if (text !== null) wanted.push({ path: file, text: renewed(text) });
  }
  const changed: { path: string; text: string | null }[] = [];
  for (const file of wanted) {
    if ((await readIfThere(path.join(root, file.path))) !== file.text) changed.push(file);
  }
  const known = new Set(wanted.map((file) => file.path));
  for (const folder of generatedFolders) {
    for (const name of await readdir(path.join(root, folder)).catch(() => [])) {
      const file = `${folder}/${name}`;
      if (!known.has(file)) changed.push({ path: file, text: null });
    }
  }
  return changed;
}

async function readIfThere(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}
