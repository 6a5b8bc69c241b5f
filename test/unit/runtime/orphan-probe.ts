import { startRuntime } from '../../../server/src/runtime/process';

/** A process that starts a run without end, tells the runtime's id, and waits to be killed. */
async function main(): Promise<void> {
  const [modelPath = '', workerFile = ''] = process.argv.slice(2);
  const started = await startRuntime({
    runtime: 'auto',
    threads: 1,
    memoryLimitBytes: 2 * 1024 ** 3,
    worker: { file: workerFile, execArgv: [] },
  });
  if (started.outcome !== 'ok') throw new Error(started.message);
  const runtime = started.value;
  const model = { path: modelPath, externalLocations: [] };
  const loaded = await runtime.request<'load'>({ kind: 'load', model }, 20);
  if (loaded.outcome !== 'ok') throw new Error(loaded.message);
  const bytes = new Uint8Array(8);
  const sample = [{ name: 'x', data: { dtype: 'float32', dims: [1, 2], bytes } }] as const;
  const endless = runtime.request<'run'>(
    { kind: 'run', session: loaded.value.session, samples: [sample] },
    3600,
  );
  process.send?.(runtime.pid);
  await endless;
}

void main();
