import { pathPart } from '../graph';

/** Hands out node paths that are unique below one graph: `main/conv1`, `main/Relu_7`, `main/conv1#12`. */
export interface PathNamer {
  pathOf(name: string, opType: string, index: number): string;
}

/** The path of a graph stands before those of all its nodes: names of megabytes would be repeated a million times. */
const maxGraphPathLength = 500;

/** @param taken paths given out so far; shared by the graphs of a model, whose names may contain slashes */
export function createPathNamer(graphPath: string, taken = new Set<string>()): PathNamer {
  const nextSuffix = new Map<string, number>();
  return {
    pathOf(name, opType, index) {
      // PyTorch's names begin with the slash that goes between: one text to make instead of two.
      const plain =
        name.length > 1 && name.startsWith('/')
          ? graphPath + name
          : `${graphPath}/${pathPart({ name, opType, index })}`;
      const before = taken.size;
      taken.add(plain);
      if (taken.size > before) return plain;
      // A file may name a node `x#3` to collide with ours: go on until it is free, and from there next time.
      let suffix = Math.max(index, nextSuffix.get(plain) ?? 0);
      while (taken.has(`${plain}#${suffix}`)) suffix++;
      nextSuffix.set(plain, suffix + 1);
      const path = `${plain}#${suffix}`;
      taken.add(path);
      return path;
    },
  };
}

/** The path of a subgraph or function, cut when it is long; `count` tells the cut ones apart. */
export function graphPath(path: string, count: () => number): string {
  return path.length <= maxGraphPathLength
    ? path
    : `${path.slice(0, maxGraphPathLength)}…${count()}`;
}
