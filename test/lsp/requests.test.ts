import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CancellationTokenSource } from 'vscode-languageserver';
import { devices } from '../../server/src/core/cost/devices';
import { recipes } from '../../server/src/core/transform/recipes';
import type { OptimizeAnswer } from '../../server/src/protocol';
import {
  denseModel,
  floatConfig,
  plainModel,
  startEditor,
  until,
  type TestEditor,
} from '../support/lsp';

const weights = { 'weights.bin': new Uint8Array(512 * 512 * 4) };

const leftovers = `
<ir_version: 8, opset_import: ["" : 13]>
leftovers (float[1,8] x) => (float[1,8] y)
{
  a = Identity (x)
  y = Relu (a)
}
`;

describe('lsp: requests of the client', () => {
  let editor: TestEditor;
  before(async () => {
    editor = await startEditor({
      models: { 'dense.onnx': denseModel, 'plain.onnx': plainModel },
      files: { ...weights, 'config.json': floatConfig, 'broken.onnx': 'no model' },
      settings: { lint: { workspace: false } },
    });
  });
  after(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });

  it('modelReport: totals, layers, findings with lines of the text', async () => {
    const report = await editor.request('greenAi/modelReport', { uri: editor.uri('dense.onnx') });
    assert.ok(report);
    assert.equal(report.failure, null);
    assert.equal(report.parameters, 512 * 512);
    assert.equal(report.macs, 512 * 512);
    assert.equal(report.estimate?.device, 'laptop-cpu');
    assert.deepEqual(report.inputs, ['x: float32[1,512]']);
    const text = (await editor.request('greenAi/text', { uri: editor.textUri('dense.onnx') }))
      ?.text;
    const line = report.findings.find(({ ruleId }) => ruleId === 'float-weights')?.line ?? -1;
    assert.match(text?.split('\n')[line] ?? '', /MatMul/);
    const [layer] = report.layers;
    assert.match(text?.split('\n')[layer?.line ?? -1] ?? '', /\[product\]/);
    assert.ok(report.layers.reduce((sum, { share }) => sum + (share ?? 0), 0) > 0.999);
  });

  it('modelReport: another device, a broken file, a missing file', async () => {
    const other = await editor.request('greenAi/modelReport', {
      uri: editor.textUri('dense.onnx'),
      device: 'raspberry-pi-4b',
    });
    assert.equal(other?.estimate?.device, 'raspberry-pi-4b');
    assert.equal(other.uri, editor.uri('dense.onnx'));
    for (const name of ['broken.onnx', 'missing.onnx']) {
      const report = await editor.request('greenAi/modelReport', { uri: editor.uri(name) });
      assert.ok(report?.failure, name);
      assert.deepEqual(report.layers, []);
    }
    const far = await editor.request('greenAi/modelReport', { uri: 'vscode-vfs://github/a.onnx' });
    assert.match(far?.failure ?? '', /disk/);
  });

  it('compareDevices and modelStatus: models, texts and configs', async () => {
    const ids = ['laptop-cpu', 'nvidia-t4', 'laptop-cpu', 'none-such'];
    for (const uri of [
      editor.uri('dense.onnx'),
      editor.textUri('dense.onnx'),
      editor.uri('config.json'),
    ]) {
      const compared = await editor.request('greenAi/compareDevices', { uri, devices: ids });
      assert.deepEqual(
        compared?.map(({ device }) => device),
        ['laptop-cpu', 'nvidia-t4'],
      );
      const status = await editor.request('greenAi/modelStatus', { uri });
      assert.equal(status?.device, 'laptop-cpu');
      assert.match(status.energy, /J$/);
    }
    const broken = editor.uri('broken.onnx');
    assert.equal(
      await editor.request('greenAi/compareDevices', { uri: broken, devices: ids }),
      null,
    );
    const status = await editor.request('greenAi/modelStatus', { uri: broken });
    assert.doesNotMatch(status?.energy ?? 'J', /J$/);
    assert.equal(await editor.request('greenAi/modelStatus', { uri: 'file:///a.txt' }), null);
  });

  it('devices, recipes, textUri, debugInfo', async () => {
    const answered = await editor.request('greenAi/devices', null);
    assert.deepEqual(
      answered.map(({ id }) => id),
      devices.map(({ id }) => id),
    );
    const offered = await editor.request('greenAi/recipes', null);
    assert.deepEqual(
      offered.map(({ name }) => name),
      recipes.map(({ name }) => name),
    );
    const text = await editor.request('greenAi/textUri', { uri: editor.uri('dense.onnx') });
    assert.equal(text, editor.textUri('dense.onnx'));
    assert.equal(
      await editor.request('greenAi/textUri', { uri: editor.textUri('dense.onnx') }),
      editor.uri('dense.onnx'),
    );
    assert.equal(await editor.request('greenAi/textUri', { uri: editor.uri('a.txt') }), null);
    const info = await editor.request('greenAi/debugInfo', null);
    assert.equal(info?.trusted, true);
    assert.ok(info.cachedModels > 0);
  });

  it('lintWorkspace: everything, also where the settings leave it to open documents', async () => {
    const told = editor.watchWorkspace();
    const answer = await editor.request('greenAi/lintWorkspace', {});
    assert.equal(answer?.files, 4);
    assert.ok(answer.findings >= 4);
    await until('rows', () => (told.get(editor.textUri('dense.onnx'))?.length ?? 0) === 2);
  });
});

