// `npm start`: installs and builds, then shows on the examples what green-ai does.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { installDependencies, root, runStep } from '../test/install.mjs';

/** Recipes that pay on the default device, as `float-weights` and `redundant-nodes` find. */
const optimizations = [
  ['digits-cnn-leftovers/digits-cnn-leftovers', 'cleanup', 'clean'],
  ['digits-transformer/digits-transformer', 'int8-dynamic', 'int8'],
  ['tabular-mlp/tabular-mlp', 'int8-dynamic', 'int8'],
];
const devices = 'laptop-cpu,raspberry-pi-4b,nvidia-a100-sxm-80gb';

if (!installDependencies() || !runStep('node', ['esbuild.mjs'])) process.exit(1);

title('Findings in examples/');
greenAi(['lint', 'examples', '--fail-on', 'never']);

title('One model, three devices');
greenAi(['estimate', 'examples/digits-cnn/digits-cnn.onnx', '--device', devices, '--brief']);

title('Applied and verified in ONNX Runtime');
const results = path.join('dist', 'tour');
mkdirSync(path.join(root, results), { recursive: true });
for (const [model, recipe, suffix] of optimizations) {
  const out = path.join(results, `${path.basename(model)}.${suffix}.onnx`);
  greenAi(['optimize', `examples/${model}.onnx`, '--recipe', recipe, '-o', out, '--force']);
}
console.log(
  `The new models are in ${results}, each with its provenance. The originals are as they were.`,
);

function title(text) {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 60 - text.length))}\n`);
}

function greenAi(args) {
  console.log(`$ green-ai ${args.join(' ')}`);
  const { status } = spawnSync(process.execPath, ['dist/cli.js', ...args], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'ignore'],
  });
  if (status !== 0) process.exit(status ?? 1);
}
