/** Hands out node paths that are unique below one graph: `main/conv1`, `main/Relu_7`, `main/conv1#12`. */
export interface PathNamer {
  pathOf(name: string, opType: string, index: number): string;
}

export function createPathNamer(graphPath: string): PathNamer {
  const taken = new Set<string>();
  return {
    pathOf(name, opType, index) {
      const plain = `${graphPath}/${name === '' ? `${opType}_${index}` : name}`;
      let path = plain;
      // A file may name a node `x#3` to collide with ours: go on until it is free.
      for (let suffix = index; taken.has(path); suffix++) path = `${plain}#${suffix}`;
      taken.add(path);
      return path;
    },
  };
}
