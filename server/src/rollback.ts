import { isCancelled, type CancelSignal } from './core/source';
import type { Candidate } from './optimize-result';

export interface RollbackSearch {
  readonly progress: (text: string) => void;
  readonly signal: CancelSignal;
  /** A candidate without these layers; null when cancelled. */
  readonly attempt: (exclude: ReadonlyMap<string, string>) => Promise<Candidate | null>;
}

export interface RollbackResult {
  readonly candidate: Candidate | null;
  /** Node path → why it stays as it was. */
  readonly rolledBack: ReadonlyMap<string, string>;
}

/** One candidate a layer is built and run to rank them; more would take longer than people wait. */
export const maxRankedLayers = 64;

/**
 * Finds layers to leave as they are so that the rest passes verification: ranks each layer by the error it causes
 * alone on the real inputs (weight norms do not predict it), then bisects on how many of the worst to leave out.
 * Layers that share a weight count as one. Gives back the failed candidate when not even one layer can be kept;
 * every other candidate is discarded here.
 */
export async function searchRollback(
  failed: Candidate,
  search: RollbackSearch,
): Promise<RollbackResult> {
  const layers = unitsOf(failed.plan);
  const nothing = { candidate: failed, rolledBack: new Map<string, string>() };
  if (layers.length < 2 || layers.length > maxRankedLayers) return nothing;
  const cancelled = async (best: RollbackResult): Promise<RollbackResult> => {
    await best.candidate?.writer?.discard();
    if (best.candidate !== failed) await failed.writer?.discard();
    return { candidate: null, rolledBack: new Map() };
  };
  const ranked = await rankByError(layers, search);
  if (!ranked) return cancelled(nothing);
  // Invariant: leaving out `failing` of the worst layers fails; leaving out `passing` passes or is everything.
  let [failing, passing] = [0, layers.length];
  let best: RollbackResult = nothing;
  while (passing - failing > 1) {
    const count = Math.floor((failing + passing) / 2);
    search.progress(`rolling back ${count} of ${layers.length} layers`);
    const exclude = excluded(ranked.slice(0, count));
    const candidate = await search.attempt(exclude);
    if (!candidate || isCancelled(search.signal)) {
      await candidate?.writer?.discard();
      return cancelled(best);
    }
    if (candidate.verification.decision === 'fail') {
      failing = count;
      await candidate.writer?.discard();
    } else {
      passing = count;
      await best.candidate?.writer?.discard();
      best = { candidate, rolledBack: exclude };
    }
  }
  if (best !== nothing) await failed.writer?.discard();
  return best;
}

/** A layer, or all that share its weight. */
type Unit = readonly string[];

function unitsOf({ changedNodes, groups = [] }: Candidate['plan']): Unit[] {
  const grouped = new Set(groups.flat());
  return [...groups, ...changedNodes.filter((node) => !grouped.has(node)).map((node) => [node])];
}

interface RankedLayer {
  readonly nodes: Unit;
  readonly cosine: number | null;
}

/** Worst first. Null when cancelled. */
async function rankByError(
  layers: readonly Unit[],
  { attempt, progress, signal }: RollbackSearch,
): Promise<RankedLayer[] | null> {
  const ranked: RankedLayer[] = [];
  for (const [index, nodes] of layers.entries()) {
    progress(`measuring layer ${index + 1}/${layers.length} alone`);
    const others = layers.filter((other) => other !== nodes).flat();
    const alone = await attempt(new Map(others.map((other) => [other, 'not measured now'])));
    await alone?.writer?.discard();
    if (!alone || isCancelled(signal)) return null;
    ranked.push({ nodes, cosine: alone.verification.cosine });
  }
  return ranked.sort((a, b) => (a.cosine ?? -1) - (b.cosine ?? -1));
}

function excluded(layers: readonly RankedLayer[]): Map<string, string> {
  return new Map(
    layers.flatMap(({ nodes, cosine }) => {
      const alone = cosine === null ? 'unknown' : cosine.toFixed(5);
      const reason = `with it the bound was missed; alone it gives cosine ${alone}`;
      return nodes.map((node): [string, string] => [node, reason]);
    }),
  );
}
