import { stringAttribute } from '../../attributes';
import { add, multiply } from '../../shapes/symbolic';
import { constantOf } from '../../shapes/types';
import {
  hasInput,
  inputDtype,
  inputElements,
  outputDtype,
  outputElements,
  type Site,
} from '../site';
import {
  division,
  perOutput,
  simple,
  transcendental,
  type Count,
  type OpCost,
  type OpTable,
} from './op';

/** exp, negate, add, divide. */
const sigmoid = transcendental + division + 2 * simple;

/** Operations per element of activations, also where they are fused into another operator. */
const activationCost: ReadonlyMap<string, number> = new Map([
  ['Relu', simple],
  ['Clip', 2 * simple],
  ['LeakyRelu', 2 * simple],
  ['PRelu', 2 * simple],
  ['ThresholdedRelu', simple],
  ['HardSigmoid', 4 * simple],
  ['HardSwish', 5 * simple],
  ['Sigmoid', sigmoid],
  ['Tanh', transcendental],
  ['Swish', sigmoid + simple],
  ['Silu', sigmoid + simple],
  ['QuickGelu', sigmoid + 2 * simple],
  // 0.5 * x * (1 + erf(x / sqrt(2)))
  ['Gelu', transcendental + 4 * simple],
  // 0.5 * x * (1 + tanh(a * (x + b * x^3)))
  ['FastGelu', transcendental + 8 * simple],
  ['Elu', transcendental + 3 * simple],
  ['Selu', transcendental + 4 * simple],
  ['Celu', transcendental + division + 3 * simple],
  ['Softplus', 2 * transcendental + simple],
  ['Softsign', division + 2 * simple],
  ['Mish', 3 * transcendental + 2 * simple],
  ['Shrink', 3 * simple],
]);

/** ONNX Runtime writes activations as attributes in either case. */
const costByLowerName = new Map(
  [...activationCost].map(([name, cost]) => [name.toLowerCase(), cost]),
);

/** Operators that runtimes append to the kernel that makes their input. */
export const activationOpTypes: ReadonlySet<string> = new Set(activationCost.keys());

/** Operations per element of the activation that a fused operator names; 0 for none, null for an unknown one. */
export function fusedActivationCost(site: Site, attribute = 'activation'): number | null {
  const name = stringAttribute(site.node, attribute);
  if (name === undefined || name === '' || name === 'none') return 0;
  return costByLowerName.get(name.toLowerCase()) ?? null;
}

/** A multiplication and an exclusive or per word, the remainder; three words taken as usual. */
const ngramHash = 6 * simple + division;

/** Output 0 may take the place of either operand. */
const inPlace = [0, 1];

export function elementwise(cost: number): OpCost {
  return { kind: 'elementwise', flops: perOutput(cost), inPlace };
}

function rows(cost: number, ...names: readonly string[]): OpTable {
  return Object.fromEntries(names.map((name) => [name, elementwise(cost)]));
}

/** Sum, Mean, Max, Min take any number of operands: one operation joins two of them. */
const variadic: OpCost = {
  kind: 'elementwise',
  flops: (site) => multiply(outputElements(site), Math.max(1, site.node.inputs.length - 1)),
  inPlace,
};

/** A constant exponent of 2, 3, 0.5 or -1 is computed without exp and log, as runtimes do. */
const powFlops: Count = (site) => {
  const exponent = constantOf(site.scope, site.node.inputs[1] ?? '');
  const value = exponent?.values.length === 1 ? exponent.values[0] : undefined;
  const costs = new Map<unknown, number>([
    [1, simple],
    [2, simple],
    [3, 2 * simple],
    [0.5, division],
    [-1, division],
  ]);
  return multiply(outputElements(site), costs.get(value) ?? 2 * transcendental);
};

/** Adds 1 per element for the bias that `Bias…` forms add first, when it is there. */
function withBias(cost: number): OpCost {
  return {
    kind: 'elementwise',
    flops: (site) => multiply(outputElements(site), cost + (hasInput(site, 1) ? simple : 0)),
    inPlace: [0],
  };
}

