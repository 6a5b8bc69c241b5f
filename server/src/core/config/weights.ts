/**
 * Counting without tensors: what a group of weights holds and what it costs per token.
 * Products of sizes that `fields.ts` bounded stay below 2^53 for every real model; what exceeds it is
 * refused where the sums are used.
 */
export interface Weights {
  /** Elements that are allocated. */
  readonly parameters: number;
  /** Of these, elements read for one token: all but the experts that were not chosen. */
  readonly activeParameters: number;
  /** Of `parameters`, those in matrices of linear layers: what weight quantisers convert. */
  readonly matrixParameters: number;
  /** Multiply-accumulates with these weights for one token (or one patch, in a vision tower). */
  readonly macs: number;
}

export const noWeights: Weights = {
  parameters: 0,
  activeParameters: 0,
  matrixParameters: 0,
  macs: 0,
};

/** A fully connected layer from `inputs` to `outputs` features. */
export function linear(inputs: number, outputs: number, bias = false): Weights {
  const matrix = inputs * outputs;
  const parameters = matrix + (bias ? outputs : 0);
  return { parameters, activeParameters: parameters, matrixParameters: matrix, macs: matrix };
}

/** A table that is looked up, not multiplied: embeddings, learned positions. */
export function table(rows: number, width: number): Weights {
  return vector(rows * width);
}

/** Weights used elementwise: norms, biases, gates. */
export function vector(length: number): Weights {
  return { parameters: length, activeParameters: length, matrixParameters: 0, macs: 0 };
}

/** A convolution, counted per output position. */
export function convolution(
  inputs: number,
  outputs: number,
  kernelSize: number,
  bias: boolean,
): Weights {
  const kernel = inputs * outputs * kernelSize;
  const parameters = kernel + (bias ? outputs : 0);
  return { parameters, activeParameters: parameters, matrixParameters: 0, macs: kernel };
}

export function norm(width: number, bias: boolean): Weights {
  return vector(bias ? 2 * width : width);
}

export function together(...parts: readonly Weights[]): Weights {
  return parts.reduce(
    (sum, part) => ({
      parameters: sum.parameters + part.parameters,
      activeParameters: sum.activeParameters + part.activeParameters,
      matrixParameters: sum.matrixParameters + part.matrixParameters,
      macs: sum.macs + part.macs,
    }),
    noWeights,
  );
}

/** `count` layers of the same shape, each with its own weights. */
export function times(count: number, weights: Weights): Weights {
  return {
    parameters: count * weights.parameters,
    activeParameters: count * weights.activeParameters,
    matrixParameters: count * weights.matrixParameters,
    macs: count * weights.macs,
  };
}

/** `count` experts of which each token uses `chosen`. */
export function experts(count: number, chosen: number, one: Weights): Weights {
  const active = times(Math.min(chosen, count), one);
  return { ...times(count, one), activeParameters: active.parameters, macs: active.macs };
}

/** The same weights run `runs` times (layers that share their weights, a head that reuses the embedding). */
export function reused(runs: number, weights: Weights): Weights {
  return { ...weights, macs: runs * weights.macs };
}

/** Work with weights that are counted elsewhere. */
export function borrowed(weights: Weights): Weights {
  return { ...noWeights, macs: weights.macs };
}
