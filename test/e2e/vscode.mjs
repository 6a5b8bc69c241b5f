// Starts VS Code's server build with user data of its own, and a browser that sees nothing but that server.
import { spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium } from 'playwright-core';
import { host } from './install-host.mjs';

const quietSettings = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  // As the editor writes it today: another spelling is migrated at the start of every window, which opens the file.
  'extensions.autoUpdate': 'off',
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'window.confirmBeforeClose': 'never',
  'git.enabled': false,
  // As on the desktop; a browser saves by itself.
  'files.autoSave': 'off',
};

const browserArgs = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // Beneath the routing below, which does not see every kind of worker.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
];

/** Variables that would make the host part of an editor or a server that runs already. */
const foreignVariables = ['NODE_OPTIONS', 'VSCODE_IPC_HOOK_CLI', 'PORT', 'PASSWORD'];

const startSeconds = 60;
const stopSeconds = 5;

const running = new Set();
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, () => {
    void Promise.allSettled([...running].map((close) => close())).then(() => process.exit(130));
  });
}

/**
 * Starts the server on a folder. `copy` (the default) gives it a copy, removed in the end.
 * `testDriver` runs the tests named in a page's payload, but hides notifications: not for tests of the interface.
 * `trusted: false` opens every folder in restricted mode. Answers where it is and how to end it.
 */
export async function startServer(options) {
  const { workspace, copy = true, vsix = [], settings = {}, env = {}, logFile } = options;
  const { testDriver = false, trusted = true } = options;
  // Short: the path of a Unix socket below it may have 107 bytes.
  const temporary = mkdtempSync(path.join(os.tmpdir(), 'vsc-'));
  const folder = (name) => {
    const created = path.join(temporary, name);
    mkdirSync(created, { recursive: true });
    return created;
  };
  const opened = copy ? path.join(temporary, path.basename(workspace)) : path.resolve(workspace);
  if (copy) cpSync(workspace, opened, { recursive: true });
  writeFileSync(
    path.join(folder('ud/User'), 'settings.json'),
    JSON.stringify({ ...quietSettings, ...trustSettings(trusted), ...settings }),
  );
  // Otherwise one is written into the user's home.
  writeFileSync(path.join(temporary, 'config.yaml'), 'auth: none\n');
  const serverEnv = {
    ...process.env,
    HOME: folder('home'),
    XDG_CONFIG_HOME: folder('xc'),
    XDG_DATA_HOME: folder('xd'),
    XDG_CACHE_HOME: folder('xk'),
    TMPDIR: folder('t'),
    ...env,
  };
  for (const name of foreignVariables) delete serverEnv[name];
  const base = [host.codeServer, '--config', path.join(temporary, 'config.yaml')];
  base.push('--user-data-dir', path.join(temporary, 'ud'), '--extensions-dir', folder('ext'));

  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  let server = null;
  const close = async () => {
    if (!running.delete(close)) return;
    if (server !== null) await endGroup(server);
    closeSync(log);
    rmSync(temporary, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  running.add(close);
  try {
    for (const file of vsix) install(base, file, serverEnv);
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const args = ['--auth', 'none', '--bind-addr', `127.0.0.1:${port}`, '--disable-telemetry'];
    args.push('--disable-update-check', '--disable-getting-started-override', '--disable-proxy');
    if (trusted) args.push('--disable-workspace-trust');
    if (testDriver) args.push('--vscode-option', 'enable-smoke-test-driver');
    server = spawn(host.node, [...base, ...args], {
      env: serverEnv,
      stdio: ['ignore', log, log],
      // A process group: the extension host ends with the server.
      detached: true,
    });
    const url = (payload) => {
      const address = new URL(origin);
      address.searchParams.set('folder', opened);
      if (payload) address.searchParams.set('payload', JSON.stringify(payload));
      return address.href;
    };
    await answering(server, url(), logFile);
    const { pid } = server;
    return { port, url, pid, close, workspace: opened };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The server and a page in a browser, not yet at the server's address. */
export async function startVSCode({ browser: executablePath, ...options }) {
  const server = await startServer(options);
  let browser = null;
  const close = async () => {
    running.delete(close);
    await browser?.close().catch(() => {});
    await server.close();
  };
  running.add(close);
  try {
    browser = await chromium.launch({ executablePath, headless: true, args: browserArgs });
    const context = await browser.newContext({ viewport: { width: 1400, height: 900 } });
    await context.route(
      (address) => address.hostname !== '127.0.0.1',
      (route) => route.abort(),
    );
    return { ...server, page: await context.newPage(), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * Runs a module that exports `run()` inside the extension host, as the desktop's --extensionTestsPath does.
 * Answers its exit code, or `timeout`.
 */
export async function runInExtensionHost({ extension, tests, seconds, screenshot, ...options }) {
  const vscode = await startVSCode({ ...options, testDriver: true });
  try {
    const { page, port } = vscode;
    const ended = new Promise((resolve) => {
      void page.exposeFunction('codeAutomationExit', resolve);
    });
    await page.exposeFunction('codeAutomationLog', () => {});
    const remote = (file) => `vscode-remote://127.0.0.1:${port}${path.resolve(file)}`;
    await page.goto(
      vscode.url([
        ['extensionDevelopmentPath', remote(extension)],
        ['extensionTestsPath', remote(tests)],
        ['skipWelcome', 'true'],
        ['skipReleaseNotes', 'true'],
      ]),
    );
    const giveUp = new globalThis.AbortController();
    const code = await Promise.race([
      ended,
      sleep(seconds * 1000, 'timeout', { signal: giveUp.signal }).catch(() => 'timeout'),
    ]);
    giveUp.abort();
    await page.screenshot({ path: screenshot }).catch(() => {});
    return code;
  } finally {
    await vscode.close();
  }
}

function trustSettings(trusted) {
  return trusted
    ? { 'security.workspace.trust.enabled': false }
    : {
        'security.workspace.trust.enabled': true,
        'security.workspace.trust.startupPrompt': 'never',
        'security.workspace.trust.banner': 'never',
      };
}

function install(base, file, env) {
  const args = [...base, '--install-extension', path.resolve(file), '--force'];
  const { status, stdout, stderr } = spawnSync(host.node, args, { env, encoding: 'utf8' });
  if (status !== 0 || !stdout.includes('successfully installed')) {
    const errors = stderr.split('\n').filter((line) => /^\w*Error|^Failed/u.test(line));
    throw new Error(`${file} cannot be installed:\n${errors.join('\n') || stderr}`);
  }
}

/** Not /healthz: that answers before, and even when, VS Code's part failed to load. */
async function answering(server, address, logFile) {
  const end = Date.now() + startSeconds * 1000;
  while (Date.now() < end && server.exitCode === null) {
    const answer = await globalThis.fetch(address).catch(() => null);
    if (answer?.ok) return;
    await sleep(100);
  }
  throw new Error(`the VS Code server did not start; see ${logFile}`);
}

async function endGroup(child) {
  const signal = (name) => {
    try {
      process.kill(-child.pid, name);
    } catch {
      // Gone already.
    }
  };
  if (child.exitCode !== null || child.signalCode !== null) return signal('SIGKILL');
  const gone = new Promise((resolve) => child.once('exit', resolve));
  signal('SIGTERM');
  await Promise.race([gone, sleep(stopSeconds * 1000, null, { ref: false })]);
  // What ignored the request, or outlived its parent.
  signal('SIGKILL');
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
