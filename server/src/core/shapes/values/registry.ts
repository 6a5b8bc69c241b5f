import { normalizeDomain } from '../../graph';
import type { Node } from '../../graph';
import type { EvaluateOperator } from '../context';
import { collect } from '../ops/registry';
import { arithmeticEvaluators } from './arithmetic';
import { movementEvaluators } from './movement';

const registry = collect([arithmeticEvaluators, movementEvaluators]);

/** The evaluator of a node's operator, for the operators that shape computations are made of. */
export function evaluatorFor(node: Pick<Node, 'domain' | 'opType'>): EvaluateOperator | undefined {
  return registry.get(normalizeDomain(node.domain))?.get(node.opType);
}
