import type { Architecture, Family, LayerGroup, Part } from '../architecture';
import type { Fields } from '../fields';
import { linear, norm, table, times, together, vector } from '../weights';
import type { Weights } from '../weights';
import { classicModels } from './classic-models';
import { decoderPart, mlp } from './decoder';
import type { DecoderTraits } from './decoder';
import { expertModels } from './expert-models';
import { gatedModels } from './gated-models';
import { qwen35Text } from './hybrid';
import { towers } from './towers';

/** Models made of other models: towers for images or sound before a text decoder, and CLIP's pairs. */
export const composites: ReadonlyMap<string, Family> = new Map<string, Family>([
  ['clip', (fields) => dualEncoder(fields, 'clip')],
  ['siglip', (fields) => dualEncoder(fields, 'siglip')],
  ['clip_text_model', (fields, { architecture }) => textTower(fields, 'clip', architecture)],
  ['siglip_text_model', (fields, { architecture }) => textTower(fields, 'siglip', architecture)],
  ['llava', llava],
  ['maira2', maira2],
  ['mistral3', mistral3],
  ['mllama', mllama],
  ['voxtral', voxtral],
  ['qwen3_5', qwen35],
  ['phi4mm', phi4Multimodal],
]);

/** Every decoder there is a description of, by `model_type`. */
export const decoders: ReadonlyMap<string, DecoderTraits> = new Map([
  ...gatedModels,
  ...expertModels,
  ...classicModels,
]);

/** The text model of a multimodal one, with its output projection. */
function textModel(root: Fields, defaultType: string, tiedByDefault: boolean): Described {
  const fields = root.nestedOrEmpty('text_config');
  const type = fields.text('model_type') ?? defaultType;
  const tied = root.has('tie_word_embeddings')
    ? root.flag('tie_word_embeddings', tiedByDefault)
    : fields.flag('tie_word_embeddings', tiedByDefault);
  const traits = decoders.get(type);
  if (!traits) return { parts: [], unknownParts: [`text model ${type}`] };
  const { part, unknownParts } = decoderPart(traits, fields, null, tied);
  return { parts: [part], unknownParts };
}

type Described = Architecture;

function towerOf(root: Fields, key: string, defaultType: string): Described {
  const fields = root.nestedOrEmpty(key);
  const type = fields.text('model_type') ?? defaultType;
  const describe = towers.get(type);
  if (!describe) return { parts: [], unknownParts: [`tower ${type}`] };
  return { parts: [describe(fields, 'Backbone')], unknownParts: [] };
}

function joined(...all: readonly Described[]): Architecture {
  return {
    parts: all.flatMap(({ parts }) => parts),
    unknownParts: all.flatMap(({ unknownParts }) => unknownParts),
  };
}

/** A projector between towers whose hidden sizes are known; unknown when one of them is not. */
function projectorBetween(
  tower: Described,
  text: Described,
  weights: (towerWidth: number, textWidth: number) => Weights,
): Described {
  const from = tower.parts[0]?.hiddenSize;
  const to = text.parts[0]?.hiddenSize;
  if (from === undefined || to === undefined) return { parts: [], unknownParts: ['projector'] };
  return { parts: [projector(weights(from, to), to)], unknownParts: [] };
}

function projector(weights: Weights, hiddenSize: number): Part {
  return {
    name: 'projector',
    role: 'tower',
    layers: [
      {
        name: 'multi_modal_projector',
        kind: 'projector',
        part: 'projector',
        count: 1,
        weights,
        perToken: true,
      },
    ],
    attention: [],
    positions: null,
    contextLength: null,
    contextKey: null,
    hiddenSize,
  };
}

function llava(root: Fields): Architecture {
  if (!root.has('text_config') && !root.has('vision_config') && root.has('hidden_size')) {
    return originalLlava(root);
  }
  const text = textModel(root, 'llama', false);
  const vision = towerOf(root, 'vision_config', 'clip_vision_model');
  const bias = root.flag('multimodal_projector_bias', true);
  const features = root.entries('vision_feature_layer') ?? 1;
  return joined(
    vision,
    projectorBetween(vision, text, (from, to) =>
      together(linear(from * features, to, bias), linear(to, to, bias)),
    ),
    text,
  );
}

