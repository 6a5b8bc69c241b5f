import { formatBytes, formatCount, markdownText } from '../format';
import type { Anchor } from '../finding';
import type { ModelContext, ModelRule, Report } from './rule';
import { bytesOf } from '../dtype';
import type { Node, Tensor } from '../graph';
import { planCleanup } from '../transform/cleanup';
import { nodeLabel } from './shared/graphs';

const maxListed = 20;

export const rule: ModelRule = {
  target: 'onnx',
  meta: {
    id: 'redundant-nodes',
    title: 'Identity, inference-time Dropout, dead nodes and unused initializers.',
    severity: 'info',
    options: [],
    description: `
Exporters leave things behind that change no output: \`Identity\` nodes, \`Dropout\` that does nothing outside training, nodes
whose results nobody reads, initializers that no node uses. Runtimes remove most of them when they load a model, so the energy
of a run hardly changes. What does change is the file, the download and the time to load: an unused initializer is stored and
read like any other.

The fix removes them from the main graph. It is numerically exact, and every other byte of the file stays as it was.

- An \`Identity\` or \`Dropout\` between a graph input (or an initializer) and a graph output has to stay: it is what connects
  the two names.
- A \`Dropout\` whose mask is read, or whose training switch is not known to be off, stays.
- Nodes inside subgraphs and functions are not looked at.

It is fine when the extra outputs of a dead node are there for debugging; the finding is then a reminder.
`,
  },
  check,
  examples: {
    valid: [
      {
        title: 'Everything is used',
        model: `
<ir_version: 8, opset_import: ["" : 17]>
clean (float[1,4] x) => (float[1,4] y)
<float[4] bias = {1, 2, 3, 4}>
{
  y = Add (x, bias)
}
`,
      },
      {
        title: 'An Identity that connects an input with an output',
        model: `
<ir_version: 8, opset_import: ["" : 17]>
passed (float[1,4] x) => (float[1,4] y)
{
  y = Identity (x)
}
`,
      },
      {
        title: 'A Dropout that trains',
        model: `
<ir_version: 8, opset_import: ["" : 17]>
training (float[1,4] x) => (float[1,4] y)
<float ratio = {0.5}, bool on = {1}>
{
  h = Relu (x)
  d = Dropout (h, ratio, on)
  y = Relu (d)
}
`,
      },
    ],
    invalid: [
      {
        title: 'What an exporter left behind',
        model: `
<ir_version: 8, opset_import: ["" : 17]>
leftovers (float[1,4] x) => (float[1,4] y)
<float[4] bias = {1, 2, 3, 4}, float[1000] old = ["location": "weights.bin", "offset": "0", "length": "4000"]>
{
  a = Identity (x)
  b = Dropout (a)
  unread = Exp (b)
  y = Add (b, bias)
}
`,
        fixed: `
<ir_version: 8, opset_import: ["" : 17]>
leftovers (float[1,4] x) => (float[1,4] y)
<float[4] bias = {1, 2, 3, 4}>
{
  y = Add (x, bias)
}
`,
        messages: [
          '1 Identity, 1 Dropout, 1 dead node, 1 unused initializer (4 kB): without effect. Remove them with cleanup.',
        ],
      },
    ],
  },
};

/** What the recipe would take out, so that the finding and its fix cannot disagree. */
interface Redundant {
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
}

function check({ analysis }: ModelContext): readonly Report[] {
  const found = findRedundant(analysis);
  const { nodes, initializers } = found;
  const identities = nodes.filter(({ opType }) => opType === 'Identity').length;
  const dropouts = nodes.filter(({ opType }) => opType === 'Dropout').length;
  const unusedBytes = initializers.reduce((total, tensor) => total + tensorBytes(tensor), 0);
  const bytes = formatBytes(unusedBytes);
  const parts = [
    counted(identities, 'Identity', 'Identities'),
    counted(dropouts, 'Dropout', 'Dropouts'),
    counted(nodes.length - identities - dropouts, 'dead node', 'dead nodes'),
    counted(initializers.length, `unused initializer (${bytes})`, `unused initializers (${bytes})`),
  ].filter((part) => part !== '');
  if (parts.length === 0) return [];
  return [
    {
      message: `${parts.join(', ')}: without effect. Remove them with cleanup.`,
      detail: details(found),
      anchor: firstAnchor(found),
      ...(unusedBytes > 0 ? { saving: { bytes: unusedBytes } } : {}),
      fixes: [
        {
          id: 'cleanup',
          title: 'Remove what has no effect',
          safety: 'safe',
          change: { kind: 'recipe', recipe: 'cleanup' },
        },
      ],
    },
  ];
}

function findRedundant({ model, scope }: ModelContext['analysis']): Redundant {
  const { graph } = model;
  const { patch } = planCleanup({ model, scope, exclude: new Map(), only: null });
  return {
    nodes: patch.removeNodes.flatMap((index) => graph.nodes[index] ?? []),
    initializers: patch.removeInitializers.flatMap((index) => graph.initializers[index] ?? []),
  };
}

function tensorBytes({ dtype, elementCount }: Tensor): number {
  return dtype === null || elementCount === null ? 0 : (bytesOf(dtype, elementCount) ?? 0);
}

function counted(count: number, one: string, many: string): string {
  return count === 0 ? '' : `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** With one thing to see, the finding is at that thing; with several it belongs to the file. */
function firstAnchor({ nodes, initializers }: Redundant): Anchor {
  const [node] = nodes;
  const [tensor] = initializers;
  if (nodes.length + initializers.length > 1) return { kind: 'file' };
  if (node) return { kind: 'node', path: node.path };
  return tensor ? { kind: 'tensor', name: tensor.name } : { kind: 'file' };
}

function details({ nodes, initializers }: Redundant): string {
  const lines = [
    ...nodes.map((node) => `- ${markdownText(node.opType)} ${markdownText(nodeLabel(node))}`),
    ...initializers.map(({ name }) => `- unused initializer ${markdownText(name)}`),
  ];
  return lines.length > maxListed
    ? [...lines.slice(0, maxListed), `- and ${lines.length - maxListed} more`].join('\n')
    : lines.join('\n');
}
