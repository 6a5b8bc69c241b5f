import type { AttentionShape, LayerGroup, LayerKind, Part, PartName } from '../architecture';
import type { Fields } from '../fields';
import { convolution, linear, norm, table, times, together, vector } from '../weights';
import type { Weights } from '../weights';
import { labelCount, mlp } from './decoder';

/**
 * Vision and audio towers by `model_type`: embeddings of patches or frames, then transformer layers.
 * Sizes are the defaults of transformers 5; weights are counted per patch.
 */
export const towers: ReadonlyMap<string, Tower> = new Map<string, Tower>([
  ['clip_vision_model', clipVision],
  ['siglip_vision_model', siglipVision],
  ['vit', (fields, architecture) => vit(fields, architecture, 1)],
  ['deit', (fields, architecture) => vit(fields, architecture, 2)],
  ['dinov2', dinov2],
  ['pixtral', pixtralVision],
  ['mllama_vision_model', mllamaVision],
  ['qwen3_5', qwenVision],
  ['qwen3_5_vision', qwenVision],
  ['voxtral_encoder', voxtralEncoder],
]);

/** `architecture`: the class when the tower is the whole model, null inside another model. */
export type Tower = (fields: Fields, architecture: string | null) => Part;

interface VitSizes {
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly ffn: number;
  readonly channels: number;
  readonly patch: number;
  readonly patches: number;
}

function vitSizes(
  fields: Fields,
  defaults: {
    readonly hidden: number;
    readonly layers: number;
    readonly heads: number;
    readonly ffn: number;
    readonly image: number;
    readonly patch: number;
  },
): VitSizes {
  const patch = fields.size('patch_size', defaults.patch);
  const image = fields.size('image_size', defaults.image);
  return {
    hidden: fields.size('hidden_size', defaults.hidden),
    layers: fields.size('num_hidden_layers', defaults.layers),
    heads: fields.size(['num_attention_heads', 'attention_heads', 'num_heads'], defaults.heads),
    ffn: fields.size('intermediate_size', defaults.ffn),
    channels: fields.size('num_channels', 3),
    patch,
    patches: Math.floor(image / patch) ** 2,
  };
}

const base = { hidden: 768, layers: 12, heads: 12, ffn: 3072 } as const;

function clipVision(fields: Fields): Part {
  const sizes = vitSizes(fields, { ...base, image: 224, patch: 32 });
  const { hidden, patches } = sizes;
  return tower('vision', sizes, patches + 1, [
    patchEmbedding(sizes, false),
    group('position_embedding', 'embedding', 1, table(patches + 2, hidden)),
    ...plainLayers(sizes, true),
    group('layernorm', 'norm', 2, times(2, norm(hidden, true))),
  ]);
}

function siglipVision(fields: Fields): Part {
  const sizes = vitSizes(fields, { ...base, image: 224, patch: 16 });
  const { hidden, patches, ffn } = sizes;
  const layers = [
    patchEmbedding(sizes, true),
    group('position_embedding', 'embedding', 1, table(patches, hidden)),
    ...plainLayers(sizes, true),
    group('post_layernorm', 'norm', 1, norm(hidden, true)),
  ];
  if (fields.flag('vision_use_head', true)) {
    const pooling = together(
      vector(hidden),
      times(4, linear(hidden, hidden, true)),
      norm(hidden, true),
      mlp(hidden, ffn, false, true),
    );
    layers.push({ ...group('head', 'head', 1, pooling), perToken: false });
  }
  return tower('vision', sizes, patches, layers);
}

/** ViT and DeiT differ in the number of extra tokens. */
function vit(fields: Fields, architecture: string | null, extraTokens: number): Part {
  const sizes = vitSizes(fields, { ...base, image: 224, patch: 16 });
  const { hidden, patches } = sizes;
  const layers = [
    patchEmbedding(sizes, true),
    // One row per position and one vector per extra token.
    group('position_embeddings', 'embedding', 1, table(patches + 2 * extraTokens, hidden)),
    ...plainLayers(sizes, fields.flag('qkv_bias', true)),
    group('layernorm', 'norm', 1, norm(hidden, true)),
  ];
  if (architecture?.endsWith('ForImageClassification')) layers.push(classifier(fields, hidden));
  else layers.push(onceGroup('pooler', linear(hidden, hidden, true)));
  return tower('vision', sizes, patches + extraTokens, layers);
}

