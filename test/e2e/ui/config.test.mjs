import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { useWorkbench } from './workbench.mjs';

describe('typing in config.json', () => {
  const workbench = useWorkbench({ name: 'config' });

  it('brings a finding under what was typed, and its fix', async () => {
    const { page, openInExplorer, editor, screenshot } = workbench;
    await openInExplorer('hf', 'decoder-1b-float32', 'config.json');
    const squiggle = page.locator('.squiggly-info');
    await squiggle.waitFor();
    const line = editor().locator('.view-line').filter({ hasText: 'torch_dtype' });

    await line.getByText('"float32"').dblclick();
    await page.keyboard.type('bfloat16');
    await squiggle.waitFor({ state: 'detached' });
    await line.getByText('bfloat16').dblclick();
    await page.keyboard.type('float32');
    await squiggle.waitFor();
    await screenshot('config-finding');

    await page.keyboard.press('Control+.');
    const fix = page.locator('.action-widget .monaco-list-row').filter({ hasText: 'bfloat16' });
    await fix.waitFor();
    await screenshot('config-quick-fix');
    await fix.click();
    await line.filter({ hasText: '"bfloat16"' }).waitFor();
    await squiggle.waitFor({ state: 'detached' });
    assert.equal(await workbench.toasts().count(), 0);
  });
});
