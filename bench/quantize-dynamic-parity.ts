/**
 * Are the weights of `int8-dynamic` those of ONNX Runtime's quantiser, bit by bit?
 *
 *   npx tsx bench/quantize-dynamic-parity.ts [PYTHON]
 *
 * Quantises the examples and generated matrices here, and again with quantize_dynamic of the Python package
 * (`pip install onnx onnxruntime`), and prints how many tensors are identical. Exit status 1 when one is not.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { examples, greenAi, modelBytes } from '../test/support/cli';
import { randomNumbers, tensorText } from '../test/support/data';

/** Names of generated matrices → element by index and two random numbers in -1…1. */
const distributions: Readonly<Record<string, (at: number, random: () => number) => number>> = {
  uniform: (_, random) => random(),
  normal: (_, random) => normal(random),
  laplace: (_, random) => Math.sign(random()) * Math.log(Math.abs(random()) + 1e-9),
  cauchy: (_, random) => Math.tan((random() * Math.PI) / 2),
  negative: (_, random) => -Math.abs(random()) - 0.1,
  positive: (_, random) => Math.abs(random()) + 0.1,
  zeros: () => 0,
  constant: () => -0.37,
  'negative-zeros': (_, random) => (random() > 0 ? -0 : 0.25),
  sparse: (at, random) => (at % 10 === 0 ? random() : 0),
  halves: (at) => ((at * 7) % 255) - 127 + 0.5 * (at % 2),
  'small-integers': (at) => (at % 9) - 4,
  subnormal: (_, random) => random() * 1e-40,
  tiny: (_, random) => random() * 1e-36,
  'at-the-smallest-normal': (_, random) => random() * 127 * 2 ** -126,
  huge: (_, random) => random() * 1e30,
  'near-the-limit': (_, random) => random() * 1.7e38,
  outlier: (at, random) => (at === 1000 ? 1e4 : random()),
  'columns-of-many-sizes': (at, random) => random() * 10 ** ((at % 48) - 24),
  'zero-columns': (at, random) => (at % 3 === 0 ? 0 : normal(random)),
};

const exampleModels = [
  'tabular-mlp/tabular-mlp.onnx',
  'tabular-mlp-external/model.onnx',
  'digits-transformer/digits-transformer.onnx',
  'digits-transformer-dynamo/digits-transformer-dynamo.onnx',
];
const [rows, columns] = [80, 48];

/** Box and Muller. */
function normal(random: () => number): number {
  const [u, v] = [(random() + 1) / 2 + 1e-12, random() * Math.PI];
  return Math.sqrt(-2 * Math.log(u)) * Math.cos(v);
}

/** Every second one as a Gemm with transB and bias, the way PyTorch exports Linear. */
function generatedModel(weights: Float32Array, isGemm: boolean): string {
  const x = `float[N, ${rows}] x`;
  const y = `float[N, ${columns}] y`;
  if (!isGemm) {
    return `g (${x}) => (${y}) <${tensorText('w', [rows, columns], weights)}> { y = MatMul (x, w) }`;
  }
  const bias = tensorText('b', [columns], new Float32Array(columns));
  return `g (${x}) => (${y}) <${tensorText('w', [columns, rows], weights)}, ${bias}> {
    y = Gemm <transB = 1> (x, w, b) }`;
}

function writeModels(folder: string): readonly string[] {
  const generated = Object.entries(distributions).map(([name, element], index) => {
    const random = randomNumbers(index + 1);
    const weights = Float32Array.from({ length: rows * columns }, (_, at) => element(at, random));
    const file = path.join(folder, `${name}.onnx`);
    writeFileSync(file, modelBytes(generatedModel(weights, index % 2 === 1)));
    return file;
  });
  const copied = exampleModels.map((model) => {
    const target = path.join(folder, path.dirname(model));
    mkdirSync(target, { recursive: true });
    cpSync(path.join(examples, path.dirname(model)), target, { recursive: true });
    return path.join(folder, model);
  });
  return [...generated, ...copied];
}

interface Counts {
  readonly model: string;
  readonly layers: number;
  readonly codes: number;
  readonly scales: number;
  readonly zeroPoints: number;
}

function print(name: string, { layers, codes, scales, zeroPoints }: Omit<Counts, 'model'>): void {
  const cells = [layers, codes, scales, zeroPoints].map((count) => String(count).padStart(12));
  console.log(`${name.padEnd(28)}${cells.join('')}`);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'green-ai-parity-'));
  try {
    for (const model of writeModels(folder)) {
      const args = ['optimize', model, '--recipe', 'int8-dynamic', '--verify', 'none'];
      const { code, err } = await greenAi(args);
      if (code !== 0) throw new Error(`${model}: ${err}`);
    }
    const python = process.argv[2] ?? 'python3';
    const script = path.join(__dirname, 'quantize-dynamic-parity.py');
    const { stdout, status } = spawnSync(python, [script, folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (status !== 0) throw new Error(`${python} ended with ${status ?? 'no status'}`);
    const lines = stdout.trim().split('\n');
    // One line a model as the script promises, and its version last.
    const counts = lines.slice(0, -1).map((line) => JSON.parse(line) as Counts);
    console.log(
      `${'identical tensors'.padEnd(28)}      layers       codes      scales zero points`,
    );
    const total = { layers: 0, codes: 0, scales: 0, zeroPoints: 0 };
    for (const one of counts) {
      print(one.model, one);
      total.layers += one.layers;
      total.codes += one.codes;
      total.scales += one.scales;
      total.zeroPoints += one.zeroPoints;
    }
    print('all', total);
    console.log(lines.at(-1));
    const { layers } = total;
    const isAll =
      layers > 0 && [total.codes, total.scales, total.zeroPoints].every((n) => n === layers);
    process.exitCode = isAll ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

void main();
