import { quantizationAdvice } from '../cost/advice';
import { devices } from '../cost/devices';
import { formatBytes, formatCount, formatJoules, formatPercent, markdownText } from '../format';
import type { Fix } from '../finding';
import { findRecipe } from '../transform/recipes';
import { option } from './rule';
import type { ModelContext, ModelRule, Report } from './rule';
import { payingConversions } from './shared/float-layers';
import type { Conversion } from './shared/float-layers';
import { nodeLabel } from './shared/graphs';

/** A table longer than this is not read. */
const maxListed = 20;

export const rule: ModelRule = {
  target: 'onnx',
  meta: {
    id: 'float-weights',
    title: 'float32 weights that a conversion would make cheaper on the chosen device.',
    severity: 'info',
    options: [
      {
        name: 'minimumBytes',
        description: 'Fewer bytes of float32 weights than this are left alone.',
        default: 20_000,
        minimum: 0,
        maximum: 1e15,
      },
    ],
    description: `
float32 weights take four times the bytes of int8, and a float32 multiplication takes about 18 times the energy of an int8 one
(3.7 against 0.2 pJ at 45 nm; Horowitz, ISSCC 2014). What arrives of that at the plug depends on the device and on the operator,
and some conversions cost energy instead. This rule names the one that pays, or says nothing:

${adviceTable()}

Measured with ONNX Runtime 1.30 on one thread of a Xeon with AVX512-VNNI: ten products of 3584 x 3584 took 18–29 ms in float32,
4.9 ms dynamically quantised and 18.6 ms in float16; a CNN took 4.4 ms in float32, 1.5 ms statically quantised and 25–28 ms
dynamically quantised. What it cost in accuracy, as published for int8 on ImageNet (onnx/models, Intel Neural Compressor):
ResNet50 0.2 points, VGG16 0.1, DenseNet121 0.8, MobileNetV2 1.1 to 1.4.

The saving is an estimate: the energy model is run again with these layers' weights narrower and multiplied in the new format,
and for \`int8-dynamic\` with the work that it adds: quantising what the layers read, and multiplying scales. Bytes are exact up
to the scales, which add less than 1 %.

Not counted: weights that already go through \`DequantizeLinear\`, weights of \`QLinear…\`, \`…Integer\` and \`MatMulNBits\`
operators, weights in other formats than float32, layers that the recipe cannot take over.

The fix changes the numbers the model computes. It is applied only with a measurement: both models run on the inputs beside
the model, and nothing is written when the accuracy drops by more than the limit.

It is fine to stay in float32 when accuracy cannot be measured, or when the model runs too seldom to matter.
`,
  },
  check,
  examples: {
    valid: [
      {
        title: 'Weights that are int8 already',
        model: `
<ir_version: 8, opset_import: ["" : 13]>
dense (float[1,256] x) => (float[1,256] y)
<
  int8[256,256] w = ["location": "weights.bin", "offset": "0", "length": "65536"],
  float scale = {0.01},
  int8 zero = {0}
>
{
  w_float = DequantizeLinear (w, scale, zero)
  y = MatMul (x, w_float)
}
`,
      },
      { title: 'Too small to matter', model: dense(64, 64) },
      {
        title: 'A product on a CPU without int8 dot product: no gain is assured',
        device: 'raspberry-pi-4b',
        model: dense(512, 512),
      },
    ],
    invalid: [
      {
        title: 'A matrix product on a CPU with VNNI',
        model: dense(512, 512),
        messages: [
          '1 MatMul in float32, 1.05 MB: int8-dynamic saves 786 kB and …J (… %) a run on laptop-cpu.',
        ],
      },
      {
        title: 'A convolution on the same CPU: static, not dynamic',
        model: convolution(),
        messages: [
          '1 Conv in float32, 147 kB: int8-static saves 111 kB and …J (… %) a run on laptop-cpu.',
        ],
      },
      {
        title: 'The same product on a GPU',
        device: 'nvidia-t4',
        model: dense(512, 512),
        messages: ['1 MatMul in float32, 1.05 MB: float16 saves 524 kB … on nvidia-t4.'],
      },
    ],
  },
};

