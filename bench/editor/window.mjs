import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { startVSCode } from '../../test/e2e/vscode.mjs';

/** A window has its own start to do; what follows is measured when that is over. */
export const settleMilliseconds = 8000;

/** A window of VS Code with the packaged extension, and what one does in it. */
export async function openWindow({ browser, vsix, output }, { workspace, name, settings = {} }) {
  const vscode = await startVSCode({
    browser,
    workspace,
    vsix: [vsix],
    settings,
    logFile: path.join(output, `${name}.log`),
  });
  const { page } = vscode;
  await page.goto(vscode.url());
  return {
    ...vscode,
    row: (title) =>
      page.locator('.explorer-folders-view .monaco-list-row').filter({ hasText: title }),
    /** Answers when the command was picked. */
    run: async (title) => {
      await page.keyboard.press('F1');
      await page.locator('.quick-input-widget input').fill(`>${title}`);
      const command = page.locator('.quick-input-list .monaco-list-row').first();
      await command.filter({ hasText: title }).waitFor();
      const start = performance.now();
      await command.click();
      return start;
    },
  };
}

export function milliseconds(value) {
  return { value: value.toFixed(0), unit: 'ms' };
}

export function quantile(times, share) {
  const sorted = [...times].sort((a, b) => a - b);
  return milliseconds(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
}
