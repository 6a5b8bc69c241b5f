// End-to-end tests in a real VS Code. `npm run test:e2e -- [--only suite|ui] [--grep PATTERN] [--no-build]`; part of
// `npm test`. Where VS Code or a browser cannot be had, it says so; under CI that is a failure.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { runStep } from '../install.mjs';
import { installBrowser, installHost } from './install-host.mjs';

/** Answers `{ passed, failed, skipped }`. What needs the project's dependencies is imported after they are there. */
export async function runEndToEnd({ build = true, ...options } = {}) {
  const browser = installBrowser();
  const failure = installHost() ?? browser.failure;
  if (failure !== null) {
    console.log(`The end-to-end tests DID NOT RUN: ${failure}.`);
    const isDemanded = Boolean(process.env.CI);
    return { passed: 0, failed: isDemanded ? 1 : 0, skipped: isDemanded ? 0 : 1 };
  }
  if (build && !runStep('node', [path.join('client', 'package', 'prepare.mjs')])) {
    return { passed: 0, failed: 1, skipped: 0 };
  }
  const { runStages } = await import('./stages.mjs');
  return runStages({ browser: browser.path, build, ...options });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      grep: { type: 'string' },
      build: { type: 'boolean', default: true },
    },
    allowNegative: true,
  });
  const { passed, failed, skipped } = await runEndToEnd(values);
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  process.exitCode = failed > 0 ? 1 : 0;
}