function check(context: ModelContext): readonly Report[] {
  const minimum = option(context, 'minimumBytes');
  return payingConversions(context.analysis, context.device, minimum)
    .filter(({ floatBytes }) => floatBytes > 0)
    .map((conversion) => report(conversion, context));
}

function report(conversion: Conversion, { device }: ModelContext): Report {
  const { advice, layers, floatBytes, savedBytes, savedJoules, savedShare } = conversion;
  const types = [...new Set(layers.map(({ facts }) => facts.node.opType))].sort().join('/');
  const energy =
    savedJoules === null ? '' : ` and ${formatJoules(savedJoules)} (${formatPercent(savedShare)})`;
  const [only] = layers;
  return {
    message:
      `${formatCount(layers.length)} ${types} in float32, ${formatBytes(floatBytes)}: ` +
      `${advice.pays} saves ${formatBytes(savedBytes)}${energy} a run on ${device.id}.`,
    detail: detail(conversion),
    anchor:
      layers.length === 1 && only ? { kind: 'node', path: only.facts.path } : { kind: 'file' },
    saving: {
      bytes: Math.round(savedBytes),
      ...(savedJoules === null ? {} : { energyJoules: savedJoules }),
    },
    fixes: fixesFor(conversion),
  };
}

/** None while the recipe does not exist: a button that answers "not yet" helps nobody. */
function fixesFor({ advice, layers }: Conversion): readonly Fix[] {
  const recipe = findRecipe(advice.pays);
  if (!recipe) return [];
  return [
    {
      id: `quantize-${recipe.name}`,
      title: recipe.title,
      safety: recipe.safety,
      change: { kind: 'recipe', recipe: recipe.name, nodes: layers.map(({ facts }) => facts.path) },
    },
  ];
}

function detail({ advice, layers }: Conversion): string {
  const bySize = [...layers].sort(
    (left, right) => right.facts.weightBytes - left.facts.weightBytes,
  );
  return [
    `${advice.why} Source: ${advice.source}.`,
    '',
    '| layer | type | float32 weights |',
    '| --- | --- | ---: |',
    ...bySize
      .slice(0, maxListed)
      .map(
        ({ facts }) =>
          `| ${markdownText(nodeLabel(facts.node))} | ${facts.node.opType} | ${formatBytes(facts.weightBytes)} |`,
      ),
    ...(layers.length > maxListed ? ['', `and ${layers.length - maxListed} more`] : []),
  ].join('\n');
}

/** What the advice says of each kind of processor that the device table has, with and without dot product. */
function adviceTable(): string {
  const rows = new Map<string, string>();
  for (const device of devices) {
    const pays = (['conv', 'matmul'] as const).map((kind) => quantizationAdvice(device, kind).pays);
    const cells = pays.map((name) => (name === 'none' ? 'nothing for certain' : `\`${name}\``));
    const processor = device.processor.endsWith('cpu')
      ? `${device.processor} ${device.int8DotProduct.value === 1 ? 'with' : 'without'} int8 dot product`
      : device.processor;
    const row = [processor, ...cells].join(' | ');
    if (!rows.has(row)) rows.set(row, device.id);
  }
  return [
    '| processor | convolutions | matrix products | such as |',
    '| --- | --- | --- | --- |',
    ...[...rows].sort().map(([cells, example]) => `| ${cells} | \`${example}\` |`),
  ].join('\n');
}

function dense(inputs: number, outputs: number): string {
  return `
<ir_version: 8, opset_import: ["" : 13]>
dense (float[1,${inputs}] x) => (float[1,${outputs}] y)
<float[${inputs},${outputs}] w = ["location": "weights.bin", "offset": "0", "length": "${inputs * outputs * 4}"]>
{
  ["fc"] y = MatMul (x, w)
}
`;
}

function convolution(): string {
  return `
<ir_version: 8, opset_import: ["" : 13]>
cnn (float[1,64,56,56] x) => (float[1,64,54,54] y)
<float[64,64,3,3] w = ["location": "weights.bin", "offset": "0", "length": "147456"]>
{
  ["conv"] y = Conv (x, w)
}
`;
}
