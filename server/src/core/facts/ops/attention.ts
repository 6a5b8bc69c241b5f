import { intAttribute, intsAttribute } from '../../attributes';
import { add, exactDivide, floorDivide, multiply, product, type Dim } from '../../shapes/symbolic';
import { dimAt, hasInput, inputElements, inputShape, outputShape, type Site } from '../site';
import { simple, transcendental, type Count, type OpCost, type OpTable } from './op';

/**
 * The sizes that decide attention's cost. Scores are counted for every pair of query and key:
 * a causal mask lets a kernel skip up to half of them, which few CPU kernels do.
 */
interface AttentionSizes {
  readonly batch: Dim;
  readonly queries: Dim;
  /** Keys attended to, past ones included. */
  readonly keys: Dim;
  readonly heads: Dim;
  /** Sizes over all heads: what a query-key product and a score-value product add up over. */
  readonly queryWidth: Dim;
  readonly valueWidth: Dim;
  /** Products of the projections that the operator itself makes, per input element. */
  readonly projection: Dim;
}

type Sizes = (site: Site) => AttentionSizes | null;

function attention(sizes: Sizes, extra: Partial<OpCost> = {}): OpCost {
  return { kind: 'attention', macs: macsOf(sizes), flops: flopsOf(sizes), ...extra };
}

function macsOf(sizes: Sizes): Count {
  return (site) => {
    const found = sizes(site);
    if (!found) return null;
    const { batch, queries, keys, queryWidth, valueWidth, projection } = found;
    return add(projection, product([batch, queries, keys, add(queryWidth, valueWidth)]));
  };
}

/** Softmax over the scores: scale, mask, maximum, subtract, exp, sum, normalise. */
function flopsOf(sizes: Sizes): Count {
  return (site) => {
    const found = sizes(site);
    if (!found) return null;
    const { batch, queries, keys, heads } = found;
    return product([batch, heads, queries, keys, transcendental + 6 * simple]);
  };
}

/**
 * com.microsoft Attention: [batch, sequence, input] times weights [input, q + k + v], then
 * attention; `past` is [2, batch, heads, past, head].
 */
function projecting(past: number): Sizes {
  return (site) => {
    const input = inputShape(site, 0);
    const columns = dimAt(inputShape(site, 1), 1);
    const sizes = intsAttribute(site.node, 'qkv_hidden_sizes');
    const [query = null, , value = null] = sizes?.length === 3 ? sizes : [];
    const third = typeof columns === 'number' ? exactDivide(columns, 3) : floorDivide(columns, 3);
    const queries = dimAt(input, 1);
    return {
      batch: dimAt(input, 0),
      queries,
      keys: add(queries, hasInput(site, past) ? dimAt(inputShape(site, past), 3) : 0),
      heads: intAttribute(site.node, 'num_heads') ?? null,
      queryWidth: query ?? third,
      valueWidth: value ?? third,
      projection: multiply(inputElements(site, 0), columns),
    };
  };
}

/**
 * com.microsoft MultiHeadAttention: query [batch, sequence, width], or packed
 * [batch, sequence, heads, 3, head]; key the same width, packed with the value as
 * [batch, keys, heads, 2, head], or cached as [batch, heads, keys, head].
 */
const multiHead: Sizes = (site) => {
  const query = inputShape(site, 0);
  if (query === null) return null;
  const common = { batch: dimAt(query, 0), queries: dimAt(query, 1), projection: 0 };
  const heads = intAttribute(site.node, 'num_heads') ?? null;
  const past = hasInput(site, 6) ? dimAt(inputShape(site, 6), 2) : 0;
  if (query.length === 5) {
    const width = multiply(dimAt(query, 2), dimAt(query, 4));
    const keys = add(common.queries, past);
    return { ...common, keys, heads, queryWidth: width, valueWidth: width };
  }
  const queryWidth = dimAt(query, 2);
  const key = inputShape(site, 1);
  if (key === null) return null;
  // With the number of past keys given, the cache has a fixed capacity: its length is a bound.
  const isFixed = hasInput(site, 8) && hasInput(site, 6);
  const keys = key.length === 4 ? dimAt(key, 2) : isFixed ? past : add(dimAt(key, 1), past);
  const value = inputShape(site, 2);
  const valueWidth =
    value?.length === 3
      ? dimAt(value, 2)
      : value?.length === 4
        ? multiply(dimAt(value, 1), dimAt(value, 3))
        : queryWidth;
  return { ...common, keys, heads, queryWidth, valueWidth };
};

/** One query per sequence against the cache, whose length `present_key` [batch, heads, keys, head] tells. */
const decoding: Sizes = (site) => {
  const query = inputShape(site, 0);
  const width = dimAt(query, 2);
  const present = dimAt(outputShape(site, 1), 2);
  const past = hasInput(site, 5) ? dimAt(inputShape(site, 5), 2) : 0;
  return {
    batch: dimAt(query, 0),
    queries: dimAt(query, 1),
    keys: present ?? add(past, dimAt(inputShape(site, 1), 1)),
    heads: intAttribute(site.node, 'num_heads') ?? null,
    queryWidth: width,
    valueWidth: width,
    projection: 0,
  };
};

