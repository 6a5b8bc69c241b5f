import { intsAttribute, stringAttribute } from '../../attributes';
import type { NodeContext, OperatorTable } from '../context';
import type { InferredType } from '../types';
import { broadcast, inputShape, tensor } from './common';

/** Strings and encoded images. */
export const textOperators: OperatorTable = [
  ['StringConcat', (c) => [tensor('string', broadcast(c, [inputShape(c, 0), inputShape(c, 1)]))]],
  ['StringNormalizer', stringNormalizer],
  ['StringSplit', stringSplit],
  ['RegexFullMatch', (context) => [tensor('bool', inputShape(context, 0))]],
  ['TfIdfVectorizer', tfIdfVectorizer],
  ['com.microsoft::MurmurHash3', (context) => [tensor('uint32', inputShape(context, 0))]],
  ['com.microsoft::Tokenizer', tokenizer],
  ['ImageDecoder', imageDecoder],
  // ONNX Runtime extensions: an encoded image is a vector of bytes.
  ['com.microsoft.extensions::DecodeImage ai.onnx.contrib::DecodeImage', decodeImage],
  ['com.microsoft.extensions::EncodeImage ai.onnx.contrib::EncodeImage', encodeImage],
];

/** Stop words may be dropped from the last axis. */
function stringNormalizer(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const last = (shape?.length ?? 0) - 1;
  const isCut = context.node.attributes.has('stopwords');
  const kept = shape?.map((dim, axis) => (axis === last && isCut ? context.fresh(0, axis) : dim));
  return [tensor('string', kept ?? null)];
}

/** Substrings, padded to the longest split, and how many each string gave. */
function stringSplit(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const parts = shape && [...shape, context.fresh(0, shape.length)];
  return [tensor('string', parts), tensor('int64', shape)];
}

/** One column per n-gram: the highest index counts. */
function tfIdfVectorizer(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  const indexes = intsAttribute(context.node, 'ngram_indexes') ?? [];
  let highest = -1;
  for (const index of indexes) highest = Math.max(highest, index);
  const columns = highest >= 0 && highest < Number.MAX_SAFE_INTEGER ? highest + 1 : null;
  return [tensor('float32', shape && [...shape.slice(0, -1), columns])];
}

function tokenizer(context: NodeContext): readonly InferredType[] {
  const shape = inputShape(context, 0);
  return [tensor('string', shape && [...shape, context.fresh(0, shape.length)])];
}

function imageDecoder(context: NodeContext): readonly InferredType[] {
  const isGray = stringAttribute(context.node, 'pixel_format') === 'Grayscale';
  return [tensor('uint8', [context.fresh(0, 0), context.fresh(0, 1), isGray ? 1 : 3])];
}

function decodeImage(context: NodeContext): readonly InferredType[] {
  return [tensor('uint8', [context.fresh(0, 0), context.fresh(0, 1), 3])];
}

function encodeImage(context: NodeContext): readonly InferredType[] {
  return [tensor('uint8', [context.fresh(0, 0)])];
}
