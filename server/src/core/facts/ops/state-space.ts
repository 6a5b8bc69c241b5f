import { intAttribute, stringAttribute } from '../../attributes';
import { add, exactDivide, multiply, product, type Dim } from '../../shapes/symbolic';
import {
  dimAt,
  hasInput,
  inputElements,
  inputShape,
  outputElements,
  outputShape,
  type Site,
} from '../site';
import { fusedActivationCost } from './elementwise';
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

/** A recurrence over tokens with a state [heads, key size, value size] per sequence. */
interface Recurrence {
  readonly tokens: Dim;
  /** Heads of the state, and heads that read it. */
  readonly stateHeads: Dim;
  readonly readHeads: Dim;
  /** Elements of one head's state. */
  readonly headState: Dim;
}

type RecurrenceOf = (site: Site) => Recurrence;

/** Every token adds an outer product to each head's state and reads it; delta rules also look up what is there. */
function recurrenceMacs(of: RecurrenceOf): Count {
  return (site) => {
    const { tokens, stateHeads, readHeads, headState } = of(site);
    const passes = add(multiply(stateHeads, isDelta(site) ? 2 : 1), readHeads);
    return product([tokens, passes, headState]);
  };
}

/** The decay: one multiplication per element of the state, one exp per element of the gate. */
function recurrenceFlops(of: RecurrenceOf): Count {
  return (site) => {
    if (!hasInput(site, 4)) return 0;
    const { tokens, stateHeads, headState } = of(site);
    const gates = multiply(inputElements(site, 4), transcendental);
    return add(product([tokens, stateHeads, headState]), gates);
  };
}

function isDelta(site: Site): boolean {
  const rule = stringAttribute(site.node, 'update_rule') ?? 'gated_delta';
  return rule === 'delta' || rule === 'gated_delta';
}

function recurrence(of: RecurrenceOf): OpCost {
  return { kind: 'attention', macs: recurrenceMacs(of), flops: recurrenceFlops(of) };
}

/** query [B, T, Hq·dk], value [B, T, Hkv·dv], output [B, T, max(Hq, Hkv)·dv]. */
const linear: RecurrenceOf = (site) => {
  const query = inputShape(site, 0);
  const stateHeads = intAttribute(site.node, 'kv_num_heads') ?? null;
  const keySize = exactDivide(dimAt(query, 2), intAttribute(site.node, 'q_num_heads') ?? null);
  const valueSize = exactDivide(dimAt(inputShape(site, 2), 2), stateHeads);
  return {
    tokens: multiply(dimAt(query, 0), dimAt(query, 1)),
    stateHeads,
    readHeads: exactDivide(dimAt(outputShape(site, 0), 2), valueSize),
    headState: multiply(keySize, valueSize),
  };
};

/** Output [T, heads, dv]; the rest from the query [T, Hq, dk] and value [T, Hv, dv], or from the state [B, Hv, dv, dk]. */
const deltaNet: RecurrenceOf = (site) => {
  const query = inputShape(site, 0);
  const isPacked = query?.length === 2;
  const state = inputShape(site, 6);
  const output = outputShape(site, 0);
  const keySize = isPacked ? dimAt(state, 3) : dimAt(query, 2);
  return {
    tokens: dimAt(query, 0),
    stateHeads: isPacked ? dimAt(state, 1) : dimAt(inputShape(site, 2), 1),
    readHeads: dimAt(output, 1),
    headState: multiply(keySize, dimAt(output, 2)),
  };
};

/** One filter of `taps` per channel, then bias and activation. */
const causalConv: OpCost = {
  kind: 'depthwise-conv',
  macs: (site) => multiply(outputElements(site), dimAt(inputShape(site, 1), -1)),
  flops: (site) => {
    const activation = fusedActivationCost(site);
    const bias = hasInput(site, site.node.opType.startsWith('Varlen') ? 3 : 2) ? 1 : 0;
    return activation === null ? null : multiply(outputElements(site), activation + bias);
  },
};

/** Four taps over the channels, then update and read of the state [slots, heads, d_state, head]. */
const mamba2: Count = (site) => {
  const rows = dimAt(inputShape(site, 0), 0);
  const state = inputShape(site, 2);
  const perToken = state && product(state.slice(1));
  const conv = multiply(dimAt(inputShape(site, 1), 1), 4);
  return multiply(rows, add(conv, multiply(perToken, 2)));
};

/** Products with the low-rank pair [C·H, R], [R, C·H] and the gates' [C·H, C]. */
const lowRankMix: Count = (site) => {
  const streams = inputShape(site, 0);
  const rows = streams && product(streams.slice(0, -1));
  let weights: Dim = 0;
  for (const index of [2, 3, 4]) weights = add(weights, inputElements(site, index));
  return multiply(rows, weights);
};

const sigmoid = transcendental + division + 2 * simple;
const rmsNorm = 4 * simple;
const copies: OpCost = { kind: 'data-movement' };

export const stateSpaceOps: OpTable = {
  CausalConvWithState: causalConv,
  LinearAttention: recurrence(linear),
};

export const stateSpaceMicrosoftOps: OpTable = {
  CausalConvWithState: causalConv,
  VarlenCausalConvWithState: causalConv,
  ConvStateReplay: copies,
  LinearAttention: recurrence(linear),
  // Softplus and the scale; with a second input its sigmoid.
  LinearAttentionGate: { kind: 'elementwise', flops: perOutput(2 * transcendental + 3 + sigmoid) },
  GatedDeltaNet: recurrence(deltaNet),
  // How many transitions are replayed is in the data.
  GatedDeltaNetStateReplay: { kind: 'attention', macs: () => null },
  Mamba2Verify: { kind: 'attention', macs: mamba2, flops: perOutput(rmsNorm + 2 * sigmoid) },
  // Two norms, the dot product and its gate, the product; with a third norm on request.
  EngramGate: { kind: 'normalization', flops: perOutput(3 * rmsNorm + 3 * simple) },
  HyperConnectionLowRankMix: {
    kind: 'matmul',
    macs: lowRankMix,
    flops: perInput(rmsNorm + sigmoid + 2 * simple),
  },
  HyperConnectionPostMix: {
    kind: 'elementwise',
    flops: (site) => {
      const branches = hasInput(site, 3) ? dimAt(inputShape(site, 3), -1) : 1;
      return multiply(outputElements(site), add(multiply(branches, 2), 2));
    },
  },
  HyperConnectionPreMix: { kind: 'elementwise', flops: perInput(2 * simple) },
  BranchwiseRMSNorm: { kind: 'normalization', flops: perOutput(rmsNorm) },
  GatedRMSNorm: { kind: 'normalization', flops: perOutput(rmsNorm + sigmoid + simple) },
};
