import type { Analysis } from '../core/analyze';
import type { NodeFacts } from '../core/facts/count';
import { originOf } from '../core/facts/module-scope';
import { assumptionsOf } from '../core/facts/workload';
import type { ValueInfo } from '../core/graph';
import { dimText, type Dim } from '../core/shapes/symbolic';
import type { InferredType, Scope } from '../core/shapes/types';
import { Rows } from './long-json';

/** What `inspect` says of a model; values and nodes are made one by one while they are written. */
export function modelJson(file: string, analysis: Analysis): Readonly<Record<string, unknown>> {
  const { model, facts, sized, problems, scope } = analysis;
  const { evaluated, memory } = sized;
  return {
    schemaVersion: 1,
    file,
    format: 'onnx',
    irVersion: model.irVersion,
    opsets: Object.fromEntries(model.opsets),
    producer: model.producer,
    parameters: facts.parameters,
    weightBytes: facts.weightBytes,
    macs: evaluated.macs,
    macsExpression: expressionOf(facts.macs),
    knownMacs: evaluated.knownMacs,
    flops: evaluated.flops,
    peakActivationBytes: memory.peakActivationBytes,
    ioBytes: memory.ioBytes,
    coverage: facts.coverage,
    assumptions: assumptionsOf(facts, evaluated),
    inputs: values(scope, model.graph.inputs, (name) => !model.graph.initializerByName.has(name)),
    outputs: values(scope, model.graph.outputs),
    values: new Rows('{}', allValues(scope)),
    nodes: new Rows('[]', nodeRows(facts.nodes)),
    problems: problems.map(({ code, message, severity, where }) => ({
      code,
      message,
      severity,
      ...(where !== undefined && { where }),
    })),
  };
}

/** The polynomial of a count that depends on open sizes; null when it is a number or unknown. */
export function expressionOf(dim: Dim): string | null {
  return dim !== null && typeof dim !== 'number' ? dimText(dim) : null;
}

/** Written out: an object for each of 100,000 nodes takes twice as long. */
function nodeRow(facts: NodeFacts): string {
  const { node, macs } = facts;
  const { module, source } = originOf(node);
  const expression = expressionOf(macs);
  return (
    `{"name":${text(node.name)},"path":${text(facts.path)},"opType":${text(node.opType)}` +
    `,"domain":${text(node.domain)},"inputs":${list(node.inputs)},"outputs":${list(node.outputs)}` +
    `,"kind":"${facts.kind}","parameters":${count(facts.parameters)}` +
    `,"weightBytes":${count(facts.weightBytes)}` +
    `,"macs":${count(macs)}${expression === null ? '' : `,"macsExpression":${text(expression)}`}` +
    `,"flops":${count(facts.flops)},"readBytes":${count(facts.readBytes)}` +
    `,"writeBytes":${count(facts.writeBytes)},"scope":${module === null ? 'null' : text(module)}` +
    `${source ? `,"source":${JSON.stringify(source)}` : ''}}`
  );
}

/** Characters that a JSON text has as they are. */
const plain = /^[ !#-[\]-~]*$/;

/** Most names are plain, and looking is a third of the work of `JSON.stringify`. */
function text(value: string): string {
  return plain.test(value) ? `"${value}"` : JSON.stringify(value);
}

function list(texts: readonly string[]): string {
  let items = '';
  for (const item of texts) items += items === '' ? text(item) : `,${text(item)}`;
  return `[${items}]`;
}

function count(dim: Dim): string {
  return typeof dim === 'number' && Number.isFinite(dim) ? String(dim) : 'null';
}

function values(
  scope: Scope,
  infos: readonly ValueInfo[],
  isWanted: (name: string) => boolean = () => true,
): unknown[] {
  return infos
    .filter(({ name }) => isWanted(name))
    .map(({ name }) => ({ name, ...typeJson(scope.types.get(name)) }));
}

function* nodeRows(nodes: readonly NodeFacts[]): Generator<string> {
  for (const facts of nodes) yield nodeRow(facts);
}

/**
 * Every value of the main graph, and those of bodies under their scope's path when the name is taken, with a number
 * behind it when a value is called like that, too.
 */
function* allValues(main: Scope): Generator<string> {
  const seen = new Set<string>();
  const scopes = [main];
  for (let scope = scopes.pop(); scope; scope = scopes.pop()) {
    for (const [name, type] of scope.types) {
      let key = name;
      // The names of one graph are different.
      if (main.children.size > 0) {
        for (let again = 0; seen.has(key); again++) {
          key = `${scope.path}/${name}${again === 0 ? '' : `#${again}`}`;
        }
        seen.add(key);
      }
      yield `${text(key)}:${typeRow(type)}`;
    }
    for (const children of scope.children.values()) {
      scopes.push(...children.map((child) => child.scope));
    }
  }
}

/** The same as `typeJson`. */
function typeRow(type: InferredType): string {
  if (type.kind !== 'tensor' || type.dtype === null || type.shape === null) {
    return JSON.stringify(typeJson(type));
  }
  let dims = '';
  for (const dim of type.shape) {
    const shown = typeof dim === 'number' ? String(dim) : JSON.stringify(dimJson(dim));
    dims += dims === '' ? shown : `,${shown}`;
  }
  return `{"dtype":"${type.dtype}","shape":[${dims}]}`;
}

function typeJson(type: InferredType | undefined): { dtype: string | null; shape: unknown } {
  if (!type || type.kind === 'unknown') return { dtype: null, shape: null };
  if (type.kind === 'tensor' || type.kind === 'sparse-tensor') {
    return { dtype: type.dtype, shape: type.shape?.map(dimJson) ?? null };
  }
  return { dtype: typeName(type), shape: null };
}

/** `sequence(float32)`, `map(int64, float32)`. */
function typeName(type: InferredType): string {
  switch (type.kind) {
    case 'tensor':
    case 'sparse-tensor':
      return type.dtype ?? 'unknown';
    case 'sequence':
    case 'optional':
      return `${type.kind}(${typeName(type.element)})`;
    case 'map':
      return `map(${type.keyType ?? 'unknown'}, ${typeName(type.value)})`;
    case 'unknown':
      return 'unknown';
  }
}

function dimJson(dim: Dim): number | string | null {
  return dim === null || typeof dim === 'number' ? dim : dimText(dim);
}
