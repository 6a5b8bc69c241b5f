import type {
  Architecture,
  AttentionShape,
  Family,
  FamilyContext,
  LayerGroup,
  LayerKind,
  Part,
  PartName,
} from '../architecture';
import type { Fields } from '../fields';
import { borrowed, linear, norm, table, times, together } from '../weights';
import type { Weights } from '../weights';
import { mlp } from './decoder';
import { audioEncoderLayers } from './towers';

/** BART and its relatives; sizes are the defaults of transformers 5. */
interface BartTraits {
  readonly vocab: number;
  /** Rows of the position tables beyond the configured number. */
  readonly positionOffset: number;
  readonly embeddingNorm: boolean;
  readonly finalNorm: boolean;
}

const bartTraits: ReadonlyMap<string, BartTraits> = new Map([
  ['bart', { vocab: 50265, positionOffset: 2, embeddingNorm: true, finalNorm: false }],
  ['mbart', { vocab: 50265, positionOffset: 2, embeddingNorm: true, finalNorm: true }],
  ['pegasus', { vocab: 50265, positionOffset: 0, embeddingNorm: false, finalNorm: true }],
  ['marian', { vocab: 58101, positionOffset: 0, embeddingNorm: false, finalNorm: false }],
]);

/** Encoder-decoder families by `model_type`. */
export const encoderDecoders: ReadonlyMap<string, Family> = new Map<string, Family>([
  ...[...bartTraits].map(([type, traits]): [string, Family] => [type, bartFamily(traits)]),
  ['whisper', whisper],
  ['t5', t5Family({ vocab: 32128, hidden: 512, ffn: 2048, layers: 6, heads: 8, gated: false })],
  ['mt5', t5Family({ vocab: 250112, hidden: 512, ffn: 1024, layers: 8, heads: 6, gated: true })],
]);

/** Classes whose head is known to add nothing beyond the tied projection (or nothing at all). */
const plainClasses = /(ForConditionalGeneration|MTModel|Model)$/;

function unknownHead(architecture: string | null): string[] {
  return architecture === null || plainClasses.test(architecture)
    ? []
    : [`head of ${architecture}`];
}

interface Stack {
  readonly layers: number;
  readonly heads: number;
  readonly ffn: number;
}

function stack(fields: Fields, side: 'encoder' | 'decoder', defaults: Stack): Stack {
  return {
    layers: fields.size(`${side}_layers`, defaults.layers),
    heads: fields.size(`${side}_attention_heads`, defaults.heads),
    ffn: fields.size(`${side}_ffn_dim`, defaults.ffn),
  };
}

function bartFamily(traits: BartTraits): Family {
  return (fields, { architecture }) => {
    const defaults = { layers: 12, heads: 16, ffn: 4096 };
    const hidden = fields.size(['d_model', 'hidden_size'], 1024);
    const vocab = fields.size('vocab_size', traits.vocab);
    const positions = fields.size('max_position_embeddings', 1024);
    const encoder = stack(fields, 'encoder', defaults);
    const decoder = stack(fields, 'decoder', defaults);
    const positionTable = table(positions + traits.positionOffset, hidden);
    const extraNorms = Number(traits.embeddingNorm) + Number(traits.finalNorm);
    const pair = times(2, linear(hidden, hidden, true));
    const projections = { queryAndOutput: pair, keyAndValue: pair };
    const attention = wholeAttention(projections);
    const tied = fields.flag('tie_word_embeddings', true);
    const parts = [
      part('encoder', encoder, hidden, null, null, [
        group('encoder', 'embed_positions', 'embedding', 1, positionTable),
        ...layers('encoder', encoder, hidden, attention, extraNorms),
        crossKeys('encoder', decoder, projections),
      ]),
      part('text', decoder, hidden, positions, contextKey(fields, 'max_position_embeddings'), [
        group('text', 'shared', 'embedding', 1, table(vocab, hidden)),
        group('text', 'embed_positions', 'embedding', 1, positionTable),
        ...layers('text', decoder, hidden, attention, extraNorms + decoder.layers),
        crossQueries(decoder, projections),
        outputProjection(hidden, vocab, tied),
      ]),
    ];
    return { parts, unknownParts: unknownHead(architecture) };
  };
}

