import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { before, describe, it } from 'mocha';
import { corpus } from '../build-suite.mjs';
import { useWorkbench } from './workbench.mjs';

/** More than any other test has to wait for: over a thousand files, many of them broken on purpose. */
const patienceMilliseconds = 180_000;

describe('a workspace of real and hostile files', () => {
  before(function () {
    if (existsSync(corpus)) return;
    console.log('  the corpus is not at hand: its folder is not opened');
    this.skip();
  });
  const workbench = useWorkbench({ name: 'corpus', workspace: corpus });

  it('is linted as a whole, with the answer in numbers', async function () {
    this.timeout(patienceMilliseconds);
    const { runCommand, toasts, problems, screenshot } = workbench;
    await runCommand('Green AI: Lint Workspace');
    const answer = toasts().filter({ hasText: /\d+ findings in \d+ files/u });
    await answer.waitFor({ timeout: patienceMilliseconds });
    const [, findings, files] = /(\d+) findings in (\d+) files/u.exec(await answer.innerText());
    assert.ok(Number(files) > 600, `${files} files`);
    assert.ok(Number(findings) > 600, `${findings} findings`);
    await problems().first().waitFor();
    await screenshot('corpus');
  });

  it('shows no error, and none is in the log', async () => {
    const { runCommand, toasts, editor, screenshot } = workbench;
    assert.equal(await toasts().locator('.codicon-error').count(), 0);
    await runCommand('Green AI: Show Debug Info');
    // The host has no log files; the debug information keeps the last warnings and errors.
    await editor().locator('.view-line').filter({ hasText: '"recentProblems": []' }).waitFor();
    await screenshot('corpus-debug-info');
  });
});
