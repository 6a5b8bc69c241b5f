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
  /** Each used tensor once; elements is 0 for zero points. */
  const used = new Map<WeightRoot, number>();
  return {
    count(site, cost, nodeClass) {
      if (nodeClass !== 'compute' || callsFunction(site)) return nothing;
      let own: Map<WeightRoot, number> | undefined;
      for (let index = 0; index < site.node.inputs.length; index++) {
        const value = weights.valueAt(site.scope, inputNumber(site, index));
        if (value) collect(site, cost, index, value, (own ??= new Map<WeightRoot, number>()));
      }
      if (!own || own.size === 0) return nothing;
      for (const [root, elements] of own) keepLarger(used, root, elements);
      return sumOf(own);
    },
    totals() {
      let generatedWeightBytes = 0;
      for (const [root, elements] of used) {
        if (root.storedBytes > 0 || root.dtype === null) continue;
        const bytes = tensorBytes(root.dtype, elements);
        generatedWeightBytes += typeof bytes === 'number' ? bytes : 0;
      }
      return { ...sumOf(used), generatedWeightBytes };
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
  into: Map<WeightRoot, number>,
): void {
  for (const [root, inner] of value.roots) {
    // Zeros made for the state before the first step are no weights.
    if (root.storedBytes === 0 && cost?.kind === 'recurrent' && index > 3) continue;
    const role = joinRoles(inner, roleAt(cost, index));
    if (isParameter(root, role)) keepLarger(into, root, parameterElements(site, index, root));
    else if (role === 'zero-point') keepLarger(into, root, 0);
  }
}

function keepLarger(map: Map<WeightRoot, number>, root: WeightRoot, elements: number): void {
  map.set(root, Math.max(map.get(root) ?? 0, elements));
}

function sumOf(roots: ReadonlyMap<WeightRoot, number>): ParameterCount {
  let parameters = 0;
  let weightBytes = 0;
  for (const [root, elements] of roots) {
    parameters += elements;
    weightBytes += root.storedBytes;
  }
  return { parameters, weightBytes };
}
