import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'mocha';
import * as ort from 'onnxruntime-node';
import { useWorkbench } from './workbench.mjs';

describe('a click on a model', () => {
  const workbench = useWorkbench({ name: 'model' });

  it('shows its energy, size and heaviest layers', async () => {
    const { openInExplorer, modelView, screenshot } = workbench;
    await openInExplorer('digits-transformer', 'digits-transformer.onnx');
    const main = modelView().locator('main[aria-busy="false"]');
    await main.waitFor();
    const text = await main.innerText();
    assert.match(text, /\d[\d.–\s]*[mµ]?J\b/u, 'energy');
    assert.match(text, /498|50\d\s?k|5\d\d\s?k|parameters/iu, 'parameters');
    assert.match(text, /MatMul/u, 'layers');
    assert.match(text, /float-weights|18 MatMul in float32/u, 'findings');
    await screenshot('model-view');
  });

  it('shows the same in dark and in high contrast', async () => {
    const { page, setTheme, modelView, screenshot } = workbench;
    const seen = new Set();
    for (const [theme, kind] of [
      ['Dark High Contrast', 'vscode-high-contrast'],
      ['Dark Modern', 'vscode-dark'],
      ['Light Modern', 'vscode-light'],
    ]) {
      await setTheme(theme);
      const body = modelView().locator(`body.${kind}`);
      await body.waitFor();
      // Let transitions of the workbench end, for the picture.
      await page.waitForTimeout(500);
      const style = await body.evaluate((element) => {
        const { color, backgroundColor } = globalThis.getComputedStyle(element);
        return { color, backgroundColor };
      });
      assert.notEqual(style.color, style.backgroundColor);
      seen.add(JSON.stringify(style));
      await screenshot(`model-view-${kind}`);
    }
    assert.equal(seen.size, 3);
  });

  it('shows another device once it was chosen, and what that costs', async () => {
    const { pick, runCommand, modelView, screenshot } = workbench;
    const main = modelView().locator('main[aria-busy="false"]');
    const before = await main.innerText();
    await runCommand('Green AI: Choose Device…');
    await pick('Raspberry Pi 5', 'raspberry-pi-5');
    await main.filter({ hasText: 'a run on raspberry-pi-5' }).waitFor();
    assert.notEqual(energyOf(await main.innerText()), energyOf(before));
    await screenshot('model-view-raspberry-pi-5');
  });

  it('asks for nothing: no notification', async () => {
    assert.equal(await workbench.toasts().count(), 0);
  });

  it('leads to the text', async () => {
    const { page, openInExplorer, modelView, runCommand, editor, tab, screenshot } = workbench;
    await openInExplorer('digits-cnn-leftovers', 'digits-cnn-leftovers.onnx');
    await modelView().locator('main[aria-busy="false"]').waitFor();
    await runCommand('Green AI: Open as ONNX Text');
    await tab('digits-cnn-leftovers.onnx.onnxtxt').waitFor();
    await editor().locator('.view-line').filter({ hasText: 'ir_version' }).waitFor();
    await page.locator('.squiggly-info').first().waitFor();
    await screenshot('text');
  });

  it('leaves a text tab that lives through a reload of the window', async () => {
    const { page, tab, editor, runCommand, screenshot } = workbench;
    await runCommand('Developer: Reload Window');
    await page.waitForEvent('load');
    await tab('digits-cnn-leftovers.onnx.onnxtxt').waitFor();
    await editor().locator('.view-line').filter({ hasText: 'ir_version' }).waitFor();
    await page.locator('.squiggly-info').first().waitFor();
    await screenshot('text-after-reload');
  });

  it('has rows in the Problems panel, which open the line of a node with its fixes', async () => {
    const { page, runCommand, problems, tab, editor, quickRow, pressUntil, screenshot } = workbench;
    await runCommand('View: Close All Editors');
    await runCommand('Problems: Focus on Problems View');
    const row = problems().filter({ hasText: 'oversized-layer' }).first();
    await row.waitFor();
    await screenshot('problems');
    await row.click();
    await tab('digits-cnn-leftovers.onnx.onnxtxt').waitFor();
    const line = editor().locator('.view-line').filter({ hasText: '= Conv' }).first();
    await line.waitFor();
    await page.locator('.squiggly-info').first().waitFor();
    // The panel asks for the fixes of a row once it is selected.
    await row.locator('[class*="bulb"]').waitFor();
    await pressUntil('Control+.', page.getByText('Disable rule oversized-layer in this project'));
    await screenshot('problems-quick-fix');
    await page.keyboard.press('Escape');

    // The row has put the cursor on the line; the editor's own quick fix does nothing in a read-only document.
    await runCommand('View: Focus Active Editor Group');
    await pressUntil('Control+.', quickRow('Leave this file out of linting'));
    await screenshot('text-quick-fix');
    await page.keyboard.press('Escape');
  });
});

function energyOf(text) {
  return /Energy\s+(\S+ [mµ]?J)/u.exec(text)?.[1] ?? assert.fail(`no energy in ${text}`);
}

describe('the walkthrough', () => {
  const workbench = useWorkbench({ name: 'walkthrough' });

  it('leads from a model to a verified fix in four steps', async () => {
    const { page, pick, runCommand, screenshot } = workbench;
    await runCommand('Welcome: Open Walkthrough...');
    await pick('Get Started with Green AI');
    const steps = page.locator('.getting-started-step');
    await steps.first().waitFor();
    assert.equal(await steps.count(), 4);
    await screenshot('walkthrough');
  });
});

describe('the palette', () => {
  const workbench = useWorkbench({ name: 'palette' });

  it('quantises a model into a file that ONNX Runtime loads', async () => {
    const { openInExplorer, modelView, runCommand, quickRow, toasts, screenshot } = workbench;
    const folder = path.join(workbench.workspace, 'tabular-mlp');
    const written = path.join(folder, 'tabular-mlp.int8.onnx');
    await openInExplorer('tabular-mlp', 'tabular-mlp.onnx');
    await modelView().locator('main[aria-busy="false"]').waitFor();
    await runCommand('Green AI: Quantise…');
    const recipe = quickRow('int8-dynamic');
    await recipe.waitFor();
    await screenshot('quantise-recipes');
    await recipe.click();
    await workbench.tab('tabular-mlp.int8.onnx').waitFor();
    await toasts().filter({ hasText: '→' }).first().waitFor();
    await modelView().locator('main[aria-busy="false"]').waitFor();
    await screenshot('quantised');
    assert.ok(existsSync(`${written}.green-ai.json`), 'provenance');
    const session = await ort.InferenceSession.create(written);
    assert.deepEqual([...session.inputNames], ['features']);
    await session.release();
  });
});
