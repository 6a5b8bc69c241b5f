// `npm run test:electron [-- minimum]`: the suite of the extension host in a desktop VS Code, which
// @vscode/test-electron downloads: the current one, or the oldest that the manifest allows.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { runTests } from '@vscode/test-electron';
import { manifest } from '../../client/package/contents.mjs';
import { root } from '../install.mjs';
import { buildSuite, createWorkspace, output } from './build-suite.mjs';
import { createTally } from './results.mjs';
import { reportResults } from './stages.mjs';

const results = path.join(output, 'electron-results.jsonl');
mkdirSync(output, { recursive: true });
rmSync(results, { force: true });
let failure = null;
try {
  await runTests({
    version: process.argv[2] === 'minimum' ? manifest.engines.vscode.replace('^', '') : 'stable',
    cachePath: path.join(root, '.cache', 'vscode-test'),
    extensionDevelopmentPath: root,
    extensionTestsPath: await buildSuite(),
    launchArgs: [createWorkspace(), '--disable-extensions', '--disable-workspace-trust'],
    extensionTestsEnv: { GREEN_AI_E2E_RESULTS: results },
  });
} catch (error) {
  failure = String(error);
}
const tally = createTally();
reportResults(results, tally);
const { passed, failed, skipped } = tally.counts;
if (failure !== null && failed === 0) console.error(failure);
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failure === null && failed === 0 && passed > 0 ? 0 : 1;
