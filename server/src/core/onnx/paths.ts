import { pathPart } from '../graph';
import { NameTable } from '../name-table';

/** Hands out node paths that are unique below one graph: `main/conv1`, `main/Relu_7`, `main/conv1#12`. */
export interface PathNamer {
  pathOf(name: string, opType: string, index: number): string;
}

/** The path of a graph stands before those of all its nodes: names of megabytes would be repeated a million times. */
const maxGraphPathLength = 500;

/**
 * What stands behind the graph's path in that of a node. PyTorch's names begin with the slash that goes between.
 * A text of its own only where it must be: a graph of 100,000 nodes has as many.
 */
function pathEnd(name: string, opType: string, index: number): string {
  return startsWithSlash(name) ? name : `/${pathPart({ name, opType, index })}`;
}

function startsWithSlash(name: string): boolean {
  return name.length > 1 && name.startsWith('/');
}

/** True when the path of a named node is just that: no number had to be added to it. */
export function isPlainPath(path: string, graphPath: string, name: string): boolean {
  return path.length === graphPath.length + name.length + (startsWithSlash(name) ? 0 : 1);
}

const mainPath = 'main';

/** @param taken ends of paths given out so far; shared by the graphs of a model, whose names may contain slashes */
export function createPathNamer(graphPath: string, taken = new NameTable()): PathNamer {
  const nextSuffix = new Map<string, number>();
  // The start that all but functions share tells nothing apart; without it a name is its own key in the main graph.
  const isBelowMain = graphPath === mainPath || graphPath.startsWith(`${mainPath}/`);
  const keyStart = isBelowMain ? graphPath.slice(mainPath.length) : graphPath;
  return {
    pathOf(name, opType, index) {
      const end = pathEnd(name, opType, index);
      const key = keyStart + end;
      const before = taken.texts.length;
      if (taken.add(key) === before) return graphPath + end;
      // A file may name a node `x#3` to collide with ours: go on until it is free, and from there next time.
      let suffix = Math.max(index, nextSuffix.get(key) ?? 0);
      while (taken.numberOf(`${key}#${suffix}`) >= 0) suffix++;
      nextSuffix.set(key, suffix + 1);
      taken.add(`${key}#${suffix}`);
      return `${graphPath}${end}#${suffix}`;
    },
  };
}

/** The path of a subgraph or function, cut when it is long; `count` tells the cut ones apart. */
export function graphPath(path: string, count: () => number): string {
  return path.length <= maxGraphPathLength
    ? path
    : `${path.slice(0, maxGraphPathLength)}…${count()}`;
}
