import { normalizeDomain } from '../../graph';
import type { Node } from '../../graph';
import type { InferOperator, OperatorTable } from '../context';
import { attentionOperators } from './attention';
import { controlOperators } from './control';
import { convolutionOperators } from './convolution';
import { cutOperators } from './cut';
import { elementwiseOperators } from './elementwise';
import { generateOperators } from './generate';
import { indexingOperators } from './indexing';
import { joinOperators } from './join';
import { linearOperators } from './linear';
import { mlOperators } from './ml';
import { normalizationOperators } from './normalization';
import { poolingOperators } from './pooling';
import { quantizationOperators } from './quantization';
import { recurrentOperators } from './recurrent';
import { reductionOperators } from './reduction';
import { reshapeOperators } from './reshape';
import { resizeOperators } from './resize';
import { sequenceOperators } from './sequence';
import { textOperators } from './text';
import { trainingOperators } from './training';

const registry = collect([
  attentionOperators,
  controlOperators,
  convolutionOperators,
  cutOperators,
  elementwiseOperators,
  generateOperators,
  indexingOperators,
  joinOperators,
  linearOperators,
  mlOperators,
  normalizationOperators,
  poolingOperators,
  quantizationOperators,
  recurrentOperators,
  reductionOperators,
  reshapeOperators,
  resizeOperators,
  sequenceOperators,
  textOperators,
  trainingOperators,
]);

/** The shape function of a node's operator; undefined for operators we do not know. */
export function operatorFor(node: Pick<Node, 'domain' | 'opType'>): InferOperator | undefined {
  return registry.get(`${normalizeDomain(node.domain)}::${node.opType}`);
}

/** All keys, `domain::OpType`; the default domain is empty. */
export function knownOperators(): readonly string[] {
  return [...registry.keys()];
}

/** Spreads rows such as `Relu com.microsoft::Gelu` into one entry per operator. */
export function collect<F>(tables: readonly OperatorTable<F>[]): ReadonlyMap<string, F> {
  const entries = new Map<string, F>();
  for (const [names, operator] of tables.flat()) {
    for (const name of names.split(' ')) {
      entries.set(name.includes('::') ? name : `::${name}`, operator);
    }
  }
  return entries;
}
