// Shows the model view in Chromium as VS Code would, without VS Code: real page, policy and theme colours.
//
//   node test/e2e/report-gallery.mjs [--out DIR] [--themes a,b] [--widths 320,700] [--state STATE] REPORT.json…
//
// A REPORT.json holds `{ report, devices, comparison }` (see server/src/protocol.ts). States: `report`, `comparison`
// (devices compared, notes open), `busy`, `refused`. Ends with status 1 when a page breaks the policy, throws,
// or is wider than its pane. Colours were read from VS Code 1.139, see report-themes.json.
/* global document, window */
import { Buffer } from 'node:buffer';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { build } from 'esbuild';

const root = path.resolve(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: path.join(root, '.cache/report-gallery') },
    themes: { type: 'string' },
    widths: { type: 'string', default: '320,700,1200' },
    state: { type: 'string', default: 'report' },
  },
});

const themes = JSON.parse(
  await readFile(path.join(import.meta.dirname, 'report-themes.json'), 'utf8'),
);
const wantedThemes = values.themes?.split(',') ?? Object.keys(themes);
const origin = 'https://view.test';
const files = new Map([
  ['/', { body: await pageHtml(), contentType: 'text/html' }],
  ['/report.js', { body: await bundled('main.ts', 'iife'), contentType: 'text/javascript' }],
  ['/report.css', { path: path.join(root, 'media/report.css'), contentType: 'text/css' }],
]);

await mkdir(values.out, { recursive: true });
const complaints = [];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  for (const file of positionals) {
    const data = JSON.parse(await readFile(file, 'utf8'));
    for (const theme of wantedThemes) {
      for (const width of values.widths.split(',').map(Number)) {
        const name = `${path.basename(file, '.json')}-${values.state}-${theme}-${width}`;
        await shoot(name, data, themes[theme], width);
      }
    }
  }
} finally {
  await browser.close();
}
for (const complaint of complaints) console.error(complaint);
process.exitCode = complaints.length > 0 ? 1 : 0;

async function shoot(name, data, theme, width) {
  const page = await browser.newPage({ viewport: { width, height: 800 } });
  const complain = (text) => complaints.push(`${name}: ${text}`);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complain(message.text());
  });
  page.on('pageerror', (error) => complain(error.stack));
  page.on('dialog', (dialog) => {
    complain(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.route('**/*', (route) => {
    const found = files.get(new URL(route.request().url()).pathname);
    if (found) return route.fulfill(found);
    complain(`asked for ${route.request().url()}`);
    return route.abort();
  });
  await page.addInitScript(fakeVsCode, { ...data, theme, state: values.state });
  await page.goto(`${origin}/`);
  await page.waitForSelector('h1, .failure');
  if (values.state === 'comparison') {
    await page.click('#compare');
    await page.waitForSelector('.devices');
    await page.click('#notes > summary');
  }
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (overflow > 0) complain(`${overflow} px wider than its pane`);
  const target = path.join(values.out, `${name}.png`);
  await page.screenshot({ path: target, fullPage: true, animations: 'disabled' });
  console.log(target);
  await page.close();
}

/** The page as the extension makes it. */
async function pageHtml() {
  const source = Buffer.from(await bundled('html.ts', 'esm')).toString('base64');
  const { reportHtml } = await import(`data:text/javascript;base64,${source}`);
  return reportHtml({
    cspSource: origin,
    nonce: 'gallery',
    scriptUri: '/report.js',
    styleUri: '/report.css',
    title: 'Model view',
  });
}

/** A file of the view, from its source: `dist` may be old. */
async function bundled(name, format) {
  const entryPoints = [path.join(root, 'client/src/report', name)];
  const { outputFiles } = await build({ entryPoints, bundle: true, format, write: false });
  return outputFiles[0].text;
}

/** Runs in the page: what VS Code's own page around the webview does. */
function fakeVsCode({ report, devices, comparison, theme, state }) {
  const post = (message) => window.postMessage(message, '*');
  window.acquireVsCodeApi = () => ({
    getState: () => undefined,
    setState: () => undefined,
    postMessage(message) {
      if (message.kind === 'ready') {
        post({ kind: 'devices', devices });
        post({
          kind: 'access',
          refusal:
            state === 'refused'
              ? 'Fixes run and write files: that needs a trusted workspace.'
              : null,
        });
        post({ kind: 'report', report });
        if (state === 'busy') post({ kind: 'busy', text: 'Updating…' });
      }
      if (message.kind === 'compareDevices') {
        const wanted = new Set(message.devices);
        post({
          kind: 'comparison',
          estimates: comparison.filter(({ device }) => wanted.has(device)),
        });
      }
    },
  });
  document.addEventListener('DOMContentLoaded', () => {
    document.body.className = theme.classes;
    for (const [name, value] of Object.entries(theme.variables)) {
      document.documentElement.style.setProperty(name, value);
    }
  });
}
