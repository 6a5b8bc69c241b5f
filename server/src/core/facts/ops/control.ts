import type { OpCost, OpTable } from './op';

/** Its own work is nothing: the nodes of its subgraphs carry it, times the trip count. */
const runsSubgraphs: OpCost = { kind: 'control', traffic: 'none' };

/** Runs a decoder until it says stop: how often is in the data. */
const generation: OpCost = { kind: 'control', macs: () => null, flops: () => null };

export const controlOps: OpTable = {
  If: runsSubgraphs,
  Loop: runsSubgraphs,
  Scan: runsSubgraphs,
  SequenceMap: runsSubgraphs,
};

export const controlMicrosoftOps: OpTable = {
  BeamSearch: generation,
  GreedySearch: generation,
  Sampling: generation,
  WhisperBeamSearch: generation,
  // Bookkeeping over a few tokens.
  BifurcationDetector: { kind: 'control' },
  SpeculativePrefixCommit: { kind: 'control' },
};
