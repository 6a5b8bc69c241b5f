import type { Counts } from './published';
import type { Inspected, InspectedNode } from './run';

/** What PyTorch counts of a model; see `export.py`. */
export interface TorchCount {
  readonly parameters: number;
  readonly macs: number;
  readonly batchNormChannels: number;
  readonly batchNormElements: number;
  readonly layerNormElements: number;
}

export interface OnnxToolNode {
  readonly op: string;
  /** Null when it does not know. */
  readonly macs: number | null;
}

/** Operators whose work is products; onnx-tool counts elementwise work as MACs, too. */
const productOperators = new Set([
  'Attention',
  'Conv',
  'ConvTranspose',
  'Einsum',
  'Gemm',
  'MatMul',
]);

const batchNormOperations = 2;
const layerNormOperations = 5;

/** Ours under another tool's convention. */
export function macsAs(counts: Counts, { nodes }: Inspected, torch: TorchCount | null): number {
  const weightsOnly = counts.startsWith('weights');
  const counted = nodes.filter(({ parameters }) => !weightsOnly || parameters > 0);
  const products = counted.reduce((sum, { macs }) => sum + (macs ?? 0), 0);
  if (!counts.endsWith('norms') || torch === null) return products;
  return (
    products +
    batchNormOperations * torch.batchNormElements +
    layerNormOperations * torch.layerNormElements
  );
}

export interface OnnxToolComparison {
  readonly compared: number;
  /** Of onnx-tool, without the additions of biases. */
  readonly macs: number;
  readonly different: readonly string[];
}

/**
 * Node by node, over operators whose work is products. onnx-tool adds one MAC per output for a bias of Conv and Gemm:
 * that is taken off.
 */
export function compareNodes(
  model: Inspected,
  theirs: Readonly<Record<string, OnnxToolNode>>,
): OnnxToolComparison {
  const different: string[] = [];
  let compared = 0;
  let macs = 0;
  for (const node of model.nodes) {
    if (!productOperators.has(node.opType)) continue;
    const others = theirs[node.outputs[0] ?? '']?.macs ?? null;
    compared++;
    const products = others === null ? null : others - biasAdditions(node, model);
    macs += products ?? 0;
    if (products !== node.macs) {
      different.push(`${node.opType} ${node.name}: ours ${node.macs}, onnx-tool ${products}`);
    }
  }
  return { compared, macs, different };
}

function biasAdditions({ opType, inputs, outputs }: InspectedNode, { values }: Inspected): number {
  if ((opType !== 'Conv' && opType !== 'Gemm') || (inputs[2] ?? '') === '') return 0;
  const shape = values[outputs[0] ?? '']?.shape ?? [];
  return shape.reduce<number>((product, dim) => product * Number(dim), 1);
}

/**
 * Parameters of the ONNX file that PyTorch's count leads us to expect: a BatchNorm that is folded into the convolution
 * before it leaves one bias per channel of its two parameters; one that is kept also has its mean and variance in the
 * file, which PyTorch does not count as parameters.
 */
export function expectedParameters(torch: TorchCount, { nodes }: Inspected): number {
  const kept = nodes
    .filter(({ opType }) => opType === 'BatchNormalization')
    .reduce((sum, { parameters }) => sum + parameters / 4, 0);
  return torch.parameters - (torch.batchNormChannels - kept) + 2 * kept;
}
