import { intAttribute, stringAttribute } from '../../attributes';
import { multiply } from '../../shapes/symbolic';
import { inputShape, outputElements, outputShape, type Site } from '../site';
import { simple, transcendental, type Count, type OpCost, type OpTable, type Traffic } from './op';

function movement(traffic: Traffic = 'streams', flops?: Count): OpCost {
  return { kind: 'data-movement', traffic, ...(flops && { flops }) };
}

function rows(cost: OpCost, ...names: readonly string[]): OpTable {
  return Object.fromEntries(names.map((name) => [name, cost]));
}

/** Tables read where indices point. */
const lookup: OpCost = { kind: 'lookup', traffic: 'picks' };
const copies = movement('streams');
const picks = movement('picks');
const generates = movement('generates');
const alias: OpCost = { kind: 'none', traffic: 'alias' };
/** How much a codec works is in the image. */
const imageCodec: OpCost = { kind: 'unknown', flops: () => null };
const nothing: OpCost = { kind: 'none', traffic: 'none' };

/**
 * Interpolated outputs are weighted sums: 2 taps per resized axis when linear, 4 when cubic,
 * a multiplication and an addition each. Nearest copies.
 */
const resizeFlops: Count = (site) => {
  const mode = stringAttribute(site.node, 'mode') ?? 'nearest';
  if (mode === 'nearest') return 0;
  const resized = resizedAxes(site);
  const taps = mode === 'cubic' ? 4 : 2;
  return resized === null ? null : multiply(outputElements(site), 2 * taps ** resized - 1);
};

function resizedAxes(site: Site): number | null {
  const before = inputShape(site, 0);
  const after = outputShape(site, 0);
  if (before?.length !== after?.length || !before || !after) return null;
  // Batch and channels are not resized by any model we know; equal known sizes are not either.
  return Math.min(3, before.filter((dim, axis) => dim === null || dim !== after[axis]).length);
}

/** Bilinear sampling of 2-D images, as GridSample and CropAndResize do. */
const bilinear: Count = (site) => multiply(outputElements(site), 7 * simple);

/** A pseudo-random number and its transformation. */
const random = movement('generates', (site) => multiply(outputElements(site), transcendental));

export const movementOps: OpTable = {
  ...rows(nothing, 'Constant', 'Shape', 'Size'),
  ...rows(alias, 'Identity', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze'),
  ...rows(nothing, 'SequenceConstruct', 'SequenceInsert', 'SequenceErase', 'SequenceEmpty'),
  ...rows(nothing, 'SequenceLength', 'SequenceAt', 'Optional', 'OptionalHasElement'),
  ...rows(alias, 'OptionalGetElement'),
  ...rows(copies, 'Transpose', 'Concat', 'Split', 'Pad', 'DepthToSpace', 'SpaceToDepth'),
  ...rows(copies, 'ReverseSequence', 'Compress', 'Trilu', 'MaxUnpool', 'Col2Im', 'Scatter'),
  ...rows(copies, 'ScatterElements', 'ScatterND', 'TensorScatter', 'ConcatFromSequence'),
  ...rows(copies, 'SplitToSequence', 'BitCast', 'MemcpyFromHost', 'MemcpyToHost'),
  ...rows(picks, 'Slice', 'DynamicSlice', 'Crop', 'CenterCropPad', 'Tile', 'Expand'),
  ...rows(lookup, 'Gather', 'GatherElements', 'GatherND', 'OneHot'),
  ...rows(generates, 'ConstantOfShape', 'EyeLike', 'GivenTensorFill'),
  Range: movement('generates', (site) => outputElements(site)),
  ...rows(random, 'RandomNormal', 'RandomNormalLike', 'RandomUniform', 'RandomUniformLike'),
  ...rows(random, 'Multinomial', 'Bernoulli', 'HannWindow', 'HammingWindow', 'BlackmanWindow'),
  MelWeightMatrix: generates,
  AffineGrid: movement('generates', (site) => multiply(outputElements(site), 4)),
  Resize: { kind: 'data-movement', flops: resizeFlops },
  Upsample: { kind: 'data-movement', flops: resizeFlops },
  GridSample: { kind: 'data-movement', flops: bilinear },
  ...rows(copies, 'StringConcat', 'StringNormalizer', 'StringSplit', 'RegexFullMatch'),
  ...rows(copies, 'TfIdfVectorizer'),
  ImageDecoder: imageCodec,
  ConstantFill: generates,
};

/** Encoded images, as ONNX Runtime's extensions read and write them. */
export const imageOps: OpTable = { DecodeImage: imageCodec, EncodeImage: imageCodec };

/** Between plain channels and blocks of them. */
export const reorderOps: OpTable = rows(copies, 'ReorderInput', 'ReorderOutput');

export const movementMicrosoftOps: OpTable = {
  ...rows(
    copies,
    'Pad',
    'Trilu',
    'ConcatTraining',
    'SplitTraining',
    'UnfoldTensor',
    'RemovePadding',
  ),
  ...rows(copies, 'RestorePadding', 'Tokenizer', 'Send', 'Recv', 'SampleOp', 'NGramRepeatBlock'),
  ...rows(lookup, 'GatherND', 'TorchEmbedding'),
  ...rows(alias, 'ExpandDims'),
  GatherBlockQuantized: {
    kind: 'lookup',
    traffic: 'picks',
    flops: (site) => multiply(outputElements(site), 2),
    zeroPoints: [3],
    packing: (site, index, stored) =>
      index === 0 && intAttribute(site.node, 'bits') !== 8 ? 2 * stored : stored,
  },
  Range: movement('generates', (site) => outputElements(site)),
  CropAndResize: { kind: 'data-movement', flops: bilinear },
  GridSample: { kind: 'data-movement', flops: bilinear },
};
