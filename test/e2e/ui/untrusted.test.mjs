import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import { useWorkbench } from './workbench.mjs';

describe('an untrusted workspace', () => {
  const workbench = useWorkbench({ name: 'untrusted', trusted: false });
  let atFirst;
  before(() => {
    atFirst = contentsOf(workbench.workspace);
  });

  it('is read and judged', async () => {
    const { page, openInExplorer, modelView, screenshot } = workbench;
    await page.locator('.statusbar-item').filter({ hasText: 'Restricted Mode' }).waitFor();
    await openInExplorer('tabular-mlp', 'tabular-mlp.onnx');
    const main = modelView().locator('main[aria-busy="false"]');
    await main.waitFor();
    assert.match(await main.innerText(), /float-weights|2 Gemm in float32/u);
    await screenshot('untrusted');
  });

  it('offers no command that writes', async () => {
    const { page, quickRow } = workbench;
    await page.keyboard.press('F1');
    await page.locator('.quick-input-widget input').fill('>Green AI: ');
    await quickRow('Green AI: Show Logs').first().waitFor();
    for (const title of ['Quantise', 'Clean Up', 'Optimise']) {
      assert.equal(await quickRow(`Green AI: ${title}`).count(), 0, title);
    }
    await page.keyboard.press('Escape');
  });

  it('refuses the fixes of the model view, with the reason', async () => {
    const { modelView, screenshot } = workbench;
    const buttons = modelView().getByRole('button', { name: /quantise|clean|optimise|apply/iu });
    for (const button of await buttons.all()) {
      if (await button.isEnabled()) await button.click();
    }
    await modelView()
      .getByText(/trusted workspace/u)
      .first()
      .waitFor();
    await screenshot('untrusted-refusal');
  });

  it('is as it was, and nothing ran', () => {
    assert.deepEqual(contentsOf(workbench.workspace), atFirst);
    const processes = execFileSync('ps', ['-A', '-o', 'args='], { encoding: 'utf8' });
    const ours = processes
      .split('\n')
      .filter((one) => one.includes(path.dirname(workbench.workspace)));
    assert.ok(ours.some((one) => one.includes('dist/server.js')));
    assert.ok(!ours.some((one) => one.includes('runtime-worker')));
  });
});

/** Every file's path and hash. */
function contentsOf(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort()
    .map((file) => [file, createHash('sha256').update(readFileSync(file)).digest('hex')]);
}
