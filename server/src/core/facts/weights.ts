import { bytesOf, dataTypeInfo, isFloat, type DataType } from '../dtype';
import type { Node, SparseTensor, Tensor } from '../graph';
import { asNumber } from '../shapes/symbolic';
import type { ChildScope, Scope } from '../shapes/types';
import { isGraph } from './body';
import { opCostOf } from './ops/index';
import type { OpCost } from './ops/op';
import { ValueTable } from '../value-numbers';
import {
  inputDtype,
  inputNumber,
  outputDtype,
  outputElements,
  outputNumber,
  type Site,
} from './site';

/** Something that is known when the model is loaded: a stored tensor, or what a node makes of none. */
export interface WeightRoot {
  /** Its place in `WeightMap.roots`. */
  readonly index: number;
  readonly dtype: DataType | null;
  readonly elements: number;
  /** Bytes in the model's files; 0 for what ConstantOfShape generates when the model is loaded. */
  readonly storedBytes: number;
}

/** How a root is used on the way to where it is consumed. */
export type WeightRole = 'value' | 'quantized' | 'zero-point';

/** A value that follows from roots alone. */
export interface WeightValue {
  /** Each root once: nearly always one. */
  readonly roots: readonly (readonly [root: WeightRoot, role: WeightRole])[];
  /** True behind a DequantizeLinear: made again in every run unless a consumer takes the integers. */
  readonly dequantized: boolean;
}

/**
 * - `folded`: follows from weights alone; runtimes compute it once, when they load the model.
 * - `dequantize`: unpacks quantised weights, or rearranges them afterwards; runs each time, unless
 *   the consumer takes them as they are.
 * - `shape`: computes shapes and indices that are known before the model runs.
 * - `compute`: everything else.
 */
export type NodeClass = 'compute' | 'dequantize' | 'folded' | 'shape';

/** Which values are weights, and which nodes only prepare them. */
export interface WeightMap {
  /** All that were met. */
  readonly roots: readonly WeightRoot[];
  /** Undefined when the value depends on the model's inputs. */
  readonly valueOf: (scope: Scope, name: string) => WeightValue | undefined;
  /** The same by value number. */
  readonly valueAt: (scope: Scope, number: number) => WeightValue | undefined;
  readonly classOf: (node: Node, scope: Scope) => NodeClass;
}

/**
 * A weight put together from more tensors than this keeps the first ones: no model does it, and
 * the sets of a chain of a million additions of constants would take quadratic memory.
 */
const maxRootsPerValue = 256;

/** Follows weights from where they are stored through casts, transposes, dequantisation and calls. */
export function traceWeights(main: Scope): WeightMap {
  const tracer: Tracer = { scopes: new Map(), recent: null, roots: [], rootByKey: new Map() };
  traceScope(main, new Map(), tracer);
  return {
    roots: tracer.roots,
    valueOf: (scope, name) => lookup(tracer, scope, name),
    valueAt: (scope, number) => valueAt(tracer, scope, number),
    classOf: (node, scope) => traced(tracer, scope)?.classes[node.index] ?? 'compute',
  };
}

interface Tracer {
  readonly scopes: Map<Scope, TracedScope>;
  /** The scope that was asked about last: mostly the next one too. */
  recent: { readonly scope: Scope; readonly traced: TracedScope | undefined } | null;
  readonly roots: WeightRoot[];
  /** One root per stored tensor, however many scopes evaluate its node. */
  readonly rootByKey: Map<object, WeightRoot>;
}

interface TracedScope {
  /** `null` for what is defined in the scope and is no weight. */
  readonly values: ValueTable<WeightValue | null>;
  /** By `Node.index`. */
  readonly classes: NodeClass[];
}

function traced(tracer: Tracer, scope: Scope): TracedScope | undefined {
  if (tracer.recent?.scope !== scope) {
    tracer.recent = { scope, traced: tracer.scopes.get(scope) };
  }
  return tracer.recent.traced;
}

function valueAt(tracer: Tracer, scope: Scope, number: number): WeightValue | undefined {
  if (number < 0) return undefined;
  const own = traced(tracer, scope)?.values.at(number);
  if (own !== undefined) return own ?? undefined;
  if (!scope.parent) return undefined;
  return lookup(tracer, scope.parent, scope.numbers.names[number] ?? '');
}

function lookup(tracer: Tracer, scope: Scope, name: string): WeightValue | undefined {
  for (let at: Scope | null = scope; at; at = at.parent) {
    const value = tracer.scopes.get(at)?.values.get(name);
    if (value !== undefined) return value ?? undefined;
  }
  return undefined;
}

