// One line per test, from the extension host as from the interface.
import Mocha from 'mocha';

/**
 * Runs test files and hands each result to `report`:
 * `{ state: 'passed' | 'failed' | 'skipped', title, milliseconds, error }`.
 */
export async function runTests(files, { grep, timeoutSeconds, report }) {
  function LineReporter(runner) {
    const result = (state) => (test, error) => {
      report({
        state,
        title: test.fullTitle(),
        milliseconds: test.duration ?? 0,
        error: error === undefined ? null : (error.stack ?? String(error)),
      });
    };
    runner
      .on('pass', result('passed'))
      .on('fail', result('failed'))
      .on('pending', result('skipped'));
  }
  const mocha = new Mocha({
    reporter: LineReporter,
    timeout: timeoutSeconds * 1000,
    ...(grep ? { grep: new RegExp(grep, 'u') } : {}),
  });
  for (const file of files) mocha.addFile(file);
  await mocha.loadFilesAsync();
  await new Promise((resolve) => mocha.run(resolve));
}

/** Prints results and adds them up. */
export function createTally() {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const marks = { passed: 'ok     ', failed: 'FAILED ', skipped: 'skipped' };
  return {
    counts,
    add: ({ state, title, milliseconds, error }) => {
      counts[state]++;
      console.log(`  ${marks[state]} ${title}${state === 'passed' ? ` (${milliseconds} ms)` : ''}`);
      if (error !== null) console.log(error.replace(/^/gmu, '          '));
    },
  };
}