/** The first LLaVA code: a LLaMA config with `mm_` keys; its vision tower is another checkpoint. */
function originalLlava(root: Fields): Architecture {
  const llama = gatedModels.get('llama');
  if (!llama) return { parts: [], unknownParts: ['text model'] };
  const { part, unknownParts } = decoderPart(llama, root, 'LlavaLlamaForCausalLM');
  const depth = /^mlp(\d{1,2})x_gelu$/.exec(root.text('mm_projector_type') ?? '')?.[1];
  const width = root.size('mm_hidden_size', 1024);
  const between =
    depth === undefined
      ? { parts: [], unknownParts: ['projector'] }
      : {
          parts: [
            projector(
              together(
                linear(width, part.hiddenSize, true),
                times(Number(depth) - 1, linear(part.hiddenSize, part.hiddenSize, true)),
              ),
              part.hiddenSize,
            ),
          ],
          unknownParts: [],
        };
  return joined({ parts: [part], unknownParts }, between, {
    parts: [],
    unknownParts: ['vision tower (another checkpoint)'],
  });
}

/** MAIRA-2 (code on the hub): a DINOv2 backbone, a stack of linear layers, a Phi-3 or LLaMA decoder. */
function maira2(root: Fields): Architecture {
  const text = textModel(root, 'llama', false);
  const vision = towerOf(root, 'vision_config', 'dinov2');
  const depth = root.size('projector_n_layers', 1);
  return joined(
    vision,
    projectorBetween(vision, text, (from, to) =>
      together(linear(from, to, true), times(depth - 1, linear(to, to, true))),
    ),
    text,
  );
}

function mistral3(root: Fields): Architecture {
  const text = textModel(root, 'mistral', true);
  const vision = towerOf(root, 'vision_config', 'pixtral');
  const bias = root.flag('multimodal_projector_bias', false);
  const merged = root.size('spatial_merge_size', 2) ** 2;
  return joined(
    vision,
    projectorBetween(vision, text, (from, to) =>
      together(
        norm(from, false),
        linear(from * merged, from),
        linear(from, to, bias),
        linear(to, to, bias),
      ),
    ),
    text,
  );
}

function voxtral(root: Fields): Architecture {
  const text = textModel(root, 'llama', false);
  const audio = towerOf(root, 'audio_config', 'voxtral_encoder');
  // Frames are joined until they are as wide as the encoder's feed-forward layer.
  const joinedWidth = root
    .nestedOrEmpty('audio_config')
    .size(['intermediate_size', 'encoder_ffn_dim'], 5120);
  return joined(
    audio,
    projectorBetween(audio, text, (_from, to) => together(linear(joinedWidth, to), linear(to, to))),
    text,
  );
}

function qwen35(root: Fields): Architecture {
  const vision = towerOf(root, 'vision_config', 'qwen3_5');
  const tied = root.flag('tie_word_embeddings', false);
  const text = qwen35Text(root.nestedOrEmpty('text_config'), true, tied);
  return joined(vision, { parts: [text], unknownParts: [] });
}

/** Cross-attention layers, at listed places among the others, read the image; they cache no text. */
function mllama(root: Fields): Architecture {
  const fields = root.nestedOrEmpty('text_config');
  const vision = towerOf(root, 'vision_config', 'mllama_vision_model');
  const llama = gatedModels.get('llama');
  if (!llama) return { parts: [], unknownParts: ['text model'] };
  const traits: DecoderTraits = {
    ...llama,
    vocab: 128256,
    layers: 40,
    ffn: 14336,
    kvHeads: 8,
    context: 131072,
  };
  const { part, unknownParts } = decoderPart(traits, fields, null);
  const all = part.attention[0]?.layers ?? 0;
  // Eight layers, every fifth, is the default.
  const listed = fields.integers('cross_attention_layers') ?? [3, 8, 13, 18, 23, 28, 33, 38];
  const crossLayers = new Set(listed.filter((layer) => layer >= 0 && layer < all)).size;
  const text = {
    ...part,
    layers: part.layers.flatMap((layer) => withCrossAttention(layer, part, crossLayers)),
    attention: part.attention.map((shape) => ({ ...shape, layers: all - crossLayers })),
  };
  const visionOutput = root.nestedOrEmpty('vision_config').size('vision_output_dim', 7680);
  return joined(
    vision,
    {
      parts: [projector(linear(visionOutput, part.hiddenSize, true), part.hiddenSize)],
      unknownParts: [],
    },
    { parts: [text], unknownParts },
  );
}

