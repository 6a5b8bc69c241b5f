import type { OnnxToolComparison } from './compare';
import type { Inspected } from './run';

/** Why onnx-tool's nodes differ; null when nobody has looked yet. */
export function explainNodes({ different }: OnnxToolComparison): string | null {
  return different.length === 0 ? '' : null;
}

/**
 * Why a file has more or fewer parameters than its module, BatchNorm apart; null when the difference is not exactly
 * the sum of what is known.
 */
export function explainParameters(
  name: string,
  model: Inspected,
  difference: number,
): string | null {
  const scalars = floatScalars(model);
  const { parameters: missing, why } = notExported.find(({ of }) => name.startsWith(of)) ?? none;
  if (difference !== scalars - missing) return null;
  return [scalars > 0 ? `${scalars} scalars of arithmetic in the file` : '', why]
    .filter((part) => part !== '')
    .join('; ');
}

interface NotExported {
  readonly of: string;
  readonly parameters: number;
  readonly macs: number;
  readonly why: string;
}

const none: NotExported = { of: '', parameters: 0, macs: 0, why: '' };

/** Parameters that the forward pass of the exported output does not use. */
const notExported: readonly NotExported[] = [
  {
    of: 'BERT',
    parameters: 768 * 768 + 768,
    macs: 768 * 768,
    why: 'the pooler is not part of the exported output',
  },
];

/** Why PyTorch counts more MACs than the file has; null when the difference is not exactly what is known. */
export function explainTorch(name: string, difference: number): string | null {
  const { macs, why } = notExported.find(({ of }) => name.startsWith(of)) ?? none;
  if (difference !== macs) return null;
  return macs > 0 ? `PyTorch: + ${macs.toLocaleString('en')}, ${why}` : '';
}

/** Constants of one float: bounds of Clip, factors of GELU and attention, numbers to divide by. */
function floatScalars({ inputs, values, nodes }: Inspected): number {
  const computed = new Set(inputs.map(({ name }) => name));
  for (const { opType, outputs } of nodes) {
    if (opType !== 'Constant') for (const name of outputs) computed.add(name);
  }
  const used = new Set(nodes.flatMap((node) => node.inputs));
  return [...used].filter((name) => {
    const value = values[name];
    if (computed.has(name) || value?.dtype?.startsWith('float') !== true) return false;
    return value.shape?.every((dim) => dim === 1) ?? false;
  }).length;
}
