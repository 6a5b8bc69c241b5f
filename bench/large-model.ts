/**
 * Models of 0.55 GB and of 2.1 GB in one file: `green-ai inspect` as a whole process against Python's onnx.load and
 * infer_shapes in the same run (the middle of five runs; of the larger model, which infer_shapes would copy beyond what
 * protobuf can hold, onnx.load alone).
 *
 *   npm run build && npx tsx bench/large-model.ts FOLDER
 *
 * FOLDER gets the models, one after the other, and they are removed. PYTHON names a Python with the onnx package
 * (default python3). Exits 1 when inspect takes more than 200 MB, or is less than 20 times faster.
 */
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { readModel } from '../server/src/core/onnx/decode';
import { createProblemSink } from '../server/src/core/problem';

const maxPeakBytes = 200e6;
const minTimesFaster = 20;
/** A start of node varies more than a read of gigabytes. */
const runs = 5;

interface Measured {
  readonly seconds: number;
  readonly peakBytes: number;
}

const cli = path.join(import.meta.dirname, '../dist/cli.js');

/** Weights of 16 MiB; 127 of them stay below the 2 GiB that protobuf can parse. */
const models = [
  { weightCount: 33, peer: 'infer' },
  { weightCount: 127, peer: 'infer' },
] as const;

async function main(folder: string): Promise<void> {
  for (const { weightCount, peer } of models) {
    const file = python('write', folder, String(weightCount)).trim();
    try {
      if (!(await compare(file, peer))) process.exitCode = 1;
    } finally {
      rmSync(file);
    }
  }
}

/** True when both bars hold. */
async function compare(file: string, peer: 'infer' | 'load'): Promise<boolean> {
  // First ours, on a file that is in the page cache for both.
  const command = [process.execPath, cli, 'inspect', file, '--format', 'json'];
  const inspect = median(Array.from({ length: runs }, () => measure('run', ...command)));
  const theirs = measure(peer, file);
  const faster = theirs.seconds / inspect.seconds;
  const scan = await scanInProcess(file);
  console.log(`${(statSync(file).size / 1e9).toFixed(2)} GB`);
  console.log(`  green-ai inspect             ${show(inspect)}`);
  console.log(
    `  onnx.load${peer === 'infer' ? ' and infer_shapes' : '                 '}  ${show(theirs)}`,
  );
  console.log(
    `  ${faster.toFixed(1)} times faster; the scan alone reads ${(scan.bytesRead / 1e6).toFixed(1)} MB ` +
      `in ${(scan.seconds * 1000).toFixed(0)} ms`,
  );
  return inspect.peakBytes <= maxPeakBytes && faster >= minTimesFaster;
}

function python(...command: readonly string[]): string {
  const script = path.join(import.meta.dirname, 'large-model.py');
  return execFileSync(process.env['PYTHON'] ?? 'python3', [script, ...command], {
    encoding: 'utf8',
  });
}

function measure(...command: readonly string[]): Measured {
  return JSON.parse(python(...command)) as Measured;
}

function median(list: readonly Measured[]): Measured {
  const middle = list.toSorted((a, b) => a.seconds - b.seconds)[Math.floor(list.length / 2)];
  if (!middle) throw new Error('nothing was measured');
  return { seconds: middle.seconds, peakBytes: Math.max(...list.map((one) => one.peakBytes)) };
}

function show({ seconds, peakBytes }: Measured): string {
  return `${seconds.toFixed(3).padStart(8)} s  ${(peakBytes / 1e6).toFixed(0).padStart(6)} MB`;
}

async function scanInProcess(file: string): Promise<{ seconds: number; bytesRead: number }> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    let bytesRead = 0;
    const start = performance.now();
    await readModel(
      {
        byteLength: size,
        read: async (offset, byteLength) => {
          const buffer = new Uint8Array(byteLength);
          const read = await handle.read(buffer, 0, byteLength, offset);
          bytesRead += read.bytesRead;
          return buffer.subarray(0, read.bytesRead);
        },
      },
      createProblemSink(),
    );
    return { seconds: (performance.now() - start) / 1000, bytesRead };
  } finally {
    await handle.close();
  }
}

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: npx tsx bench/large-model.ts FOLDER');
  process.exitCode = 2;
} else {
  void main(folder);
}
