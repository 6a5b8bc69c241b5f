import { intAttribute, stringAttribute } from '../../attributes';
import { add, multiply, product, type Dim } from '../../shapes/symbolic';
import { dimAt, hasInput, inputDtype, inputShape, type Site } from '../site';
import { division, simple, transcendental, type OpCost, type OpTable } from './op';

interface Sizes {
  /** Steps × batch × directions. */
  readonly cells: Dim;
  readonly inputSize: Dim;
  readonly hiddenSize: Dim;
}

/** X is [steps, batch, input], or [batch, steps, input] with layout 1; shorter sequences of a batch count in full. */
function sizesOf(site: Site): Sizes {
  const x = inputShape(site, 0);
  const directions = stringAttribute(site.node, 'direction') === 'bidirectional' ? 2 : 1;
  return {
    cells: product([dimAt(x, 0), dimAt(x, 1), directions]),
    inputSize: dimAt(x, 2),
    // R is [directions, gates * hidden, hidden].
    hiddenSize: intAttribute(site.node, 'hidden_size') ?? dimAt(inputShape(site, 2), 2),
  };
}

/** Per cell, each gate multiplies input and previous state: gates × hidden × (input + hidden). */
function macs(gates: number) {
  return (site: Site): Dim => {
    const { cells, inputSize, hiddenSize } = sizesOf(site);
    return product([cells, gates, hiddenSize, add(inputSize, hiddenSize)]);
  };
}

const sigmoid = transcendental + division + 2 * simple;
const tanh = transcendental;

/** Per cell and hidden unit: activations, the gates' elementwise arithmetic, 2 additions of bias a gate. */
function flops(gates: number, perUnit: number, peephole = 0) {
  return (site: Site): Dim => {
    const { cells, hiddenSize } = sizesOf(site);
    const bias = hasInput(site, 3) ? 2 * gates : 0;
    const peepholes = hasInput(site, 7) ? peephole : 0;
    // The two products of a gate, with input and with state, are added.
    return product([cells, hiddenSize, perUnit + gates + bias + peepholes]);
  };
}

const lstm: OpCost = {
  kind: 'recurrent',
  macs: macs(4),
  // Three sigmoids, two tanh; f*c + i*g and o*tanh(c). Peepholes: three products and additions.
  flops: flops(4, 3 * sigmoid + 2 * tanh + 4, 6),
};

export const recurrentOps: OpTable = {
  RNN: { kind: 'recurrent', macs: macs(1), flops: flops(1, tanh) },
  // Two sigmoids and a tanh; r*h, (1 - z)*g + z*h.
  GRU: { kind: 'recurrent', macs: macs(3), flops: flops(3, 2 * sigmoid + tanh + 5) },
  LSTM: lstm,
};

export const recurrentMicrosoftOps: OpTable = {
  // Quantises input and state as it runs; the products are in the weights' type.
  DynamicQuantizeLSTM: {
    ...lstm,
    flops: (site) => {
      const { cells, inputSize, hiddenSize } = sizesOf(site);
      const quantize = multiply(cells, multiply(add(inputSize, hiddenSize), 5));
      return add(lstm.flops?.(site) ?? null, quantize);
    },
    zeroPoints: [9, 11],
    computeDtype: (site) => inputDtype(site, 1),
  },
  AttnLSTM: { kind: 'recurrent', macs: () => null },
};
