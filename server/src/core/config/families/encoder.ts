import type { Family, LayerGroup } from '../architecture';
import type { Fields, Keys } from '../fields';
import {
  borrowed,
  linear,
  noWeights,
  norm,
  reused,
  table,
  times,
  together,
  vector,
} from '../weights';
import type { Weights } from '../weights';
import { labelCount, mlp } from './decoder';

/** How a family of text encoders differs from BERT; sizes are the defaults of transformers 5. */
export interface EncoderTraits {
  readonly vocab: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly ffn: number;
  readonly positions: number;
  /** Absent: no segment embeddings. */
  readonly segments?: number;
  readonly keys?: Partial<EncoderKeys>;
  /** Default width of the token embedding where it may differ from the hidden size. */
  readonly embedding?: number;
  /** ALBERT: layers of a group share their weights. */
  readonly sharedLayers?: boolean;
  /** MPNet: one table of relative position biases for all layers. */
  readonly relativeBuckets?: number;
  readonly taskHeads: Heads;
}

interface EncoderKeys {
  readonly hidden: Keys;
  readonly layers: Keys;
  readonly heads: Keys;
  readonly ffn: Keys;
}

const bertKeys: EncoderKeys = {
  hidden: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  ffn: 'intermediate_size',
};

interface HeadSizes {
  readonly vocab: number;
  readonly hidden: number;
  readonly embedding: number;
  readonly labels: number;
}

/** Pooler and task heads by the suffix of the class name; each family names its own. */
interface Heads {
  /** Suffixes of classes whose encoder has a pooler; the base class is `Model`. */
  readonly pooled: readonly string[];
  readonly languageModel: (sizes: HeadSizes, tied: boolean) => Weights;
  readonly sequence: (sizes: HeadSizes) => Weights;
  readonly preTraining?: (
    sizes: HeadSizes,
    tied: boolean,
  ) => { readonly perToken: Weights; readonly perSequence: Weights };
}

/** BERT's: dense, norm, output projection tied to the embedding, a bias per token of the vocabulary. */
function languageModelHead({ vocab, hidden, embedding }: HeadSizes, tied: boolean): Weights {
  const projection = linear(embedding, vocab);
  return together(
    linear(hidden, embedding, true),
    norm(embedding, true),
    tied ? borrowed(projection) : projection,
    vector(vocab),
  );
}

function classifier({ hidden, labels }: HeadSizes): Weights {
  return linear(hidden, labels, true);
}

function denseAndClassifier(sizes: HeadSizes): Weights {
  return together(linear(sizes.hidden, sizes.hidden, true), classifier(sizes));
}

const bertHeads: Heads = {
  pooled: [
    'Model',
    'ForPreTraining',
    'ForSequenceClassification',
    'ForMultipleChoice',
    'ForNextSentencePrediction',
  ],
  languageModel: languageModelHead,
  sequence: classifier,
  preTraining: (sizes, tied) => ({
    perToken: languageModelHead(sizes, tied),
    perSequence: linear(sizes.hidden, 2, true),
  }),
};

const robertaHeads: Heads = {
  pooled: ['Model', 'ForMultipleChoice'],
  languageModel: languageModelHead,
  sequence: denseAndClassifier,
};

const bert: EncoderTraits = {
  vocab: 30522,
  hidden: 768,
  layers: 12,
  heads: 12,
  ffn: 3072,
  positions: 512,
  segments: 2,
  taskHeads: bertHeads,
};

/** Text encoders by `model_type`. */
export const encoders: ReadonlyMap<string, EncoderTraits> = new Map<string, EncoderTraits>([
  ['bert', bert],
  ['roberta', { ...bert, vocab: 50265, taskHeads: robertaHeads }],
  ['xlm-roberta', { ...bert, taskHeads: robertaHeads }],
  ['camembert', { ...bert, taskHeads: robertaHeads }],
  [
    'distilbert',
    {
      vocab: 30522,
      hidden: 768,
      layers: 6,
      heads: 12,
      ffn: 3072,
      positions: 512,
      keys: {
        hidden: ['dim', 'hidden_size'],
        layers: ['n_layers', 'num_hidden_layers'],
        heads: ['n_heads', 'num_attention_heads'],
        ffn: 'hidden_dim',
      },
      taskHeads: { pooled: [], languageModel: languageModelHead, sequence: denseAndClassifier },
    },
  ],
  [
    'electra',
    {
      ...bert,
      hidden: 256,
      heads: 4,
      ffn: 1024,
      embedding: 128,
      taskHeads: {
        pooled: [],
        languageModel: languageModelHead,
        sequence: denseAndClassifier,
        preTraining: (sizes) => ({
          perToken: denseAndClassifier({ ...sizes, labels: 1 }),
          perSequence: noWeights,
        }),
      },
    },
  ],
  [
    'albert',
    {
      ...bert,
      vocab: 30000,
      hidden: 4096,
      heads: 64,
      ffn: 16384,
      embedding: 128,
      sharedLayers: true,
      taskHeads: bertHeads,
    },
  ],
  [
    'mpnet',
    {
      vocab: 30527,
      hidden: 768,
      layers: 12,
      heads: 12,
      ffn: 3072,
      positions: 512,
      relativeBuckets: 32,
      taskHeads: robertaHeads,
    },
  ],
]);