/** Exporters also cast to the type that a value already has: runtimes drop such a node. */
const cast: OpCost = {
  kind: (site) => (castsNothing(site) ? 'none' : 'elementwise'),
  flops: (site) => (castsNothing(site) ? 0 : outputElements(site)),
  traffic: (site) => (castsNothing(site) ? 'alias' : 'streams'),
  inPlace: [0],
  computeDtype: (site) => outputDtype(site),
};

function castsNothing(site: Site): boolean {
  const dtype = outputDtype(site);
  return dtype !== null && dtype === inputDtype(site, 0);
}

export const elementwiseOps: OpTable = {
  ...Object.fromEntries([...activationCost].map(([name, cost]) => [name, elementwise(cost)])),
  ...rows(simple, 'Abs', 'Neg', 'Add', 'Sub', 'Mul', 'Sign', 'Floor', 'Ceil', 'Round', 'Where'),
  ...rows(simple, 'And', 'Or', 'Xor', 'Not', 'BitShift', 'BitwiseAnd', 'BitwiseOr', 'BitwiseXor'),
  ...rows(simple, 'BitwiseNot', 'Equal', 'Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'),
  ...rows(simple, 'IsNaN', 'IsInf'),
  ...rows(division, 'Div', 'Mod', 'Sqrt', 'Reciprocal'),
  ...rows(transcendental, 'Exp', 'Log', 'Erf', 'Sin', 'Cos', 'Tan', 'Asin', 'Acos', 'Atan'),
  ...rows(transcendental, 'Sinh', 'Cosh', 'Asinh', 'Acosh', 'Atanh'),
  Sum: variadic,
  Mean: variadic,
  Max: variadic,
  Min: variadic,
  Pow: { kind: 'elementwise', flops: powFlops, inPlace: [0] },
  Cast: cast,
  CastLike: cast,
  // Dropout passes its input through outside training.
  Dropout: { kind: 'data-movement', traffic: 'alias' },
  // Complex pairs turned by cos and sin: two multiplications and an addition per element.
  RotaryEmbedding: { kind: 'elementwise', flops: perOutput(3 * simple), inPlace: [0] },
  NegativeLogLikelihoodLoss: {
    kind: 'reduction',
    flops: (site) => inputElements(site, 0),
  },
  // Removed from the standard, still in old files.
  Affine: elementwise(2 * simple),
  ImageScaler: elementwise(2 * simple),
  Scale: elementwise(simple),
  ScaledTanh: elementwise(transcendental + 2 * simple),
  ParametricSoftplus: elementwise(2 * transcendental + 3 * simple),
  SwiGLU: elementwise(sigmoid + 2 * simple),
};

export const elementwiseMicrosoftOps: OpTable = {
  Gelu: elementwise(transcendental + 4 * simple),
  FastGelu: withBias(transcendental + 8 * simple),
  QuickGelu: elementwise(sigmoid + 2 * simple),
  BiasGelu: withBias(transcendental + 4 * simple),
  BiasAdd: elementwise(2 * simple),
  BiasSplitGelu: withBias(transcendental + 5 * simple),
  BiasDropout: elementwise(2 * simple),
  BitmaskDropout: { kind: 'data-movement', traffic: 'alias' },
  BitmaskBiasDropout: elementwise(2 * simple),
  RotaryEmbedding: { kind: 'elementwise', flops: perOutput(3 * simple), inPlace: [0] },
  MurmurHash3: elementwise(12 * simple),
  MRotaryEmbedding: { kind: 'elementwise', flops: perOutput(3 * simple), inPlace: [0] },
  // Sine and cosine of every angle, then both states turned.
  GemmaRotaryEmbedding: {
    kind: 'elementwise',
    flops: (site) =>
      add(
        multiply(inputElements(site, 0), 2 * transcendental),
        multiply(add(outputElements(site), outputElements(site, 1)), 3),
      ),
  },
  RMSNormRotary: { kind: 'normalization', flops: perOutput(7 * simple) },
  ScaledSiLU: elementwise(sigmoid + 2 * simple),
  SwiGLU: elementwise(sigmoid + 6 * simple),
  GatedAdd: elementwise(2 * simple),
  QOrderedGelu: elementwise(transcendental + 9 * simple),
  NGramHashMapping: elementwise(ngramHash),
  VarlenNGramHashMapping: elementwise(ngramHash),
};
