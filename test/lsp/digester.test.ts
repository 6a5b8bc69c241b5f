import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createNodeHost } from '../../server/src/host-node';
import { digestFile, type Digest, type DigestRequest } from '../../server/src/lsp/digest';
import { createDigester, type Digester } from '../../server/src/lsp/digester';
import type { ServerHost } from '../../server/src/lsp/host';
import { startScanProcess } from '../../server/src/lsp/scan-process';
import { createSettingsService } from '../../server/src/lsp/settings';
import { uriOf } from '../../server/src/lsp/uris';
import type { WorkerEntry } from '../../server/src/runtime/process';
import { corpusModels, hasCorpus, sample } from '../support/corpus';
import { denseModel, floatConfig, modelBytes, plainModel } from '../support/lsp';
import { builtServer } from '../support/lsp-process';

/** A judge that does to itself what the file's name says. */
const strangeWorker = `
const { basename } = require('node:path');
const digest = (summary) => ({ summary, rows: [], partCount: 1, externalPaths: [] });
process.on('message', ({ uri }) => {
  const name = basename(uri);
  if (name.startsWith('hang')) for (;;);
  if (name.startsWith('crash')) process.abort();
  if (name.startsWith('memory')) for (const all = []; ; ) all.push(new Array(1e6).fill(all.length));
  if (name.startsWith('bug')) return process.send({ kind: 'failed', message: 'a bug' });
  const residentBytes = name.startsWith('large') ? 1e12 : 1;
  process.send({ kind: 'digest', digest: digest(String(process.pid)), residentBytes });
});
process.on('disconnect', () => process.exit(0));
process.send({ kind: 'ready' });
`;

const limits = { deadlineMilliseconds: 5_000, maxResidentBytes: 1e9, idleMilliseconds: 60_000 };

describe('lsp: files judged in another process', function () {
  this.timeout(120_000);
  let folder: string;
  let log: string[];
  let digester: Digester;
  const start = (entry: WorkerEntry | null, given: Partial<typeof limits> = {}): Digester => {
    digester = createDigester(hostWith(entry, log), { ...limits, ...given });
    return digester;
  };
  const strange = (name = 'worker.js', source = strangeWorker): WorkerEntry => {
    const file = path.join(folder, name);
    writeFileSync(file, source);
    return { file, execArgv: ['--max-old-space-size=64'] };
  };
  const ask = async (name: string): Promise<Digest> => digester.digest(await requestFor(name));
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'green-ai-digester-'));
    log = [];
  });
  afterEach(() => {
    digester.dispose();
    rmSync(folder, { recursive: true, force: true });
  });

  it('answers what the same process would answer', async () => {
    const names = ['dense.onnx', 'plain.onnx', 'broken.onnx', 'config.json'].map((name) =>
      path.join(folder, name),
    );
    const contents = [modelBytes(denseModel), modelBytes(plainModel), 'no model', floatConfig];
    names.forEach((name, index) => {
      writeFileSync(name, contents[index] ?? '');
    });
    const real = hasCorpus()
      ? [...sample(corpusModels('onnx'), 8), ...sample(corpusModels('onnx-invalid'), 8)]
      : [];
    start({ file: path.join(path.dirname(await builtServer()), 'scan-worker.js'), execArgv: [] });
    for (const file of [...names, ...real]) {
      const request = await requestFor(file, statSync(file));
      const here = await digestFile(createNodeHost(), request);
      assert.deepEqual(await digester.digest(request), here, file);
    }
    assert.deepEqual(log, []);
  });

  for (const [name, reason] of [
    ['hang.onnx', /^Not read: It took longer than 5/],
    ['crash.onnx', /^Not read: Reading it failed: its process ended by SIGABRT/],
    ['memory.onnx', /^Not read: Reading it failed: it takes more memory than a scan may use/],
  ] as const) {
    it(`goes on after ${name}, which gets a row and a line in the log`, async () => {
      start(strange());
      await ask('first.onnx');
      assert.match((await ask(name)).summary ?? '', reason);
      assert.equal(log.length, 1);
      assert.match(log[0] ?? '', new RegExp(`^${name} .* was given up: `));
      assert.match((await ask('next.onnx')).summary ?? '', /^\d+$/);
      // The same state of the same file is not tried again.
      assert.match((await ask(name)).summary ?? '', reason);
      assert.equal(log.length, 1);
    });
  }

  it('a bug rejects, and the process stays', async () => {
    start(strange());
    const before = await ask('first.onnx');
    await assert.rejects(ask('bug.onnx'), /a bug/);
    assert.deepEqual(await ask('next.onnx'), before);
  });

  it('starts anew when the process is too large, and when it was idle', async () => {
    start(strange());
    const first = await ask('large.onnx');
    const second = await ask('next.onnx');
    assert.notEqual(first.summary, second.summary);
    digester.dispose();
    start(strange(), { idleMilliseconds: 1 });
    const third = await ask('a.onnx');
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.notEqual((await ask('a.onnx')).summary, third.summary);
  });

  it('reads files itself when no process can be had', async () => {
    const file = path.join(folder, 'dense.onnx');
    writeFileSync(file, modelBytes(denseModel));
    const request = await requestFor(file, statSync(file));
    const expected = await digestFile(createNodeHost(), request);
    start(null);
    assert.deepEqual(await digester.digest(request), expected);
    digester.dispose();
    start(strange('ends.js', 'process.exit(3)'));
    assert.deepEqual(await digester.digest(request), expected);
    assert.deepEqual(await digester.digest(request), expected);
    assert.equal(log.length, 1);
    assert.match(log[0] ?? '', /^Files are read in the server itself: /);
  });
});

function hostWith(
  entry: WorkerEntry | null,
  log: string[],
): Parameters<typeof createDigester>[0] & Pick<ServerHost, 'startWorker'> {
  return {
    ...createNodeHost((message) => log.push(message)),
    startWorker: entry && ((events) => startScanProcess(entry, events)),
  };
}

async function requestFor(
  file: string,
  { mtimeMs, size } = { mtimeMs: 1, size: 1 },
): Promise<DigestRequest> {
  const uri = uriOf(path.resolve('/', file));
  const settings = createSettingsService({
    host: createNodeHost(),
    fetch: () => Promise.resolve({}),
    openText: () => null,
  });
  const version = { modifiedTime: mtimeMs, byteLength: size };
  return { uri, version, settings: await settings.of(uri) };
}
