// The stages of the end-to-end tests: package, the suite in the extension host, the interface.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageTarget } from '../../client/package/package.mjs';
import { smokeTest, unpack } from '../../client/package/smoke.mjs';
import { buildSuite, createWorkspace, output } from './build-suite.mjs';
import { createTally, runTests } from './results.mjs';
import { session } from './session.mjs';
import { runInExtensionHost } from './vscode.mjs';

const suiteSeconds = 300;
const testSeconds = 60;

export async function runStages({ browser, build, only = null, grep = '' }) {
  const tally = createTally();
  const screens = path.join(output, 'screens');
  mkdirSync(screens, { recursive: true });
  // A copy, which outlives the next build.
  const vsix = path.join(output, 'green-ai.vsix');
  if (build || !existsSync(vsix)) {
    console.log('\n  Packaged');
    if (!(await packageAndTry(tally, vsix))) return tally.counts;
  }
  Object.assign(session, { browser, vsix, screens, grep, workspace: createWorkspace(), output });
  if (only !== 'ui') {
    console.log('\n  In the extension host');
    await runSuite(tally);
  }
  if (only !== 'suite') {
    console.log('\n  Through the interface');
    await runInterface(tally);
  }
  return tally.counts;
}

async function packageAndTry(tally, copy) {
  const start = Date.now();
  const title =
    'the universal package has its files and no others, and its server optimises a model';
  try {
    const { file } = await packageTarget('universal');
    copyFileSync(file, copy);
    await smokeTest(copy, 'wasm');
    tally.add({ state: 'passed', title, milliseconds: Date.now() - start, error: null });
    return true;
  } catch (error) {
    tally.add(failed(title, error));
    return false;
  }
}

/** The suite runs on what the package holds: a build meanwhile does not disturb it. */
async function runSuite(tally) {
  const results = path.join(output, 'suite-results.jsonl');
  const logFile = path.join(output, 'suite-server.log');
  const unpacked = path.join(output, 'package');
  rmSync(results, { force: true });
  rmSync(unpacked, { recursive: true, force: true });
  const before = tally.counts.failed;
  let code;
  try {
    code = await runInExtensionHost({
      browser: session.browser,
      workspace: session.workspace,
      extension: unpack(session.vsix, unpacked),
      tests: await buildSuite(),
      seconds: suiteSeconds,
      screenshot: path.join(session.screens, 'suite-end.png'),
      env: { GREEN_AI_E2E_RESULTS: results, GREEN_AI_E2E_GREP: session.grep },
      logFile,
    });
  } catch (error) {
    code = error;
  }
  const count = reportResults(results, tally);
  if (count === 0 || (code !== 0 && tally.counts.failed === before)) {
    tally.add(failed('extension host', `ended with ${code} after ${count} tests; see ${logFile}`));
  }
}

/** Answers how many there were. */
export function reportResults(file, tally) {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  for (const line of lines) tally.add(JSON.parse(line));
  return lines.length;
}

async function runInterface(tally) {
  const folder = fileURLToPath(new URL('ui/', import.meta.url));
  const files = readdirSync(folder).filter((name) => name.endsWith('.test.mjs'));
  try {
    await runTests(
      files.sort().map((name) => path.join(folder, name)),
      { grep: session.grep, timeoutSeconds: testSeconds, report: tally.add },
    );
  } catch (error) {
    tally.add(failed('interface', error));
  }
}

function failed(title, error) {
  return { state: 'failed', title, milliseconds: 0, error: error?.stack ?? String(error) };
}
