/**
 * `inspect` of a 2 GB single-file model against Python's `onnx.load`, in turn, in the same run.
 *
 * usage: npx tsx bench/large-model.ts FOLDER [PYTHON]
 *   FOLDER  where the model is written (2 GB); deleted afterwards
 *   PYTHON  an interpreter with the onnx package; default python3
 *
 * Bars: peak RSS of inspect ≤ 200 MB, and at least 20 times as fast. Exit status 1 when one is missed.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { once } from 'node:events';
import {
  encodeNode,
  encodeOpset,
  encodeTensorHeader,
  encodeValueInfo,
} from '../server/src/core/onnx/encode';
import {
  concatBytes,
  intField,
  lengthDelimited,
  lengthDelimitedHead,
} from '../server/src/core/onnx/protobuf-write';

const layers = 30;
/** 30 square float32 matrices of this side are 1.98 GB: below the 2 GiB that protobuf takes. */
const side = 4062;
const rounds = 3;
const maxPeakBytes = 200e6;
const minRatio = 20;

interface Measured {
  readonly wallSeconds: number;
  readonly peakBytes: number;
  readonly status: number;
}

async function main(): Promise<void> {
  const [folder, python = 'python3'] = process.argv.slice(2);
  if (folder === undefined) throw new Error('usage: large-model.ts FOLDER [PYTHON]');
  await mkdir(folder, { recursive: true });
  const model = path.join(folder, 'large.onnx');
  try {
    await writeModel(model);
    const { size } = await stat(model);
    console.log(`model: ${(size / 1e9).toFixed(2)} GB, ${layers} MatMul`);
    const ours: Measured[] = [];
    const theirs: Measured[] = [];
    for (let round = 0; round < rounds; round++) {
      ours.push(measure(python, ['node', 'dist/cli.js', 'inspect', model, '--format', 'json']));
      theirs.push(
        measure(python, [python, '-c', 'import onnx,sys; onnx.load(sys.argv[1])', model]),
      );
    }
    report(ours, theirs);
  } finally {
    await rm(model, { force: true });
  }
}

function measure(python: string, command: readonly string[]): Measured {
  const line = execFileSync(python, ['bench/measure.py', ...command], { encoding: 'utf8' });
  const measured = JSON.parse(line) as Measured;
  if (measured.status !== 0) throw new Error(`${command.join(' ')} exited ${measured.status}`);
  return measured;
}

function report(ours: readonly Measured[], theirs: readonly Measured[]): void {
  const median = (values: readonly number[]): number =>
    [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  const row = (name: string, runs: readonly Measured[]): string => {
    const seconds = median(runs.map(({ wallSeconds }) => wallSeconds)).toFixed(2);
    const peak = Math.max(...runs.map(({ peakBytes }) => peakBytes)) / 1e6;
    return `${name.padEnd(18)} ${seconds.padStart(8)} s  peak ${peak.toFixed(0).padStart(5)} MB`;
  };
  console.log(row('green-ai inspect', ours));
  console.log(row('onnx.load', theirs));
  const ratio = median(
    theirs.map(({ wallSeconds }, round) => wallSeconds / (ours[round]?.wallSeconds ?? 1)),
  );
  const peak = Math.max(...ours.map(({ peakBytes }) => peakBytes));
  const holds = ratio >= minRatio && peak <= maxPeakBytes;
  console.log(
    `${ratio.toFixed(0)} times as fast (whole processes); bars ${holds ? 'hold' : 'MISSED'}`,
  );
  if (!holds) process.exitCode = 1;
}

async function writeModel(file: string): Promise<void> {
  const byteLength = side * side * 4;
  const weights = new Uint8Array(byteLength).fill(0x3c);
  const name = (layer: number): string => (layer === 0 ? 'x' : `h${layer}`);
  const nodes = Array.from({ length: layers }, (_, layer) =>
    lengthDelimited(
      1,
      encodeNode({
        name: `fc${layer}`,
        opType: 'MatMul',
        domain: '',
        inputs: [name(layer), `w${layer}`],
        outputs: [name(layer + 1)],
        attributes: [],
      }),
    ),
  );
  const value = (valueName: string): Uint8Array =>
    encodeValueInfo({
      name: valueName,
      type: { kind: 'tensor', dtype: 'float32', dims: ['batch', side] },
      docString: '',
      metadata: new Map(),
    });
  const heads = Array.from({ length: layers }, (_, layer) => {
    const tensor = { name: `w${layer}`, dtype: 'float32', dims: [side, side] } as const;
    const { head } = encodeTensorHeader(tensor, byteLength);
    return concatBytes([lengthDelimitedHead(5, head.byteLength + byteLength), head]);
  });
  const ends = [lengthDelimited(11, value('x')), lengthDelimited(12, value(name(layers)))];
  const graphBytes =
    [...nodes, ...heads, ...ends].reduce((sum, part) => sum + part.byteLength, 0) +
    layers * byteLength;
  const out = createWriteStream(file);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!out.write(bytes)) await once(out, 'drain');
  };
  await write(
    concatBytes([
      intField(1, 8),
      lengthDelimited(8, encodeOpset('', 17)),
      lengthDelimitedHead(7, graphBytes),
      ...nodes,
    ]),
  );
  for (const head of heads) {
    await write(head);
    await write(weights);
  }
  for (const end of ends) await write(end);
  out.end();
  await once(out, 'close');
}

void main();