function dinov2(fields: Fields, architecture: string | null): Part {
  const hidden = fields.size('hidden_size', 768);
  const ratio = fields.size('mlp_ratio', 4);
  const swiglu = fields.flag('use_swiglu_ffn', false);
  const ffn = hidden * ratio;
  const sizes: VitSizes = { ...vitSizes(fields, { ...base, image: 224, patch: 14 }), ffn };
  const { patches, layers: count } = sizes;
  // The gated form keeps its size near the plain one's and rounds up to a multiple of 8.
  const gatedWidth = Math.floor((Math.floor((ffn * 2) / 3) + 7) / 8) * 8;
  const feedForward = swiglu
    ? together(linear(hidden, 2 * gatedWidth, true), linear(gatedWidth, hidden, true))
    : mlp(hidden, ffn, false, true);
  const [attention, , norms] = plainLayers(sizes, fields.flag('qkv_bias', true));
  const mask = fields.flag('use_mask_token', true) ? 1 : 0;
  const layers = [
    patchEmbedding(sizes, true),
    group('position_embeddings', 'embedding', 1, table(patches + 2 + mask, hidden)),
    ...(attention ? [attention] : []),
    group('mlp', 'mlp', count, times(count, feedForward)),
    ...(norms ? [norms] : []),
    group('layer_scale', 'other', 2 * count, times(2 * count, vector(hidden))),
    group('layernorm', 'norm', 1, norm(hidden, true)),
  ];
  if (architecture?.endsWith('ForImageClassification')) {
    const labels = labelCount(fields);
    layers.push(onceGroup('classifier', linear(2 * hidden, labels, true)));
  }
  return tower('vision', sizes, patches + 1, layers);
}

function pixtralVision(fields: Fields): Part {
  const sizes = vitSizes(fields, {
    hidden: 1024,
    layers: 24,
    heads: 16,
    ffn: 4096,
    image: 1024,
    patch: 16,
  });
  const { hidden, layers, ffn, patches } = sizes;
  return tower('vision', sizes, patches, [
    patchEmbedding(sizes, false),
    group('attention', 'attention', layers, times(4 * layers, linear(hidden, hidden))),
    group('feed_forward', 'mlp', layers, times(layers, mlp(hidden, ffn, true, false))),
    group('norm', 'norm', 2 * layers + 1, times(2 * layers + 1, norm(hidden, false))),
  ]);
}

/** Two stacks of layers (the second gated) over tiles, with trained position tables per aspect ratio. */
function mllamaVision(fields: Fields): Part {
  const sizes = vitSizes(fields, {
    hidden: 1280,
    layers: 32,
    heads: 16,
    ffn: 5120,
    image: 448,
    patch: 14,
  });
  const { hidden, ffn, layers, patches } = sizes;
  const globalLayers = fields.count('num_global_layers', 8);
  const tiles = fields.size('max_num_tiles', 4);
  // The eight ratios of four tiles are the default; one more row stands for padding.
  const ratios = (fields.entries('supported_aspect_ratios') ?? 8) + 1;
  const positions = patches + 1;
  const all = layers + globalLayers;
  return tower('vision', { ...sizes, layers: all }, positions * tiles, [
    patchEmbedding(sizes, false),
    group(
      'positional_embeddings',
      'embedding',
      1,
      together(
        vector(hidden),
        table(positions, hidden),
        table(ratios, tiles * positions * hidden),
        times(2, table(ratios, tiles * hidden)),
        vector(3),
      ),
    ),
    group('self_attn', 'attention', all, times(4 * all, linear(hidden, hidden))),
    group('mlp', 'mlp', all, times(all, mlp(hidden, ffn, false, true))),
    group('layernorm', 'norm', 2 * all + 2, times(2 * all + 2, norm(hidden, true))),
    group('gates', 'other', globalLayers, vector(2 * globalLayers)),
  ]);
}

