// Bundles the product into dist/: one file per process, with the runtimes left outside.
import { build } from 'esbuild';
import { readFile, rm, writeFile } from 'node:fs/promises';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

await rm(new URL('dist', import.meta.url), { recursive: true, force: true });

const common = {
  outdir: 'dist',
  bundle: true,
  define: { GREEN_AI_VERSION: JSON.stringify(version) },
  sourcemap: true,
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
};

const forNode = await build({
  ...common,
  entryPoints: {
    cli: 'server/src/cli/main.ts',
    extension: 'client/src/extension.ts',
    generate: 'server/src/generate.ts',
    'runtime-worker': 'server/src/runtime/worker.ts',
    'scan-worker': 'server/src/lsp/scan-worker.ts',
    server: 'server/src/main.ts',
  },
  platform: 'node',
  // jsonc-parser's main is UMD, whose inner requires a bundler cannot follow.
  mainFields: ['module', 'main'],
  format: 'cjs',
  target: 'node20',
  external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common', 'vscode'],
  // Libraries that ship as ES modules ask for their own address.
  banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
  define: { ...common.define, 'import.meta.url': 'importMetaUrl' },
});

const forWebview = await build({
  ...common,
  entryPoints: { report: 'client/src/report/main.ts' },
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
});

// Which libraries are in which bundle: the packages carry their licences.
const outputs = { ...forNode.metafile.outputs, ...forWebview.metafile.outputs };
await writeFile(new URL('dist/meta.json', import.meta.url), JSON.stringify({ outputs }));
