import { readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../../test/install.mjs';
import { longModel, writeFixture } from './fixtures.ts';
import { milliseconds, openWindow, settleMilliseconds } from './window.mjs';

/** The editor opens a JSON file of its own in every window, and with it starts all extensions for JSON. */
const settings = { 'files.associations': { 'chatLanguageModels.json': 'plaintext' } };

/**
 * The extension's start by the editor's own account: loading the code, and the call of `activate`. Extensions share
 * one thread, and each waits for the others while it loads, so it is measured alone in a window that stands: by a click
 * on a model, beside that of a built-in extension of the same kind, an editor for images.
 */
export async function activation(setting) {
  const workspace = path.join(setting.output, 'activation');
  writeFixture(workspace, 'notes.txt', 'nothing to lint');
  const own = 'Green AI Lint';
  const alone = await timesOf(setting, workspace, async (vscode) => {
    await openNew(vscode, 'model.onnx', longModel(10));
    await openNew(vscode, 'image.png', readFileSync(path.join(root, 'media', 'icon.png')));
  });
  const together = await timesOf(setting, workspace, (vscode) =>
    openNew(vscode, 'plain.json', '{}'),
  );
  const of = (times, title) => ({ ...milliseconds(times.get(title) ?? Number.NaN), bar: '–' });
  return [
    { what: 'activation, alone', ...of(alone, own), bar: '≤ 100' },
    { what: "  that of the editor's own Media Preview", ...of(alone, 'Media Preview') },
    { what: 'activation by a JSON file, with all that it starts', ...of(together, own) },
    {
      what: "  that of the editor's own JSON extension",
      ...of(together, 'JSON Language Features'),
    },
  ];
}

/** What started in a window until it stood and `act` was done: title → milliseconds. */
async function timesOf(setting, workspace, act) {
  const vscode = await openWindow(setting, { workspace, name: 'activation', settings });
  const { page, row, run } = vscode;
  try {
    // The list shows only the rows that it has room for.
    await page.setViewportSize({ width: 1400, height: 2000 });
    await row('notes.txt').waitFor();
    await page.waitForTimeout(settleMilliseconds);
    await act(vscode);
    await run('Developer: Show Running Extensions');
    const running = page.locator('.runtime-extensions-editor .monaco-list-row');
    await running.first().waitFor();
    // The rows come one after the other.
    await page.waitForTimeout(1000);
    const times = new Map();
    for (const one of await running.all()) {
      const title = await one.locator('.name').innerText();
      const text = await one.locator('.activation-time').innerText();
      times.set(title, Number(/\d+/u.exec(text)?.[0]));
    }
    return times;
  } finally {
    await vscode.close();
  }
}

/** Puts a file into the folder of a window that stands, and opens it. */
async function openNew({ page, row, workspace }, name, contents) {
  writeFixture(workspace, name, contents);
  await row(name).waitFor();
  await page.waitForTimeout(1000);
  await row(name).click();
  await page.waitForTimeout(4000);
}
