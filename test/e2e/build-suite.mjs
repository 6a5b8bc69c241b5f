// Bundles the tests that run inside the extension host, and lays out the folder they open.
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import { root } from '../install.mjs';

const source = path.join(root, 'test', 'e2e', 'suite');
export const output = path.join(root, '.cache', 'e2e');

/** Answers the module that exports `run()`. */
export async function buildSuite() {
  const tests = readdirSync(source).filter((name) => name.endsWith('.test.ts'));
  const outdir = path.join(output, 'suite');
  rmSync(outdir, { recursive: true, force: true });
  await build({
    entryPoints: [...tests, 'index.mjs'].map((name) => path.join(source, name)),
    outdir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode', 'mocha', 'onnxruntime-node'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
  return path.join(outdir, 'index.js');
}

/** Real and hostile files; not part of the project. */
export const corpus = path.resolve(
  process.env.GREEN_AI_CORPUS ?? path.join(root, '..', 'shared', 'corpus'),
);

/** The examples, and the file with hostile names when the corpus is at hand. */
export function createWorkspace() {
  const workspace = path.join(output, 'examples');
  rmSync(workspace, { recursive: true, force: true });
  mkdirSync(workspace, { recursive: true });
  cpSync(path.join(root, 'examples'), workspace, { recursive: true });
  const hostile = path.join(corpus, 'onnx-invalid', 'generated', 'graph', 'markup_names.onnx');
  if (existsSync(hostile)) cpSync(hostile, path.join(workspace, 'hostile', 'markup_names.onnx'));
  return workspace;
}
