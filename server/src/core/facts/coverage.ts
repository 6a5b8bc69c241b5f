import { typeAt } from '../shapes/types';
import type { NodeFacts } from './count';
import { outputNumber } from './site';

/** Shares from 0 to 1; 1 when there is nothing to know. */
export interface Coverage {
  /** Node outputs with known rank and every dim a number or an expression; maps and sequences have no shape. */
  readonly valuesWithShape: number;
  /** Node outputs with known element type, or known to be a map or sequence. */
  readonly valuesWithType: number;
  /** Among MAC-type nodes and nodes with operators that we do not know: those with known MACs. */
  readonly nodesWithMacs: number;
}

export interface CoverageCounter {
  add(facts: NodeFacts, isUnknownOperator: boolean): void;
  result(): Coverage;
}

export function createCoverageCounter(): CoverageCounter {
  const shapes = share();
  const types = share();
  const macs = share();
  return {
    add(facts, isUnknownOperator) {
      for (let index = 0; index < facts.node.outputs.length; index++) {
        const number = outputNumber(facts, index);
        if (number < 0) continue;
        const type = typeAt(facts.scope, number);
        if (type.kind === 'tensor' || type.kind === 'sparse-tensor') {
          types.count(type.dtype !== null);
          shapes.count(type.shape?.every((dim) => dim !== null) ?? false);
        } else {
          types.count(type.kind !== 'unknown');
          if (type.kind === 'unknown') shapes.count(false);
        }
      }
      if (facts.isMacType || isUnknownOperator) macs.count(facts.macs !== null);
    },
    result: () => ({
      valuesWithShape: shapes.value(),
      valuesWithType: types.value(),
      nodesWithMacs: macs.value(),
    }),
  };
}

function share() {
  let known = 0;
  let total = 0;
  return {
    count(isKnown: boolean): void {
      total++;
      if (isKnown) known++;
    },
    value: () => (total === 0 ? 1 : known / total),
  };
}
