// What one waits for in the editor, measured in a real VS Code on the packaged extension:
//
//   npx tsx bench/editor/run.mjs [--corpus FOLDER] [--no-build]
//
// FOLDER is `../shared/corpus` or $GREEN_AI_CORPUS when it is not given.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { packageTarget } from '../../client/package/package.mjs';
import { unpack } from '../../client/package/smoke.mjs';
import { installBrowser, installHost } from '../../test/e2e/install-host.mjs';
import { runInExtensionHost } from '../../test/e2e/vscode.mjs';
import { root, runStep } from '../../test/install.mjs';
import { activation } from './activation.mjs';
import {
  copyFiles,
  largeModel,
  longConfig,
  longModel,
  longText,
  writeFixture,
} from './fixtures.ts';
import { milliseconds, openWindow, quantile, settleMilliseconds } from './window.mjs';

const output = path.join(root, '.cache', 'bench', 'editor');
const corpusFiles = 1000;

const { values } = parseArgs({
  options: { corpus: { type: 'string' }, build: { type: 'boolean', default: true } },
  allowNegative: true,
});

const browser = installBrowser();
const failure = installHost() ?? browser.failure;
if (failure !== null) throw new Error(failure);
if (values.build) runStep('node', ['esbuild.mjs']);
rmSync(output, { recursive: true, force: true });
mkdirSync(output, { recursive: true });
const { file: vsix } = await packageTarget('universal');

const setting = { browser: browser.path, vsix, output };
for (const part of [() => activation(setting), throughTheInterface, inTheExtensionHost]) {
  for (const { what, value, unit, bar } of await part()) {
    console.log(`${what.padEnd(58)} ${String(value).padStart(8)} ${unit.padEnd(3)}  bar ${bar}`);
  }
}

/** Start, a click on a model, a long text. */
async function throughTheInterface() {
  const workspace = path.join(output, 'large');
  writeFixture(workspace, 'large.onnx', largeModel());
  writeFixture(workspace, 'long.onnx', longModel(60_000));
  writeFixture(workspace, 'plain.txt', longText(60_000));
  for (const name of ['warm', 'small']) writeFixture(workspace, `${name}.onnx`, longModel(10));
  const vscode = await openWindow(setting, { workspace, name: 'interface' });
  const { page, row, run } = vscode;
  const view = () =>
    page.frameLocator('iframe.webview.ready >> nth=-1').frameLocator('#active-frame');
  try {
    await row('large.onnx').waitFor();
    await page.locator('[id="status.problems"]').filter({ hasText: /[1-9]/u }).waitFor();
    await page.waitForTimeout(settleMilliseconds);
    const shown = async (name) => {
      const start = performance.now();
      await row(name).click();
      await view().locator('main[aria-busy="false"] h1', { hasText: name }).waitFor();
      return performance.now() - start;
    };
    /** From what `open` answers until the first lines of a text are there. */
    const lines = async (tab, open) => {
      const start = await open();
      await page.locator('.tab.active').filter({ hasText: tab }).waitFor();
      await page.locator('.view-line').filter({ hasText: 'ir_version' }).waitFor();
      const end = performance.now();
      await page.waitForTimeout(3000);
      return end - start;
    };
    const asText = async (name) => {
      await shown(name);
      await page.waitForTimeout(3000);
      return lines(`${name}.onnxtxt`, () => run('Green AI: Open as ONNX Text'));
    };
    const serverReady = async () => {
      await run('Green AI: Show Debug Info');
      const line = page.locator('.view-line').filter({ hasText: 'serverReadyMilliseconds' });
      const text = await line.innerText();
      await run('View: Revert and Close Editor');
      return /\d+/u.exec(text)?.[0];
    };
    // Before any view: keys go to it while it is shown.
    const readyAtStart = await serverReady();
    await run('Green AI: Restart Server');
    await page.waitForTimeout(4000);
    const ready = await serverReady();
    // The first view of a window loads the webview's own frame; that is not ours.
    await shown('warm.onnx');
    // What the editor itself takes: models of ten nodes, in turn with the large ones.
    const views = { small: [], large: [] };
    for (let round = 0; round < 3; round++) {
      views.small.push(await shown('small.onnx'));
      views.large.push(await shown('large.onnx'));
      await page.waitForTimeout(500);
    }
    const plain = await lines('plain.txt', async () => {
      const start = performance.now();
      await row('plain.txt').click();
      return start;
    });
    const texts = { small: await asText('small.onnx'), long: await asText('long.onnx') };
    return [
      { what: 'server ready, from its start', value: ready, unit: 'ms', bar: '≤ 500' },
      { what: '  while the window starts', value: readyAtStart, unit: 'ms', bar: '–' },
      { what: 'click → view of 10 nodes', ...quantile(views.small, 0.5), bar: '–' },
      { what: 'click → view of a 100 MB model', ...quantile(views.large, 0.5), bar: '≤ 1000' },
      { what: 'command → text of 10 nodes', ...milliseconds(texts.small), bar: '–' },
      { what: 'command → text of 60,000 lines', ...milliseconds(texts.long), bar: '≤ 2000' },
      { what: '  click → plain file of that size', ...milliseconds(plain), bar: '–' },
    ];
  } finally {
    await vscode.close();
  }
}

