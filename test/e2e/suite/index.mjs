// Runs in the extension host: the test files beside this one, their results as lines of JSON in a file.
/* global __dirname -- bundled as CommonJS */
import { appendFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { runTests } from '../results.mjs';

export async function run() {
  const files = readdirSync(__dirname).filter((name) => name.endsWith('.test.js'));
  let failed = 0;
  await runTests(
    files.sort().map((name) => path.join(__dirname, name)),
    {
      grep: process.env.GREEN_AI_E2E_GREP,
      timeoutSeconds: 60,
      report: (result) => {
        if (result.state === 'failed') failed++;
        const line = JSON.stringify(result);
        if (process.env.GREEN_AI_E2E_RESULTS) {
          appendFileSync(process.env.GREEN_AI_E2E_RESULTS, `${line}\n`);
        } else {
          console.log(line);
        }
      },
    },
  );
  if (failed > 0) throw new Error(`${failed} tests failed`);
}
