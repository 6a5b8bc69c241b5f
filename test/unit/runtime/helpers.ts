import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import {
  startRuntime,
  type RuntimeOptions,
  type RuntimeProcess,
  type WorkerEntry,
} from '../../../server/src/runtime/process';
import type { ModelFile, RuntimeKind, SessionInfo } from '../../../server/src/runtime/protocol';

export const projectRoot = path.resolve(__dirname, '../../..');
export const corpus = path.resolve(
  projectRoot,
  process.env['GREEN_AI_CORPUS'] ?? '../shared/corpus',
);

let bundle: Promise<WorkerEntry> | null = null;

/** The worker as it ships, built from these sources: starts faster than through tsx, and dist/ may be old. */
export function worker(): Promise<WorkerEntry> {
  bundle ??= buildWorker();
  return bundle;
}

async function buildWorker(): Promise<WorkerEntry> {
  // Below the project, so that it finds the runtimes in node_modules.
  const file = path.join(projectRoot, '.cache', 'test', 'runtime-worker.js');
  await build({
    entryPoints: [path.join(projectRoot, 'server/src/runtime/worker.ts')],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['onnxruntime-node', 'onnxruntime-web', 'onnxruntime-common'],
    logLevel: 'silent',
  });
  return { file, execArgv: [] };
}

const nativeFolder = path.join(
  projectRoot,
  'node_modules/onnxruntime-node/bin/napi-v6',
  process.platform,
  process.arch,
);

/** The runtimes that this machine has a binary for. */
export const runtimeKinds: readonly RuntimeKind[] = existsSync(nativeFolder)
  ? ['native', 'wasm']
  : ['wasm'];

/** A started runtime; the caller stops it. */
export async function start(options: Partial<RuntimeOptions>): Promise<RuntimeProcess> {
  const started = await startRuntime({
    runtime: 'auto',
    threads: 1,
    memoryLimitBytes: 2 * 1024 ** 3,
    worker: await worker(),
    ...options,
  });
  assert.ok(started.outcome === 'ok', started.outcome === 'ok' ? '' : started.message);
  return started.value;
}

export async function withRuntime(
  options: Partial<RuntimeOptions>,
  use: (runtime: RuntimeProcess) => Promise<void>,
): Promise<void> {
  const runtime = await start(options);
  try {
    await use(runtime);
  } finally {
    await runtime.stop();
  }
}

export interface TestFolder {
  readonly path: string;
  /** Writes a file and gives its path. */
  readonly write: (name: string, bytes: Uint8Array | string) => string;
  readonly model: (name: string, bytes: Uint8Array) => ModelFile;
  readonly remove: () => void;
}

export function testFolder(): TestFolder {
  const folder = mkdtempSync(path.join(tmpdir(), 'green-ai-test-'));
  const write = (name: string, bytes: Uint8Array | string): string => {
    const file = path.join(folder, name);
    writeFileSync(file, bytes);
    return file;
  };
  return {
    path: folder,
    write,
    model: (name, bytes) => ({ path: write(name, bytes), externalLocations: [] }),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export async function load(runtime: RuntimeProcess, model: ModelFile): Promise<SessionInfo> {
  const reply = await runtime.request<'load'>({ kind: 'load', model }, 20);
  assert.ok(reply.outcome === 'ok', reply.outcome === 'ok' ? '' : reply.message);
  return reply.value;
}

/** Waits for something that another process brings about. */
export async function until(what: string, holds: () => boolean, seconds = 10): Promise<void> {
  const end = Date.now() + seconds * 1000;
  while (!holds()) {
    assert.ok(Date.now() < end, `${what}: still not so after ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
