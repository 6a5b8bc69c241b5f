import { floatAttribute, intAttribute } from '../../attributes';
import { add, multiply, product, type Dim } from '../../shapes/symbolic';
import {
  dimAt,
  hasInput,
  inputDtype,
  inputElements,
  inputShape,
  outputElements,
  type Site,
} from '../site';
import { einsumMacs } from './einsum';
import { fusedActivationCost } from './elementwise';
import { packedAt } from './matmul-packed';
import { perOutput, simple, transcendental, type Count, type OpCost, type OpTable } from './op';

/** Every output is a sum of K products, K being the axis that A and B share. */
function macs(depth: Count): Count {
  return (site) => multiply(outputElements(site), depth(site));
}

/** K of `MatMul(A, B)`: the last axis of A, or the last but one of B when A's shape is not known. */
function matmulDepth(a: number, b: number): Count {
  return (site) => {
    const left = inputShape(site, a);
    const fromA = dimAt(left, -1);
    if (fromA !== null) return fromA;
    const right = inputShape(site, b);
    return right && dimAt(right, right.length === 1 ? 0 : -2);
  };
}

/** K of `Gemm`, whose operands are matrices: A is [M, K], or [K, M] with `transA`. */
function gemmDepth(a: number, b: number): Count {
  return (site) => {
    const transA = intAttribute(site.node, 'transA') === 1;
    const fromA = dimAt(inputShape(site, a), transA ? 0 : 1);
    if (fromA !== null) return fromA;
    const transB = intAttribute(site.node, 'transB') === 1;
    return dimAt(inputShape(site, b), transB ? 1 : 0);
  };
}

/**
 * K of com.microsoft FusedMatMul. `transBatchA` first moves A's axis 0 behind the batch axes,
 * so that with `transA` the shared axis is the one that was axis 0.
 */
const fusedDepth: Count = (site) => {
  const a = inputShape(site, 0);
  const transA = intAttribute(site.node, 'transA') === 1 && a !== null && a.length > 1;
  const transBatchA = intAttribute(site.node, 'transBatchA') === 1;
  const fromA = dimAt(a, transA ? (transBatchA ? 0 : -2) : -1);
  if (fromA !== null) return fromA;
  const b = inputShape(site, 1);
  if (b === null || intAttribute(site.node, 'transBatchB') === 1) return null;
  const transB = intAttribute(site.node, 'transB') === 1 && b.length > 1;
  return dimAt(b, b.length === 1 ? 0 : transB ? -1 : -2);
};

/** `beta * C` added, and `alpha` multiplied in where it is not 1. */
const gemmFlops: Count = (site) => {
  const activation = fusedActivationCost(site);
  if (activation === null) return null;
  const scaled = (name: string) => ((floatAttribute(site.node, name) ?? 1) === 1 ? 0 : 1);
  const bias = hasInput(site, 2) ? 1 + scaled('beta') : 0;
  return multiply(outputElements(site), bias + scaled('alpha') + activation);
};

function matmul(depth: Count, extra: Partial<OpCost> = {}): OpCost {
  return { kind: 'matmul', macs: macs(depth), ...extra };
}

/** One addition per output when the operator has a bias input and it is given. */
function biasFlops(index: number, others = 0): Count {
  return (site) => multiply(outputElements(site), others + (hasInput(site, index) ? 1 : 0));
}

/** N-bit weights are unpacked to the activation's type: subtract the zero point, scale. */
const unpackFlops: Count = (site) => {
  const { node } = site;
  const weights = multiply(intAttribute(node, 'N') ?? null, intAttribute(node, 'K') ?? null);
  return add(multiply(weights, 2), biasFlops(5)(site));
};

const attributeDepth: Count = (site) => intAttribute(site.node, 'K') ?? null;

/**
 * Every token passes the `k` experts that the router picks, each of two or three matrices
 * [experts, rows, columns]; `packed` elements of a row share one stored byte.
 */
function expertMacs(matrices: readonly number[], packed: (site: Site) => number): Count {
  return (site) => {
    const input = inputShape(site, 0);
    const tokens = input && product(input.slice(0, -1));
    let perToken: Dim = 0;
    for (const index of matrices) {
      if (!hasInput(site, index)) continue;
      const shape = inputShape(site, index);
      perToken = add(perToken, shape?.length === 3 ? product(shape.slice(1)) : null);
    }
    const experts = intAttribute(site.node, 'k') ?? 1;
    return product([tokens, experts, packed(site), perToken]);
  };
}

function expertsPerByte(site: Site): number {
  const bits = intAttribute(site.node, 'expert_weight_bits');
  return bits === 8 ? 1 : bits === 2 ? 4 : 2;
}

export const matmulOps: OpTable = {
  MatMul: matmul(matmulDepth(0, 1)),
  Gemm: matmul(gemmDepth(0, 1), { flops: gemmFlops }),
  Einsum: { kind: 'matmul', macs: einsumMacs },
  QLinearMatMul: matmul(matmulDepth(0, 3), { flops: perOutput(3 * simple), zeroPoints: [2, 5, 7] }),
  MatMulInteger: matmul(matmulDepth(0, 1), { zeroPoints: [2, 3] }),
};

const fusedMatMul = matmul(fusedDepth, { flops: (site) => alphaFlops(site) });

function alphaFlops(site: Site): Dim {
  const activation = fusedActivationCost(site);
  const alpha = (floatAttribute(site.node, 'alpha') ?? 1) === 1 ? 0 : 1;
  return activation === null ? null : multiply(outputElements(site), alpha + activation);
}

export const matmulMicrosoftOps: OpTable = {
  FusedMatMul: fusedMatMul,
  FusedMatMulActivation: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedGemm: matmul(gemmDepth(0, 1), { flops: gemmFlops }),
  GemmFloat8: matmul(gemmDepth(0, 1), { flops: gemmFlops }),
  GemmFastGelu: matmul(matmulDepth(0, 1), { flops: biasFlops(2, transcendental + 8 * simple) }),
  QGemm: matmul(gemmDepth(0, 3), { flops: biasFlops(6, 3), zeroPoints: [2, 5, 8] }),
  MatMulInteger16: matmul(matmulDepth(0, 1)),
  MatMulIntegerToFloat: matmul(matmulDepth(0, 1), {
    flops: biasFlops(6, 2),
    zeroPoints: [4, 5],
  }),
  // Quantises A as it runs: the products are in B's type.
  DynamicQuantizeMatMul: matmul(matmulDepth(0, 1), {
    flops: (site) => add(multiply(inputElements(site, 0), 5), biasFlops(4, 2)(site)),
    zeroPoints: [3],
    computeDtype: (site) => inputDtype(site, 1),
  }),
  MatMulNBits: matmul(attributeDepth, {
    flops: unpackFlops,
    zeroPoints: [3],
    packing: packedAt({ 1: 'N' }),
  }),
  MatMulBnb4: matmul(attributeDepth, {
    flops: unpackFlops,
    zeroPoints: [],
    packing: packedAt({ 1: 'N' }),
  }),
  MoE: { kind: 'matmul', macs: expertMacs([2, 4, 6], () => 1) },
  QMoE: {
    kind: 'matmul',
    macs: expertMacs([2, 5, 8], expertsPerByte),
    zeroPoints: [11, 12, 13],
    packing: (site, index, stored) =>
      index === 2 || index === 5 || index === 8 ? stored * expertsPerByte(site) : stored,
  },
  // How many elements of the sparse operand are not zero is in the data.
  SparseToDenseMatMul: { kind: 'matmul', macs: () => null },
};
