import { spawn } from 'node:child_process';
import path from 'node:path';
import { build } from 'esbuild';
import {
  createProtocolConnection,
  MessageType,
  StreamMessageReader,
  StreamMessageWriter,
  type ProtocolConnection,
} from 'vscode-languageserver/node';
import { uriOf } from '../../server/src/lsp/uris';
import type { Requests } from '../../server/src/protocol';
import { editorCapabilities, requestsToClient } from './lsp';

/** The server as editors start it: a process over stdio. */
export interface ServerProcess {
  readonly pid: number;
  readonly connection: ProtocolConnection;
  /** From the start of the process to the answer to `initialize`. */
  readonly startMilliseconds: number;
  /** Errors and warnings of the log, and whatever came on stderr. */
  readonly complaints: readonly string[];
  readonly request: <Method extends keyof Requests>(
    method: Method,
    params: Requests[Method]['params'],
  ) => Promise<Requests[Method]['result']>;
  /** Resolves when no file of the workspace is left to read. */
  readonly settled: () => Promise<void>;
  readonly isOver: () => boolean;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

const projectRoot = path.resolve(import.meta.dirname, '../..');

let bundles: Promise<string> | null = null;

/** The server's bundles as they ship, made from these sources: `dist/` may be old. Answers the server's file. */
export function builtServer(): Promise<string> {
  bundles ??= buildServer();
  return bundles;
}

async function buildServer(): Promise<string> {
  // Below the project, so that it finds the runtimes in node_modules.
  const outdir = path.join(projectRoot, '.cache', 'test', 'server');
  const source = (name: string): string => path.join(projectRoot, 'server/src', name);
  await build({
    entryPoints: {
      server: source('main.ts'),
      'scan-worker': source('lsp/scan-worker.ts'),
      'runtime-worker': source('runtime/worker.ts'),
    },
    outdir,
    bundle: true,
    platform: 'node',
    mainFields: ['module', 'main'],
    format: 'cjs',
    target: 'node20',
    external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common'],
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    define: { 'import.meta.url': 'importMetaUrl' },
    logLevel: 'silent',
  });
  return path.join(outdir, 'server.js');
}

export interface ServerProcessOptions {
  readonly server: string;
  /** The workspace. */
  readonly folder: string;
  readonly trusted?: boolean;
}

export async function startServerProcess({
  server,
  folder,
  trusted = true,
}: ServerProcessOptions): Promise<ServerProcess> {
  const begin = performance.now();
  const child = spawn(process.execPath, [server, '--stdio'], { stdio: 'pipe' });
  const complaints: string[] = [];
  let isOver = false;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => {
      isOver = true;
      resolve();
    });
  });
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => complaints.push(text));
  child.stdin.on('error', () => undefined);
  const connection = createProtocolConnection(
    new StreamMessageReader(child.stdout),
    new StreamMessageWriter(child.stdin),
  );
  connection.onError(() => undefined);
  connection.onRequest('workspace/configuration', ({ items }: { items: readonly unknown[] }) =>
    items.map(() => ({})),
  );
  for (const method of requestsToClient) connection.onRequest(method, () => null);
  connection.onNotification(
    'window/logMessage',
    ({ type, message }: { type: MessageType; message: string }) => {
      if (type === MessageType.Error || type === MessageType.Warning) complaints.push(message);
    },
  );
  connection.onNotification('window/showMessage', ({ message }: { message: string }) => {
    complaints.push(message);
  });
  connection.listen();
  await connection.sendRequest('initialize', {
    processId: process.pid,
    workspaceFolders: [{ uri: uriOf(folder), name: path.basename(folder) }],
    capabilities: editorCapabilities,
    initializationOptions: { editorCommands: true, trusted },
  });
  const startMilliseconds = performance.now() - begin;
  await connection.sendNotification('initialized', {});
  const request: ServerProcess['request'] = (method, params) =>
    connection.sendRequest(method, params);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
    connection.dispose();
  };
  return {
    pid: child.pid ?? 0,
    connection,
    startMilliseconds,
    complaints,
    request,
    settled: async () => {
      // The folder is listed first: what is left grows before it shrinks.
      for (let hasBegun = false; !isOver;) {
        const info = await request('greenAi/debugInfo', null);
        const left = info?.filesLeft ?? 0;
        if (hasBegun && left === 0) return;
        hasBegun ||= left > 0;
        await new Promise((resolve) => setTimeout(resolve, pollMilliseconds));
      }
    },
    isOver: () => isOver,
    kill,
    stop: async () => {
      await connection.sendRequest('shutdown');
      await connection.sendNotification('exit');
      await exited;
      connection.dispose();
    },
  };
}

const pollMilliseconds = 50;
