import { isLocalCall, type AttributeValue } from '../../graph';
import { emptyPatch, type NewNode, type NewTensor, type Patch } from '../patch';
import type { Recipe, RecipeContext, SkippedNode, TransformPlan } from '../recipe';
import { createNameMaker, usageOf, type Usage } from '../usage';
import { quantizeColumns, symmetricColumnScales, unsignedCodes, unsignedZeroPoint } from './affine';
import { linearLayer, readWeights, type LinearLayer } from './weights';

/**
 * 8-bit weights, activations quantised while running: DynamicQuantizeLinear → MatMulInteger → scale.
 * Weights are symmetric and stored as uint8 around 128: see `unsignedCodes`.
 * For MatMul and Gemm with constant weights. Convolutions are declined: ConvInteger made a CNN six times slower
 * (see docs/rules/dynamic-quantised-conv.md).
 */
export const int8Dynamic: Recipe = {
  name: 'int8-dynamic',
  title: 'Quantise MatMul and Gemm weights to int8 (dynamic activations)',
  safety: 'needs-verification',
  suffix: 'int8',
  plan: planDynamic,
};

/** DynamicQuantizeLinear exists from this opset on. */
const minOpset = 11;

async function planDynamic(context: RecipeContext): Promise<TransformPlan> {
  const usage = usageOf(context.model.graph);
  const { layers, skipped } = chooseLayers(context, usage);
  const prepared: PreparedLayer[] = [];
  for (const [index, layer] of layers.entries()) {
    if (context.signal?.cancelled) break;
    context.progress?.(index, layers.length, layer.node.path);
    const scales = await columnScales(layer, context);
    if (typeof scales === 'string') skipped.push({ node: layer.node.path, reason: scales });
    else prepared.push({ layer, scales });
  }
  return {
    patch: buildPatch(prepared, usage, context),
    changedNodes: prepared.map(({ layer }) => layer.node.path),
    skipped,
    groups: sharingGroups(prepared),
  };
}

