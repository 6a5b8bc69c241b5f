// Tries a packaged extension without an editor: unpacked, with a runtime above it that is not its own, its server
// started over stdio, an example optimised with the runtime that the package brings.
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { unzipSync } from 'fflate';
import rpc from 'vscode-jsonrpc/node';
import { root } from '../../test/install.mjs';

const deadlineSeconds = 60;

/** Answers a sentence; throws when anything is not as an installed extension needs it. */
export async function smokeTest(vsix, expectedRuntime) {
  const temporary = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'green-ai-smoke-')));
  try {
    const extension = unpack(vsix, path.join(temporary, 'unpacked'));
    plantRuntime(temporary);
    const workspace = path.join(temporary, 'workspace');
    cpSync(path.join(root, 'examples', 'tabular-mlp'), workspace, { recursive: true });
    return await withServer(
      path.join(extension, 'dist', 'server.js'),
      workspace,
      async (connection) => {
        const model = path.join(workspace, 'tabular-mlp.onnx');
        const answer = await connection.sendRequest('greenAi/optimize', {
          uri: pathToFileURL(model).href,
          recipe: 'int8-dynamic',
        });
        if (answer.kind !== 'written')
          throw new Error(`optimise answered: ${JSON.stringify(answer)}`);
        const written = new URL(answer.outputUri).pathname;
        const { verification } = JSON.parse(readFileSync(`${written}.green-ai.json`, 'utf8'));
        if (verification.runtime !== expectedRuntime) {
          throw new Error(`verification: ${JSON.stringify(verification)}`);
        }
        return `${answer.bytesBefore} → ${answer.bytesAfter} bytes, verified with ${expectedRuntime}`;
      },
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** A runtime above the extension, as in the home of somebody who installed one there: it must not be taken. */
function plantRuntime(folder) {
  const planted = path.join(folder, 'node_modules', 'onnxruntime-node');
  mkdirSync(planted, { recursive: true });
  writeFileSync(path.join(planted, 'index.js'), 'process.exit(99);\n');
}

/** Answers the folder of the extension in it. */
export function unpack(vsix, target) {
  for (const [name, bytes] of Object.entries(unzipSync(readFileSync(vsix)))) {
    const file = path.join(target, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, bytes);
  }
  return path.join(target, 'extension');
}

/** The handshake that every client does, with trust. */
async function withServer(server, workspace, use) {
  const env = { ...process.env };
  delete env.NODE_PATH;
  const child = spawn(process.execPath, [server, '--stdio'], {
    cwd: workspace,
    env,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(child.stdout),
    new rpc.StreamMessageWriter(child.stdin),
  );
  // Settings, progress and registrations: a client that knows none of them.
  connection.onRequest('workspace/configuration', ({ items }) => items.map(() => null));
  connection.onRequest(() => null);
  connection.onError(() => {});
  connection.listen();
  const ended = new Promise((_, reject) => {
    child.once('exit', (code) => reject(new Error(`the server ended with ${code}`)));
  });
  const late = sleep(deadlineSeconds * 1000, null, { ref: false }).then(() => {
    throw new Error(`no answer within ${deadlineSeconds} s`);
  });
  ended.catch(() => {});
  late.catch(() => {});
  const uri = pathToFileURL(workspace).href;
  const work = async () => {
    await connection.sendRequest('initialize', {
      processId: process.pid,
      rootUri: uri,
      workspaceFolders: [{ uri, name: 'workspace' }],
      capabilities: { workspace: { configuration: true, workspaceFolders: true } },
    });
    await connection.sendNotification('initialized', {});
    await connection.sendNotification('greenAi/trust', { trusted: true });
    const result = await use(connection);
    await connection.sendRequest('shutdown');
    await connection.sendNotification('exit');
    return result;
  };
  try {
    return await Promise.race([work(), ended, late]);
  } finally {
    connection.dispose();
    child.kill('SIGKILL');
  }
}
