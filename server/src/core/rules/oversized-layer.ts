import type { Analysis } from '../analysis';
import type { Estimate } from '../cost/energy';
import type { NodeFacts } from '../facts/count';
import type { WeightMap, WeightRoot } from '../facts/weights';
import {
  formatBytes,
  formatCount,
  formatJoules,
  formatPercent,
  markdownText,
  messageNaming,
  shortName,
} from '../format';
import { scaled } from '../interval';
import type { Range } from '../interval';
import type { WorkItem, Workload } from '../workload';
import { option } from './rule';
import type { ModelContext, ModelRule, Report } from './rule';

/** More than this many layers cannot be "the few that matter". */
const maxListed = 20;

export const rule: ModelRule = {
  target: 'onnx',
  meta: {
    id: 'oversized-layer',
    title: 'A layer that takes a quarter or more of the energy, or of the weights.',
    severity: 'info',
    options: [
      {
        name: 'energyShare',
        description: 'Share of the energy of a run on the device from which a layer is reported.',
        default: 0.25,
        minimum: 0.01,
        maximum: 1,
      },
      {
        name: 'byteShare',
        description: "Share of the model's weight bytes from which a layer is reported.",
        default: 0.25,
        minimum: 0.01,
        maximum: 1,
      },
      {
        name: 'minimumLayers',
        description: 'Models with fewer layers that have weights or multiply are left alone.',
        default: 5,
        minimum: 1,
        maximum: 10_000,
      },
      {
        name: 'minimumMacs',
        description: 'Models with fewer multiply-accumulates a run are not judged by energy.',
        default: 1_000_000,
        minimum: 0,
        maximum: 1e15,
      },
      {
        name: 'minimumBytes',
        description: 'Models with fewer bytes of weights are not judged by bytes.',
        default: 100_000,
        minimum: 0,
        maximum: 1e15,
      },
    ],
    description: `
The work of a network is seldom spread evenly. When one layer takes a quarter of the energy, halving that layer saves more
than removing three average ones; when one layer holds half of the weights, it decides the size of the file and of the memory
traffic. This rule names those layers, so that the effort goes where it pays. The details list the layers in order of their
share until 80 % is reached.

The limit of 25 % is **our heuristic**: there is no published cut-off. Set \`energyShare\` and \`byteShare\` to your own. Energy
shares are those of the estimate on the chosen device, so another device can name other layers: a convolution on a
microcontroller, a large embedding or classifier where memory bandwidth is what is scarce.

What helps: fewer output channels, a smaller kernel or a depthwise-separable pair for a convolution; a smaller hidden size, or
two thin matrices in place of a wide one, for a fully connected layer; a smaller vocabulary for an embedding; int8 weights for
all of them.

It is fine when the model has few layers by design (a linear model, a tree ensemble): models below the minimum options are not
judged.
`,
  },
  check,
  examples: {
    valid: [
      { title: 'Layers of the same size', model: stack([256, 256, 256, 256, 256, 256]) },
      { title: 'One large layer, but the model is tiny', model: stack([128, 64, 8, 8, 8, 8]) },
      {
        title: 'A limit of your own',
        model: stack([64, 64, 64, 64, 64, 4096]),
        options: new Map([
          ['energyShare', 1],
          ['byteShare', 1],
        ]),
      },
    ],
    invalid: [
      {
        title: 'A classifier that outweighs everything before it',
        model: stack([64, 64, 64, 64, 64, 4096]),
        messages: [
          'fc5 (MatMul) holds 94 % of the weights: 1.05 MB, 262 k MACs, …J. Shrink it first.',
        ],
      },
      {
        title: 'One product that takes most of the energy',
        model: stack([64, 2048, 2048, 64, 64, 64]),
        messages: [
          'fc2 (MatMul) takes … % of the energy: …J, 4.19 M MACs, 16.8 MB of weights. Shrink it first.',
        ],
      },
    ],
  },
};

interface Candidate {
  readonly item: WorkItem;
  readonly energyShare: number | null;
  readonly byteShare: number | null;
  readonly energyJoules: Range | null;
}

function check(context: ModelContext): readonly Report[] {
  const { workload } = context.analysis;
  const layers = workload.items.filter(
    ({ kind, macs, weightBytes }) => kind !== 'quantize' && ((macs ?? 0) > 0 || weightBytes > 0),
  );
  if (layers.length < option(context, 'minimumLayers')) return [];
  const estimate = context.analysis.estimateOn(context.device);
  const energyLimit =
    totalMacs(layers) < option(context, 'minimumMacs') ? null : option(context, 'energyShare');
  const byteLimit =
    (workload.weightBytes ?? 0) < option(context, 'minimumBytes')
      ? null
      : option(context, 'byteShare');
  const ranked = candidates(layers, workload, estimate);
  const byEnergy = ranked.filter(({ energyShare }) => atLeast(energyShare, energyLimit));
  const byBytes = ranked.filter(
    (candidate) => !byEnergy.includes(candidate) && atLeast(candidate.byteShare, byteLimit),
  );
  if (byEnergy.length + byBytes.length === 0) return [];
  const detail = paretoList(ranked, context.device.name, estimate);
  return [
    ...byEnergy.map((candidate) => ({ candidate, message: energyMessage(candidate) })),
    ...onePerTensor(byBytes, context.analysis).map(({ candidate, sharers }) => ({
      candidate,
      message: byteMessage(candidate, sharers),
    })),
  ]
    .slice(0, maxListed)
    .map(({ candidate, message }) => ({
      message,
      detail,
      anchor: { kind: 'node', path: candidate.item.name },
    }));
}

