import { isCancelled, type CancelSignal } from './core/source';
import type { Candidate } from './optimize';

export interface RollbackSearch {
  /** Share of accuracy that may be lost, for the reasons given. */
  readonly bound: number;
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
const maxRankedLayers = 64;

/**
 * Finds layers to leave as they are so that the rest passes verification: ranks each layer by the error it causes
 * alone on the real inputs (weight norms do not predict it), then bisects on how many of the worst to leave out.
 * Gives back the failed candidate when not even one layer can be kept.
 */
export async function searchRollback(
  failed: Candidate,
  search: RollbackSearch,
): Promise<RollbackResult> {
  const layers = failed.plan.changedNodes;
  const nothing = { candidate: failed, rolledBack: new Map<string, string>() };
  if (layers.length < 2 || layers.length > maxRankedLayers) return nothing;
  const ranked = await rankByError(layers, search);
  if (!ranked) {
    await failed.writer?.discard();
    return { ...nothing, candidate: null };
  }
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
      await best.candidate?.writer?.discard();
      return { candidate: null, rolledBack: new Map() };
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
  return best;
}

interface RankedLayer {
  readonly node: string;
  readonly cosine: number | null;
}

/** Worst first. Null when cancelled. */
async function rankByError(
  layers: readonly string[],
  { attempt, progress, signal }: RollbackSearch,
): Promise<RankedLayer[] | null> {
  const ranked: RankedLayer[] = [];
  for (const [index, node] of layers.entries()) {
    progress(`measuring layer ${index + 1}/${layers.length} alone`);
    const others = layers.filter((other) => other !== node);
    const alone = await attempt(new Map(others.map((other) => [other, 'not measured now'])));
    await alone?.writer?.discard();
    if (!alone || isCancelled(signal)) return null;
    ranked.push({ node, cosine: alone.verification.cosine });
  }
  return ranked.sort((a, b) => (a.cosine ?? -1) - (b.cosine ?? -1));
}

function excluded(layers: readonly RankedLayer[]): Map<string, string> {
  return new Map(
    layers.map(({ node, cosine }) => [
      node,
      `with it the bound was missed; alone it gives cosine ${cosine === null ? 'unknown' : cosine.toFixed(5)}`,
    ]),
  );
}
