// The workbench as a user has it: what to click, and where things appear.
import path from 'node:path';
import { after, afterEach, before } from 'mocha';
import { session } from '../session.mjs';
import { startVSCode } from '../vscode.mjs';

/** One window for the tests of a `describe`; filled in before the first. What fails leaves a picture. */
export function useWorkbench(options) {
  const workbench = {};
  before(async () => {
    Object.assign(workbench, await openWorkbench(options));
  });
  afterEach(async function () {
    if (this.currentTest?.state !== 'failed') return;
    const title = this.currentTest.fullTitle().replace(/\W+/gu, '-');
    await workbench.screenshot?.(`failed-${title}`).catch(() => {});
  });
  after(() => workbench.close?.());
  return workbench;
}

/** A window of VS Code with the packaged extension on a copy of the workspace. */
async function openWorkbench({ name, ...options }) {
  const vscode = await startVSCode({
    browser: session.browser,
    workspace: session.workspace,
    vsix: [session.vsix],
    logFile: path.join(session.output, `${name}-server.log`),
    ...options,
  });
  const { page } = vscode;
  await page.goto(vscode.url());
  await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
  // The extension host has started and the workspace was looked at.
  await page.locator('[id="status.problems"]').filter({ hasText: /[1-9]/u }).waitFor();

  const screenshot = (title) =>
    page.screenshot({ path: path.join(session.screens, `${title}.png`) });

  /** Runs a command of the palette by its full title. */
  const runCommand = async (title) => {
    await page.keyboard.press('F1');
    await pick(title, `>${title}`);
  };

  /** Types into the quick input and takes the row of that name. */
  const pick = async (row, typed = row) => {
    const input = page.locator('.quick-input-widget input');
    await input.waitFor();
    await input.fill(typed);
    await quickRow(row).first().click();
  };

  const quickRow = (text) =>
    page.locator('.quick-input-list .monaco-list-row').filter({ hasText: text });

  /** For keys that the workbench takes only once it has found out what they would do. */
  const pressUntil = async (key, shown) => {
    for (let attempt = 1; attempt <= 10; attempt++) {
      await page.keyboard.press(key);
      const isShown = shown.waitFor({ timeout: 2000 }).then(
        () => true,
        () => false,
      );
      if (await isShown) return;
    }
    throw new Error(`${key} did not show ${shown}`);
  };

  /** Clicks through folders of the explorer to a file. */
  const openInExplorer = async (...names) => {
    for (const [index, one] of names.entries()) {
      const row = page
        .locator('.explorer-folders-view .monaco-list-row')
        .filter({ has: page.getByText(one, { exact: true }) })
        .first();
      await row.waitFor();
      const isFolder = index < names.length - 1;
      if (isFolder && (await row.getAttribute('aria-expanded')) === 'true') continue;
      await row.click();
    }
  };

  return {
    ...vscode,
    screenshot,
    runCommand,
    pick,
    quickRow,
    pressUntil,
    openInExplorer,
    tab: (title) => page.locator('.tabs-container .tab').filter({ hasText: title }),
    editor: () => page.locator('.editor-instance .monaco-editor[role="code"]').first(),
    /** The contents of the model view that was opened last: a frame in a frame. */
    modelView: () =>
      page.frameLocator('iframe.webview.ready >> nth=-1').frameLocator('#active-frame'),
    problems: () => page.locator('.markers-panel .monaco-list-row'),
    toasts: () => page.locator('.notifications-toasts .notification-list-item'),
    setTheme: async (label) => {
      await runCommand('Preferences: Color Theme');
      await page.getByPlaceholder('Select Color Theme').waitFor();
      await pick(label);
    },
  };
}
