import { graphAttribute, intAttribute } from '../../attributes';
import type { BodyResult, NodeContext, OperatorTable } from '../context';
import { add, multiply, subtract } from '../symbolic';
import type { Dim } from '../symbolic';
import type { InferredType } from '../types';
import { positiveAttribute } from './attention';
import { constantScalar, inputDtype, inputShape, inputType, tensor } from './common';

/** Generation of text: loops over a decoder, and the bookkeeping around them. */
export const searchOperators: OperatorTable = [
  ['com.microsoft::BeamSearch com.microsoft::WhisperBeamSearch', beamSearch],
  ['com.microsoft::GreedySearch com.microsoft::Sampling', greedySearch],
  ['com.microsoft::NGramRepeatBlock', (context) => [inputType(context, 1)]],
  ['com.microsoft::BifurcationDetector', bifurcationDetector],
  ['com.microsoft::SpeculativePrefixCommit', prefixCommit],
  ['com.microsoft::NGramHashMapping', ngramHash],
  ['com.microsoft::VarlenNGramHashMapping', varlenNgramHash],
];

/** Subgraphs of a search. The decoder runs until the data says stop: how often is not known. */
const bodies: readonly (readonly [attribute: string, tripCount: Dim])[] = [
  ['encoder', 1],
  ['init_decoder', 1],
  ['decoder', null],
];

/** Infers the subgraphs with the inputs that they declare; gives what the decoder's logits are. */
function runBodies(context: NodeContext): InferredType | undefined {
  const results = bodies.flatMap(([attribute, tripCount]) => {
    const graph = graphAttribute(context.node, attribute);
    const result = graph && context.runBody({ graph, role: 'body', attribute, inputs: [] });
    return result ? [{ attribute, tripCount, result }] : [];
  });
  context.setChildren(results.map(({ tripCount, result }) => result.child(tripCount)));
  const decoder: BodyResult | undefined = results.find(
    (each) => each.attribute === 'decoder',
  )?.result;
  return decoder?.outputs[0];
}

function vocabularySize(context: NodeContext, logits: InferredType | undefined): Dim {
  const declared = intAttribute(context.node, 'vocab_size') ?? 0;
  if (declared > 0) return declared;
  return (logits?.kind === 'tensor' ? logits.shape?.at(-1) : null) ?? null;
}

/**
 * Sequences [batch, returned, max length], their scores [batch, returned], scores of every step
 * [max length − prompt, batch, beams, vocabulary], and for Whisper two outputs that depend on data.
 */
function beamSearch(context: NodeContext): readonly InferredType[] {
  const logits = runBodies(context);
  const [batch = null, prompt = null] = inputShape(context, 0) ?? [];
  const length = constantScalar(context, 1) ?? context.fresh(0, 2);
  const beams = constantScalar(context, 3) ?? context.fresh(2, 2);
  const returned = constantScalar(context, 4) ?? context.fresh(0, 1);
  const isWhisper = context.node.opType === 'WhisperBeamSearch';
  const dtype = inputDtype(context, 5) ?? 'float32';
  // Whisper and T5 are prompted through other inputs: their first one is no token sequence.
  const isDecoderOnly = !isWhisper && (intAttribute(context.node, 'model_type') ?? 0) === 0;
  const steps = isDecoderOnly ? subtract(length, prompt) : context.fresh(2, 0);
  return [
    tensor('int32', [batch, returned, length]),
    tensor(dtype, [batch, returned]),
    tensor(dtype, [steps, batch, beams, vocabularySize(context, logits)]),
    ...(isWhisper ? [tensor(null, null), tensor(dtype, [batch])] : []),
  ];
}

/** Sequences [batch, max length]; Sampling also gives the last logits [batch, vocabulary]. */
function greedySearch(context: NodeContext): readonly InferredType[] {
  const logits = runBodies(context);
  const batch = inputShape(context, 0)?.[0] ?? null;
  const length = constantScalar(context, 1) ?? context.fresh(0, 1);
  const dtype = inputDtype(context, 3) ?? 'float32';
  return [
    tensor('int32', [batch, length]),
    tensor(dtype, [batch, vocabularySize(context, logits)]),
  ];
}

function bifurcationDetector(context: NodeContext): readonly InferredType[] {
  return [tensor(inputDtype(context, 1), [context.fresh(0, 0)]), inputType(context, 2)];
}

/** Cache lengths [batch], then the two states as they came. */
function prefixCommit(context: NodeContext): readonly InferredType[] {
  const tokens = inputShape(context, 0);
  const batch: Dim = tokens?.length === 1 ? 1 : (tokens?.[0] ?? null);
  return [tensor('int32', [batch]), inputType(context, 3), inputType(context, 4)];
}

/** Hash columns: one per head of every n-gram from 2 words up. */
function hashColumns(context: NodeContext): Dim {
  const longest = positiveAttribute(context, 'max_ngram_size');
  return multiply(subtract(longest, 1), positiveAttribute(context, 'n_head_per_ngram'));
}

function historyLength(context: NodeContext): Dim {
  return add(positiveAttribute(context, 'max_ngram_size'), -1);
}

/** ids [B, S] → hashes [B, S, columns], the last ids [B, n − 1]. */
function ngramHash(context: NodeContext): readonly InferredType[] {
  const ids = inputShape(context, 0);
  const dtype = inputDtype(context, 0);
  return [
    tensor(dtype, ids && [...ids.slice(0, 2), hashColumns(context)]),
    tensor(dtype, ids && [ids[0] ?? null, historyLength(context)]),
  ];
}

/** ids [tokens] of sequences one behind the other; input 3 [B + 1] tells where they start. */
function varlenNgramHash(context: NodeContext): readonly InferredType[] {
  const tokens = inputShape(context, 0)?.[0] ?? null;
  const batch = subtract(inputShape(context, 3)?.[0] ?? null, 1);
  const dtype = inputDtype(context, 0);
  const history = historyLength(context);
  const capacity = intAttribute(context.node, 'state_update_capacity') ?? 0;
  return [
    tensor(dtype, [tokens, hashColumns(context)]),
    tensor(dtype, [batch, history]),
    tensor('int32', [batch, history]),
    tensor(dtype, [batch, capacity, history]),
  ];
}
