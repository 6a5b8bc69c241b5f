import type { Node } from '../../graph';
import { attentionMicrosoftOps, attentionOps } from './attention';
import { classicalOps } from './classical';
import { controlMicrosoftOps, controlOps } from './control';
import { convolutionMicrosoftOps, convolutionOps } from './convolution';
import { elementwiseMicrosoftOps, elementwiseOps } from './elementwise';
import { matmulMicrosoftOps, matmulOps } from './matmul';
import { movementMicrosoftOps, movementOps } from './movement';
import { normalizationMicrosoftOps, normalizationOps } from './normalization';
import type { OpCost, OpTable } from './op';
import { quantizeBrevitasOps, quantizeMicrosoftOps, quantizeOps } from './quantize';
import { recurrentMicrosoftOps, recurrentOps } from './recurrent';
import { reductionMicrosoftOps, reductionOps } from './reduction';

const standard = table(
  attentionOps,
  controlOps,
  convolutionOps,
  elementwiseOps,
  matmulOps,
  movementOps,
  normalizationOps,
  quantizeOps,
  recurrentOps,
  reductionOps,
);

const microsoft = table(
  attentionMicrosoftOps,
  controlMicrosoftOps,
  convolutionMicrosoftOps,
  elementwiseMicrosoftOps,
  matmulMicrosoftOps,
  movementMicrosoftOps,
  normalizationMicrosoftOps,
  quantizeMicrosoftOps,
  recurrentMicrosoftOps,
  reductionMicrosoftOps,
);

const brevitas = table(quantizeBrevitasOps);

const byDomain: ReadonlyMap<string, ReadonlyMap<string, OpCost>> = new Map([
  ['', standard],
  ['com.microsoft', microsoft],
  ['ai.onnx.ml', table(classicalOps)],
  ['onnx.brevitas', brevitas],
  ['qonnx.custom_op.general', brevitas],
]);

/** The cost of a node's operator; undefined when there is no row: its cost is unknown. */
export function opCostOf(node: Pick<Node, 'domain' | 'opType'>): OpCost | undefined {
  return byDomain.get(node.domain)?.get(node.opType);
}

function table(...tables: readonly OpTable[]): ReadonlyMap<string, OpCost> {
  const rows = new Map<string, OpCost>();
  for (const [name, row] of tables.flatMap((each) => Object.entries(each))) {
    // Two rows for one operator would hide each other.
    if (rows.has(name)) throw new Error(`two rows for ${name}`);
    rows.set(name, row);
  }
  return rows;
}
