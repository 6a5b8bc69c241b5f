import type { Node } from '../graph';
import { add, type Dim } from '../shapes/symbolic';
import type { Scope } from '../shapes/types';
import type { NodeFacts } from './count';
import type { Group, Groups, Kernel } from './fusion';
import type { ScopeLinks } from './fusion-links';
import { bytesAt, inputNumber, outputNumber } from './site';

export interface KernelMaker {
  /** What crosses the border of a group: each value once, weights apart. */
  readonly kernelFor: (group: Group) => Kernel;
  /** By value number: 1 for what only members of one of the kernels see. */
  readonly inner: Uint8Array;
}

/** For the groups of one scope; the tables by value number are made once, where sets for each group took longer. */
export function kernelMaker(
  scope: Scope,
  groups: Groups,
  links: ScopeLinks,
  sources: ReadonlyMap<number, number>,
): KernelMaker {
  const valueCount = scope.numbers.names.length;
  const inner = new Uint8Array(valueCount);
  // The group, counted from 1, that made or read a value last.
  const madeBy = new Int32Array(valueCount);
  const readBy = new Int32Array(valueCount);
  let count = 0;
  let current: Group | null = null;
  const isMember = (facts: NodeFacts): boolean => groups[facts.position] === current;

  const outputBytes = ({ members }: Group): Dim => {
    let bytes: Dim = 0;
    for (const member of members) {
      for (let index = 0; index < member.node.outputs.length; index++) {
        const value = outputNumber(member, index);
        if (value < 0 || madeBy[value] === count) continue;
        madeBy[value] = count;
        if (!links.escapes(value) && links.everyConsumer(value, isMember)) inner[value] = 1;
        else if (!sources.has(value)) bytes = add(bytes, bytesAt(scope, value));
      }
    }
    return bytes;
  };

  const kernelFor = (group: Group): Kernel => {
    count++;
    current = group;
    const { anchor, members } = group;
    const computeDtype = group.computeDtype ?? anchor.computeDtype;
    const writeBytes = outputBytes(group);
    if (members.every((member) => movesNothing(member.node, anchor))) {
      const { readBytes, writeBytes, weightReadBytes } = anchor;
      return { anchor, members, readBytes, writeBytes, weightReadBytes, computeDtype };
    }
    let activations: Dim = 0;
    let weightReadBytes: Dim = 0;
    for (const member of members) {
      for (let index = 0; index < inputsRead(member.node); index++) {
        const given = inputNumber(member, index);
        // In the form in which it is stored.
        const value = sources.get(given) ?? given;
        if (value < 0 || readBy[value] === count || madeBy[value] === count) continue;
        readBy[value] = count;
        const bytes = bytesAt(scope, value);
        if (links.isWeight(value)) weightReadBytes = add(weightReadBytes, bytes);
        else activations = add(activations, bytes);
      }
    }
    const readBytes = add(activations, weightReadBytes);
    return { anchor, members, readBytes, writeBytes, weightReadBytes, computeDtype };
  };
  return { kernelFor, inner };
}

/** Views between folded quantisation steps stay views. */
function movesNothing(node: Node, anchor: NodeFacts): boolean {
  if (node !== anchor.node) return /^(De)?[Qq]uantizeLinear$/.test(node.opType);
  return anchor.readBytes === 0 && anchor.writeBytes === 0;
}

/** Batch normalisation's statistics are multiplied into the weights when the model is loaded. */
function inputsRead({ opType, inputs }: Node): number {
  return opType === 'BatchNormalization' ? 1 : inputs.length;
}
