import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { projectRoot, useTempFolder } from '../support/cli';

const bundle = path.join(projectRoot, 'dist/cli.js');

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** `node dist/cli.js …` as people run it; `use` gets the running process. */
function runBundle(
  args: readonly string[],
  cwd: string,
  use: (child: ChildProcess) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [bundle, ...args], {
      cwd,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let out = '';
    let err = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk));
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, out, err });
    });
    use(child);
  });
}

describe('command line: the bundle', () => {
  const folder = useTempFolder();

  before(function () {
    this.timeout(120_000);
    if (!existsSync(bundle)) execFileSync(process.execPath, ['esbuild.mjs'], { cwd: projectRoot });
  });

  it('knows its version', async () => {
    const manifest = JSON.parse(readFileSync(path.join(projectRoot, 'package.json'), 'utf8')) as {
      version: string;
    };
    const { code, out, err } = await runBundle(['--version'], folder.path);
    assert.deepEqual({ code, out, err }, { code: 0, out: `${manifest.version}\n`, err: '' });
  });

  it('lints the examples', async () => {
    const { code, out, err } = await runBundle(['lint', 'examples'], projectRoot);
    assert.equal(code, 1, err);
    assert.match(out, /^examples\/digits-cnn\/digits-cnn\.onnx$/mu);
    assert.match(out, /\d+ findings \(1 error, .* for laptop-cpu\n$/u);
  });

  it('keeps integers beyond 2^53', async () => {
    const file = folder.model(
      'm.onnx',
      `<ir_version: 8, opset_import: ["" : 17, "d" : 1]>
g (float[2] x) => (float[2] y) { y = d.Op <big = 9007199254740993, all = [-9223372036854775808]> (x) }`,
    );
    const { code, out } = await runBundle(['text', file], folder.path);
    assert.equal(code, 0);
    assert.match(out, /9007199254740993/u);
    assert.match(out, /-9223372036854775808/u);
  });

  it('finds its runtime beside it and verifies', async () => {
    const model = folder.example('tabular-mlp/tabular-mlp.onnx');
    const args = [
      'optimize',
      model,
      '--recipe',
      'int8-dynamic',
      '--samples',
      '4',
      '--format',
      'json',
    ];
    const { code, out, err } = await runBundle(args, folder.path);
    assert.equal(code, 0, err);
    const { verification } = JSON.parse(out) as { verification: { state: string } };
    assert.equal(verification.state, 'run');
  });

  for (const stream of ['stdout', 'stderr'] as const) {
    it(`ends quietly when ${stream} is closed early, as by "| head"`, async () => {
      const args =
        stream === 'stdout' ? ['devices', '--format', 'json'] : ['inspect', 'missing.onnx'];
      const { code, err } = await runBundle(args, folder.path, (child) => child[stream]?.destroy());
      assert.equal(err, '');
      assert.equal(code, stream === 'stdout' ? 0 : 2);
    });
  }

  it('leaves nothing half-written on the first Ctrl+C', async function () {
    // Windows has no signals to send; there it ends the process at once.
    if (process.platform === 'win32') this.skip();
    const model = folder.example('tabular-mlp/tabular-mlp.onnx');
    const before = folder.names();
    const args = ['optimize', model, '--recipe', 'int8-dynamic'];
    const { code, err } = await runBundle(args, folder.path, (child) => {
      child.stderr?.on('data', (chunk: string) => {
        if (chunk.includes('verifying')) child.kill('SIGINT');
      });
    });
    assert.equal(code, 2, err);
    assert.match(err, /cancelled; nothing was written/u);
    assert.deepEqual(folder.names(), before);
  });

  it('shows no stack trace for hostile input', async () => {
    folder.write(
      'x.onnx',
      Uint8Array.from({ length: 3000 }, (_, index) => (index * 37) % 256),
    );
    folder.write('config.json', '{'.repeat(5000));
    const { code, out, err } = await runBundle(['lint', '.'], folder.path);
    assert.equal(code, 1);
    assert.doesNotMatch(out + err, /\n\s+at |unexpected failure/u);
  });
});
