// Bundles the product into dist/: one file per process, with the runtimes left outside; the command line in parts.
import { Buffer } from 'node:buffer';
import { build, transform } from 'esbuild';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';

const { version } = JSON.parse(await readFile(new URL('package.json', import.meta.url), 'utf8'));

await rm(new URL('dist', import.meta.url), { recursive: true, force: true });

const common = {
  outdir: 'dist',
  bundle: true,
  define: { GREEN_AI_VERSION: JSON.stringify(version) },
  sourcemap: true,
  // Without `keepNames`: naming every inner function at run time took a tenth of the time on large graphs.
  minify: true,
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
};

// Libraries that ship as ES modules ask for their own address.
const ownAddress = 'importMetaUrl';
const banner = `const ${ownAddress} = require('node:url').pathToFileURL(__filename).href;`;

/**
 * esbuild exports getters, which the parts go through at every call of each other's functions: a tenth of the time on
 * large graphs. Nothing is exported that changes later.
 */
const plainExports =
  "module.exports=Object.defineProperty({...module.exports},'__esModule',{value:true});\n";

/** Data in bundles: a text is parsed faster as JSON than as code. */
const largeJson = {
  name: 'large-json',
  setup({ onLoad }) {
    onLoad({ filter: /server.src.core.*\.json$/ }, async ({ path: file }) => {
      const text = JSON.stringify(JSON.parse(await readFile(file, 'utf8')));
      return { contents: `export default JSON.parse(${JSON.stringify(text)});`, loader: 'js' };
    });
  },
};

/**
 * protobufjs looks for `long` among the modules that can be required at run time, whichever version lies there; ours
 * is in the bundle.
 */
const noForeignLong = {
  name: 'no-foreign-long',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^@protobufjs\/inquire$/ }, () => ({
      path: 'inquire',
      namespace: 'no-foreign-long',
    }));
    onLoad({ filter: /.*/, namespace: 'no-foreign-long' }, () => ({
      contents: `module.exports = (name) => (name === 'buffer' ? require('buffer') : null);`,
      loader: 'js',
      resolveDir: '.',
    }));
  },
};

const node = {
  ...common,
  platform: 'node',
  // jsonc-parser's main is UMD, whose inner requires a bundler cannot follow.
  mainFields: ['module', 'main'],
  target: 'node20',
  external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common', 'vscode'],
  plugins: [largeJson, noForeignLong],
  define: { ...common.define, 'import.meta.url': ownAddress },
};

const forNode = await build({
  ...node,
  entryPoints: {
    generate: 'server/src/generate.ts',
    'runtime-worker': 'server/src/runtime/worker.ts',
    'scan-worker': 'server/src/lsp/scan-worker.ts',
    server: 'server/src/main.ts',
    session: 'client/src/session.ts',
  },
  format: 'cjs',
  banner: { js: banner },
});

// What is loaded when the extension starts; the language client, most of its code, comes in a file of its own.
const forStart = await build({
  ...node,
  entryPoints: { extension: 'client/src/extension.ts' },
  format: 'cjs',
  external: [...node.external, './session'],
  // Required, which finds `session.js` without its ending.
  supported: { 'dynamic-import': false },
});

const forWebview = await build({
  ...common,
  entryPoints: { report: 'client/src/report/main.ts' },
  platform: 'browser',
  format: 'iife',
  target: 'es2022',
});

const forCommands = await buildCommandLine();

// Which libraries are in which bundle: the packages carry their licences.
const outputs = {
  ...forNode.metafile.outputs,
  ...forStart.metafile.outputs,
  ...forWebview.metafile.outputs,
  ...forCommands.metafile.outputs,
};
await writeFile(new URL('dist/meta.json', import.meta.url), JSON.stringify({ outputs }));

/**
 * `cli.js` and `cli-….js`, which it requires as commands need them: a short command spends most of its time loading.
 * esbuild splits only ES modules, which Node loads more slowly, so the parts are made CommonJS one by one.
 */
async function buildCommandLine() {
  const split = await build({
    ...node,
    entryPoints: { cli: 'server/src/cli/main.ts' },
    format: 'esm',
    splitting: true,
    chunkNames: 'cli-[name]-[hash]',
    write: false,
  });
  for (const { path: file, text } of split.outputFiles) {
    if (file.endsWith('.map')) continue;
    if (!file.endsWith('.js')) {
      await writeFile(file, text);
      continue;
    }
    const map = split.outputFiles.find((other) => other.path === `${file}.map`)?.text ?? '';
    const part = await transform(withMap(text, map), {
      format: 'cjs',
      platform: 'node',
      target: node.target,
      minify: true,
      sourcemap: true,
      sourcefile: path.basename(file),
      supported: { 'dynamic-import': false },
      ...(text.includes(ownAddress) && { banner }),
    });
    await writeFile(
      file,
      `${part.code}${plainExports}//# sourceMappingURL=${path.basename(file)}.map\n`,
    );
    await writeFile(`${file}.map`, part.map);
  }
  return split;
}

function withMap(code, map) {
  const address = `data:application/json;base64,${Buffer.from(map).toString('base64')}`;
  return `${code.replace(/\/\/# sourceMappingURL=.*\n?$/u, '')}\n//# sourceMappingURL=${address}\n`;
}
