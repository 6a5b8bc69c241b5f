import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  editorSettingTable,
  readEditorSettings,
  settingsSection,
} from '../../server/src/lsp/settings-table';
import { denseModel, floatConfig, startEditor, until, type TestEditor } from '../support/lsp';

const weights = { 'weights.bin': new Uint8Array(512 * 512 * 4) };

describe('lsp: settings', () => {
  let editor: TestEditor;
  afterEach(async () => {
    await editor.dispose();
    assert.deepEqual(editor.log, []);
  });
  const deviceOf = async (name: string): Promise<string | undefined> =>
    (await editor.request('greenAi/modelStatus', { uri: editor.uri(name) }))?.device;

  it('takes the nearest green-ai.json, and the editor over it', async () => {
    editor = await startEditor({
      files: {
        'green-ai.json': '{"device": "nvidia-t4"}',
        'config.json': floatConfig,
        'a/config.json': floatConfig,
        'a/b/config.json': floatConfig,
        'a/green-ai.json': '{"device": "raspberry-pi-4b"}',
      },
    });
    assert.equal(await deviceOf('config.json'), 'nvidia-t4');
    assert.equal(await deviceOf('a/config.json'), 'raspberry-pi-4b');
    assert.equal(await deviceOf('a/b/config.json'), 'raspberry-pi-4b');
    await editor.configure({ device: 'apple-m1' });
    await until(
      'the editor’s device',
      async () => (await deviceOf('a/config.json')) === 'apple-m1',
    );
    await editor.configure({
      device: 'apple-m1',
      configurationPreference: 'filesystemFirst',
    });
    await until(
      'the file’s device',
      async () => (await deviceOf('a/config.json')) === 'raspberry-pi-4b',
    );
  });

  it('follows green-ai.json on disk and in the editor', async () => {
    editor = await startEditor({ files: { 'config.json': floatConfig } });
    const told = editor.watchWorkspace();
    const uri = editor.uri('config.json');
    await until('a finding', () => told.get(uri)?.length === 1);
    const settings = await editor.write('green-ai.json', '{"rules": {"float32-dtype": "off"}}');
    await editor.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: settings, type: 1 }],
    });
    await until('no finding', () => told.get(uri)?.length === 0);
    await editor.open(settings, '{"rules": {"float32-dtype": "off"}}');
    await editor.replace(settings, 2, '{"rules": {"float32-dtype": "error"}}');
    await until('an error', () => told.get(uri)?.[0]?.severity === 1);
    await editor.close(settings);
    await until('what the file says', () => told.get(uri)?.length === 0);
  });

  it('changes severities and leaves files out', async () => {
    editor = await startEditor({
      models: { 'dense.onnx': denseModel },
      files: { ...weights, 'hf/config.json': floatConfig },
      settings: { rules: { 'float-weights': 'warning', 'redundant-nodes': 'off' } },
    });
    const told = editor.watchWorkspace();
    const text = editor.textUri('dense.onnx');
    await until('a warning', () => told.get(text)?.[0]?.severity === 2);
    assert.equal(told.get(text)?.length, 1);
    await editor.configure({ ignore: ['hf/**', 'dense.onnx'] });
    await until('no rows', () => [...told.values()].every((rows) => rows.length === 0));
    await editor.configure({});
    await until('rows', () => told.get(text)?.length === 2);
    await editor.configure({ lint: { enable: false } });
    await until('no rows', () => [...told.values()].every((rows) => rows.length === 0));
  });

  it('serves clients without workspace/configuration', async () => {
    editor = await startEditor({ files: { 'config.json': floatConfig }, capabilities: {} });
    await editor.configure({ device: 'nvidia-t4' });
    await until('the device', async () => (await deviceOf('config.json')) === 'nvidia-t4');
  });
});

describe('lsp: the table of settings', () => {
  it('reads its own defaults, and anything else as not given', () => {
    const nested: Record<string, unknown> = {};
    for (const { key, default: value } of editorSettingTable) put(nested, key, value);
    const defaults = readEditorSettings({});
    assert.deepEqual(readEditorSettings(nested), defaults);
    for (const wrong of [null, 5, 'x', [], undefined]) {
      assert.deepEqual(readEditorSettings(wrong), defaults);
      const all: Record<string, unknown> = {};
      for (const { key, types } of editorSettingTable) {
        if (
          typeof wrong === 'number' &&
          types.some((type) => type === 'number' || type === 'integer')
        )
          continue;
        if (typeof wrong === 'string' && types.includes('string')) continue;
        if (Array.isArray(wrong) && types.includes('array')) continue;
        put(all, key, wrong);
      }
      assert.deepEqual(readEditorSettings(all), defaults);
    }
  });

  it('is what the manifest contributes', function () {
    const manifest = JSON.parse(
      readFileSync(path.resolve(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as { contributes?: { configuration?: unknown } };
    const sections = [manifest.contributes?.configuration].flat() as {
      properties?: Record<
        string,
        { type?: unknown; default?: unknown; enum?: unknown; scope?: unknown }
      >;
    }[];
    const properties = Object.assign({}, ...sections.map((one) => one.properties)) as NonNullable<
      (typeof sections)[number]['properties']
    >;
    for (const { key, types, default: value, choices } of editorSettingTable) {
      const name = `${settingsSection}.${key}`;
      const contributed = properties[name];
      assert.ok(contributed, `${name} is not contributed`);
      assert.deepEqual([contributed.type].flat().sort(), [...types].sort(), name);
      assert.deepEqual(contributed.default, value, name);
      assert.equal(contributed.scope, 'resource', name);
      if (choices) assert.deepEqual(contributed.enum, choices, name);
    }
  });
});

function put(target: Record<string, unknown>, key: string, value: unknown): void {
  const [first = '', ...rest] = key.split('.');
  if (rest.length === 0) target[first] = value;
  else {
    const inner = (target[first] ?? {}) as Record<string, unknown>;
    target[first] = inner;
    put(inner, rest.join('.'), value);
  }
}
