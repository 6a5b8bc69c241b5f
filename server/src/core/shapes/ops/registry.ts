import { normalizeDomain } from '../../graph';
import type { Node } from '../../graph';
import type { InferOperator, OperatorTable } from '../context';
import { attentionOperators } from './attention';
import { packedAttentionOperators } from './attention-packed';
import { channelsLastOperators, channelsLastTwin } from './channels-last';
import { controlOperators } from './control';
import { convolutionOperators } from './convolution';
import { cutOperators } from './cut';
import { elementwiseOperators } from './elementwise';
import { generateOperators } from './generate';
import { indexingOperators } from './indexing';
import { joinOperators } from './join';
import { linearOperators } from './linear';
import { packedLinearOperators } from './linear-packed';
import { microsoftOperators } from './microsoft';
import { mlOperators } from './ml';
import { normalizationOperators } from './normalization';
import { poolingOperators } from './pooling';
import { quantizationOperators } from './quantization';
import { recurrentOperators } from './recurrent';
import { reductionOperators } from './reduction';
import { reshapeOperators } from './reshape';
import { resizeOperators } from './resize';
import { rotaryOperators } from './rotary';
import { searchOperators } from './search';
import { sequenceOperators } from './sequence';
import { sparseIndexOperators } from './sparse-index';
import { stateSpaceOperators } from './state-space';
import { textOperators } from './text';
import { trainingOperators } from './training';

const registry = collect([
  attentionOperators,
  packedAttentionOperators,
  channelsLastOperators,
  controlOperators,
  convolutionOperators,
  cutOperators,
  elementwiseOperators,
  generateOperators,
  indexingOperators,
  joinOperators,
  linearOperators,
  packedLinearOperators,
  microsoftOperators,
  mlOperators,
  normalizationOperators,
  poolingOperators,
  quantizationOperators,
  recurrentOperators,
  reductionOperators,
  reshapeOperators,
  resizeOperators,
  rotaryOperators,
  searchOperators,
  sequenceOperators,
  sparseIndexOperators,
  stateSpaceOperators,
  textOperators,
  trainingOperators,
]);

/** Where ONNX Runtime keeps its operators for data whose channels come last. */
const channelsLastDomain = 'com.ms.internal.nhwc';

/** The shape function of a node's operator; undefined for operators we do not know. */
export function operatorFor(node: Pick<Node, 'domain' | 'opType'>): InferOperator | undefined {
  const found = registry.get(normalizeDomain(node.domain))?.get(node.opType);
  if (found || node.domain !== channelsLastDomain) return found;
  const standard = registry.get('')?.get(node.opType);
  return standard && channelsLastTwin(standard);
}

/** All keys, `domain::OpType`; the default domain is empty. */
export function knownOperators(): readonly string[] {
  return [...registry].flatMap(([domain, operators]) =>
    [...operators.keys()].map((opType) => `${domain}::${opType}`),
  );
}

/** Domain → operator type → what the tables say of it. */
export type OperatorMap<F> = ReadonlyMap<string, ReadonlyMap<string, F>>;

/** Spreads rows such as `Relu com.microsoft::Gelu` into one entry per operator. */
export function collect<F>(tables: readonly OperatorTable<F>[]): OperatorMap<F> {
  const entries = new Map<string, Map<string, F>>();
  for (const [names, operator] of tables.flat()) {
    for (const name of names.split(' ')) {
      const [opType = '', domain = ''] = name.split('::').reverse();
      const operators = entries.get(domain) ?? new Map<string, F>();
      entries.set(domain, operators.set(opType, operator));
    }
  }
  return entries;
}
