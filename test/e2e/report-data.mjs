// Asks the language server for what the model view shows, one JSON per model, for report-gallery.mjs.
//
//   node test/e2e/report-data.mjs [--out DIR] [--device ID] MODEL.onnx…
import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  StreamMessageReader,
  StreamMessageWriter,
  createMessageConnection,
} from 'vscode-jsonrpc/node';

const root = path.resolve(import.meta.dirname, '../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: path.join(root, '.cache/report-gallery') },
    device: { type: 'string' },
  },
});

const args = ['--import', 'tsx', path.join(root, 'server/src/main.ts'), '--stdio'];
const server = spawn(process.execPath, args, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
const connection = createMessageConnection(
  new StreamMessageReader(server.stdout),
  new StreamMessageWriter(server.stdin),
);
connection.onRequest('workspace/configuration', ({ items }) => items.map(() => null));
connection.onRequest('client/registerCapability', () => null);
connection.listen();
try {
  await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    workspaceFolders: null,
    capabilities: {},
  });
  await connection.sendNotification('initialized', {});
  await mkdir(values.out, { recursive: true });
  const devices = await connection.sendRequest('greenAi/devices', null);
  for (const file of positionals) {
    const uri = pathToFileURL(path.resolve(file)).href;
    const params = { uri, ...(values.device && { device: values.device }) };
    const report = await connection.sendRequest('greenAi/modelReport', params);
    const comparison = await connection.sendRequest('greenAi/compareDevices', {
      uri,
      devices: devices.map(({ id }) => id),
    });
    const target = path.join(values.out, `${nameOf(file)}.json`);
    await writeFile(target, JSON.stringify({ report, devices, comparison: comparison ?? [] }));
    console.log(target);
  }
} finally {
  connection.dispose();
  server.kill();
}

/** `model.onnx` is told apart by its folder. */
function nameOf(file) {
  const name = path.basename(file, '.onnx');
  return name === 'model' ? path.basename(path.dirname(path.resolve(file))) : name;
}
