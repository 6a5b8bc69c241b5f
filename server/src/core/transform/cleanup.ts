import { intAttribute } from '../attributes';
import { isLocalCall, type Model, type Node } from '../graph';
import { constantOf, type Scope } from '../shapes/types';
import { numberAt } from '../value-numbers';
import { emptyPatch, type Patch } from './patch';
import type { Recipe, RecipeContext, SkippedNode, TransformPlan } from './recipe';
import { isUsed, overridableFrom, usageOf, type Usage } from './usage';

/**
 * Removes what does nothing at inference: Identity, Dropout, nodes and initializers that nothing reads.
 * Numerically exact. Values that subgraphs read by name are left alone.
 */
export const cleanup: Recipe = {
  name: 'cleanup',
  title: 'Remove redundant nodes and unused initializers',
  safety: 'safe',
  suffix: 'clean',
  plan: (context) => Promise.resolve(planCleanup(context)),
};

type CleanupContext = Pick<RecipeContext, 'model' | 'scope' | 'exclude' | 'only'>;

/** The plan itself, which reads no weights: the rule `redundant-nodes` reports what it would remove. */
export function planCleanup(context: CleanupContext): TransformPlan {
  const { model } = context;
  const usage = usageOf(model.graph);
  const removed = new Set<number>();
  const skipped: SkippedNode[] = [];
  const renames = createRenames(usage);
  for (const node of model.graph.nodes) {
    if (!isWanted(context, node) || !isPassThrough(node, context)) continue;
    const reason = renames.bypass(node);
    if (reason === null) removed.add(node.index);
    else skipped.push({ node: node.path, reason });
  }
  const readers = countReaders(usage, removed, renames);
  for (const index of deadNodes(usage, context, removed, readers, renames)) removed.add(index);
  const unused = unusedInitializers(model, usage, readers);
  return {
    patch: toPatch(model, removed, unused, renames),
    changedNodes: [...removed].map((index) => model.graph.nodes[index]?.path ?? ''),
    skipped: [...skipped, ...unused.skipped],
  };
}

function isWanted({ only, exclude }: CleanupContext, node: Node): boolean {
  return !exclude.has(node.path) && (only?.has(node.path) ?? true);
}

/** True when the node's first output always equals its first input. */
export function isPassThrough(
  node: Node,
  { model, scope }: Pick<RecipeContext, 'model' | 'scope'>,
): boolean {
  if (node.domain !== '' || node.inputs[0] === undefined || node.inputs[0] === '') return false;
  if (node.opType !== 'Identity' && node.opType !== 'Dropout') return false;
  if (isLocalCall(node, model.functions)) return false;
  if (node.opType === 'Identity') return node.outputs.length === 1;
  const opset = model.opsets.get('') ?? 1;
  if (opset < 7) return intAttribute(node, 'is_test') === 1;
  const training = node.inputs[2] ?? '';
  return opset < 12 || training === '' || isAlwaysFalse(training, model, scope);
}

/** True for a constant of the file; what callers may set or what follows from it is none. */
function isAlwaysFalse(name: string, { graph, irVersion }: Model, scope: Scope): boolean {
  const usage = usageOf(graph);
  const isOverridable = (irVersion ?? 0) >= overridableFrom && usage.graphInputs.has(name);
  const producer = graph.nodes[usage.producerOf(name) ?? -1];
  const isStored =
    graph.initializerByName.has(name) ||
    (producer?.opType === 'Constant' && producer.outputs[0] === name);
  return isStored && !isOverridable && constantOf(scope, name)?.values[0] === 0;
}

interface Renames {
  /** Lets readers of the node's output read its input; null, or why that is not possible. */
  bypass(node: Node): string | null;
  /** The value, under its old name, that readers of this one get. */
  source(name: string): string;
  /** The name that this value has in the new file. */
  current(name: string): string;
  readonly outputs: ReadonlyMap<string, string>;
}

function createRenames(usage: Usage): Renames {
  /** Value → the value that replaces it, for readers. */
  const replaced = new Map<string, string>();
  /** Value → the graph output's name that its producer writes from now on. */
  const outputs = new Map<string, string>();

  const source = (name: string): string => {
    let at = name;
    for (let next = replaced.get(at); next !== undefined; next = replaced.get(at)) at = next;
    return at;
  };

  return {
    outputs,
    source,
    current(name) {
      const at = source(name);
      return outputs.get(at) ?? at;
    },
    bypass(node) {
      const input = source(node.inputs[0] ?? '');
      const [output = '', ...others] = node.outputs;
      if (others.some((name) => name !== '' && isUsed(usage, name))) {
        return 'another of its outputs is read';
      }
      if (output === '' || output === input) return 'it has no output of its own';
      // Only in node lists out of order: a later identity already renamed this value.
      if (outputs.has(output)) return 'a graph output takes its place';
      if (usage.captured.has(output)) return 'a subgraph reads its output by name';
      if (usage.graphOutputs.has(output)) {
        if (usage.producerOf(input) === undefined)
          return 'it connects a graph input or weight to a graph output';
        if (usage.graphOutputs.has(input) || outputs.has(input))
          return 'its input is a graph output too';
        if (usage.captured.has(input)) return 'a subgraph reads its input by name';
        outputs.set(input, output);
      }
      replaced.set(output, input);
      return null;
    },
  };
}

