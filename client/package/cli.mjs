// `npm run package:cli`: the command line as an npm package, made in dist/npm and packed into dist/packages.
// Tried as a user would, from a folder of its own.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root } from '../../test/install.mjs';
import {
  bundleFiles,
  commandLineBundles,
  documents,
  manifest,
  packageFolder,
} from './contents.mjs';
import { thirdPartyNotices } from './notices.mjs';

const folder = path.join(root, 'dist', 'npm');
const bundles = [...commandLineBundles(), 'runtime-worker.js'];

createFolder();
const [packed] = JSON.parse(npm(folder, ['pack', '--json', '--pack-destination', packageFolder]));
const file = path.join(packageFolder, packed.filename);
console.log(
  `${packed.filename}: ${(packed.size / 1e6).toFixed(2)} MB, ${packed.files.length} files`,
);
console.log(`  runs: ${tryInstalled()}`);

function createFolder() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'bin'), { recursive: true });
  mkdirSync(path.join(folder, 'dist'));
  mkdirSync(packageFolder, { recursive: true });
  const { name, version, description, license, keywords, repository, homepage, bugs } = manifest;
  const { dependencies, optionalDependencies } = manifest;
  const npmManifest = {
    ...{ name, version, description, license, keywords, repository, homepage, bugs },
    bin: { 'green-ai': 'bin/green-ai.js' },
    engines: { node: manifest.engines.node },
    // The rest is in the bundles. Where the native runtime does not install, WebAssembly verifies.
    dependencies: { 'onnxruntime-web': dependencies['onnxruntime-web'] },
    optionalDependencies: { 'onnxruntime-node': optionalDependencies['onnxruntime-node'] },
  };
  const write = (to, text, options) => writeFileSync(path.join(folder, to), text, options);
  write('package.json', `${JSON.stringify(npmManifest, null, 2)}\n`);
  write('bin/green-ai.js', "#!/usr/bin/env node\nrequire('../dist/cli.js');\n", { mode: 0o755 });
  write('THIRD_PARTY_NOTICES.txt', thirdPartyNotices(bundles, []));
  for (const name of [...documents, ...bundleFiles(bundles)]) {
    cpSync(path.join(root, name), path.join(folder, name));
  }
}

/** Installed without the native runtime, so that what every platform has is what is tried. */
function tryInstalled() {
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'green-ai-npm-'));
  try {
    writeFileSync(path.join(temporary, 'package.json'), '{ "private": true }\n');
    const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
    npm(temporary, ['install', '--omit=optional', ...quiet, file]);
    const model = path.join(temporary, 'model');
    cpSync(path.join(root, 'examples', 'tabular-mlp'), model, { recursive: true });
    const run = (...args) => npm(temporary, ['exec', '--no', '--', 'green-ai', ...args]);
    const version = run('--version').trim();
    if (version !== manifest.version) throw new Error(`it says it is version ${version}`);
    const onnx = path.join(model, 'tabular-mlp.onnx');
    const findings = JSON.parse(run('lint', onnx, '--format', 'json', '--fail-on', 'never'));
    const recipe = ['--recipe', 'int8-dynamic', '--format', 'json'];
    const result = JSON.parse(run('optimize', onnx, ...recipe));
    const { runtime, decision } = result.verification;
    if (runtime !== 'wasm' || decision !== 'pass' || statSync(result.output).size === 0) {
      throw new Error(`optimize answered ${JSON.stringify(result.verification)}`);
    }
    const { length } = findings.files.flatMap((one) => one.findings);
    return `${length} findings, ${result.bytesBefore} → ${result.bytesAfter} bytes, verified with ${runtime}`;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function npm(cwd, args) {
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${stdout}\n${stderr}`);
  return stdout;
}
