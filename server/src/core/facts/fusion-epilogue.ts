import { isFloat } from '../dtype';
import { dtypeAt } from '../shapes/types';
import type { NodeFacts } from './count';
import { sameShape, type ScopeLinks } from './fusion-links';
import { activationOpTypes } from './ops/elementwise';
import { inputNumber, outputNumber } from './site';

/** Bias, rescaling, residual, activation: no kernel takes up more. */
const maxEpilogue = 5;

const nothing: readonly NodeFacts[] = [];

/** The nodes behind a convolution or matrix product that its kernel does on the way out, in order. */
export function epilogueOf(
  head: NodeFacts,
  links: ScopeLinks,
  isFree: (node: NodeFacts) => boolean,
): readonly NodeFacts[] {
  const isConvolution = head.kind === 'conv' || head.kind === 'depthwise-conv';
  if (!head.isMacType || (!isConvolution && head.kind !== 'matmul')) return nothing;
  const epilogue: NodeFacts[] = [];
  let current = outputNumber(head, 0);
  let hasResidual = false;
  while (epilogue.length < maxEpilogue) {
    const next = links.onlyConsumer(current);
    if (next?.nodeClass !== 'compute' || !isFree(next)) break;
    const output = outputNumber(next, 0);
    if (!sameShape(links.scope, current, output)) break;
    const step = stepOf(next, current, head, links);
    if (step === 'none' || (step === 'residual' && (hasResidual || !isConvolution))) break;
    epilogue.push(next);
    current = output;
    hasResidual ||= step === 'residual';
    if (step === 'activation') break;
  }
  return epilogue;
}

type Step = 'none' | 'affine' | 'residual' | 'activation';

function stepOf(next: NodeFacts, current: number, head: NodeFacts, links: ScopeLinks): Step {
  const { node } = next;
  if (node.domain !== '') return 'none';
  const { opType, inputs } = node;
  const first = inputNumber(next, 0);
  const others: number[] = [];
  for (let index = 0; index < inputs.length; index++) {
    const value = inputNumber(next, index);
    if (value >= 0 && value !== current) others.push(value);
  }
  if (activationOpTypes.has(opType)) return others.every(links.isWeight) ? 'activation' : 'none';
  // The integer product is made float again: cast, times the scales of both operands.
  if (head.node.opType === 'MatMulInteger' && opType === 'Cast') {
    return isFloat(dtypeAt(links.scope, outputNumber(next, 0))) ? 'affine' : 'none';
  }
  if (opType === 'BatchNormalization') {
    return first === current && others.every(links.isWeight) ? 'affine' : 'none';
  }
  if (inputs.length !== 2 || others.length !== 1) return 'none';
  const [other = -1] = others;
  // MatMul has a scale of its own in ONNX Runtime.
  const isScaled = opType === 'Div' && head.kind === 'matmul' && first === current;
  if (opType === 'Add' || opType === 'Mul' || isScaled) {
    if (links.isWeight(other)) return 'affine';
    const isScale = head.node.opType === 'MatMulInteger' && opType === 'Mul';
    if (isScale) return sameShape(links.scope, other, current) ? 'none' : 'affine';
  }
  // The other branch must be there when the kernel starts.
  const isReady = links.positionOf(links.producerOf(other)) < links.positionOf(head);
  const fits = isReady && sameShape(links.scope, other, current);
  return opType === 'Add' && fits ? 'residual' : 'none';
}
