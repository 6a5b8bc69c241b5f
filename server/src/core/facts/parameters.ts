import type { OpCost } from './ops/op';
import { inputNumber, tensorBytes, type Site } from './site';
import {
  isParameter,
  joinRoles,
  parameterElements,
  roleAt,
  type NodeClass,
  type WeightMap,
  type WeightRoot,
  type WeightValue,
} from './weights';

export interface ParameterCount {
  readonly parameters: number;
  readonly weightBytes: number;
}

export interface ParameterCounter {
  /** The weights that one node uses; nodes that only prepare weights leave them to their consumers. */
  count(site: Site, cost: OpCost | undefined, nodeClass: NodeClass): ParameterCount;
  totals(): ParameterCount & { readonly generatedWeightBytes: number };
}

const nothing: ParameterCount = { parameters: 0, weightBytes: 0 };

export function createParameterCounter(weights: WeightMap): ParameterCounter {
  /** Elements of each root that is used, by its index; 0 for zero points. */
  const used: (number | undefined)[] = [];
  const own = createOwnRoots();
  return {
    count(site, cost, nodeClass) {
      if (nodeClass !== 'compute' || callsFunction(site)) return nothing;
      own.clear();
      for (let index = 0; index < site.node.inputs.length; index++) {
        const value = weights.valueAt(site.scope, inputNumber(site, index));
        if (value) collect(site, cost, index, value, own);
      }
      if (own.roots.length === 0) return nothing;
      let parameters = 0;
      let weightBytes = 0;
      for (const root of own.roots) {
        const elements = own.elementsOf(root);
        used[root.index] = Math.max(used[root.index] ?? 0, elements);
        parameters += elements;
        weightBytes += root.storedBytes;
      }
      return { parameters, weightBytes };
    },
    totals() {
      let parameters = 0;
      let weightBytes = 0;
      let generatedWeightBytes = 0;
      for (const root of weights.roots) {
        const elements = used[root.index];
        if (elements === undefined) continue;
        parameters += elements;
        weightBytes += root.storedBytes;
        if (root.storedBytes > 0 || root.dtype === null) continue;
        const bytes = tensorBytes(root.dtype, elements);
        generatedWeightBytes += typeof bytes === 'number' ? bytes : 0;
      }
      return { parameters, weightBytes, generatedWeightBytes };
    },
  };
}

/** The roots that one node uses, each once, with the most elements that one of its inputs has of them. */
interface OwnRoots {
  readonly roots: readonly WeightRoot[];
  elementsOf(root: WeightRoot): number;
  keepLarger(root: WeightRoot, elements: number): void;
  clear(): void;
}

/** Made once for all nodes: a map for each took longer than to look for the weights. */
function createOwnRoots(): OwnRoots {
  const roots: WeightRoot[] = [];
  // By the root's index: the node that used it last, and its elements there.
  const usedBy: number[] = [];
  const elements: number[] = [];
  let node = 0;
  return {
    roots,
    elementsOf: ({ index }) => elements[index] ?? 0,
    keepLarger(root, count) {
      const { index } = root;
      if (usedBy[index] === node) elements[index] = Math.max(elements[index] ?? 0, count);
      else {
        usedBy[index] = node;
        elements[index] = count;
        roots.push(root);
      }
    },
    clear() {
      node++;
      roots.length = 0;
    },
  };
}

/** What is passed to a function is used by the nodes of its body. */
function callsFunction({ node, scope }: Site): boolean {
  if (scope.children.size === 0) return false;
  return scope.children.get(node)?.some(({ role }) => role === 'function') ?? false;
}

function collect(
  site: Site,
  cost: OpCost | undefined,
  index: number,
  value: WeightValue,
  into: OwnRoots,
): void {
  for (const [root, inner] of value.roots) {
    // Zeros made for the state before the first step are no weights.
    if (root.storedBytes === 0 && cost?.kind === 'recurrent' && index > 3) continue;
    const role = joinRoles(inner, roleAt(cost, index));
    if (isParameter(root, role)) into.keepLarger(root, parameterElements(site, index, root));
    else if (role === 'zero-point') into.keepLarger(root, 0);
  }
}