describe('lsp: optimise', () => {
  let editor: TestEditor;
  beforeEach(async () => {
    editor = await startEditor({
      models: { 'm.onnx': leftovers },
      initialization: { editorCommands: true },
    });
  });
  afterEach(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  const optimize = (more: { force?: boolean; recipe?: string; progressToken?: string } = {}) =>
    editor.request('greenAi/optimize', { uri: editor.uri('m.onnx'), recipe: 'cleanup', ...more });
  const trust = (trusted: boolean): Promise<void> =>
    editor.connection.sendNotification('greenAi/trust', { trusted });

  it('is refused until the workspace is trusted', async () => {
    assert.equal((await optimize())?.kind, 'refused');
    await trust(true);
    await trust(false);
    const answer = await optimize();
    assert.equal(answer?.kind, 'refused');
    assert.match(answer.message, /not trusted/);
    await assert.rejects(readFile(path.join(editor.folder, 'm.clean.onnx')));
  });

  it('writes a verified file, tells the stages, and shows it beside the model', async () => {
    await trust(true);
    const stages: string[] = [];
    editor.connection.onNotification('$/progress', (progress: unknown) => {
      const { value } = progress as { value: { message?: string } };
      if (value.message !== undefined) stages.push(value.message);
    });
    const answer = await optimize({ progressToken: 'stages' });
    assert.equal(answer?.kind, 'written', answer?.message);
    assert.equal(answer.outputUri, editor.uri('m.clean.onnx'));
    assert.ok(stages.includes('verifying'));
    assert.equal((await optimize())?.kind, 'exists');
    assert.equal((await optimize({ force: true }))?.kind, 'written');
    const report = await editor.request('greenAi/modelReport', { uri: editor.uri('m.onnx') });
    assert.deepEqual(
      report?.variants.map(({ fileName, role, recipe }) => [fileName, role, recipe]),
      [['m.clean.onnx', 'optimised', 'cleanup']],
    );
    const made = await editor.request('greenAi/modelReport', { uri: editor.uri('m.clean.onnx') });
    assert.deepEqual(
      made?.variants.map(({ fileName, role }) => [fileName, role]),
      [['m.onnx', 'original']],
    );
  });

  it('says why it does nothing', async () => {
    await trust(true);
    assert.match((await optimize({ recipe: 'none-such' }))?.message ?? '', /no recipe/);
    const uri = editor.uri('config.json');
    const answer = await editor.request('greenAi/optimize', { uri, recipe: 'cleanup' });
    assert.equal(answer?.kind, 'refused');
    await editor.writeModel('m.onnx', plainModel);
    assert.equal((await optimize())?.kind, 'unchanged');
  });

  it('leaves nothing when it is cancelled', async () => {
    await trust(true);
    const cancel = new CancellationTokenSource();
    const held = editor.connection.sendRequest<OptimizeAnswer>(
      'greenAi/optimize',
      { uri: editor.uri('m.onnx'), recipe: 'cleanup', progressToken: 'stages' },
      cancel.token,
    );
    const { promise: started, resolve: start } = newPromise();
    editor.connection.onNotification('$/progress', () => {
      start();
    });
    await started;
    cancel.cancel();
    await assert.rejects(held);
    await until('nothing is left', async () => {
      const { readdir } = await import('node:fs/promises');
      return (await readdir(editor.folder)).length === 1;
    });
  });

  it('is a command for editors that have none of ours', async () => {
    await trust(true);
    const answer = await editor.connection.sendRequest<OptimizeAnswer>('workspace/executeCommand', {
      command: 'green-ai.server.optimize',
      arguments: [editor.uri('m.onnx'), 'cleanup'],
    });
    assert.equal(answer.kind, 'written');
    assert.ok(editor.received.includes('window/workDoneProgress/create'));
  });
});

function newPromise(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