function whisper(fields: Fields, { architecture }: FamilyContext): Architecture {
  const defaults = { layers: 4, heads: 6, ffn: 1536 };
  const hidden = fields.size(['d_model', 'hidden_size'], 384);
  const vocab = fields.size('vocab_size', 51865);
  const encoder = stack(fields, 'encoder', defaults);
  const decoder = stack(fields, 'decoder', defaults);
  const frames = fields.size('max_source_positions', 1500);
  const positions = fields.size('max_target_positions', 448);
  const projections = {
    queryAndOutput: times(2, linear(hidden, hidden, true)),
    keyAndValue: together(linear(hidden, hidden), linear(hidden, hidden, true)),
  };
  const attention = wholeAttention(projections);
  const sizes = {
    hidden,
    layers: encoder.layers,
    ffn: encoder.ffn,
    channels: fields.size('num_mel_bins', 80),
    patches: frames,
  };
  const audio = part('audio', encoder, hidden, null, null, [
    ...audioEncoderLayers(sizes),
    crossKeys('audio', decoder, projections),
  ]);
  const tied = fields.flag('tie_word_embeddings', true);
  return {
    parts: [
      {
        ...audio,
        role: 'tower',
        positions: frames,
        layers: audio.layers.map((layer) => ({ ...layer, part: 'audio' })),
      },
      part('text', decoder, hidden, positions, contextKey(fields, 'max_target_positions'), [
        group('text', 'embed_tokens', 'embedding', 1, table(vocab, hidden)),
        group('text', 'embed_positions', 'embedding', 1, table(positions, hidden)),
        ...layers('text', decoder, hidden, attention, decoder.layers + 1),
        crossQueries(decoder, projections),
        outputProjection(hidden, vocab, tied),
      ]),
    ],
    unknownParts: unknownHead(architecture),
  };
}

interface T5Traits {
  readonly vocab: number;
  readonly hidden: number;
  readonly ffn: number;
  readonly layers: number;
  readonly heads: number;
  readonly gated: boolean;
}

/**
 * T5: no biases, scale-only norms, one table of relative positions per stack. The output projection is
 * always tied: transformers 5 overrides the `false` that T5 1.1 and mT5 configs hold.
 */
function t5Family(traits: T5Traits): Family {
  return (fields, { architecture }) => {
    const hidden = fields.size(['d_model', 'hidden_size'], traits.hidden);
    const vocab = fields.size('vocab_size', traits.vocab);
    const heads = fields.size(['num_heads', 'num_attention_heads'], traits.heads);
    const headDim = fields.size(['d_kv', 'head_dim'], 64);
    const ffn = fields.size('d_ff', traits.ffn);
    const encoderLayers = fields.size(['num_layers', 'num_hidden_layers'], traits.layers);
    const decoderLayers = fields.optionalSize('num_decoder_layers', encoderLayers);
    const buckets = fields.size('relative_attention_num_buckets', 32);
    const activation = fields.text('feed_forward_proj');
    const gated = activation === null ? traits.gated : activation.startsWith('gated');
    const width = heads * headDim;
    const projections = {
      queryAndOutput: together(linear(hidden, width), linear(width, hidden)),
      keyAndValue: times(2, linear(hidden, width)),
    };
    const attention = wholeAttention(projections);
    const relative = table(buckets, heads);
    const stackOf = (name: PartName, count: number, normCount: number): LayerGroup[] => [
      group(name, 'relative_attention_bias', 'embedding', 1, relative),
      group(name, 'SelfAttention', 'attention', count, times(count, attention)),
      group(name, 'DenseReluDense', 'mlp', count, times(count, mlp(hidden, ffn, gated, false))),
      group(name, 'layer_norm', 'norm', normCount, times(normCount, norm(hidden, false))),
    ];
    const encoder = { layers: encoderLayers, heads, ffn };
    const decoder = { layers: decoderLayers, heads, ffn };
    const hasHead = architecture === null || architecture.endsWith('ForConditionalGeneration');
    return {
      parts: [
        part('encoder', encoder, width, null, null, [
          ...stackOf('encoder', encoderLayers, 2 * encoderLayers + 1),
          crossKeys('encoder', decoder, projections),
        ]),
        part('text', decoder, width, null, null, [
          group('text', 'shared', 'embedding', 1, table(vocab, hidden)),
          ...stackOf('text', decoderLayers, 3 * decoderLayers + 1),
          crossQueries(decoder, projections),
          ...(hasHead ? [outputProjection(hidden, vocab, true)] : []),
        ]),
      ],
      unknownParts: unknownHead(architecture),
    };
  };
}

