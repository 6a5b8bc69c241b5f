// `npm test`: installs what is missing, then formatting, lint, types, generated files and all tests.
// Ends with `N passed, N failed`; each check counts as one.
import { spawn } from 'node:child_process';
import { runEndToEnd } from './e2e/run.mjs';
import { installDependencies, root, runStep } from './install.mjs';

const checks = [
  ['format', 'npx', ['prettier', '--check', '--log-level', 'warn', '.']],
  ['lint', 'npx', ['eslint', '.']],
  ['types', 'npx', ['tsc', '--noEmit']],
  ['types of the view', 'npx', ['tsc', '--noEmit', '-p', 'client/src/report']],
  ['build', 'node', ['esbuild.mjs']],
  ['generated files', 'node', ['dist/generate.js', '--check']],
];

const total = { passed: 0, failed: 0, skipped: 0 };

if (installDependencies()) {
  for (const [name, command, args] of checks) {
    console.log(`\n# ${name}`);
    if (runStep(command, args)) total.passed++;
    else {
      total.failed++;
      console.log(`# ${name} failed`);
    }
  }
  console.log('\n# tests');
  add(await runMocha());
  console.log('\n# end to end');
  add(await runEndToEnd());
} else {
  total.failed++;
  console.log('# npm ci failed');
}

const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed > 0 ? 1 : 0;

function add(counts) {
  for (const key of Object.keys(total)) total[key] += counts[key];
}

/** Shows mocha's output and reads its closing counts; a crash counts as one failure. */
function runMocha() {
  return new Promise((resolve) => {
    const child = spawn('npm', ['run', '--silent', 'test:unit', '--', '--color=false'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
      shell: process.platform === 'win32',
    });
    let tail = '';
    child.stdout.on('data', (chunk) => {
      process.stdout.write(chunk);
      tail = (tail + chunk.toString()).slice(-1_000_000);
    });
    child.on('close', (status) => {
      const count = (word) => Number(new RegExp(`^\\s+(\\d+) ${word}`, 'mu').exec(tail)?.[1] ?? 0);
      const counts = {
        passed: count('passing'),
        failed: count('failing'),
        skipped: count('pending'),
      };
      if (status !== 0 && counts.failed === 0) counts.failed = 1;
      resolve(counts);
    });
  });
}
