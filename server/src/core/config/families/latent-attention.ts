import type { AttentionShape, LayerGroup } from '../architecture';
import type { Fields } from '../fields';
import { linear, norm, times, together } from '../weights';

/** Defaults of DeepSeek's multi-head latent attention: keys and values are cached as one small vector. */
export interface LatentAttentionTraits {
  readonly queryRank: number;
  readonly keyValueRank: number;
  readonly rotaryWidth: number;
  readonly plainWidth: number;
  readonly valueWidth: number;
}

/**
 * Query and key/value projections through low-rank bottlenecks, each with a norm between.
 * The cache counts the latent vector and the rotary key, as serving engines keep it.
 */
export function latentAttention(
  traits: LatentAttentionTraits,
  fields: Fields,
  sizes: { readonly hidden: number; readonly layers: number; readonly heads: number },
): { readonly group: LayerGroup; readonly shapes: readonly AttentionShape[] } {
  const { hidden, layers, heads } = sizes;
  const bias = fields.flag('attention_bias', false);
  // `null` means no bottleneck for the queries, an absent key means the default one.
  const queryRank = fields.count('q_lora_rank', fields.has('q_lora_rank') ? 0 : traits.queryRank);
  const keyValueRank = fields.size('kv_lora_rank', traits.keyValueRank);
  const rotary = fields.size('qk_rope_head_dim', traits.rotaryWidth);
  const plain = fields.size('qk_nope_head_dim', traits.plainWidth);
  const valueWidth = fields.size('v_head_dim', traits.valueWidth);
  const keyWidth = rotary + plain;
  const queries =
    queryRank === 0
      ? linear(hidden, heads * keyWidth)
      : together(
          linear(hidden, queryRank, bias),
          norm(queryRank, false),
          linear(queryRank, heads * keyWidth),
        );
  const each = together(
    queries,
    linear(hidden, keyValueRank + rotary, bias),
    norm(keyValueRank, false),
    linear(keyValueRank, heads * (plain + valueWidth)),
    linear(heads * valueWidth, hidden, bias),
  );
  return {
    group: {
      name: 'self_attn',
      kind: 'attention',
      part: 'text',
      count: layers,
      weights: times(layers, each),
      perToken: true,
    },
    shapes: [
      {
        layers,
        heads,
        keyWidth,
        valueWidth,
        cacheElementsPerToken: keyValueRank + rotary,
        window: null,
      },
    ],
  };
}
