import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { before, describe, it } from 'mocha';
import { session } from '../session.mjs';
import { useWorkbench } from './workbench.mjs';

describe('names that are markup', () => {
  const dialogs = [];

  before(function () {
    if (existsSync(path.join(session.workspace, 'hostile', 'markup_names.onnx'))) return;
    console.log('  the corpus is not at hand: hostile names are not tried');
    this.skip();
  });
  const workbench = useWorkbench({ name: 'hostile' });
  before(() => {
    workbench.page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
  });

  it('are text in the model view', async () => {
    const { openInExplorer, modelView, screenshot } = workbench;
    await openInExplorer('hostile', 'markup_names.onnx');
    const main = modelView().locator('main[aria-busy="false"]');
    await main.waitFor();
    await main.getByText('<img src=x').first().waitFor();
    assert.equal(await modelView().locator('img').count(), 0);
    await screenshot('hostile-view');
  });

  it('are text in the text, its hover and the Problems panel', async () => {
    const { page, runCommand, editor, screenshot } = workbench;
    await runCommand('Green AI: Open as ONNX Text');
    const line = editor().locator('.view-line').filter({ hasText: 'Relu' });
    await line.getByText('Relu').first().hover();
    const hover = page.locator('.monaco-hover').filter({ hasText: 'Relu' }).first();
    await hover.waitFor();
    assert.equal(await hover.locator('img').count(), 0);
    await screenshot('hostile-text');
    assert.deepEqual(dialogs, []);
  });
});
