import type { MemoryDemand } from '../cost/memory';
import { formatBytes, markdownText, shortName } from '../format';
import type { Workload } from '../workload';
import type { ModelContext, ModelRule, Report } from './rule';

export const rule: ModelRule = {
  target: 'onnx',
  meta: {
    id: 'does-not-fit',
    title: 'A model that needs more memory than the device has.',
    severity: 'error',
    options: [],
    description: `
Weights, the activations that are alive at the worst moment and the runtime itself have to fit into the device's memory
together. On microcontrollers weights stay in flash and the rest goes into RAM; elsewhere all of it shares the RAM. What does
not fit does not run, or swaps, and then every run reads its weights from disk.

- **Weights**: their bytes in the file, shared tensors once.
- **Activations**: the largest sum of tensors that are alive at the same time when the nodes run in file order, without the
  in-place tricks of particular runtimes.
- **Runtime** and the share of the memory that a model may use: assumptions of the device's kind of processor. The finding's
  details list them.
- A device whose memory size is unknown, and a model whose sizes are unknown, give no finding.

What helps, in this order: int8 weights (a quarter of float32), a smaller input, fewer channels, another device.

It is fine when the file is a training checkpoint or the source of a smaller export, and never meant for the device: choose
the device that it runs on in \`green-ai.json\`.
`,
  },
  check,
  examples: {
    valid: [
      {
        title: 'A small model on a laptop',
        model: dense(64, 10),
      },
      {
        title: 'The same weights where there is room for them',
        model: dense(4096, 1024),
        device: 'raspberry-pi-5',
      },
    ],
    invalid: [
      {
        title: '16.8 MB of weights on a microcontroller with 2 MB of flash',
        model: dense(4096, 1024),
        device: 'st-stm32l4r5',
        messages: [
          'Needs 16.8 MB of flash, STM32L4R5ZI … has … MB usable: … times too large. Shrink weights.',
        ],
      },
    ],
  },
};

function check({ analysis, device }: ModelContext): readonly Report[] {
  const { fits, memory, assumptions } = analysis.estimateOn(device);
  if (fits !== false) return [];
  return memory.filter(overflows).map(({ store, neededBytes, availableBytes }) => ({
    message:
      `Needs ${formatBytes(neededBytes)} of ${storeNames[store]}, ${shortName(device.name, 26)} has ` +
      `${formatBytes(availableBytes)} usable: ${factor(neededBytes, availableBytes)} times too large. ` +
      advice(store, analysis.workload),
    detail: [
      `- weights: ${formatBytes(analysis.workload.weightBytes)}`,
      `- activations at the worst moment: ${formatBytes(analysis.workload.peakActivationBytes)}`,
      `- usable ${storeNames[store]} of ${device.name}: ${formatBytes(availableBytes)}`,
      ...assumptions.map((assumption) => `- ${markdownText(assumption, 200)}`),
    ].join('\n'),
    anchor: { kind: 'file' as const },
  }));
}

const storeNames = { ram: 'RAM', flash: 'flash' } as const;

function overflows({ neededBytes, availableBytes }: MemoryDemand): boolean {
  return neededBytes !== null && availableBytes !== null && neededBytes > availableBytes;
}

function factor(needed: number | null, available: number | null): string {
  if (needed === null || available === null || available <= 0) return 'unknown';
  return Number((needed / available).toPrecision(2)).toString();
}

/** The larger part is the one worth shrinking. */
function advice(store: MemoryDemand['store'], workload: Workload): string {
  const weights = workload.weightBytes ?? 0;
  const activations = workload.peakActivationBytes ?? 0;
  return store === 'flash' || weights >= activations ? 'Shrink weights.' : 'Shrink the input.';
}

function dense(inputs: number, outputs: number): string {
  return `
<ir_version: 8, opset_import: ["" : 13]>
dense (float[1,${inputs}] x) => (float[1,${outputs}] y)
<float[${inputs},${outputs}] w = ["location": "weights.bin", "offset": "0", "length": "${inputs * outputs * 4}"]>
{
  y = MatMul (x, w)
}
`;
}
