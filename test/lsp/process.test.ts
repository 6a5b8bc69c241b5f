import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { uriOf, textUriOf } from '../../server/src/lsp/uris';
import { corpus, hasCorpus } from '../support/corpus';
import { denseModel, modelBytes, until, watchWorkspace } from '../support/lsp';
import { builtServer, startServerProcess, type ServerProcess } from '../support/lsp-process';

describe('lsp: the server as a process', function () {
  this.timeout(240_000);
  let folder: string;
  let server: ServerProcess | null = null;
  const start = async (workspace: string): Promise<ServerProcess> => {
    server = await startServerProcess({ server: await builtServer(), folder: workspace });
    return server;
  };
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'green-ai-process-'));
  });
  afterEach(async () => {
    if (server && !server.isOver()) await server.kill();
    rmSync(folder, { recursive: true, force: true });
  });

  it('goes through the whole corpus without a word of complaint', async function () {
    if (!hasCorpus()) this.skip();
    const { connection, isOver, settled, request, complaints, stop } = await start(corpus);
    const told = watchWorkspace(connection, isOver);
    await settled();
    await until('rows of every hostile model', () =>
      readdirSync(path.join(corpus, 'onnx-invalid/generated'))
        .filter((name) => name.endsWith('.onnx'))
        .every((name) => told.has(uriOf(path.join(corpus, 'onnx-invalid/generated', name)))),
    );
    assert.ok(await request('greenAi/debugInfo', null));
    assert.deepEqual(complaints, []);
    await stop();
  });

  it('killed while it optimises, it leaves no half model, and the next one finds what there is', async () => {
    writeDense(folder);
    const model = path.join(folder, 'dense.onnx');
    const before = readdirSync(folder);
    const first = await start(folder);
    const text = textUriOf(uriOf(model));
    const rows = watchWorkspace(first.connection, first.isOver);
    await until('findings', () => rows.get(text)?.length === 2);
    const stages: string[] = [];
    first.connection.onNotification('$/progress', (progress: unknown) => {
      stages.push(JSON.stringify(progress));
    });
    const params = { uri: uriOf(model), recipe: 'int8-dynamic', progressToken: 'job' };
    first.request('greenAi/optimize', params).catch(() => undefined);
    await until('the file is written and tried', () => stages.join().includes('verifying'));
    await first.kill();
    const left = readdirSync(folder).filter((name) => !before.includes(name));
    for (const name of left) assert.match(name, /^\..*\.green-ai-.*\.tmp$/u);
    assert.equal(left.length, 1);
    const second = await start(folder);
    const again = watchWorkspace(second.connection, second.isOver);
    await until('findings again', () => again.get(text)?.length === 2);
    assert.deepEqual(
      [...again.keys()].filter((uri) => uri.includes('.tmp')),
      [],
    );
    // What was left an age ago is nobody's any more.
    for (const name of left) utimesSync(path.join(folder, name), 0, 0);
    const answer = await second.request('greenAi/optimize', params);
    assert.equal(answer?.kind, 'written');
    assert.deepEqual(
      readdirSync(folder).sort(),
      [...before, 'dense.int8.onnx', 'dense.int8.onnx.green-ai.json'].sort(),
    );
    assert.deepEqual(second.complaints, []);
    await second.stop();
  });
});

function writeDense(folder: string): void {
  writeFileSync(path.join(folder, 'dense.onnx'), modelBytes(denseModel));
  writeFileSync(path.join(folder, 'weights.bin'), new Uint8Array(512 * 512 * 4));
}
