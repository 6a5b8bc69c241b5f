import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drift } from './generate/drift';

/**
 * `generate [--check] [ROOT]`: writes docs/rules, the settings' JSON schema and the marked regions from core.
 * With `--check` nothing is written, and files that would change are listed with exit status 1.
 */
async function main(args: readonly string[]): Promise<void> {
  const check = args.includes('--check');
  const root = args.find((argument) => !argument.startsWith('--')) ?? process.cwd();
  const drifted = await drift(root);
  for (const { path: file, text } of drifted) {
    console.log(`${check ? 'out of date' : text === null ? 'removed' : 'written'}: ${file}`);
    if (!check) await write(path.join(root, file), text);
  }
  if (check && drifted.length > 0) process.exitCode = 1;
}

async function write(file: string, text: string | null): Promise<void> {
  if (text === null) return rm(file);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, text);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
