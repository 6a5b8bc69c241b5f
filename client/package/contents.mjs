// What each package of the extension holds: an allow-list, from a path in the package to a file or to bytes.
import { Buffer } from 'node:buffer';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../test/install.mjs';
import { bundledCommon, thirdPartyNotices } from './notices.mjs';

/** The binaries of onnxruntime-node that its CPU provider loads; `null` is WebAssembly alone. */
export const targets = new Map([
  ['universal', null],
  // On Linux the binding needs this name; on macOS it needs the short one of two equal files. On Windows, DirectML
  // and the shader compilers beside it are loaded only when a GPU provider is asked for.
  ['linux-x64', { folder: 'linux/x64', library: 'libonnxruntime.so.1' }],
  ['linux-arm64', { folder: 'linux/arm64', library: 'libonnxruntime.so.1' }],
  ['darwin-arm64', { folder: 'darwin/arm64', library: 'libonnxruntime.1.dylib' }],
  ['win32-x64', { folder: 'win32/x64', library: 'onnxruntime.dll' }],
  ['win32-arm64', { folder: 'win32/arm64', library: 'onnxruntime.dll' }],
]);

export const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));

export const packageFolder = path.join(root, 'dist', 'packages');

export function packagePath(target) {
  return path.join(packageFolder, `${manifest.name}-${target}-${manifest.version}.vsix`);
}

const bundles = [
  'extension.js',
  'session.js',
  'server.js',
  'scan-worker.js',
  'runtime-worker.js',
  'report.js',
];

/** ONNX Runtime as WebAssembly; the worker looks for the first beside itself, which loads the others. */
const wasmFiles = ['ort.node.min.mjs', 'ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'];

/** What the code opens by name and the manifest does not mention. */
const openedByName = ['media/report.css'];

/** The server looks for a rule's page in it, beside `dist/`. */
const ruleFolder = 'docs/rules';

export const documents = ['README.md', 'CHANGELOG.md', 'LICENSE'];

/** What of package.json an installed extension reads; the rest is for development. */
const manifestFields = [
  [
    'name',
    'displayName',
    'description',
    'version',
    'publisher',
    'license',
    'icon',
    'galleryBanner',
  ],
  ['categories', 'keywords', 'repository', 'bugs', 'homepage', 'qna', 'pricing', 'preview', 'l10n'],
  ['main', 'activationEvents', 'contributes', 'capabilities', 'extensionKind'],
].flat();

/** Package path → Buffer or the path of a file. Throws when something that belongs into it is missing. */
export function contentsOf(target) {
  const contents = new Map();
  const add = (name, source = path.join(root, name)) => {
    if (typeof source === 'string' && !existsSync(source)) {
      throw new Error(`${name} belongs into the package and is not there: ${source}`);
    }
    contents.set(name, source);
  };
  add('package.json', Buffer.from(`${JSON.stringify(extensionManifest(), null, 2)}\n`));
  for (const name of [...documents, ...openedByName, ...manifestFiles()]) add(name);
  for (const name of bundleFiles(bundles)) add(name);
  for (const name of wasmFiles) {
    add(`dist/${name}`, path.join(root, 'node_modules/onnxruntime-web/dist', name));
  }
  add('dist/node_modules/onnxruntime-common/index.js', bundledCommon());
  for (const name of rulePages()) add(name);
  addExamples(add);
  add(
    'THIRD_PARTY_NOTICES.txt',
    thirdPartyNotices(bundles, ['onnxruntime-common', 'onnxruntime-web']),
  );
  const native = targets.get(target);
  if (native) addNative(native, add);
  return contents;
}

/** `cli.js` and the parts of it that commands load; the build lists them. */
export function commandLineBundles() {
  const meta = JSON.parse(readFileSync(path.join(root, 'dist', 'meta.json'), 'utf8'));
  const names = Object.keys(meta.outputs).map((name) => path.posix.basename(name));
  return names.filter((name) => /^cli(-[\w-]+)?\.js$/u.test(name));
}

