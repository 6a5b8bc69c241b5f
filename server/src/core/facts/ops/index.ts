import type { Node } from '../../graph';
import { attentionMicrosoftOps, attentionOps, attentionPreviewOps } from './attention';
import { classicalOps } from './classical';
import { controlMicrosoftOps, controlOps } from './control';
import {
  convolutionBlockedOps,
  convolutionChannelsLastOps,
  convolutionMicrosoftOps,
  convolutionOps,
} from './convolution';
import { elementwiseMicrosoftOps, elementwiseOps } from './elementwise';
import { matmulMicrosoftOps, matmulOps } from './matmul';
import { packedMatmulMicrosoftOps } from './matmul-packed';
import { imageOps, movementMicrosoftOps, movementOps, reorderOps } from './movement';
import { normalizationMicrosoftOps, normalizationOps } from './normalization';
import type { OpCost, OpTable } from './op';
import { quantizeBrevitasOps, quantizeMicrosoftOps, quantizeOps } from './quantize';
import { recurrentMicrosoftOps, recurrentOps } from './recurrent';
import { quantizedPoolOps, reductionMicrosoftOps, reductionOps } from './reduction';
import { stateSpaceMicrosoftOps, stateSpaceOps } from './state-space';
import { trainingMicrosoftOps, trainingOps } from './training';

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
  stateSpaceOps,
);

const microsoft = table(
  attentionMicrosoftOps,
  controlMicrosoftOps,
  convolutionMicrosoftOps,
  elementwiseMicrosoftOps,
  matmulMicrosoftOps,
  packedMatmulMicrosoftOps,
  movementMicrosoftOps,
  normalizationMicrosoftOps,
  quantizeMicrosoftOps,
  recurrentMicrosoftOps,
  reductionMicrosoftOps,
  stateSpaceMicrosoftOps,
  trainingMicrosoftOps,
);

const brevitas = table(quantizeBrevitasOps);
const images = table(imageOps);

/** Standard operators on other layouts: the same work. */
const blocked = new Map([...standard, ...table(reorderOps, convolutionBlockedOps)]);
const channelsLast = new Map([...standard, ...table(convolutionChannelsLastOps, quantizedPoolOps)]);

const byDomain: ReadonlyMap<string, ReadonlyMap<string, OpCost>> = new Map([
  ['', standard],
  ['com.microsoft', microsoft],
  ['ai.onnx.ml', table(classicalOps)],
  ['com.microsoft.nchwc', blocked],
  ['com.ms.internal.nhwc', channelsLast],
  ['com.microsoft.extensions', images],
  ['ai.onnx.contrib', images],
  ['ai.onnx.preview', table(attentionPreviewOps)],
  ['ai.onnx.preview.training', table(trainingOps)],
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