function qwenVision(fields: Fields): Part {
  const hidden = fields.size('hidden_size', 1152);
  const layers = fields.size('depth', 27);
  const heads = fields.size('num_heads', 16);
  const ffn = fields.size('intermediate_size', 4304);
  const patch = fields.size('patch_size', 16);
  const frames = fields.size('temporal_patch_size', 2);
  const channels = fields.size('in_channels', 3);
  const positions = fields.size('num_position_embeddings', 2304);
  const merged = hidden * fields.size('spatial_merge_size', 2) ** 2;
  const sizes = { hidden, layers, heads, ffn, channels, patch, patches: positions };
  const merger = together(
    norm(hidden, true),
    linear(merged, merged, true),
    linear(merged, fields.size('out_hidden_size', 3584), true),
  );
  return tower('vision', sizes, null, [
    group('patch_embed', 'conv', 1, convolution(channels, hidden, frames * patch ** 2, true)),
    group('pos_embed', 'embedding', 1, table(positions, hidden)),
    ...plainLayers(sizes, true),
    group('merger', 'projector', 1, merger),
  ]);
}

/** Whisper's encoder: keys have no bias. */
function voxtralEncoder(fields: Fields): Part {
  const hidden = fields.size(['hidden_size', 'd_model'], 1280);
  const layers = fields.size(['num_hidden_layers', 'encoder_layers'], 32);
  const heads = fields.size(['num_attention_heads', 'encoder_attention_heads'], 20);
  const ffn = fields.size(['intermediate_size', 'encoder_ffn_dim'], 5120);
  const bins = fields.size('num_mel_bins', 128);
  const frames = fields.size('max_source_positions', 1500);
  const sizes = { hidden, layers, heads, ffn, channels: bins, patch: 3, patches: frames };
  const part = tower('audio', sizes, frames, audioEncoderLayers(sizes));
  return part;
}

/** Two convolutions over mel frames, fixed positions, layers, a final norm: Whisper and what uses it. */
export function audioEncoderLayers(sizes: {
  readonly hidden: number;
  readonly layers: number;
  readonly ffn: number;
  readonly channels: number;
  readonly patches: number;
}): LayerGroup[] {
  const { hidden, layers, ffn, channels, patches } = sizes;
  const convolutions = together(
    convolution(channels, hidden, 3, true),
    convolution(hidden, hidden, 3, true),
  );
  const attention = together(times(3, linear(hidden, hidden, true)), linear(hidden, hidden));
  return [
    group('conv', 'conv', 2, convolutions),
    group('embed_positions', 'embedding', 1, table(patches, hidden)),
    group('self_attn', 'attention', layers, times(layers, attention)),
    group('mlp', 'mlp', layers, times(layers, mlp(hidden, ffn, false, true))),
    group('layer_norm', 'norm', 2 * layers + 1, times(2 * layers + 1, norm(hidden, true))),
  ];
}

/** Attention, feed-forward and two norms per layer, in this order. */
function plainLayers(sizes: VitSizes, qkvBias: boolean): LayerGroup[] {
  const { hidden, layers, ffn } = sizes;
  const attention = together(
    times(3, linear(hidden, hidden, qkvBias)),
    linear(hidden, hidden, true),
  );
  return [
    group('attention', 'attention', layers, times(layers, attention)),
    group('mlp', 'mlp', layers, times(layers, mlp(hidden, ffn, false, true))),
    group('layernorm', 'norm', 2 * layers, times(2 * layers, norm(hidden, true))),
  ];
}

function patchEmbedding(sizes: VitSizes, bias: boolean): LayerGroup {
  const { channels, hidden, patch } = sizes;
  return group('patch_embedding', 'conv', 1, convolution(channels, hidden, patch ** 2, bias));
}

function classifier(fields: Fields, hidden: number): LayerGroup {
  return onceGroup('classifier', linear(hidden, labelCount(fields), true));
}

function onceGroup(name: string, weights: Weights): LayerGroup {
  return { ...group(name, 'head', 1, weights), perToken: false };
}

function tower(
  name: PartName,
  sizes: VitSizes,
  positions: number | null,
  layers: readonly LayerGroup[],
): Part {
  const width = Math.floor(sizes.hidden / sizes.heads);
  const attention: AttentionShape = {
    layers: sizes.layers,
    heads: sizes.heads,
    keyWidth: width,
    valueWidth: width,
    cacheElementsPerToken: 0,
    window: null,
  };
  return {
    name,
    role: 'tower',
    layers: layers.map((layer) => ({ ...layer, part: name })),
    attention: [attention],
    positions,
    contextLength: null,
    contextKey: null,
    hiddenSize: sizes.hidden,
  };
}

function group(name: string, kind: LayerKind, count: number, weights: Weights): LayerGroup {
  return { name, kind, part: 'vision', count, weights, perToken: true };
}