function traceScope(
  scope: Scope,
  given: ReadonlyMap<string, WeightValue | null>,
  tracer: Tracer,
): void {
  const values = new ValueTable<WeightValue | null>(scope.numbers);
  const classes = scope.body.nodes.map((): NodeClass => 'compute');
  const own = { values, classes };
  tracer.scopes.set(scope, own);
  tracer.recent = null;
  const { body } = scope;
  if (isGraph(body)) {
    for (const input of body.inputs) values.set(input.name, null);
    for (let index = 0; index < body.initializers.length; index++) {
      const tensor = body.initializers[index];
      if (!tensor) continue;
      // No other scope has the tensors of the main graph.
      const value = scope.parent ? stored(tensor, tracer) : only(newRoot(tensor, tracer));
      values.put(scope.numbers.initializers[index] ?? -1, value);
    }
    for (const sparse of body.sparseInitializers) {
      values.set(sparse.values.name, storedSparse(sparse, tracer));
    }
  } else {
    for (const name of body.inputs) values.set(name, null);
  }
  for (const [name, value] of given) values.set(name, value);
  for (const node of scope.nodes) traceNode({ node, scope }, own, tracer);
}

const noChildren: readonly ChildScope[] = [];

function traceNode(site: Site, { values, classes }: TracedScope, tracer: Tracer): void {
  const { node, scope } = site;
  const children = scope.children.size > 0 ? (scope.children.get(node) ?? noChildren) : noChildren;
  for (const { role, scope: child } of children) {
    const given = role === 'function' ? argumentsOf(site, child, tracer) : new Map<string, null>();
    traceScope(child, given, tracer);
  }
  const cost = children.length > 0 ? undefined : opCostOf(node);
  const value = cost ? weightOf(site, cost, tracer) : undefined;
  for (let index = 0; index < node.outputs.length; index++) {
    values.put(outputNumber(site, index), value ?? chosenWeight(children, index, tracer) ?? null);
  }
  classes[node.index] = classify(site, cost, value);
}

/** What an If puts out when all its branches give weights: those of each. */
function chosenWeight(
  children: readonly ChildScope[],
  output: number,
  tracer: Tracer,
): WeightValue | undefined {
  // Most nodes have none.
  if (children.length === 0) return undefined;
  const roots = new Map<WeightRoot, WeightRole>();
  let dequantized = false;
  for (const { role, scope } of children) {
    const name = isGraph(scope.body) ? scope.body.outputs[output]?.name : undefined;
    const value =
      role === 'then' || role === 'else' ? lookup(tracer, scope, name ?? '') : undefined;
    if (!value) return undefined;
    dequantized ||= value.dequantized;
    for (const [root, own] of value.roots) if (roots.size < maxRootsPerValue) roots.set(root, own);
  }
  return roots.size > 0 ? { roots: [...roots], dequantized } : undefined;
}

/** The weights that a caller passes to a function, under the names of its parameters. */
function argumentsOf(site: Site, child: Scope, tracer: Tracer): Map<string, WeightValue | null> {
  const given = new Map<string, WeightValue | null>();
  if (isGraph(child.body)) return given;
  for (const [index, name] of child.body.inputs.entries()) {
    given.set(name, lookup(tracer, site.scope, site.node.inputs[index] ?? '') ?? null);
  }
  return given;
}

function classify(site: Site, cost: OpCost | undefined, value: WeightValue | undefined): NodeClass {
  if (value) return value.dequantized ? 'dequantize' : 'folded';
  if (!cost || cost.macs) return 'compute';
  let isKnown = false;
  for (let index = 0; index < site.node.outputs.length; index++) {
    const number = outputNumber(site, index);
    if (number < 0) continue;
    if (!site.scope.constants.at(number)) return 'compute';
    isKnown = true;
  }
  return isKnown ? 'shape' : 'compute';
}

const randomOps = /^(Random|Multinomial|Bernoulli)/;

/** Operators whose result differs from run to run, or that are the work itself. */
function runsEachTime(node: Node, cost: OpCost): boolean {
  return cost.macs !== undefined || randomOps.test(node.opType);
}

function weightOf(site: Site, cost: OpCost, tracer: Tracer): WeightValue | undefined {
  const { node, scope } = site;
  if (node.opType === 'Constant') return constantNode(site, tracer);
  let hasInput = false;
  // Most nodes depend on the model's inputs: that is seen before anything is collected.
  for (let index = 0; index < node.inputs.length; index++) {
    const number = inputNumber(site, index);
    if (number < 0) continue;
    if (!valueAt(tracer, scope, number)) return undefined;
    hasInput = true;
  }
  if (!hasInput || runsEachTime(node, cost)) return undefined;
  const roots = new Map<WeightRoot, WeightRole>();
  let dequantized = node.opType === 'DequantizeLinear';
  for (let index = 0; index < node.inputs.length; index++) {
    const value = valueAt(tracer, scope, inputNumber(site, index));
    if (!value) continue;
    dequantized ||= value.dequantized;
    for (const [root, role] of value.roots) {
      if (roots.size < maxRootsPerValue) roots.set(root, joinRoles(role, roleAt(cost, index)));
    }
  }
  if (node.opType === 'ConstantOfShape') {
    const elements = asNumber(outputElements(site)) ?? 0;
    const generated = { dtype: outputDtype(site), elements, storedBytes: 0 };
    roots.set(
      rootFor(node, () => generated, tracer),
      'value',
    );
  }
  return { roots: [...roots], dequantized };
}

