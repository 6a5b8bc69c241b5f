import { subgraphsOf } from '../attributes';
import type { Model, ModelFunction } from '../graph';
import type { ProblemSink } from '../problem';
import { checkFunctionBody } from './validate-body';
import { functionKey, report, type Check } from './validate-report';

/** Checks model-local functions: each defined once, none calling itself over any number of others, bodies sound. */
export function checkFunctions({ functions }: Model, check: Check): void {
  for (const definition of functions) {
    const { domain, name, overload } = definition;
    const path = pathOf(definition);
    if (check.localFunctions.get(functionKey(domain, name, overload)) !== definition) {
      report(
        check.sink,
        { code: 'duplicate-function', severity: 'error', where: path, name },
        (shown) => `The function "${shown}" is defined twice; the first counts.`,
      );
    }
    checkFunctionBody(definition, path, check);
  }
  reportRecursion(check.localFunctions, check.sink);
}

function pathOf({ domain, name }: ModelFunction): string {
  return `function:${domain}.${name}`;
}

/** Model-local functions by key; of several with one key the first. */
export function functionsByKey(
  functions: readonly ModelFunction[],
): ReadonlyMap<string, ModelFunction> {
  const byKey = new Map<string, ModelFunction>();
  for (const definition of functions) {
    const key = functionKey(definition.domain, definition.name, definition.overload);
    if (!byKey.has(key)) byKey.set(key, definition);
  }
  return byKey;
}

/** A function on a path of calls back to itself can never be expanded. */
function reportRecursion(byKey: ReadonlyMap<string, ModelFunction>, sink: ProblemSink): void {
  for (const key of functionsOnCycles(callGraph(byKey))) {
    const definition = byKey.get(key);
    if (!definition) continue;
    const { name } = definition;
    report(
      sink,
      { code: 'recursive-function', severity: 'error', where: pathOf(definition), name },
      (shown) => `Function "${shown}" ends up calling itself; ONNX has no recursion.`,
    );
  }
}

type CallGraph = ReadonlyMap<string, readonly string[]>;

function callGraph(byKey: ReadonlyMap<string, ModelFunction>): CallGraph {
  const graph = new Map<string, readonly string[]>();
  for (const [key, { nodes }] of byKey) {
    const called = new Set<string>();
    const pending = [nodes];
    for (let list = pending.pop(); list; list = pending.pop()) {
      for (const node of list) {
        const callee = functionKey(node.domain, node.opType, node.overload);
        if (byKey.has(callee)) called.add(callee);
        for (const { graph: body } of subgraphsOf(node)) pending.push(body.nodes);
      }
    }
    graph.set(key, [...called]);
  }
  return graph;
}

/**
 * Those that reach themselves: members of a strongly connected component of more than one, or with a call of
 * themselves. Tarjan's algorithm with its own stack, so that a chain of a million functions overflows nothing.
 */
function functionsOnCycles(graph: CallGraph): string[] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const component: string[] = [];
  const inComponent = new Set<string>();
  const found: string[] = [];
  const enter = (key: string): { key: string; next: number } => {
    lowest.set(key, order.size);
    order.set(key, order.size);
    component.push(key);
    inComponent.add(key);
    return { key, next: 0 };
  };
  const lower = (key: string, value: number | undefined): void => {
    if (value !== undefined && value < (lowest.get(key) ?? Infinity)) lowest.set(key, value);
  };
  for (const root of graph.keys()) {
    if (order.has(root)) continue;
    const stack = [enter(root)];
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      const callee = graph.get(frame.key)?.[frame.next++];
      if (callee !== undefined) {
        if (!order.has(callee)) stack.push(enter(callee));
        else if (inComponent.has(callee)) lower(frame.key, order.get(callee));
        continue;
      }
      stack.pop();
      const caller = stack.at(-1);
      if (caller) lower(caller.key, lowest.get(frame.key));
      if (lowest.get(frame.key) !== order.get(frame.key)) continue;
      const members = component.splice(component.lastIndexOf(frame.key));
      for (const member of members) inComponent.delete(member);
      const callsItself = graph.get(frame.key)?.includes(frame.key) === true;
      if (members.length > 1 || callsItself) found.push(...members);
    }
  }
  return found;
}
