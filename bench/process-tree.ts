import { readdirSync, readFileSync } from 'node:fs';

/** A process and everything it started, at one moment. Null where the system does not tell (all but Linux). */
export interface ProcessTree {
  readonly residentBytes: number | null;
  /** User and system time by process. */
  readonly processorSeconds: ReadonlyMap<number, number>;
}

export function processTree(root: number): ProcessTree {
  const processorSeconds = new Map<number, number>();
  let residentBytes: number | null = null;
  const parents = parentsByPid();
  for (const pid of parents.keys()) {
    if (!isBelow(pid, root, parents)) continue;
    const facts = factsOf(pid);
    if (!facts) continue;
    residentBytes = (residentBytes ?? 0) + facts.residentBytes;
    processorSeconds.set(pid, facts.processorSeconds);
  }
  return { residentBytes, processorSeconds };
}

/** Looks at the tree again and again until it is stopped: the peak, and the time of processes that ended, too. */
export function watchTree(root: number): {
  stop(): { readonly peakBytes: number | null; readonly processorSeconds: number | null };
} {
  let peakBytes: number | null = null;
  const seconds = new Map<number, number>();
  const look = (): void => {
    const tree = processTree(root);
    if (tree.residentBytes !== null) peakBytes = Math.max(peakBytes ?? 0, tree.residentBytes);
    for (const [pid, spent] of tree.processorSeconds) seconds.set(pid, spent);
  };
  const timer = setInterval(look, 100);
  return {
    stop: () => {
      look();
      clearInterval(timer);
      const sum = [...seconds.values()].reduce((total, one) => total + one, 0);
      return { peakBytes, processorSeconds: seconds.size === 0 ? null : sum };
    },
  };
}

function parentsByPid(): ReadonlyMap<number, number> {
  const parents = new Map<number, number>();
  if (process.platform !== 'linux') return parents;
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/u.test(name) ? statOf(Number(name)) : null;
    if (fields) parents.set(Number(name), Number(fields[1]));
  }
  return parents;
}

function isBelow(pid: number, root: number, parents: ReadonlyMap<number, number>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
    if (at === root) return true;
  }
  return false;
}

/** The fields behind the name, which may hold spaces: state, parent, … Null for a process that is gone. */
function statOf(pid: number): readonly string[] | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** Linux counts time in hundredths of a second for user programs, and memory in pages of 4 KiB on usual machines. */
const ticksPerSecond = 100;
const pageBytes = 4096;

function factsOf(pid: number): { residentBytes: number; processorSeconds: number } | null {
  const fields = statOf(pid);
  if (!fields) return null;
  const [user, system, pages] = [fields[11], fields[12], fields[21]].map(Number);
  return {
    residentBytes: (pages ?? 0) * pageBytes,
    processorSeconds: ((user ?? 0) + (system ?? 0)) / ticksPerSecond,
  };
}