/** A family of text encoders. */
export function encoderFamily(traits: EncoderTraits): Family {
  return (fields, { architecture }) => {
    const keys = { ...bertKeys, ...traits.keys };
    const hidden = fields.size(keys.hidden, traits.hidden);
    const layers = fields.size(keys.layers, traits.layers);
    const heads = fields.size(keys.heads, traits.heads);
    const ffn = fields.size(keys.ffn, traits.ffn);
    const vocab = fields.size('vocab_size', traits.vocab);
    const positions = fields.size('max_position_embeddings', traits.positions);
    const embedding =
      traits.embedding === undefined ? hidden : fields.size('embedding_size', traits.embedding);
    if (fields.valid() && hidden % heads !== 0) {
      fields.reject(
        'num_attention_heads',
        `${heads} heads do not divide the hidden size ${hidden}.`,
      );
    }
    const sizes = { vocab, hidden, embedding, labels: labelCount(fields) };
    const task = taskHead(traits.taskHeads, sizes, fields, architecture);
    const groups: LayerGroup[] = [
      ...embeddingGroups(traits, fields, { vocab, positions, embedding, hidden }),
      ...layerGroups(traits, fields, { hidden, layers, ffn, heads }),
      ...task.groups,
    ];
    const headDim = Math.floor(hidden / heads);
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
              keyWidth: headDim,
              valueWidth: headDim,
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
      unknownParts: task.unknownParts,
    };
  };
}

function embeddingGroups(
  traits: EncoderTraits,
  fields: Fields,
  sizes: {
    readonly vocab: number;
    readonly positions: number;
    readonly embedding: number;
    readonly hidden: number;
  },
): LayerGroup[] {
  const { vocab, positions, embedding, hidden } = sizes;
  const segments =
    traits.segments === undefined ? 0 : fields.count('type_vocab_size', traits.segments);
  const groups = [
    group('embeddings', 'embedding', 1, table(vocab + positions + segments, embedding)),
    group('embeddings.LayerNorm', 'norm', 1, norm(embedding, true)),
  ];
  // ALBERT always has this projection, ELECTRA only between different widths.
  if (traits.sharedLayers === true || embedding !== hidden) {
    groups.push(group('embeddings_project', 'projector', 1, linear(embedding, hidden, true)));
  }
  return groups;
}

function layerGroups(
  traits: EncoderTraits,
  fields: Fields,
  sizes: {
    readonly hidden: number;
    readonly layers: number;
    readonly ffn: number;
    readonly heads: number;
  },
): LayerGroup[] {
  const { hidden, layers, ffn, heads } = sizes;
  const attention = times(4, linear(hidden, hidden, true));
  const feedForward = mlp(hidden, ffn, false, true);
  const norms = times(2, norm(hidden, true));
  const buckets = traits.relativeBuckets
    ? fields.size('relative_attention_num_buckets', traits.relativeBuckets)
    : 0;
  let stacked = (weights: Weights): Weights => times(layers, weights);
  if (traits.sharedLayers) {
    const stored = fields.size('num_hidden_groups', 1) * fields.size('inner_group_num', 1);
    const runs = layers * fields.size('inner_group_num', 1);
    stacked = (weights) => reused(runs / stored, times(stored, weights));
  }
  const groups = [
    group('attention', 'attention', layers, stacked(attention)),
    group('feed_forward', 'mlp', layers, stacked(feedForward)),
    group('LayerNorm', 'norm', 2 * layers, stacked(norms)),
  ];
  if (buckets > 0)
    groups.push(group('relative_attention_bias', 'embedding', 1, table(buckets, heads)));
  return groups;
}

function taskHead(
  heads: Heads,
  sizes: HeadSizes,
  fields: Fields,
  architecture: string | null,
): { readonly groups: readonly LayerGroup[]; readonly unknownParts: readonly string[] } {
  const suffix = /(?:Model|For\w+|LMHeadModel)$/.exec(architecture ?? 'Model')?.[0] ?? '';
  const pooler = heads.pooled.includes(suffix)
    ? [{ ...group('pooler', 'head', 1, linear(sizes.hidden, sizes.hidden, true)), perToken: false }]
    : [];
  const found = (weights: Weights, perToken: boolean) => ({
    groups: [...pooler, { ...group('head', 'head', 1, weights), perToken }],
    unknownParts: [],
  });
  const tied = fields.flag('tie_word_embeddings', true);
  switch (suffix) {
    case 'Model':
      return { groups: pooler, unknownParts: [] };
    case 'ForMaskedLM':
    case 'ForCausalLM':
    case 'LMHeadModel':
      return found(heads.languageModel(sizes, tied), true);
    case 'ForPreTraining': {
      const parts = heads.preTraining?.(sizes, tied);
      if (!parts) return { groups: pooler, unknownParts: ['pre-training head'] };
      const { perToken, perSequence } = parts;
      return {
        groups: [
          ...pooler,
          group('head', 'head', 1, perToken),
          { ...group('sequence_head', 'head', 1, perSequence), perToken: false },
        ],
        unknownParts: [],
      };
    }
    case 'ForSequenceClassification':
      return found(heads.sequence(sizes), false);
    case 'ForTokenClassification':
      return found(classifier(sizes), true);
    case 'ForQuestionAnswering':
      return found(linear(sizes.hidden, 2, true), true);
    case 'ForMultipleChoice':
      return found(linear(sizes.hidden, 1, true), false);
    default:
      return { groups: pooler, unknownParts: [`head of ${architecture ?? 'the model'}`] };
  }
}

function group(
  name: string,
  kind: LayerGroup['kind'],
  count: number,
  weights: Weights,
): LayerGroup {
  return { name, kind, part: 'text', count, weights, perToken: true };
}
