import { shortName } from '../format';
import { evaluate, type Dim } from '../shapes/symbolic';
import { isOpenBranch, type ChildFacts, type ModelFacts, type ScopeFacts } from './count';

/** Sizes that the caller knows. */
export interface DimOptions {
  /** By symbol name. */
  readonly dims?: ReadonlyMap<string, number>;
  /** For batch-like symbols that `dims` does not name; 1 when absent. */
  readonly batch?: number;
}

export interface Bindings {
  readonly values: ReadonlyMap<string, number>;
  /** `batch = 1 (not given)`. */
  readonly assumptions: readonly string[];
  /** Input symbols without a value: what depends on them stays unknown. */
  readonly unbound: readonly string[];
}

/** A scope that runs, and how often per run of the model; null when that is not known. */
export interface RunningScope {
  readonly facts: ScopeFacts;
  readonly repeat: number | null;
}

export interface EvaluatedFacts {
  readonly bindings: Bindings;
  /** Of one run; null when a part is unknown. */
  readonly macs: number | null;
  readonly flops: number | null;
  /** Sums of what is known: lower bounds of the totals. */
  readonly knownMacs: number;
  readonly knownFlops: number;
  /** Of two branches with unknown condition only the costlier one. */
  readonly scopes: readonly RunningScope[];
}

/** Values for the symbols of the model's inputs: given ones, and a default batch for batch-like ones. */
export function bindSymbols(facts: ModelFacts, options: DimOptions = {}): Bindings {
  const values = new Map(options.dims ?? []);
  const assumptions: string[] = [];
  const unbound: string[] = [];
  for (const { name, isBatchLike } of facts.symbols) {
    if (values.has(name)) continue;
    if (!isBatchLike) {
      unbound.push(name);
      continue;
    }
    const batch = options.batch ?? 1;
    values.set(name, batch);
    const origin = options.batch === undefined ? 'not given' : 'as batch size';
    assumptions.push(`${shortName(name)} = ${batch} (${origin})`);
  }
  return { values, assumptions, unbound };
}

/** The totals as numbers, under given and assumed sizes. */
export function evaluateFacts(facts: ModelFacts, options: DimOptions = {}): EvaluatedFacts {
  const bindings = bindSymbols(facts, options);
  const tally = tallyScope(facts.main, 1, bindings.values);
  const { macs, flops, knownMacs, knownFlops, scopes } = tally;
  return { bindings, macs, flops, knownMacs, knownFlops, scopes };
}

interface Tally {
  /** Of one run of the scope. */
  readonly macs: number | null;
  readonly flops: number | null;
  readonly knownMacs: number;
  readonly knownFlops: number;
  readonly scopes: readonly RunningScope[];
}

function tallyScope(
  facts: ScopeFacts,
  repeat: number | null,
  values: ReadonlyMap<string, number>,
): Tally {
  const macs = sum(values);
  const flops = sum(values);
  const scopes: RunningScope[] = [{ facts, repeat }];
  for (const node of facts.nodes) {
    macs.add(node.macs);
    flops.add(node.flops);
  }
  for (const children of facts.children.values()) {
    for (const { trips, tally } of runningChildren(children, repeat, values)) {
      macs.addTimes(tally.macs, tally.knownMacs, trips);
      flops.addTimes(tally.flops, tally.knownFlops, trips);
      for (const scope of tally.scopes) scopes.push(scope);
    }
  }
  return {
    macs: macs.total(),
    flops: flops.total(),
    knownMacs: macs.known(),
    knownFlops: flops.known(),
    scopes,
  };
}

interface RunningChild {
  readonly trips: number | null;
  readonly tally: Tally;
}

function runningChildren(
  children: readonly ChildFacts[],
  repeat: number | null,
  values: ReadonlyMap<string, number>,
): readonly RunningChild[] {
  const running: RunningChild[] = [];
  let branch: RunningChild | undefined;
  for (const child of children) {
    const isOpen = isOpenBranch(child);
    const trips = isOpen ? 1 : evaluate(child.tripCount, values);
    if (trips === 0) continue;
    const runs = repeat === null || trips === null ? null : repeat * trips;
    const each = { trips, tally: tallyScope(child.facts, runs, values) };
    if (!isOpen) running.push(each);
    else if (!branch || isCostlier(each.tally, branch.tally)) branch = each;
  }
  return branch ? [...running, branch] : running;
}

function isCostlier(a: Tally, b: Tally): boolean {
  return a.knownMacs === b.knownMacs ? a.knownFlops > b.knownFlops : a.knownMacs > b.knownMacs;
}

/** Adds up numbers of which some may be unknown. A body that runs an unknown number of times counts once in `known`. */
function sum(values: ReadonlyMap<string, number>) {
  let known = 0;
  let isComplete = true;
  return {
    add(dim: Dim): void {
      const value = evaluate(dim, values);
      if (value === null) isComplete = false;
      else known += value;
    },
    addTimes(total: number | null, part: number, trips: number | null): void {
      if (total === null || trips === null) isComplete &&= total === 0;
      known += part * (trips ?? 1);
    },
    total: () => (isComplete && Number.isSafeInteger(known) ? known : null),
    known: () => known,
  };
}
