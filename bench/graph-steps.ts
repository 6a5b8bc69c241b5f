/**
 * What each step of the analysis takes on the graphs of `graph-scale-models.ts`, in one process: where to look when
 * `graph-scale.ts` has become slower. The first round is what a command line sees, the next ones run warm.
 *
 *   npx tsx bench/graph-steps.ts [COUNT] [ROUNDS]
 *
 * COUNT is 100000 and ROUNDS 2 when they are not given. Milliseconds of wall clock.
 */
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Bundled, as it ships: a loader of TypeScript takes a third of the time for itself. */
async function main([count = '100000', rounds = '2']: readonly string[]): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'green-ai-steps-'));
  try {
    const outfile = path.join(folder, 'steps.cjs');
    await build({
      entryPoints: [path.join(import.meta.dirname, 'graph-steps-run.ts')],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'cjs',
      mainFields: ['module', 'main'],
    });
    execFileSync(process.execPath, [outfile, count, rounds], { stdio: 'inherit' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

void main(process.argv.slice(2));
