import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'mocha';
import { session } from '../session.mjs';
import { startVSCode } from '../vscode.mjs';

/** A server that starts for nothing starts at once, however busy the window is. */
const quietSeconds = 5;
const patienceSeconds = 20;

describe('a folder with nothing to lint', () => {
  let vscode;
  before(async () => {
    const workspace = path.join(session.output, 'quiet');
    mkdirSync(workspace, { recursive: true });
    writeFileSync(path.join(workspace, 'plain.json'), '{}\n');
    vscode = await startVSCode({
      browser: session.browser,
      workspace,
      vsix: [session.vsix],
      logFile: path.join(session.output, 'quiet-server.log'),
    });
    await vscode.page.goto(vscode.url());
  });
  after(() => vscode?.close());

  it('has the extension, but no server until there is a model or a config', async () => {
    const { page, workspace } = vscode;
    const row = (name) =>
      page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: name });
    await row('plain.json').waitFor();
    await runCommand(page, 'Green AI: Show Logs');
    await page.locator('.pane-body, .output-view-container').first().waitFor();
    await sleep(quietSeconds * 1000);
    await row('plain.json').click();
    await page.locator('.editor-instance .view-line').first().waitFor();
    // One that started now would be there by then.
    await sleep(3000);
    assert.equal(serversOf(workspace), 0);
    writeFileSync(path.join(workspace, 'config.json'), '{ "model_type": "llama" }\n');
    await row('config.json').click();
    const end = Date.now() + patienceSeconds * 1000;
    while (serversOf(workspace) === 0 && Date.now() < end) await sleep(100);
    assert.equal(serversOf(workspace), 1);
  });
});

/** A palette that was opened before the extensions were known does not learn of their commands. */
async function runCommand(page, title) {
  const row = page.locator('.quick-input-list .monaco-list-row').filter({ hasText: title }).first();
  const end = Date.now() + patienceSeconds * 1000;
  while (Date.now() < end) {
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').fill(`>${title}`);
    await sleep(500);
    if (await row.isVisible()) return row.click();
    await page.keyboard.press('Escape');
  }
  assert.fail(`no command ${title}`);
}

/** Language servers of this window: its extensions lie beside its workspace. */
function serversOf(workspace) {
  const lines = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' }).split('\n');
  const folder = path.join(path.dirname(workspace), 'ext');
  return lines.filter((line) => line.includes(folder) && line.includes('dist/server.js')).length;
}
