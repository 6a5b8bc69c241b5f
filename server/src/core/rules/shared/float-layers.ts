import type { Analysis } from '../../analysis';
import { quantizationAdvice } from '../../cost/advice';
import type { QuantizationAdvice } from '../../cost/advice';
import type { Device } from '../../cost/devices';
import { estimate } from '../../cost/energy';
import type { DataType } from '../../dtype';
import type { NodeFacts } from '../../facts/count';
import { inputNumber, outputShape } from '../../facts/site';
import type { WeightRoot } from '../../facts/weights';
import { scaled } from '../../interval';
import type { Range } from '../../interval';
import type { Scope } from '../../shapes/types';
import { chooseLayers } from '../../transform/quantize/dynamic';
import { usageOf } from '../../transform/usage';
import { numberAt } from '../../value-numbers';
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

/**
 * What converting the float32 layers would save on a device, the conversion that saves most bytes first.
 *
 * @param minimumBytes of float32 weights: for fewer nothing is estimated
 */
export function payingConversions(
  analysis: Analysis,
  device: Device,
  minimumBytes: number,
): readonly Conversion[] {
  const groups = new Map<string, { advice: QuantizationAdvice; layers: FloatLayer[] }>();
  for (const layer of floatLayers(analysis)) {
    const advice = quantizationAdvice(device, layer.facts.kind);
    if (advice.pays === 'none') continue;
    const group = groups.get(advice.pays);
    if (group) group.layers.push(layer);
    else groups.set(advice.pays, { advice, layers: [layer] });
  }
  return [...groups.values()]
    .filter(({ layers }) => floatBytesOf(layers) >= minimumBytes)
    .map(({ advice, layers }) => ({ advice, layers: takenOver(analysis, advice, layers) }))
    .filter(({ layers }) => floatBytesOf(layers) >= minimumBytes && layers.length > 0)
    .map(({ advice, layers }) => conversion(analysis, device, advice, layers))
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
  const value = weights.valueAt(scope, numberAt(scope.numbers.inputs, node, 1));
  if (!value || value.dequantized) return [];
  const roots = value.roots.filter(([{ elements }]) => elements > 1);
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

/** Shared tensors once. */
function floatBytesOf(layers: readonly FloatLayer[]): number {
  const roots = new Set(layers.flatMap((layer) => layer.roots));
  return [...roots].reduce((total, { storedBytes }) => total + storedBytes, 0);
}

function conversion(
  analysis: Analysis,
  device: Device,
  advice: QuantizationAdvice,
  layers: readonly FloatLayer[],
): Conversion {
  const floatBytes = floatBytesOf(layers);
  const keep = advice.pays === 'float16' ? 0.5 : 0.25;
  return {
    advice,
    layers,
    floatBytes,
    savedBytes: floatBytes * (1 - keep),
    ...energySaving(analysis, device, advice, layers, keep),
  };
}

/** The estimate again: these layers' weights narrower, multiplied in the format that pays, and what that adds. */
function energySaving(
  analysis: Analysis,
  device: Device,
  { pays }: QuantizationAdvice,
  layers: readonly FloatLayer[],
  keep: number,
): Pick<Conversion, 'savedJoules' | 'savedShare'> {
  const computeDtype = pays === 'int8-weights' ? null : pays === 'float16' ? 'float16' : 'int8';
  const paths = new Set(layers.map(({ facts }) => facts.path));
  const items = analysis.workload.items.map((item) =>
    paths.has(item.name) ? converted(item, keep, computeDtype) : item,
  );
  if (pays === 'int8-dynamic') items.push(...dynamicWork(analysis, layers));
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

/**
 * What int8-dynamic starts besides the products: a quantiser for each tensor that they read, which
 * layers reading the same one share, and per layer the product of the two scales. (The conversions
 * behind the product are fused into it by the runtime.)
 */
function dynamicWork(analysis: Analysis, layers: readonly FloatLayer[]): readonly WorkItem[] {
  const itemsByName = new Map(analysis.workload.items.map((item) => [item.name, item]));
  const inputsByScope = new Map<Scope, Set<number>>();
  const added: WorkItem[] = [];
  for (const { facts } of layers) {
    const item = itemsByName.get(facts.path);
    if (!item) continue;
    added.push(scaleWork(facts, item));
    const input = inputNumber(facts, 0);
    const known = inputsByScope.get(facts.scope) ?? new Set();
    if (known.has(input)) continue;
    inputsByScope.set(facts.scope, known.add(input));
    added.push(quantizeWork(facts, item));
  }
  return added;
}

/** The last dim of what a product computes; 1 when it is not known, which is what the scales cost at least. */
function columnsOf(facts: NodeFacts): number {
  const last = outputShape(facts, 0)?.at(-1);
  return typeof last === 'number' ? last : 1;
}

function scaleWork(facts: NodeFacts, { launches }: WorkItem): WorkItem {
  const columns = columnsOf(facts);
  const bytes = columns * 4;
  return {
    name: `${facts.path}/scales`,
    opType: 'Mul',
    kind: 'elementwise',
    macs: 0,
    flops: columns,
    readBytes: bytes,
    writeBytes: bytes,
    weightBytes: 0,
    computeDtype: 'float32',
    ...(launches !== undefined && { launches }),
  };
}

/** Two passes over the layer's float32 input (range, then codes), a few operations each. */
function quantizeWork(
  { path }: NodeFacts,
  { launches, readBytes, weightBytes }: WorkItem,
): WorkItem {
  const bytes = readBytes === null ? null : readBytes - weightBytes;
  return {
    name: `${path}/quantize`,
    opType: 'DynamicQuantizeLinear',
    kind: 'quantize',
    macs: 0,
    flops: bytes,
    readBytes: bytes,
    writeBytes: bytes === null ? null : bytes / 4,
    weightBytes: 0,
    computeDtype: 'float32',
    ...(launches !== undefined && { launches }),
  };
}
