import { isFloat } from '../dtype';
import { dtypeOf } from '../shapes/types';
import type { NodeFacts } from './count';
import { sameShape, type ScopeLinks } from './fusion-links';
import { activationOpTypes } from './ops/elementwise';

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
  const [result = ''] = head.node.outputs;
  const epilogue: NodeFacts[] = [];
  let current = result;
  let hasResidual = false;
  while (epilogue.length < maxEpilogue) {
    const next = links.onlyConsumer(current);
    const [output = ''] = next?.node.outputs ?? [];
    if (next?.nodeClass !== 'compute' || !isFree(next)) break;
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

function stepOf(next: NodeFacts, current: string, head: NodeFacts, links: ScopeLinks): Step {
  const { node } = next;
  if (node.domain !== '') return 'none';
  const { opType, inputs } = node;
  const others = inputs.filter((name) => name !== current && name !== '');
  if (activationOpTypes.has(opType)) return others.every(links.isWeight) ? 'activation' : 'none';
  // The integer product is made float again: cast, times the scales of both operands.
  if (head.node.opType === 'MatMulInteger' && opType === 'Cast') {
    return isFloat(dtypeOf(links.scope, node.outputs[0] ?? '')) ? 'affine' : 'none';
  }
  if (opType === 'BatchNormalization') {
    return inputs[0] === current && others.every(links.isWeight) ? 'affine' : 'none';
  }
  if (inputs.length !== 2 || others.length !== 1) return 'none';
  const [other = ''] = others;
  // MatMul has a scale of its own in ONNX Runtime.
  const isScaled = opType === 'Div' && head.kind === 'matmul' && inputs[0] === current;
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