/** What an input of this operator is used as. */
export function roleAt(cost: OpCost | undefined, index: number): WeightRole {
  if (!cost?.zeroPoints) return 'value';
  return cost.zeroPoints.includes(index) ? 'zero-point' : 'quantized';
}

export function joinRoles(inner: WeightRole, outer: WeightRole): WeightRole {
  if (inner === 'zero-point' || outer === 'zero-point') return 'zero-point';
  return inner === 'quantized' || outer === 'quantized' ? 'quantized' : 'value';
}

/** True when a root counts as parameters: floats, quantised integers, integers of at most 8 bits. */
export function isParameter(root: WeightRoot, role: WeightRole): boolean {
  if (role === 'zero-point' || root.dtype === null) return false;
  if (isFloat(root.dtype)) return true;
  if (root.dtype === 'bool' || root.dtype === 'string') return false;
  // Shapes and indices are 32 or 64 bits wide: those count only as what a quantised operator takes.
  const bits = dataTypeInfo(root.dtype).bits ?? 64;
  return role === 'quantized' ? true : bits <= 8 && root.elements > 1;
}

/**
 * Elements that an input's stored tensor stands for. Operators with 4-bit weights keep several in
 * a byte of uint8, which the dtype does not say.
 */
export function parameterElements(site: Site, index: number, root: WeightRoot): number {
  const { packing } = opCostOf(site.node) ?? {};
  const dtype = inputDtype(site, index);
  if (!packing || (dtype !== 'uint8' && dtype !== 'int8')) return root.elements;
  return packing(site, index, root.elements);
}

function stored(tensor: Tensor, tracer: Tracer): WeightValue {
  return only(rootFor(tensor, () => contentOf(tensor), tracer));
}

function storedSparse(sparse: SparseTensor, tracer: Tracer): WeightValue {
  const root = rootFor(
    sparse,
    () => {
      const values = contentOf(sparse.values);
      const indexBytes = contentOf(sparse.indices).storedBytes;
      return { ...values, storedBytes: values.storedBytes + indexBytes };
    },
    tracer,
  );
  return only(root);
}

type RootContent = Omit<WeightRoot, 'index'>;

function contentOf(tensor: Tensor): RootContent {
  const elements = tensor.elementCount ?? 0;
  const storedBytes = tensor.dtype === null ? 0 : (bytesOf(tensor.dtype, elements) ?? 0);
  return { dtype: tensor.dtype, elements, storedBytes };
}

/**
 * The tensor or list that a Constant node holds. The node is the key: equal lists of several nodes may be one object.
 * In a copy of a node, made for a call, the list is the call's.
 */
function constantNode({ node, scope }: Site, tracer: Tracer): WeightValue | undefined {
  for (const { value } of node.attributes.values()) {
    if (value.kind === 'tensor') return stored(value.value, tracer);
    if (value.kind === 'sparse-tensor') return storedSparse(value.value, tracer);
    const dtype = listDtypes.get(value.kind);
    if (dtype === undefined || !('value' in value)) continue;
    const elements = Array.isArray(value.value) ? value.value.length : 1;
    const root = { dtype, elements, storedBytes: bytesOf(dtype, elements) ?? 0 };
    const key = scope.body.nodes[node.index] === node ? node : value;
    return only(rootFor(key, () => root, tracer));
  }
  return undefined;
}

function only(root: WeightRoot): WeightValue {
  return { roots: [[root, 'value']], dequantized: false };
}

const listDtypes: ReadonlyMap<string, DataType> = new Map([
  ['float', 'float32'],
  ['floats', 'float32'],
  ['int', 'int64'],
  ['ints', 'int64'],
  ['string', 'string'],
  ['strings', 'string'],
]);

function rootFor(key: object, make: () => RootContent, tracer: Tracer): WeightRoot {
  const known = tracer.rootByKey.get(key);
  if (known) return known;
  const root = addRoot(make(), tracer);
  tracer.rootByKey.set(key, root);
  return root;
}

function newRoot(tensor: Tensor, tracer: Tracer): WeightRoot {
  return addRoot(contentOf(tensor), tracer);
}

function addRoot({ dtype, elements, storedBytes }: RootContent, { roots }: Tracer): WeightRoot {
  const root = { index: roots.length, dtype, elements, storedBytes };
  roots.push(root);
  return root;
}
