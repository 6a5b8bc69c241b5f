// `npm run package [-- --target NAME] [--pre-release]`: builds the .vsix of every platform into dist/packages,
// checks that each holds what the allow-list says and nothing else, and tries those that can run here.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import { unzipSync } from 'fflate';
import { contentsOf, manifest, packageFolder, packagePath, targets } from './contents.mjs';
import { smokeTest } from './smoke.mjs';

/** What people on every platform without a native package download. */
const maximumUniversalBytes = 7 * 1000 * 1000;

/** Writes one package and answers its path. Throws when its contents are not those of the allow-list. */
export async function packageTarget(target, { preRelease = false } = {}) {
  const contents = contentsOf(target);
  const staged = mkdtempSync(path.join(os.tmpdir(), 'green-ai-vsix-'));
  const file = packagePath(target);
  try {
    for (const [name, source] of contents) {
      const copy = path.join(staged, name);
      mkdirSync(path.dirname(copy), { recursive: true });
      if (typeof source === 'string') cpSync(source, copy);
      else writeFileSync(copy, source);
    }
    // vsce asks for one; the folder holds nothing but the allow-list.
    writeFileSync(path.join(staged, '.vscodeignore'), '.vscodeignore\n');
    mkdirSync(packageFolder, { recursive: true });
    await createVSIX({
      cwd: staged,
      packagePath: file,
      dependencies: false,
      preRelease,
      ...(target === 'universal' ? {} : { target }),
      ...(manifest.repository ? {} : { allowMissingRepository: true, rewriteRelativeLinks: false }),
    });
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
  const bytes = statSync(file).size;
  const problem = unexpectedFiles(file, contents);
  if (problem !== null) throw new Error(`${path.basename(file)}: ${problem}`);
  if (target === 'universal' && bytes > maximumUniversalBytes) {
    throw new Error(
      `${path.basename(file)} has ${bytes} bytes, more than ${maximumUniversalBytes}`,
    );
  }
  return { file, bytes, files: contents.size };
}

/** vsce renames the documents and adds two files of its own. */
const renamed = new Map([
  ['README.md', 'readme.md'],
  ['CHANGELOG.md', 'changelog.md'],
  ['LICENSE', 'LICENSE.txt'],
]);
const addedByVsce = ['extension.vsixmanifest', '[Content_Types].xml'];

function unexpectedFiles(file, contents) {
  const expected = new Set(addedByVsce);
  for (const name of contents.keys()) expected.add(`extension/${renamed.get(name) ?? name}`);
  const found = new Set();
  unzipSync(readFileSync(file), { filter: ({ name }) => (found.add(name), false) });
  const extra = [...found].filter((name) => !expected.has(name));
  const missing = [...expected].filter((name) => !found.has(name));
  if (extra.length + missing.length === 0) return null;
  return `not on the allow-list: ${extra.join(', ') || 'none'}; missing: ${missing.join(', ') || 'none'}`;
}

function runsHere(target) {
  return target === 'universal' || target === `${process.platform}-${process.arch}`;
}

async function main() {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', multiple: true },
      'pre-release': { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const chosen = values.target ?? [...targets.keys()];
  const unknown = chosen.filter((target) => !targets.has(target));
  if (unknown.length > 0) throw new Error(`no such target: ${unknown.join(', ')}`);
  for (const target of chosen) {
    const made = await packageTarget(target, { preRelease: values['pre-release'] });
    const size = `${(made.bytes / 1e6).toFixed(1)} MB, ${made.files} files`;
    console.log(`${path.basename(made.file)}: ${size}`);
    if (values.smoke && runsHere(target)) {
      const runtime = target === 'universal' ? 'wasm' : 'native';
      console.log(`  runs: ${await smokeTest(made.file, runtime)}`);
    }
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main().catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