function atLeast(share: number | null, limit: number | null): boolean {
  return share !== null && limit !== null && share >= limit;
}

function totalMacs(layers: readonly WorkItem[]): number {
  return layers.reduce((total, { macs }) => total + (macs ?? 0), 0);
}

/** Largest share first, whichever of the two it is. */
function candidates(
  layers: readonly WorkItem[],
  { weightBytes }: Workload,
  { perNode, energyJoules }: Estimate,
): readonly Candidate[] {
  const shareByName = new Map(perNode.map(({ name, share }) => [name, share]));
  return layers
    .map((item): Candidate => {
      const energyShare = shareByName.get(item.name) ?? null;
      return {
        item,
        energyShare,
        byteShare: weightBytes === null || weightBytes <= 0 ? null : item.weightBytes / weightBytes,
        energyJoules:
          energyJoules === null || energyShare === null ? null : scaled(energyJoules, energyShare),
      };
    })
    .sort((left, right) => largerShare(right) - largerShare(left));
}

function largerShare({ energyShare, byteShare }: Candidate): number {
  return Math.max(energyShare ?? 0, byteShare ?? 0);
}

/** Layers that share a tensor hold the same bytes: the first speaks for all. */
function onePerTensor(
  found: readonly Candidate[],
  { facts }: Analysis,
): readonly { readonly candidate: Candidate; readonly sharers: number }[] {
  const factsByPath = new Map(facts.nodes.map((node) => [node.path, node]));
  const byTensor = new Map<unknown, Candidate[]>();
  for (const candidate of found) {
    const node = factsByPath.get(candidate.item.name);
    const key = (node && largestRoot(node, facts.weights)) ?? candidate;
    const sharers = byTensor.get(key);
    if (sharers) sharers.push(candidate);
    else byTensor.set(key, [candidate]);
  }
  return [...byTensor.values()].flatMap((sharers) => {
    const [candidate] = sharers;
    return candidate ? [{ candidate, sharers: sharers.length }] : [];
  });
}

function largestRoot({ node, scope }: NodeFacts, weights: WeightMap): WeightRoot | undefined {
  let largest: WeightRoot | undefined;
  for (const name of node.inputs) {
    for (const [root] of weights.valueOf(scope, name)?.roots ?? []) {
      if (root.storedBytes > (largest?.storedBytes ?? 0)) largest = root;
    }
  }
  return largest;
}

function energyMessage({ item, energyShare, energyJoules }: Candidate): string {
  const figures = [
    formatJoules(energyJoules),
    ...macsText(item),
    `${formatBytes(item.weightBytes)} of weights`,
  ].join(', ');
  return messageNaming(
    layerName(item),
    (name) =>
      `${name} (${shortName(item.opType, 16)}) takes ${formatPercent(energyShare)} of the energy: ` +
      `${figures}. Shrink it first.`,
  );
}

function byteMessage({ item, byteShare, energyJoules }: Candidate, sharers: number): string {
  const figures = [
    formatBytes(item.weightBytes),
    ...(sharers > 1 ? [`shared by ${sharers} layers`] : macsText(item)),
    ...(energyJoules === null ? [] : [formatJoules(energyJoules)]),
  ].join(', ');
  return messageNaming(
    layerName(item),
    (name) =>
      `${name} (${shortName(item.opType, 16)}) holds ${formatPercent(byteShare)} of the weights: ` +
      `${figures}. Shrink it first.`,
  );
}

function macsText({ macs }: WorkItem): readonly string[] {
  return macs === null || macs === 0 ? [] : [`${formatCount(macs)} MACs`];
}

/** Without the `main/` that all of them share. */
function layerName({ name }: WorkItem): string {
  return name.replace(/^main\//, '');
}

/** The layers that make up 80 % of the energy, and what they hold of the weights. */
function paretoList(ranked: readonly Candidate[], deviceName: string, estimate: Estimate): string {
  const byEnergy = [...ranked].sort(
    (left, right) => (right.energyShare ?? 0) - (left.energyShare ?? 0),
  );
  const lines: string[] = [];
  let reached = 0;
  for (const { item, energyShare, byteShare } of byEnergy) {
    if (reached >= 0.8 || lines.length >= maxListed) break;
    reached += energyShare ?? 0;
    lines.push(
      `| ${markdownText(layerName(item))} | ${formatPercent(energyShare)} | ${formatPercent(byteShare)} | ${formatCount(item.macs)} |`,
    );
  }
  return [
    `On ${deviceName}, ${formatJoules(estimate.energyJoules)} a run (${estimate.boundary}).`,
    '',
    '| layer | energy | weights | MACs |',
    '| --- | ---: | ---: | ---: |',
    ...lines,
  ].join('\n');
}

/** A chain of matrix products `fc1`, `fc2` … with these widths. */
function stack(widths: readonly number[]): string {
  const pairs = widths.slice(1).map((outputs, index) => [widths[index] ?? 0, outputs] as const);
  const weights = pairs.map(
    ([inputs, outputs], index) =>
      `float[${inputs},${outputs}] w${index + 1} = ["location": "weights.bin", "offset": "0", "length": "${inputs * outputs * 4}"]`,
  );
  const nodes = pairs.map(
    (_, index) =>
      `  ["fc${index + 1}"] h${index + 1} = MatMul (${index === 0 ? 'x' : `h${index}`}, w${index + 1})`,
  );
  return `
<ir_version: 8, opset_import: ["" : 13]>
mlp (float[1,${widths[0] ?? 0}] x) => (float[1,${widths.at(-1) ?? 0}] h${pairs.length})
<
  ${weights.join(',\n  ')}
>
{
${nodes.join('\n')}
}
`;
}
