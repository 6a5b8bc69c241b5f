import type { Analysis } from '../../analysis';
import { quantizationAdvice } from '../../cost/advice';
import type { QuantizationAdvice } from '../../cost/advice';
import type { Device } from '../../cost/devices';
import { estimate } from '../../cost/energy';
import type { DataType } from '../../dtype';
import type { NodeFacts } from '../../facts/count';
import type { WeightRoot } from '../../facts/weights';
import { scaled } from '../../interval';
import type { Range } from '../../interval';
import { chooseLayers } from '../../transform/quantize/dynamic';
import { usageOf } from '../../transform/usage';
import type { WorkItem } from '../../workload';

/** A layer that multiplies with float32 weights that nothing quantises yet. */
export interface FloatLayer {
  readonly facts: NodeFacts;
  /** Its float32 tensors; layers that share one name the same root. */
  readonly roots: readonly WeightRoot[];
}

/** Layers of a model for which the same conversion pays on the device. */
export interface Conversion {
  readonly advice: QuantizationAdvice;
  readonly layers: readonly FloatLayer[];
  /** float32 bytes, shared tensors once. */
  readonly floatBytes: number;
  readonly savedBytes: number;
  /** Null when the estimate sees none, or knows nothing of the work. */
  readonly savedJoules: Range | null;
  /** `savedJoules` over the energy of the whole run. */
  readonly savedShare: number | null;
}

const convertible = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** What converting the float32 layers would save on a device, the conversion that saves most bytes first. */
export function payingConversions(analysis: Analysis, device: Device): readonly Conversion[] {
  const groups = new Map<string, { advice: QuantizationAdvice; layers: FloatLayer[] }>();
  for (const layer of floatLayers(analysis)) {
    const advice = quantizationAdvice(device, layer.facts.kind);
    if (advice.pays === 'none') continue;
    const group = groups.get(advice.pays);
    if (group) group.layers.push(layer);
    else groups.set(advice.pays, { advice, layers: [layer] });
  }
  return [...groups.values()]
    .map(({ advice, layers }) =>
      conversion(analysis, device, advice, takenOver(analysis, advice, layers)),
    )
    .filter(({ layers }) => layers.length > 0)
    .sort((left, right) => right.savedBytes - left.savedBytes);
}

function floatLayers({ facts }: Analysis): readonly FloatLayer[] {
  return facts.nodes.flatMap((node) => {
    if (node.node.domain !== '' || !convertible.has(node.node.opType)) return [];
    const roots = floatRoots(node, facts.weights);
    return roots.length > 0 ? [{ facts: node, roots }] : [];
  });
}

/** The multiplied operand's tensors, when all are float32 and none went through a quantiser. */
function floatRoots(
  { node, scope, computeDtype }: NodeFacts,
  weights: Analysis['facts']['weights'],
): readonly WeightRoot[] {
  if (computeDtype !== 'float32') return [];
  const value = weights.valueOf(scope, node.inputs[1] ?? '');
  if (!value || value.dequantized) return [];
  const roots = [...value.roots].filter(([{ elements }]) => elements > 1);
  const isFloat = roots.every(([{ dtype }, role]) => dtype === 'float32' && role === 'value');
  return isFloat ? roots.map(([root]) => root) : [];
}

/** The recipe that exists declines some layers; the others are judged by their weights alone. */
function takenOver(
  { model }: Analysis,
  { pays }: QuantizationAdvice,
  layers: readonly FloatLayer[],
): readonly FloatLayer[] {
  if (pays !== 'int8-dynamic') return layers;
  const context = { model, only: null, exclude: new Map<string, string>() };
  const chosen = chooseLayers(context, usageOf(model.graph)).layers;
  const paths = new Set(chosen.map(({ node }) => node.path));
  return layers.filter(({ facts }) => paths.has(facts.path));
}

function conversion(
  analysis: Analysis,
  device: Device,
  advice: QuantizationAdvice,
  layers: readonly FloatLayer[],
): Conversion {
  const roots = new Set(layers.flatMap((layer) => layer.roots));
  const floatBytes = [...roots].reduce((total, { storedBytes }) => total + storedBytes, 0);
  const keep = advice.pays === 'float16' ? 0.5 : 0.25;
  return {
    advice,
    layers,
    floatBytes,
    savedBytes: floatBytes * (1 - keep),
    ...energySaving(analysis, device, advice, new Set(layers.map(({ facts }) => facts.path)), keep),
  };
}

/** The estimate again, with these layers' weights narrower and multiplied in the format that pays. */
function energySaving(
  analysis: Analysis,
  device: Device,
  { pays }: QuantizationAdvice,
  paths: ReadonlySet<string>,
  keep: number,
): Pick<Conversion, 'savedJoules' | 'savedShare'> {
  const computeDtype = pays === 'int8-weights' ? null : pays === 'float16' ? 'float16' : 'int8';
  const items = analysis.workload.items.map((item) =>
    paths.has(item.name) ? converted(item, keep, computeDtype) : item,
  );
  const before = analysis.estimateOn(device).energyJoules;
  const after = estimate({ ...analysis.workload, items }, device).energyJoules;
  if (!before || !after || before.mid <= 0 || after.mid >= before.mid) {
    return { savedJoules: null, savedShare: null };
  }
  const savedShare = 1 - after.mid / before.mid;
  return { savedJoules: scaled(before, savedShare), savedShare };
}

function converted(item: WorkItem, keep: number, computeDtype: DataType | null): WorkItem {
  const saved = item.weightBytes * (1 - keep);
  return {
    ...item,
    weightBytes: item.weightBytes - saved,
    readBytes: item.readBytes === null ? null : item.readBytes - saved,
    computeDtype: computeDtype ?? item.computeDtype,
  };
}
