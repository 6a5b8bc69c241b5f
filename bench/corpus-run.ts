/**
 * `green-ai lint` over every file of the corpus and `inspect` over every model, each as a process of its own.
 *
 * usage: npx tsx bench/corpus-run.ts [PYTHON]      (corpus: GREEN_AI_CORPUS, default ../shared/corpus)
 *
 * Bars: exit 0, 1 or 2, no stack trace, at most 10 s and 1 GB a file; every hostile file is answered with a coded
 * problem. Exit status 1 when one is missed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';

const maxSeconds = 10;
const maxBytes = 1e9;
const corpus = process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus';
const [python = 'python3'] = process.argv.slice(2);

interface Run {
  readonly file: string;
  readonly command: string;
  readonly wallSeconds: number;
  readonly peakBytes: number;
  readonly status: number;
}

if (existsSync(corpus)) main();
else console.log(`no corpus at ${corpus}: nothing was run`);

function main(): void {
  const files = readdirSync(corpus, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  const runs: Run[] = [];
  const failures: string[] = [];
  for (const file of files) {
    runs.push(measure('lint', file));
    if (file.endsWith('.onnx')) runs.push(measure('inspect', file));
    if (file.includes('onnx-invalid')) failures.push(...hostileFailures(file));
  }
  failures.push(...runs.flatMap(failuresOf));
  const slowest = runs.reduce((a, b) => (b.wallSeconds > a.wallSeconds ? b : a));
  const largest = runs.reduce((a, b) => (b.peakBytes > a.peakBytes ? b : a));
  console.log(`${files.length} files, ${runs.length} runs, exit ${countStatuses(runs)}`);
  console.log(`slowest ${slowest.wallSeconds.toFixed(2)} s: ${slowest.command} ${slowest.file}`);
  console.log(
    `largest ${(largest.peakBytes / 1e6).toFixed(0)} MB: ${largest.command} ${largest.file}`,
  );
  for (const failure of failures) console.log(failure);
  console.log(failures.length === 0 ? 'bars hold' : `${failures.length} bars MISSED`);
  if (failures.length > 0) process.exitCode = 1;
}

function measure(command: string, file: string): Run {
  const args = ['bench/measure.py', process.execPath, 'dist/cli.js', command, file];
  const { stdout } = spawnSync(python, args, { encoding: 'utf8' });
  return { file, command, ...(JSON.parse(stdout) as Omit<Run, 'file' | 'command'>) };
}

function failuresOf({ file, command, wallSeconds, peakBytes, status }: Run): string[] {
  const at = `${command} ${file}`;
  return [
    ...(status < 0 || status > 2 ? [`exit ${status}: ${at}`] : []),
    ...(wallSeconds > maxSeconds ? [`${wallSeconds.toFixed(1)} s: ${at}`] : []),
    ...(peakBytes > maxBytes ? [`${(peakBytes / 1e6).toFixed(0)} MB: ${at}`] : []),
  ];
}

function hostileFailures(file: string): string[] {
  const args = ['dist/cli.js', 'lint', file, '--format', 'json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (/^\s+at .*:\d+:\d+/mu.test(stderr)) return [`stack trace: ${file}`];
  const answer = JSON.parse(stdout) as { files: { findings: unknown[] }[] };
  const isAnswered = answer.files.some(({ findings }) => findings.length > 0);
  return isAnswered ? [] : [`no coded problem: ${file}`];
}

function countStatuses(runs: readonly Run[]): string {
  return [0, 1, 2]
    .map((status) => `${status}: ${runs.filter((run) => run.status === status).length}`)
    .join(', ');
}
