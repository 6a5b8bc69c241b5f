import type { Node } from '../graph';
import { formatCount, markdownText } from '../format';
import type { ModelContext, ModelRule, Report } from './rule';
import { graphsOf, nodeLabel, producersOf } from './shared/graphs';

/** The one measurement there is: float32 4.4 ms, the same network with ConvInteger 25.4–28.0 ms. */
const measuredSlowdown = 6;

/** Enough to find the place; a network has the same problem in every convolution. */
const maxListed = 20;

export const rule: ModelRule = {
  target: 'onnx',
  meta: {
    id: 'dynamic-quantised-conv',
    title:
      'Convolutions that quantise their input at run time, which is slower than float32 on a CPU.',
    severity: 'warning',
    options: [],
    description: `
\`quantize_dynamic\` of ONNX Runtime turns a \`Conv\` into \`DynamicQuantizeLinear\` + \`ConvInteger\`. The file gets four
times smaller, so it looks like a saving. But the range of every input is searched anew in each run, and the CPU has no
fast kernel for \`ConvInteger\`: the convolution gets slower, and a slower run on the same processor takes more energy.

Measured with ONNX Runtime 1.30 on one thread of a Xeon with AVX512-VNNI, the same small CNN:

| form | milliseconds a run |
| --- | ---: |
| float32 | 4.4 |
| dynamic, int8 weights (\`ConvInteger\`) | 25.4–28.0 |
| dynamic, uint8 weights | 12.2 |
| static QDQ, uint8 activations and int8 weights | 1.5 |
| static QDQ, ONNX Runtime's default of int8 activations | 4.0–5.1 |

Users report the same: [onnxruntime#16009](https://github.com/microsoft/onnxruntime/issues/16009),
[onnxruntime#12854](https://github.com/microsoft/onnxruntime/issues/12854). ONNX Runtime's own documentation recommends
dynamic quantisation for transformers and recurrent networks and static quantisation for CNNs.

There is no automatic fix: the float weights are gone from a quantised file. Go back to the float32 model and quantise it
statically with uint8 activations and int8 weights, or leave its convolutions in float32.

It is fine when the file's size is what matters (a download, flash) and the runs are rare, and on targets that are not
CPUs, where this rule says nothing.
`,
  },
  check,
  examples: {
    valid: [
      {
        title: 'A static quantised convolution',
        model: `
<ir_version: 8, opset_import: ["" : 13]>
cnn (uint8[1,3,32,32] x, float x_scale, uint8 x_zero, float w_scale, int8 w_zero, float y_scale, uint8 y_zero)
  => (uint8[1,8,30,30] y)
<int8[8,3,3,3] w = ["location": "weights.bin", "offset": "0", "length": "216"]>
{
  y = QLinearConv (x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero)
}
`,
      },
      {
        title: 'A matrix product that quantises its input: fast on a CPU with int8 dot products',
        model: `
<ir_version: 8, opset_import: ["" : 13]>
mlp (float[1,64] x) => (int32[1,32] y)
<int8[64,32] w = ["location": "weights.bin", "offset": "0", "length": "2048"]>
{
  x_quantized, x_scale, x_zero_point = DynamicQuantizeLinear (x)
  y = MatMulInteger (x_quantized, w, x_zero_point)
}
`,
      },
      {
        title: 'Not a CPU',
        device: 'nvidia-t4',
        model: dynamicConv(),
      },
    ],
    invalid: [
      {
        title: 'What quantize_dynamic makes of a convolution',
        model: dynamicConv(),
        messages: [
          '1 ConvInteger quantises its input in every run: 6x slower than float32 as measured. Quantise it statically.',
        ],
      },
    ],
  },
};

function check({ analysis, device }: ModelContext): readonly Report[] {
  if (device.processor !== 'x86-cpu' && device.processor !== 'arm-cpu') return [];
  const found = graphsOf(analysis.model).flatMap((graph) => {
    const convolutions = graph.nodes.filter(isIntegerConv);
    if (convolutions.length === 0) return [];
    const producers = producersOf(graph);
    return convolutions.filter((node) => quantisesItsInput(node, producers));
  });
  const [first] = found;
  if (!first) return [];
  const [noun, verb] =
    found.length === 1 ? ['ConvInteger', 'quantises its'] : ['ConvIntegers', 'quantise their'];
  return [
    {
      message:
        `${formatCount(found.length)} ${noun} ${verb} input in every run: ` +
        `${measuredSlowdown}x slower than float32 as measured. Quantise it statically.`,
      detail: [
        `Measured on one x86 server core; ${device.name} was not measured.`,
        ...found.slice(0, maxListed).map((node) => `- ${markdownText(nodeLabel(node))}`),
        ...(found.length > maxListed ? [`- and ${found.length - maxListed} more`] : []),
      ].join('\n'),
      anchor: { kind: 'node', path: first.path },
    },
  ];
}

function isIntegerConv({ domain, opType }: Node): boolean {
  return domain === '' && opType === 'ConvInteger';
}

function quantisesItsInput(node: Node, producers: ReadonlyMap<string, Node>): boolean {
  const producer = producers.get(node.inputs[0] ?? '');
  return producer?.domain === '' && producer.opType === 'DynamicQuantizeLinear';
}

function dynamicConv(): string {
  return `
<ir_version: 8, opset_import: ["" : 13]>
cnn (float[1,3,32,32] x) => (int32[1,8,30,30] y)
<int8[8,3,3,3] w = ["location": "weights.bin", "offset": "0", "length": "216"]>
{
  x_quantized, x_scale, x_zero_point = DynamicQuantizeLinear (x)
  y = ConvInteger (x_quantized, w, x_zero_point)
}
`;
}