/** Projections of one attention layer, by the tokens that pass through them. */
interface Projections {
  readonly queryAndOutput: Weights;
  readonly keyAndValue: Weights;
}

function wholeAttention({ queryAndOutput, keyAndValue }: Projections): Weights {
  return together(queryAndOutput, keyAndValue);
}

/** Queries and outputs of the attention to the source: for every token of the text. */
function crossQueries(decoder: Stack, { queryAndOutput }: Projections): LayerGroup {
  const weights = times(decoder.layers, queryAndOutput);
  return group('text', 'encoder_attn.query', 'cross-attention', decoder.layers, weights);
}

/** Its keys and values: made once, from the encoder's result. */
function crossKeys(of: PartName, decoder: Stack, { keyAndValue }: Projections): LayerGroup {
  const weights = times(decoder.layers, keyAndValue);
  return group(of, 'encoder_attn.key_value', 'cross-attention', decoder.layers, weights);
}

function layers(
  name: PartName,
  sizes: Stack,
  hidden: number,
  attention: Weights,
  extraNorms: number,
): LayerGroup[] {
  const norms = 2 * sizes.layers + extraNorms;
  const feedForward = mlp(hidden, sizes.ffn, false, true);
  return [
    group(name, 'self_attn', 'attention', sizes.layers, times(sizes.layers, attention)),
    group(name, 'mlp', 'mlp', sizes.layers, times(sizes.layers, feedForward)),
    group(name, 'layer_norm', 'norm', norms, times(norms, norm(hidden, true))),
  ];
}

function outputProjection(hidden: number, vocab: number, tied: boolean): LayerGroup {
  const projection = linear(hidden, vocab);
  return group('text', 'lm_head', 'head', 1, tied ? borrowed(projection) : projection);
}

function part(
  name: PartName,
  sizes: Stack,
  attentionWidth: number,
  contextLength: number | null,
  context: readonly string[] | null,
  groups: readonly LayerGroup[],
): Part {
  const width = Math.floor(attentionWidth / sizes.heads);
  const attention: AttentionShape = {
    layers: sizes.layers,
    heads: sizes.heads,
    keyWidth: width,
    valueWidth: width,
    cacheElementsPerToken: name === 'text' ? 2 * sizes.heads * width : 0,
    window: null,
  };
  return {
    name,
    role: name === 'text' ? 'decoder' : 'encoder',
    layers: groups,
    attention: [attention],
    positions: null,
    contextLength,
    contextKey: context,
    hiddenSize: attentionWidth,
  };
}

function contextKey(fields: Fields, key: string): readonly string[] | null {
  return fields.has(key) ? [...fields.path.map(String), key] : null;
}

function group(
  of: PartName,
  name: string,
  kind: LayerKind,
  count: number,
  weights: Weights,
): LayerGroup {
  return { name, kind, part: of, count, weights, perToken: true };
}