/** Typing, and a workspace of many files. */
async function inTheExtensionHost() {
  const corpus = path.resolve(
    values.corpus ?? process.env.GREEN_AI_CORPUS ?? path.join(root, '..', 'shared', 'corpus'),
  );
  const workspace = path.join(output, 'many');
  const copied = copyFiles(corpus, workspace, corpusFiles);
  writeFixture(workspace, 'typed/config.json', longConfig(500));
  const bundle = path.join(output, 'in-host.js');
  await build({
    entryPoints: [path.join(root, 'bench', 'editor', 'in-host.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['vscode'],
  });
  const result = path.join(output, 'in-host.json');
  let peak = 0;
  const timer = globalThis.setInterval(() => (peak = Math.max(peak, serverMegabytes())), 500);
  const code = await runInExtensionHost({
    browser: browser.path,
    workspace,
    extension: unpack(vsix, path.join(output, 'package')),
    tests: bundle,
    seconds: 400,
    screenshot: path.join(output, 'in-host.png'),
    env: { GREEN_AI_BENCH_RESULT: result },
    logFile: path.join(output, 'in-host.log'),
  });
  globalThis.clearInterval(timer);
  if (code !== 0) throw new Error(`the extension host ended with ${code}`);
  const figures = JSON.parse(readFileSync(result, 'utf8'));
  const typing = (name, times) => [
    { what: `keystroke → diagnostics, 500 lines, ${name}: p50`, ...quantile(times, 0.5) },
    { what: `keystroke → diagnostics, 500 lines, ${name}: p95`, ...quantile(times, 0.95) },
  ];
  return [
    ...typing('quiet', figures.whenQuiet).map((one) => ({ ...one, bar: '≤ 50' })),
    ...typing('while scanning', figures.whileScanning).map((one) => ({ ...one, bar: '–' })),
    {
      what: `workspace of ${copied} files settles (${figures.rows} rows)`,
      value: figures.settleSeconds.toFixed(1),
      unit: 's',
      bar: '≤ 20',
    },
    { what: 'memory of the server, at most', value: peak.toFixed(0), unit: 'MB', bar: '≤ 300' },
  ];
}

/** Resident memory of the language server and of what it started. */
function serverMegabytes() {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,rss=,args='], { encoding: 'utf8' });
  const processes = table.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(.*)$/u.exec(line);
    return match ? [{ pid: match[1], parent: match[2], kilobytes: +match[3], args: match[4] }] : [];
  });
  const ours = new Set(
    processes
      .filter(({ args }) => args.includes(output) && args.includes('dist/server.js'))
      .map(({ pid }) => pid),
  );
  for (const { pid, parent } of processes) if (ours.has(parent)) ours.add(pid);
  const sum = processes.reduce((all, one) => all + (ours.has(one.pid) ? one.kilobytes : 0), 0);
  return sum / 1000;
}
