import type { LayerGroup, Part } from '../architecture';
import type { Fields } from '../fields';
import { borrowed, linear, norm, table, times, together, vector } from '../weights';
import type { Weights } from '../weights';
import { mlp } from './decoder';

/**
 * Qwen 3.5's text model: most layers mix tokens with a gated delta rule (a state of fixed size), every
 * fourth with full attention. Sizes are the defaults of transformers 5. `withHead`: has the output projection.
 */
export function qwen35Text(fields: Fields, withHead: boolean, tied?: boolean): Part {
  const hidden = fields.size('hidden_size', 4096);
  const layers = fields.size('num_hidden_layers', 32);
  const vocab = fields.size('vocab_size', 248320);
  const ffn = fields.size('intermediate_size', 12288);
  const heads = fields.size('num_attention_heads', 16);
  const kvHeads = fields.size('num_key_value_heads', 4);
  const headDim = fields.size('head_dim', 256);
  const context = fields.size('max_position_embeddings', 32768);
  const bias = fields.flag('attention_bias', false);
  const listed = fields.texts('layer_types')?.filter((type) => type === 'full_attention').length;
  const interval = fields.size('full_attention_interval', 4);
  const full = Math.min(layers, listed ?? Math.floor(layers / interval));
  const linearLayers = layers - full;
  // The query projection also makes the gate of the output.
  const attention = together(
    linear(hidden, 2 * heads * headDim, bias),
    times(2, linear(hidden, kvHeads * headDim, bias)),
    linear(heads * headDim, hidden, bias),
    times(2, norm(headDim, false)),
  );
  const tiedHead = tied ?? fields.flag('tie_word_embeddings', false);
  const head = linear(hidden, vocab);
  const groups = [
    group('embed_tokens', 'embedding', 1, table(vocab, hidden)),
    group('self_attn', 'attention', full, times(full, attention)),
    group(
      'linear_attn',
      'linear-attention',
      linearLayers,
      times(linearLayers, deltaNet(fields, hidden)),
    ),
    group('mlp', 'mlp', layers, times(layers, mlp(hidden, ffn, true, false))),
    group('layernorm', 'norm', 2 * layers + 1, times(2 * layers + 1, norm(hidden, false))),
  ];
  if (withHead) groups.push(group('lm_head', 'head', 1, tiedHead ? borrowed(head) : head));
  return {
    name: 'text',
    role: 'decoder',
    layers: groups,
    attention: [
      {
        layers: full,
        heads,
        keyWidth: headDim,
        valueWidth: headDim,
        cacheElementsPerToken: 2 * kvHeads * headDim,
        window: null,
      },
    ],
    positions: null,
    contextLength: context,
    contextKey: fields.has('max_position_embeddings')
      ? [...fields.path.map(String), 'max_position_embeddings']
      : null,
    hiddenSize: hidden,
  };
}

/** One gated delta-rule layer: projections, a short depthwise convolution, decay and step per head. */
function deltaNet(fields: Fields, hidden: number): Weights {
  const keyHeads = fields.size('linear_num_key_heads', 16);
  const valueHeads = fields.size('linear_num_value_heads', 32);
  const keyDim = fields.size('linear_key_head_dim', 128);
  const keyWidth = keyHeads * keyDim;
  const valueDim = fields.size('linear_value_head_dim', 128);
  const valueWidth = valueHeads * valueDim;
  const mixed = 2 * keyWidth + valueWidth;
  const kernel = fields.size('linear_conv_kernel_dim', 4);
  return together(
    linear(hidden, mixed),
    linear(hidden, valueWidth),
    times(2, linear(hidden, valueHeads)),
    { ...vector(mixed * kernel), macs: mixed * kernel },
    vector(2 * valueHeads),
    norm(valueDim, false),
    linear(valueWidth, hidden),
    // The state of each head is read with the key, changed by an outer product, read with the query.
    { ...vector(0), macs: 3 * valueHeads * keyDim * valueDim },
  );
}

function group(
  name: string,
  kind: LayerGroup['kind'],
  count: number,
  weights: Weights,
): LayerGroup {
  return { name, kind, part: 'text', count, weights, perToken: true };
}
