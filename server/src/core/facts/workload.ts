import { isFloat } from '../dtype';
import { shortName } from '../format';
import { evaluate, type Dim } from '../shapes/symbolic';
import type { WorkItem, Workload } from '../workload';
import type { ModelFacts, NodeFacts } from './count';
import { evaluateFacts, type DimOptions, type EvaluatedFacts, type RunningScope } from './evaluate';
import { planFusion, type FusionPlan, type Kernel } from './fusion';
import { activationMemory, type ActivationMemory } from './memory';

/** A model's facts as numbers for one choice of sizes. */
export interface SizedFacts {
  readonly evaluated: EvaluatedFacts;
  readonly fusion: FusionPlan;
  readonly memory: ActivationMemory;
}

/** Evaluates totals, fusion and memory for these sizes: what `workloadOf` and reports need. */
export function sizeFacts(facts: ModelFacts, options: DimOptions = {}): SizedFacts {
  const evaluated = evaluateFacts(facts, options);
  const fusion = planFusion(facts);
  const memory = activationMemory(facts, fusion, evaluated.bindings.values);
  return { evaluated, fusion, memory };
}

/**
 * The work of one run, one item per kernel that starts: fused nodes are part of their kernel's
 * item, and what does no work of its own (constants, views, shape arithmetic) has none.
 * Bodies of loops are multiplied by their trip count, null when that is unknown.
 */
export function workloadOf(facts: ModelFacts, sized: SizedFacts): Workload {
  const { evaluated, fusion, memory } = sized;
  const { bindings, scopes } = evaluated;
  const items: WorkItem[] = [];
  for (const scope of scopes) {
    for (const node of scope.facts.nodes) {
      const kernel = fusion.kernelOf(node);
      if ((kernel && kernel.anchor !== node) || isIdle(node, kernel ?? node)) continue;
      items.push(workItem(node, kernel, scope, bindings.values));
    }
  }
  const known = items.filter(isKnown).length;
  return {
    items,
    parameters: facts.parameters,
    weightBytes: facts.weightBytes + facts.generatedWeightBytes,
    peakActivationBytes: memory.peakActivationBytes,
    ioBytes: memory.ioBytes,
    coverage: items.length === 0 ? 1 : known / items.length,
    assumptions: assumptionsOf(facts, evaluated),
  };
}

/** Nothing is computed and nothing moves. */
function isIdle(node: NodeFacts, { readBytes, writeBytes }: Traffic): boolean {
  if (node.kind === 'none') return readBytes === 0 && writeBytes === 0;
  return node.kind === 'control' && node.macs === 0 && node.flops === 0;
}

/** @param kernel undefined for a node that runs alone */
function workItem(
  anchor: NodeFacts,
  kernel: Kernel | undefined,
  { repeat }: RunningScope,
  values: ReadonlyMap<string, number>,
): WorkItem {
  const { readBytes, writeBytes, weightReadBytes, computeDtype } = kernel ?? anchor;
  const work = kernel ? workOf(kernel, values) : anchor;
  const weightBytes = product(amount(weightReadBytes, values), repeat);
  return {
    name: anchor.path,
    opType: anchor.node.opType,
    kind: anchor.kind,
    macs: product(amount(work.macs, values), repeat),
    flops: product(amount(work.flops, values), repeat),
    readBytes: product(amount(readBytes, values), repeat),
    writeBytes: product(amount(writeBytes, values), repeat),
    weightBytes: weightBytes ?? anchor.weightBytes,
    computeDtype,
    ...(repeat !== null && repeat > 1 && { launches: repeat }),
  };
}

type Traffic = Pick<NodeFacts, 'readBytes' | 'writeBytes'>;

/** The work of all members together. */
function workOf(
  { anchor, members, computeDtype }: Kernel,
  values: ReadonlyMap<string, number>,
): { readonly macs: number | null; readonly flops: number | null } {
  const isInteger = computeDtype !== null && !isFloat(computeDtype);
  // An integer kernel takes its operands as they are; only its result is rescaled.
  const computing = members.filter(
    ({ node }) => !isInteger || node === anchor.node || node.opType !== 'DequantizeLinear',
  );
  return {
    macs: sumOf(members.map(({ macs }) => amount(macs, values))),
    flops: sumOf(computing.map(({ flops }) => amount(flops, values))),
  };
}

/** Null also where sizes that a file claims give less than nothing. */
function amount(dim: Dim, values: ReadonlyMap<string, number>): number | null {
  const value = evaluate(dim, values);
  return value !== null && value < 0 ? null : value;
}

/** 0 times an unknown number of runs is 0. */
function product(value: number | null, repeat: number | null): number | null {
  if (value === 0) return 0;
  return value === null || repeat === null ? null : value * repeat;
}

function sumOf(values: readonly (number | null)[]): number | null {
  let total = 0;
  for (const value of values) {
    if (value === null) return null;
    total += value;
  }
  return total;
}

function isKnown({ macs, flops, readBytes, writeBytes }: WorkItem): boolean {
  return macs !== null && flops !== null && readBytes !== null && writeBytes !== null;
}

/** What is assumed where the model or its user does not say: sizes, branches, loops. */
export function assumptionsOf(facts: ModelFacts, { bindings, scopes }: EvaluatedFacts): string[] {
  const texts = [...bindings.assumptions];
  const shown = bindings.unbound.slice(0, maxShownSymbols).map((name) => shortName(name));
  if (shown.length > 0) {
    const more = bindings.unbound.length > shown.length ? ' …' : '';
    texts.push(`${shown.join(', ')}${more} not given: what depends on it is unknown`);
  }
  const hasOpenBranch = scopes.some(({ facts: { children } }) =>
    [...children.values()]
      .flat()
      .some(({ role, tripCount }) => isBranch(role) && tripCount === null),
  );
  if (hasOpenBranch) texts.push('of the two branches of an If, the costlier one is counted');
  if (scopes.some(({ repeat }) => repeat === null)) {
    texts.push('a loop runs an unknown number of times: its work is unknown');
  }
  if (facts.generatedWeightBytes > 0) {
    texts.push('weights generated at load (ConstantOfShape) take memory but no space in the file');
  }
  return texts;
}

/** More names would not be read. */
const maxShownSymbols = 5;

function isBranch(role: string): boolean {
  return role === 'then' || role === 'else';
}