/** The bundles, and the comments that their libraries want kept. */
export function bundleFiles(names) {
  const files = names.flatMap((name) => [`dist/${name}`, `dist/${name}.LEGAL.txt`]);
  return files.filter((name) => name.endsWith('.js') || existsSync(path.join(root, name)));
}

function extensionManifest() {
  const picked = manifestFields.filter((name) => name in manifest);
  const fields = picked.map((name) => [name, manifest[name]]);
  return { ...Object.fromEntries(fields), engines: { vscode: manifest.engines.vscode } };
}

/** Files that the manifest names: grammars, icons, schemas, walkthrough pages, translations. */
function manifestFiles() {
  const named = new Set();
  const visit = (value) => {
    if (typeof value === 'string' && isFile(value)) named.add(path.posix.normalize(value));
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit([manifest.contributes, manifest.icon]);
  for (const page of [...named].filter((name) => name.endsWith('.md'))) {
    for (const image of imagesOf(page)) named.add(image);
  }
  const translations = readdirSync(root).filter((name) =>
    /^package\.nls(\..+)?\.json$/u.test(name),
  );
  return [...named, ...translations];
}

function isFile(name) {
  if (!/^(\.\/)?[\w-]+(\/[\w.-]+)*\.\w+$/u.test(name)) return false;
  const stats = statSync(path.join(root, name), { throwIfNoEntry: false });
  if (stats === undefined && name.startsWith('./')) throw new Error(`package.json names ${name}`);
  return stats?.isFile() ?? false;
}

function imagesOf(page) {
  const text = readFileSync(path.join(root, page), 'utf8');
  const links = [...text.matchAll(/(?:!\[[^\]]*\]\(|src=")([\w./-]+)/gu)].map((match) => match[1]);
  return links.map((link) => path.posix.join(path.posix.dirname(page), link));
}

/** Pages that findings link to; these link to no other files. */
function rulePages() {
  return readdirSync(path.join(root, ruleFolder))
    .filter((name) => name.endsWith('.md') && name !== 'README.md')
    .sort()
    .map((name) => `${ruleFolder}/${name}`);
}

/** What the walkthrough opens: a model for each safe and each verified fix, and the configs. The others are too big. */
function addExamples(add) {
  for (const model of ['digits-cnn-leftovers', 'tabular-mlp']) {
    for (const part of ['onnx', 'inputs.npz', 'labels.npz'])
      add(`examples/${model}/${model}.${part}`);
  }
  for (const config of ['decoder-1b-float32', 'decoder-2b-int8', 'decoder-8b-longctx']) {
    add(`examples/hf/${config}/config.json`);
  }
  const settings = JSON.parse(readFileSync(path.join(root, 'examples/green-ai.json'), 'utf8'));
  // The editor knows the schema by the file's name; the path in the checkout leads nowhere.
  delete settings.$schema;
  add('examples/green-ai.json', Buffer.from(`${JSON.stringify(settings, null, 2)}\n`));
}

/**
 * The native runtime where `require('onnxruntime-node')` finds it from `dist/`: vsce leaves out a
 * `node_modules` only at the top.
 */
function addNative({ folder, library }, add) {
  const source = path.join(root, 'node_modules', 'onnxruntime-node');
  const place = 'dist/node_modules/onnxruntime-node';
  const { name, version, license, main } = JSON.parse(
    readFileSync(path.join(source, 'package.json'), 'utf8'),
  );
  add(`${place}/package.json`, Buffer.from(JSON.stringify({ name, version, license, main })));
  for (const file of ['index.js', 'backend.js', 'binding.js', 'version.js']) {
    add(`${place}/dist/${file}`, path.join(source, 'dist', file));
  }
  for (const file of ['onnxruntime_binding.node', library]) {
    const binary = `bin/napi-v6/${folder}/${file}`;
    add(`${place}/${binary}`, path.join(source, binary));
  }
}