function withCrossAttention(layer: LayerGroup, part: Part, crossLayers: number): LayerGroup[] {
  // Rows for the image token and its neighbours, which are never predicted.
  const imageRows = 8;
  if (layer.name === 'embed_tokens') {
    return [{ ...layer, weights: together(layer.weights, table(imageRows, part.hiddenSize)) }];
  }
  if (layer.kind !== 'attention' || layer.count === 0) return [layer];
  const shape = part.attention[0];
  const each = times(1 / layer.count, layer.weights);
  // Norms of queries and keys, and a gate each for attention and feed-forward.
  const extra = together(times(2, norm(shape?.keyWidth ?? 0, false)), vector(2));
  const queryAndOutput = 2 * part.hiddenSize * (shape ? shape.heads * shape.keyWidth : 0);
  const cross = times(crossLayers, { ...together(each, extra), macs: queryAndOutput });
  const selfLayers = layer.count - crossLayers;
  return [
    { ...layer, count: selfLayers, weights: times(selfLayers, each) },
    { ...layer, name: 'cross_attn', kind: 'cross-attention', count: crossLayers, weights: cross },
  ];
}

/** Phi-4 multimodal (code on the hub): the text model is Phi-3's; towers and adapters are not described. */
function phi4Multimodal(root: Fields): Architecture {
  const phi3 = gatedModels.get('phi3');
  if (!phi3) return { parts: [], unknownParts: ['text model'] };
  const { part } = decoderPart(phi3, root, null);
  return { parts: [part], unknownParts: ['vision tower', 'audio tower', 'adapters'] };
}

type Pair = 'clip' | 'siglip';

function dualEncoder(root: Fields, pair: Pair): Architecture {
  const textFields = root.nestedOrEmpty('text_config');
  const text = textTower(textFields, pair, null);
  const vision = towerOf(root, 'vision_config', `${pair}_vision_model`);
  const scales = vector(pair === 'clip' ? 1 : 2);
  if (pair === 'siglip') {
    return joined(text, vision, { parts: [projector(scales, 0)], unknownParts: [] });
  }
  const width = root.size('projection_dim', 512);
  return joined(
    text,
    vision,
    projectorBetween(vision, text, (from, to) =>
      together(linear(from, width), linear(to, width), scales),
    ),
  );
}

/** CLIP's and SigLIP's text encoders. */
function textTower(fields: Fields, pair: Pair, architecture: string | null): Architecture {
  const clip = pair === 'clip';
  const hidden = fields.size('hidden_size', clip ? 512 : 768);
  const layers = fields.size('num_hidden_layers', 12);
  const heads = fields.size('num_attention_heads', clip ? 8 : 12);
  const ffn = fields.size('intermediate_size', clip ? 2048 : 3072);
  const vocab = fields.size('vocab_size', clip ? 49408 : 32000);
  const positions = fields.size('max_position_embeddings', clip ? 77 : 64);
  const norms = 2 * layers + 1;
  const groups: LayerGroup[] = [
    group('embeddings', 'embedding', 1, table(vocab + positions, hidden)),
    group('self_attn', 'attention', layers, times(4 * layers, linear(hidden, hidden, true))),
    group('mlp', 'mlp', layers, times(layers, mlp(hidden, ffn, false, true))),
    group('layer_norm', 'norm', norms, times(norms, norm(hidden, true))),
  ];
  if (!clip) {
    const width = fields.optionalSize('projection_size', hidden);
    groups.push({ ...group('head', 'head', 1, linear(hidden, width, true)), perToken: false });
  } else if (architecture?.endsWith('WithProjection')) {
    const width = fields.size('projection_dim', 512);
    groups.push({ ...group('text_projection', 'head', 1, linear(hidden, width)), perToken: false });
  }
  const width = Math.floor(hidden / heads);
  return {
    parts: [
      {
        name: 'text',
        role: 'encoder',
        layers: groups,
        attention: [
          {
            layers,
            heads,
            keyWidth: width,
            valueWidth: width,
            cacheElementsPerToken: 0,
            window: null,
          },
        ],
        positions: null,
        contextLength: positions,
        contextKey: fields.has('max_position_embeddings')
          ? [...fields.path.map(String), 'max_position_embeddings']
          : null,
        hiddenSize: hidden,
      },
    ],
    unknownParts: [],
  };
}

function group(
  name: string,
  kind: LayerGroup['kind'],
  count: number,
  weights: Weights,
): LayerGroup {
  return { name, kind, part: 'text', count, weights, perToken: true };
}
