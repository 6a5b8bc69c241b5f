import { isFloat } from '../dtype';
import { evaluate } from '../shapes/symbolic';
import { typeAt, type Scope } from '../shapes/types';
import { bodyInputs, bodyOutputs, isGraph } from './body';
import type { NodeFacts, ScopeFacts } from './count';
import type { Kernel } from './fusion';
import type { MemoryInput } from './memory';
import { trafficKind } from './ops/op';
import { bytesAt, inputNumber, outputNumber } from './site';

/** A piece of memory that one or more values share. */
export interface Storage {
  readonly bytes: number;
  /** The model's caller owns it: it must not be written over. */
  readonly isCallers: boolean;
  /** The last step that uses it. */
  lastUse: number;
}

/**
 * Bytes that are allocated and freed at each step of a scope, a step being a position in its order. There is one step
 * more than nodes: what lives to the end dies behind them.
 */
export interface Lifetimes {
  /** Inputs, which are there before the first step. */
  readonly bytesAtStart: number;
  readonly bornBytes: Float64Array;
  readonly dyingBytes: Float64Array;
  /** Of a dying storage of the same size that a new one takes over. */
  readonly reusedBytes: Float64Array;
  /** Values that matter and whose size is unknown. */
  readonly unknown: number;
}

/** Decides which values of a scope have memory of their own, and from when to when. */
export function planLifetimes(facts: ScopeFacts, input: MemoryInput): Lifetimes {
  const stepCount = facts.nodes.length + 1;
  const plan: Plan = {
    facts,
    input,
    steps: new Map(),
    storages: facts.scope.numbers.names.map(() => undefined),
    all: [],
    firstBorn: facts.nodes.map(() => undefined),
    bornBytes: new Float64Array(stepCount),
    unknown: 0,
  };
  const bytesAtStart = placeInputs(plan);
  for (const node of facts.nodes) placeNode(node, plan);
  for (const name of bodyOutputs(facts.scope)) {
    const storage = plan.storages[facts.scope.numbers.numberOf(name)];
    if (storage) storage.lastUse = facts.nodes.length;
  }
  const dyingBytes = new Float64Array(stepCount);
  for (const { lastUse, bytes } of plan.all) addAt(dyingBytes, lastUse, bytes);
  const { bornBytes, unknown } = plan;
  return { bytesAtStart, bornBytes, dyingBytes, reusedBytes: reuses(plan), unknown };
}

function addAt(list: Float64Array, index: number, amount: number): void {
  list[index] = (list[index] ?? 0) + amount;
}

interface Plan {
  readonly facts: ScopeFacts;
  readonly input: MemoryInput;
  /** Step at which each kernel runs. */
  readonly steps: Map<Kernel, number>;
  /** By value number; undefined for weights, outer values and what is not made yet. */
  readonly storages: (Storage | undefined)[];
  /** Every piece once. */
  readonly all: Storage[];
  /** The first one that each step allocates, which may take over another. */
  readonly firstBorn: (Storage | undefined)[];
  readonly bornBytes: Float64Array;
  unknown: number;
}

/** A function's parameters are its caller's values; a graph's inputs have memory of their own. */
function placeInputs(plan: Plan): number {
  const { scope } = plan.facts;
  if (!isGraph(scope.body)) return 0;
  let total = 0;
  for (const name of bodyInputs(scope)) {
    const value = scope.numbers.numberOf(name);
    // Without a name nothing can read it, and inference knows nothing of it.
    if (value < 0) continue;
    const storage = { bytes: sizeOf(scope, value, plan), isCallers: true, lastUse: 0 };
    plan.storages[value] = storage;
    plan.all.push(storage);
    total += storage.bytes;
  }
  return total;
}

/** A kernel runs when the last of its nodes is due; until then it needs what they all read. */
function stepOf(node: NodeFacts, { input, steps }: Plan): number {
  const kernel = input.fusion.kernelOf(node);
  if (!kernel) return node.position;
  const known = steps.get(kernel);
  if (known !== undefined) return known;
  let step = 0;
  for (const member of kernel.members) step = Math.max(step, member.position);
  steps.set(kernel, step);
  return step;
}