/** Paths of layers that share a weight. */
function sharingGroups(prepared: readonly PreparedLayer[]): readonly (readonly string[])[] {
  const groups = new Map<string, string[]>();
  for (const { layer } of prepared) {
    const group = groups.get(layer.weightName) ?? [];
    group.push(layer.node.path);
    groups.set(layer.weightName, group);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

interface PreparedLayer {
  readonly layer: LinearLayer;
  readonly scales: Float32Array;
}

type CandidateContext = Pick<RecipeContext, 'model' | 'only' | 'exclude'>;

/** The layers that the recipe takes over, and why not the others; reads no weights. */
export function chooseLayers(
  context: CandidateContext,
  usage: Usage,
): { layers: LinearLayer[]; skipped: SkippedNode[] } {
  const layers: LinearLayer[] = [];
  const skipped: SkippedNode[] = [];
  for (const node of context.model.graph.nodes) {
    const reason = declineReason(node, context) ?? undefined;
    if (reason === 'not a candidate') continue;
    const layer = reason ?? linearLayer(node, usage, context);
    if (typeof layer === 'string') skipped.push({ node: node.path, reason: layer });
    else layers.push(layer);
  }
  return keepWholeGroups(layers, skipped, usage);
}

/** A weight shared by several layers stays float when one of them does. */
function keepWholeGroups(
  layers: readonly LinearLayer[],
  skipped: readonly SkippedNode[],
  usage: Usage,
): { layers: LinearLayer[]; skipped: SkippedNode[] } {
  const chosen = new Set(layers.map(({ node }) => node.index));
  const kept: LinearLayer[] = [];
  const more = [...skipped];
  const isWhole = new Map<string, boolean>();
  for (const { weightName } of layers) {
    if (isWhole.has(weightName)) continue;
    const users = usage.consumersOf(weightName);
    isWhole.set(
      weightName,
      users.every(({ node }) => chosen.has(node)),
    );
  }
  for (const layer of layers) {
    if (isWhole.get(layer.weightName)) kept.push(layer);
    else {
      const reason = 'another layer that shares its weight stays float';
      more.push({ node: layer.node.path, reason });
    }
  }
  return { layers: kept, skipped: more };
}

function declineReason(
  node: LinearLayer['node'],
  { model, only, exclude }: CandidateContext,
): string | null {
  if (node.domain !== '') return 'not a candidate';
  if (only && !only.has(node.path)) return 'not a candidate';
  const isConv = node.opType === 'Conv' || node.opType === 'ConvTranspose';
  if (!isConv && node.opType !== 'MatMul' && node.opType !== 'Gemm') return 'not a candidate';
  if (isLocalCall(node, model.functions)) return 'it calls a function of the model';
  const rolledBack = exclude.get(node.path);
  if (rolledBack !== undefined) return rolledBack;
  if (isConv) return 'dynamically quantised convolutions run slower than float; use int8-static';
  const opset = model.opsets.get('');
  if (opset === undefined || opset < minOpset) {
    return `opset ${opset ?? 'unknown'} has no DynamicQuantizeLinear; export with opset ${minOpset} or later`;
  }
  return null;
}

async function columnScales(
  layer: LinearLayer,
  context: RecipeContext,
): Promise<Float32Array | string> {
  const weights = await readWeights(layer, context);
  if (!weights) return 'its weights cannot be read';
  const scales = symmetricColumnScales(weights, layer.rows, layer.columns);
  return scales ?? 'its weights contain NaN, infinity or numbers too large to scale';
}

interface SharedWeight {
  readonly codes: string;
  readonly scale: string;
  /** The same for all weights. */
  readonly zeroPoint: string;
}

interface SharedInput {
  readonly codes: string;
  readonly scale: string;
  readonly zeroPoint: string;
}

function buildPatch(
  prepared: readonly PreparedLayer[],
  usage: Usage,
  context: RecipeContext,
): Patch {
  const newName = createNameMaker(usage);
  const inputs = new Map<string, SharedInput>();
  const weights = new Map<string, SharedWeight>();
  const insertNodes: Patch['insertNodes'][number][] = [];
  const addInitializers: NewTensor[] = [];
  const removeInitializers = new Set<number>();
  const removeInputs = new Set<number>();
  const removeNodes = new Set<number>();
  const zeroPoint = newName('quantized_weight_zero_point');
  if (prepared.length > 0) addInitializers.push(zeroPointTensor(zeroPoint));
  for (const { layer, scales } of prepared) {
    const { node, weight } = layer;
    const before = node.index;
    const input = node.inputs[0] ?? '';
    let shared = inputs.get(input);
    if (!shared) {
      shared = {
        codes: newName(`${input}_quantized`),
        scale: newName(`${input}_scale`),
        zeroPoint: newName(`${input}_zero_point`),
      };
      inputs.set(input, shared);
      insertNodes.push({ before, node: quantizeInput(layer, shared, newName) });
    }
    // Gemm's alpha goes into the scales, so layers share a weight only with the same one.
    const weightKey = `${layer.factor}:${String(layer.transposed)}:${layer.weightName}`;
    let sharedWeight = weights.get(weightKey);
    if (!sharedWeight) {
      sharedWeight = {
        codes: newName(`${layer.weightName}_quantized`),
        scale: newName(`${layer.weightName}_scale`),
        zeroPoint,
      };
      weights.set(weightKey, sharedWeight);
      addInitializers.push(...weightTensors(layer, scales, sharedWeight, context));
    }
    for (const added of integerProduct(layer, shared, sharedWeight, newName)) {
      insertNodes.push({ before, node: added });
    }
    removeNodes.add(node.index);
    if (weight.initializer !== null) removeInitializers.add(weight.initializer);
    if (weight.constantNode) removeNodes.add(weight.constantNode.index);
    if (weight.graphInput !== null) removeInputs.add(weight.graphInput);
  }
  return {
    ...emptyPatch,
    insertNodes,
    addInitializers,
    removeNodes: sorted(removeNodes),
    removeInitializers: sorted(removeInitializers),
    removeInputs: sorted(removeInputs),
    removeValueInfos: prepared.flatMap(({ layer }) =>
      layer.weight.constantNode ? [layer.weightName] : [],
    ),
  };
}

function sorted(numbers: ReadonlySet<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

/** Longer metadata values (stack traces) go to one of the nodes that replace a node, not to each of them. */
const maxSharedMetadata = 256;

/** What the nodes around the integer product keep of the one they replace: its place in the author's program. */
function origin({ node }: LinearLayer): Pick<NewNode, 'metadata' | 'domain'> {
  const short = [...node.metadata].filter(([, value]) => value.length <= maxSharedMetadata);
  return { metadata: new Map(short), domain: '' };
}

function quantizeInput(
  layer: LinearLayer,
  shared: SharedInput,
  newName: (wanted: string) => string,
): NewNode {
  return {
    ...origin(layer),
    name: newName(`${layer.node.inputs[0] ?? ''}_QuantizeLinear`),
    opType: 'DynamicQuantizeLinear',
    inputs: [layer.node.inputs[0] ?? ''],
    outputs: [shared.codes, shared.scale, shared.zeroPoint],
    attributes: [],
  };
}

/** The integer product, back to float with both scales, and Gemm's bias. */
function integerProduct(
  layer: LinearLayer,
  input: SharedInput,
  weight: SharedWeight,
  newName: (wanted: string) => string,
): NewNode[] {
  const { node, bias } = layer;
  const label = node.name === '' ? node.path : node.name;
  const output = node.outputs[0] ?? '';
  const product = newName(`${output}_quantized`);
  const cast = newName(`${output}_quantized_cast`);
  const scales = newName(`${output}_scales`);
  const scaled = bias === null ? output : newName(`${output}_scaled`);
  const toFloat: AttributeValue = { kind: 'int', value: 1n };
  const make = (
    suffix: string,
    opType: string,
    inputs: readonly string[],
    outputName: string,
    attributes: NewNode['attributes'] = [],
  ): NewNode => ({
    ...origin(layer),
    name: newName(`${label}${suffix}`),
    opType,
    inputs,
    outputs: [outputName],
    attributes,
  });
  const operands = [input.codes, weight.codes, input.zeroPoint, weight.zeroPoint];
  const nodes = [
    {
      ...make('_quant', 'MatMulInteger', operands, product),
      docString: node.docString,
      metadata: node.metadata,
    },
    make('_quant_cast', 'Cast', [product], cast, [{ name: 'to', value: toFloat }]),
    make('_quant_scales_mul', 'Mul', [input.scale, weight.scale], scales),
    make('_quant_output_scale_mul', 'Mul', [cast, scales], scaled),
  ];
  if (bias !== null) nodes.push(make('_quant_bias_add', 'Add', [scaled, bias], output));
  return nodes;
}

function zeroPointTensor(name: string): NewTensor {
  const data = () => Promise.resolve(Uint8Array.of(unsignedZeroPoint));
  return { name, dtype: 'uint8', dims: [], byteLength: 1, data };
}

/** uint8 codes `[rows, columns]` and float32 scales `[columns]`; codes are made when the writer asks. */
function weightTensors(
  layer: LinearLayer,
  scales: Float32Array,
  names: SharedWeight,
  context: RecipeContext,
): NewTensor[] {
  const { rows, columns, factor } = layer;
  const outputScales = scales.map((scale) => scale * factor);
  return [
    {
      name: names.codes,
      dtype: 'uint8',
      dims: [rows, columns],
      byteLength: rows * columns,
      async data() {
        const weights = await readWeights(layer, context);
        // Too few bytes tell the writer that the file changed since the scales were made.
        if (!weights) return new Uint8Array(0);
        return unsignedCodes(quantizeColumns(weights, scales, columns));
      },
    },
    {
      name: names.scale,
      dtype: 'float32',
      dims: [columns],
      byteLength: columns * 4,
      data: () => Promise.resolve(new Uint8Array(outputScales.buffer)),
    },
  ];
}