const pureDomains = new Set(['', 'ai.onnx.ml', 'com.microsoft']);

/**
 * How often each value is read once the bypassed nodes are gone, by value number; graph outputs and subgraphs count.
 */
function countReaders(usage: Usage, removed: ReadonlySet<number>, renames: Renames): Int32Array {
  const { numberOf } = usage.numbers;
  const readers =
    removed.size === 0 ? usage.readCounts.slice() : new Int32Array(usage.readCounts.length);
  const read = (name: string): void => {
    const value = numberOf(renames.source(name));
    if (value >= 0) readers[value] = (readers[value] ?? 0) + 1;
  };
  if (removed.size > 0) {
    for (const node of usage.graph.nodes) if (!removed.has(node.index)) node.inputs.forEach(read);
  }
  usage.graphOutputs.forEach(read);
  usage.captured.forEach(read);
  return readers;
}

/** Nodes whose results nothing reads; takes them out of `readers`. Nodes of unknown domains may have effects and stay. */
function deadNodes(
  usage: Usage,
  context: CleanupContext,
  removed: ReadonlySet<number>,
  readers: Int32Array,
  renames: Renames,
): number[] {
  const { numberOf, outputs } = usage.numbers;
  const dead: number[] = [];
  const gone = new Set(removed);
  const isRead = (node: Node): boolean => {
    for (let index = 0; index < node.outputs.length; index++) {
      if ((readers[numberAt(outputs, node, index)] ?? 0) > 0) return true;
    }
    return false;
  };
  const queue = usage.graph.nodes.map(({ index }) => index);
  for (let index = queue.pop(); index !== undefined; index = queue.pop()) {
    const node = usage.graph.nodes[index];
    if (!node || isRead(node) || gone.has(index) || !pureDomains.has(node.domain)) continue;
    if (!isWanted(context, node)) continue;
    gone.add(index);
    dead.push(index);
    for (const name of node.inputs) {
      const source = renames.source(name);
      const value = numberOf(source);
      if (value >= 0) readers[value] = (readers[value] ?? 0) - 1;
      const producer = usage.producerOf(source);
      if (producer !== undefined) queue.push(producer);
    }
  }
  return dead;
}

interface Unused {
  readonly initializers: readonly number[];
  readonly skipped: readonly SkippedNode[];
}

function unusedInitializers(model: Model, usage: Usage, readers: Int32Array): Unused {
  const initializers: number[] = [];
  const skipped: SkippedNode[] = [];
  model.graph.initializers.forEach(({ name }, index) => {
    if ((readers[usage.numbers.numberOf(name)] ?? 0) > 0) return;
    if (usage.graphInputs.has(name)) {
      skipped.push({ node: name, reason: 'it is a graph input that callers may set' });
    } else initializers.push(index);
  });
  return { initializers, skipped };
}

function toPatch(
  model: Model,
  removed: ReadonlySet<number>,
  unused: Unused,
  renames: Renames,
): Patch {
  const renameInputs: Patch['renameInputs'][number][] = [];
  const renameOutputs: Patch['renameOutputs'][number][] = [];
  const goneValues = new Set<string>();
  const changed = removed.size === 0 && renames.outputs.size === 0 ? [] : model.graph.nodes;
  for (const node of changed) {
    if (removed.has(node.index)) {
      for (const name of node.outputs) goneValues.add(name);
      continue;
    }
    node.inputs.forEach((name, input) => {
      const to = renames.current(name);
      if (to !== name) renameInputs.push({ node: node.index, input, to });
    });
    node.outputs.forEach((name, output) => {
      const to = renames.outputs.get(name);
      if (to === undefined) return;
      renameOutputs.push({ node: node.index, output, to });
      goneValues.add(name);
    });
  }
  return {
    ...emptyPatch,
    removeNodes: [...removed].sort((a, b) => a - b),
    renameInputs,
    renameOutputs,
    removeInitializers: unused.initializers,
    removeValueInfos: [...goneValues],
  };
}