function placeNode(node: NodeFacts, plan: Plan): void {
  const step = stepOf(node, plan);
  for (let index = 0; index < node.node.inputs.length; index++) {
    use(plan, inputNumber(node, index), step);
  }
  const { numberOf } = plan.facts.scope.numbers;
  namesReadInside(node, plan.facts)?.forEach((name) => {
    use(plan, numberOf(name), step);
  });
  if (node.nodeClass === 'folded' || node.nodeClass === 'shape') return;
  const { scope } = plan.facts;
  const { fusion } = plan.input;
  const isFused = fusion.kernelOf(node) !== undefined;
  const { cost } = node;
  const isAlias = cost !== undefined && trafficKind(cost, node) === 'alias';
  for (let index = 0; index < node.node.outputs.length; index++) {
    const value = outputNumber(node, index);
    if (value < 0 || (isFused && fusion.isInner(scope, value))) continue;
    const isView = isAlias && index === 0 && node.node.inputs.length > 0;
    const source = isView ? inputNumber(node, 0) : fusion.dequantizedFrom(scope, value);
    if (source !== undefined) {
      // Views of weights and of outer values take no memory here.
      const shared = source < 0 ? undefined : plan.storages[source];
      if (shared) plan.storages[value] = shared;
      continue;
    }
    const storage = { bytes: sizeOf(scope, value, plan), isCallers: false, lastUse: step };
    plan.storages[value] = storage;
    plan.all.push(storage);
    plan.firstBorn[step] ??= storage;
    addAt(plan.bornBytes, step, storage.bytes);
  }
}

function use({ storages }: Plan, value: number, step: number): void {
  const storage = value < 0 ? undefined : storages[value];
  if (storage && storage.lastUse < step) storage.lastUse = step;
}

/** What the subgraphs of a node may read from around them; null when it has none. */
function namesReadInside(node: NodeFacts, facts: ScopeFacts): ReadonlySet<string> | null {
  const own = facts.children.size > 0 ? facts.children.get(node.node) : undefined;
  if (!own) return null;
  const names = new Set<string>();
  const pending = own.map((child) => child.facts);
  for (let at = pending.pop(); at; at = pending.pop()) {
    if (at.scope.parent === null) continue;
    for (const inner of at.nodes) for (const name of inner.node.inputs) names.add(name);
    for (const name of bodyOutputs(at.scope)) names.add(name);
    for (const children of at.children.values()) pending.push(...children.map((x) => x.facts));
  }
  return names;
}

function reuses(plan: Plan): Float64Array {
  const reusedBytes = new Float64Array(plan.facts.nodes.length + 1);
  for (const node of plan.facts.nodes) {
    const step = node.position;
    const output = plan.firstBorn[step];
    if (!output || output.bytes === 0) continue;
    reusedBytes[step] = reusedBy(node, output, step, plan);
  }
  return reusedBytes;
}

/** Bytes of an input that the kernel of a node may write its result over; 0 when there is none. */
function reusedBy(node: NodeFacts, output: Storage, step: number, plan: Plan): number {
  const members = plan.input.fusion.kernelOf(node)?.members ?? alone;
  if (members.length < 2) {
    for (const index of node.cost?.inPlace ?? nothing) {
      if (isReusable(inputNumber(node, index), output, step, plan)) return output.bytes;
    }
    return 0;
  }
  for (const { cost, node: member } of members) {
    if (cost?.inPlace === undefined && member.opType !== 'ReduceMean') return 0;
  }
  // Each element is read before it is written.
  for (const member of members) {
    for (let index = 0; index < member.node.inputs.length; index++) {
      if (isReusable(inputNumber(member, index), output, step, plan)) return output.bytes;
    }
  }
  return 0;
}

const alone: readonly NodeFacts[] = [];
const nothing: readonly number[] = [];

/** True for a value of the same size that dies where the output is born. */
function isReusable(value: number, output: Storage, step: number, { storages }: Plan): boolean {
  const storage = value < 0 ? undefined : storages[value];
  if (!storage || storage === output || storage.isCallers) return false;
  return storage.lastUse === step && storage.bytes === output.bytes;
}

/** Bytes of a value, 0 when they are not known; that counts as unknown where it matters. */
function sizeOf(scope: Scope, value: number, plan: Plan): number {
  const bytes = evaluate(bytesAt(scope, value), plan.input.values);
  if (bytes === null && matters(scope, value)) plan.unknown++;
  return Math.max(0, bytes ?? 0);
}

/** Vectors of integers and booleans are shapes, lengths and indices: small beside activations. */
function matters(scope: Scope, value: number): boolean {
  const type = typeAt(scope, value);
  if (type.kind !== 'tensor' || type.dtype === null || type.shape === null) return true;
  return type.shape.length > 1 || isFloat(type.dtype);
}
