import { intAttribute } from '../../attributes';
import { add, multiply, product, type Dim } from '../../shapes/symbolic';
import { dimAt, hasInput, inputElements, inputShape, outputElements, type Site } from '../site';
import {
  division,
  perInput,
  perOutput,
  simple,
  transcendental,
  type Count,
  type OpCost,
  type OpTable,
} from './op';

/** Rows of A times every output column that these attributes count, times K. */
function attributeMacs(...columns: readonly string[]): Count {
  return (site) => {
    let total: Dim = 0;
    for (const name of columns) total = add(total, intAttribute(site.node, name) ?? null);
    return product([rowsOf(site), total, intAttribute(site.node, 'K') ?? null]);
  };
}

function rowsOf(site: Site): Dim {
  const a = inputShape(site, 0);
  return a && product(a.slice(0, -1));
}

/** Subtract the zero point, scale: for every weight that is unpacked. */
function unpackFlops(...columns: readonly string[]): Count {
  return (site) => {
    let total: Dim = 0;
    for (const name of columns) total = add(total, intAttribute(site.node, name) ?? null);
    return product([total, intAttribute(site.node, 'K') ?? null, 2 * simple]);
  };
}

/** Weights [N, blocks, bytes] hold N × K elements and padding behind the last block of a row. */
export function packedAt(
  columns: Readonly<Record<number, string>>,
): NonNullable<OpCost['packing']> {
  return ({ node }, index, stored) => {
    const name = columns[index];
    if (name === undefined) return stored;
    const bits = intAttribute(node, 'bits') ?? 4;
    if (bits <= 0) return stored;
    const capacity = Math.floor(stored * (8 / bits));
    const rows = intAttribute(node, name);
    const depth = intAttribute(node, 'K');
    if (rows === undefined || depth === undefined) return capacity;
    return Math.max(0, Math.min(capacity, rows * depth));
  };
}

/** A [..., K] times weights of N rows, whose bytes may hold several elements. */
const rowsMacs: Count = (site) => multiply(outputElements(site), dimAt(inputShape(site, 0), -1));

/** The base product, and down to and up from the rank that the adapter's scales tell. */
const loraMacs: Count = (site) => {
  const columns = intAttribute(site.node, 'N') ?? null;
  const depth = intAttribute(site.node, 'K') ?? null;
  const rank = dimAt(inputShape(site, 3), 0);
  const weights = add(multiply(columns, depth), multiply(rank, add(columns, depth)));
  return multiply(rowsOf(site), weights);
};

/** `k` experts per token; a gate [experts, inner, bytes] has as many rows as the down projection columns. */
const packedExpertMacs: Count = (site) => {
  const hidden = dimAt(inputShape(site, 0), -1);
  const inner = dimAt(inputShape(site, 2), 1);
  const matrices = hasInput(site, 3) ? 3 : 2;
  return product([rowsOf(site), intAttribute(site.node, 'k') ?? 1, hidden, inner, matrices]);
};

/** Router columns and both halves of the shared expert in one product. */
const gateUpMacs: Count = (site) => multiply(rowsOf(site), inputElements(site, 1));

const sigmoid = transcendental + division + 2 * simple;

export const packedMatmulMicrosoftOps: OpTable = {
  MatMulFpQ4: { kind: 'matmul', macs: rowsMacs },
  MatMulPacked: { kind: 'matmul', macs: rowsMacs, flops: unpackFlops('N') },
  MatMulBlockQuantizedFp4Weight: {
    kind: 'matmul',
    macs: rowsMacs,
    packing: (_, index, stored) => (index === 1 ? 2 * stored : stored),
  },
  MatMulBlockQuantizedFp8Weight: { kind: 'matmul', macs: rowsMacs },
  MatMulNBitsMlp: {
    kind: 'matmul',
    macs: attributeMacs('N', 'N'),
    flops: unpackFlops('N', 'N'),
    packing: packedAt({ 3: 'N', 6: 'N' }),
  },
  MatMulNBitsQkv: {
    kind: 'matmul',
    macs: attributeMacs('Nq', 'Nkv', 'Nkv'),
    flops: unpackFlops('Nq', 'Nkv', 'Nkv'),
    packing: packedAt({ 3: 'Nq', 6: 'Nkv', 9: 'Nkv' }),
  },
  MatMulNBitsQLoRA: {
    kind: 'matmul',
    macs: loraMacs,
    flops: unpackFlops('N'),
    packing: packedAt({ 1: 'N' }),
  },
  QOrderedMatMul: { kind: 'matmul', macs: rowsMacs, flops: perOutput(3 * simple) },
  MoEPacked: { kind: 'matmul', macs: packedExpertMacs },
  // With a projection the logits are its product; the scores are one sigmoid each.
  MoEGroupRouter: {
    kind: 'matmul',
    macs: (site) => (hasInput(site, 2) ? multiply(rowsOf(site), inputElements(site, 2)) : 0),
    flops: (site) => multiply(rowsOf(site), multiply(inputElements(site, 1), sigmoid + 2)),
  },
  RouterGateUpProj: {
    kind: 'matmul',
    macs: gateUpMacs,
    flops: (site) => multiply(outputElements(site, 1), sigmoid + 4 * simple),
  },
  // LU and a solution for every column: 2n³ for each matrix of n × n.
  Inverse: {
    kind: 'matmul',
    macs: (site) => multiply(inputElements(site, 0), dimAt(inputShape(site, 0), -1)),
  },
  // A gate per query from a product with [head, D], then two operations per pair.
  GatedRelativePositionBias: {
    kind: 'matmul',
    macs: (site) => multiply(inputElements(site, 0), dimAt(inputShape(site, 3), 1)),
    flops: perOutput(2 * simple),
  },
  GatherPacked: { kind: 'lookup', traffic: 'picks', flops: perOutput(2 * simple) },
  ComplexMul: { kind: 'elementwise', flops: perOutput(3 * simple), inPlace: [0, 1] },
  ComplexMulConj: { kind: 'elementwise', flops: perOutput(3 * simple), inPlace: [0, 1] },
  DynamicTimeWarping: { kind: 'reduction', flops: perInput(3 * simple) },
};