/**
 * com.microsoft GroupQueryAttention: query [batch, sequence, heads * head], with key and value
 * packed behind it when they are not given; past keys [batch, kv heads, past, head].
 */
const groupQuery: Sizes = (site) => {
  const query = inputShape(site, 0);
  const heads = intAttribute(site.node, 'num_heads') ?? null;
  const keyHeads = intAttribute(site.node, 'kv_num_heads') ?? null;
  const columns = hasInput(site, 1) ? heads : add(heads, multiply(keyHeads, 2));
  const width = multiply(exactDivide(dimAt(query, 2), columns), heads);
  const queries = dimAt(query, 1);
  const past = hasInput(site, 3) ? dimAt(inputShape(site, 3), 2) : 0;
  return {
    batch: dimAt(query, 0),
    queries,
    keys: dimAt(outputShape(site, 1), 2) ?? add(queries, past),
    heads,
    queryWidth: width,
    valueWidth: width,
    projection: 0,
  };
};

/** ai.onnx Attention: [batch, heads, sequence, head], or [batch, sequence, width] with head counts as attributes. */
const standard: Sizes = (site) => {
  const query = inputShape(site, 0);
  const key = inputShape(site, 1);
  const value = inputShape(site, 2);
  const past = hasInput(site, 4) ? dimAt(inputShape(site, 4), 2) : 0;
  if (query?.length === 4) {
    const heads = dimAt(query, 1);
    return {
      batch: dimAt(query, 0),
      queries: dimAt(query, 2),
      keys: add(dimAt(key, 2), past),
      heads,
      queryWidth: multiply(heads, dimAt(query, 3)),
      valueWidth: multiply(heads, dimAt(value, 3)),
      projection: 0,
    };
  }
  const heads = intAttribute(site.node, 'q_num_heads') ?? null;
  const valueHeads = intAttribute(site.node, 'kv_num_heads') ?? null;
  return {
    batch: dimAt(query, 0),
    queries: dimAt(query, 1),
    keys: add(dimAt(key, 1), past),
    heads,
    queryWidth: dimAt(query, 2),
    valueWidth: multiply(heads, exactDivide(dimAt(value, 2), valueHeads)),
    projection: 0,
  };
};

/** Which pairs of tokens meet depends on data or on a pattern that the shapes do not tell. */
const dataDependent: OpCost = { kind: 'attention', macs: () => null, flops: () => null };

/** ai.onnx.preview FlexAttention: query [batch, heads, queries, head], key and value the same with their own lengths. */
const flexible: Sizes = (site) => {
  const query = inputShape(site, 0);
  const heads = dimAt(query, 1);
  return {
    batch: dimAt(query, 0),
    queries: dimAt(query, 2),
    keys: dimAt(inputShape(site, 1), 2),
    heads,
    queryWidth: multiply(heads, dimAt(query, 3)),
    valueWidth: multiply(heads, dimAt(inputShape(site, 2), 3)),
    projection: 0,
  };
};

/** com.microsoft QOrderedAttention: weights of query, key and value are inputs 5, 6 and 7 [input, width]. */
const ordered: Sizes = (site) => {
  const input = inputShape(site, 0);
  const [query = null, key = null, value = null] = [5, 6, 7].map((index) =>
    dimAt(inputShape(site, index), 1),
  );
  const queries = dimAt(input, 1);
  return {
    batch: dimAt(input, 0),
    queries,
    keys: add(queries, hasInput(site, 18) ? dimAt(inputShape(site, 18), 3) : 0),
    heads: intAttribute(site.node, 'num_heads') ?? null,
    queryWidth: query,
    valueWidth: value,
    projection: multiply(inputElements(site, 0), add(query, add(key, value))),
  };
};

export const attentionOps: OpTable = { Attention: attention(standard) };

export const attentionPreviewOps: OpTable = { FlexAttention: attention(flexible) };

export const attentionMicrosoftOps: OpTable = {
  Attention: attention(projecting(4)),
  QAttention: attention(projecting(8), { zeroPoints: [6, 7] }),
  DecoderMaskedSelfAttention: attention(projecting(4)),
  MultiHeadAttention: attention(multiHead),
  DecoderMaskedMultiHeadAttention: attention(decoding),
  GroupQueryAttention: attention(groupQuery),
  DecoderAttention: dataDependent,
  LongformerAttention: dataDependent,
  PackedAttention: dataDependent,
  PackedMultiHeadAttention: dataDependent,
  PagedAttention: dataDependent,
  SparseAttention: dataDependent,
  SparsePagedAttention: dataDependent,
  DynamicSparseAttention: dataDependent,
  SparseAttentionIndexer: dataDependent,
  PackedSparseAttentionIndexer: dataDependent,
  PackedSparseAttentionIndexerMerge: { kind: 'lookup' },
  QOrderedAttention: attention(ordered),
  QOrderedLongformerAttention: dataDependent,
  // A bias for the scores, looked up in a small table.
  RelativePositionBias: { kind: 'lookup', traffic: 'generates' },
};
