// Bundles the product into dist/: one file per process, with the runtimes left outside.
import { build } from 'esbuild';
import { readFile, rm } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

await rm(new URL('dist', import.meta.url), { recursive: true, force: true });

await build({
  entryPoints: {
    cli: 'server/src/cli/main.ts',
    'runtime-worker': 'server/src/runtime/worker.ts',
    generate: 'server/src/generate.ts',
  },
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  // jsonc-parser's main is UMD, whose inner requires a bundler cannot follow.
  mainFields: ['module', 'main'],
  format: 'cjs',
  target: 'node20',
  external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common'],
  // Libraries that ship as ES modules ask for their own address.
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: {
    GREEN_AI_VERSION: JSON.stringify(version),
    'import.meta.url': 'importMetaUrl',
  },
  sourcemap: true,
  minify: true,
  keepNames: true,
  legalComments: 'linked',
  logLevel: 'warning',
});
