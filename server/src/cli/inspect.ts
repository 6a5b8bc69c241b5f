import type { Analysis } from '../core/analyze';
import { formatBytes, formatCount, formatPercent } from '../core/format';
import { asNumber, dimText, type Dim } from '../core/shapes/symbolic';
import type { InferredType, Scope } from '../core/shapes/types';
import type { NodeFacts } from '../core/facts/count';
import { originOf } from '../core/facts/module-scope';
import type { ValueInfo } from '../core/graph';
import type { ConfigAnalysis } from '../core/config/config';
import { openModel } from '../engine';
import { fail, noteUnknownDims, writeJson, type ExitCode, type Io } from './io';
import { oneLine, printable } from './terminal';

export interface InspectFlags {
  readonly dims: ReadonlyMap<string, number>;
  readonly format: 'text' | 'json';
}

/** `green-ai inspect`: what is known of one model or config, without judging it. */
export async function inspect(path: string, flags: InspectFlags, io: Io): Promise<ExitCode> {
  if (!path.toLowerCase().endsWith('.onnx')) return inspectConfig(path, flags, io);
  const opened = await openModel(io.host, path, { dims: flags.dims, signal: io.signal });
  if (opened.kind === 'unreadable') return fail(io, `${path}: ${opened.reason}`);
  if (opened.kind === 'broken') {
    if (flags.format === 'json') writeJson(io, brokenJson(path, opened.problems));
    return fail(io, `${path}: ${opened.problems[0]?.message ?? 'not readable'}`);
  }
  try {
    const { analysis } = opened.model;
    noteUnknownDims(io, flags.dims, analysis.model);
    if (flags.format === 'json') writeJson(io, modelJson(path, analysis));
    else io.out(modelText(path, analysis));
    return 0;
  } finally {
    await opened.model.close();
  }
}

async function inspectConfig(path: string, { format }: InspectFlags, io: Io): Promise<ExitCode> {
  const { readConfigFile } = await import('../config-file');
  const config = await readConfigFile(io.host, path);
  if (typeof config === 'string') return fail(io, `${path}: ${config}`);
  const { analysis } = config;
  if (analysis.format === null) {
    const [problem] = analysis.problems;
    if (format === 'json') writeJson(io, brokenJson(path, analysis.problems));
    return fail(io, `${path}: ${problem?.message ?? 'no model or model config of a known format'}`);
  }
  if (format === 'json') writeJson(io, configJson(path, analysis));
  else io.out(configText(path, analysis));
  return 0;
}

function brokenJson(file: string, problems: readonly { code: string; message: string }[]): unknown {
  return {
    schemaVersion: 1,
    file,
    format: null,
    problems: problems.map(({ code, message }) => ({ code, message })),
  };
}

function modelJson(file: string, analysis: Analysis): unknown {
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
    assumptions: analysis.workload.assumptions,
    inputs: values(scope, model.graph.inputs, (name) => !model.graph.initializerByName.has(name)),
    outputs: values(scope, model.graph.outputs),
    values: Object.fromEntries(allValues(scope)),
    nodes: facts.nodes.map(nodeJson),
    problems: problems.map(({ code, message, severity, where }) => ({
      code,
      message,
      severity,
      ...(where !== undefined && { where }),
    })),
  };
}

/** The polynomial of a count that depends on open sizes; null when it is a number or unknown. */
function expressionOf(dim: Dim): string | null {
  return dim !== null && typeof dim !== 'number' ? dimText(dim) : null;
}

function nodeJson(facts: NodeFacts): unknown {
  const { node } = facts;
  const { module, source } = originOf(node);
  return {
    name: node.name,
    path: facts.path,
    opType: node.opType,
    domain: node.domain,
    inputs: node.inputs,
    outputs: node.outputs,
    kind: facts.kind,
    parameters: facts.parameters,
    weightBytes: facts.weightBytes,
    macs: asNumber(facts.macs),
    ...(expressionOf(facts.macs) !== null && { macsExpression: expressionOf(facts.macs) }),
    flops: asNumber(facts.flops),
    readBytes: asNumber(facts.readBytes),
    writeBytes: asNumber(facts.writeBytes),
    scope: module,
    ...(source && { source }),
  };
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

/** Every value of the main graph, and those of bodies under their scope's path when the name is taken. */
function* allValues(main: Scope): Generator<[string, unknown]> {
  const seen = new Set<string>();
  const scopes = [main];
  for (let scope = scopes.pop(); scope; scope = scopes.pop()) {
    for (const [name, type] of scope.types) {
      const key = seen.has(name) ? `${scope.path}/${name}` : name;
      seen.add(key);
      yield [key, typeJson(type)];
    }
    for (const children of scope.children.values()) {
      scopes.push(...children.map((child) => child.scope));
    }
  }
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

function modelText(file: string, { model, facts, sized, workload, problems }: Analysis): string {
  const { evaluated, memory } = sized;
  const opsets = [...model.opsets].map(
    ([domain, version]) => `${printable(domain) || 'ai.onnx'} ${version}`,
  );
  const lines = [
    oneLine(file),
    `  IR ${model.irVersion ?? 'unknown'}, opset ${opsets.join(', ') || 'none'}, by ${printable(model.producer) || 'unknown'}`,
    `  parameters       ${formatCount(facts.parameters)} (${formatBytes(facts.weightBytes)})`,
    `  MACs             ${formatCount(evaluated.macs)}${expressionOf(facts.macs) === null ? '' : ` (${printable(dimText(facts.macs))})`}`,
    `  peak activations ${formatBytes(memory.peakActivationBytes)}`,
    `  known            ${formatPercent(facts.coverage.valuesWithShape)} of shapes, ${formatPercent(facts.coverage.nodesWithMacs)} of MAC nodes`,
    ...workload.assumptions.map((text) => `  assumed          ${oneLine(text)}`),
    ...problems.map(({ severity, code, message }) => `  ${severity} ${code}: ${oneLine(message)}`),
    '',
    ...heaviest(facts.nodes),
  ];
  return `${lines.join('\n')}\n`;
}

/** The ten nodes with most MACs, then weights. */
function heaviest(nodes: readonly NodeFacts[]): string[] {
  const top = nodes
    .filter(({ macs, weightBytes }) => (asNumber(macs) ?? 1) > 0 || weightBytes > 0)
    .sort(
      (a, b) => (asNumber(b.macs) ?? 0) - (asNumber(a.macs) ?? 0) || b.weightBytes - a.weightBytes,
    )
    .slice(0, 10);
  if (top.length === 0) return [];
  return [
    '  largest nodes',
    ...top.map(({ node, path, macs, parameters }) => {
      const work = printable(dimText(macs)).padStart(16);
      return `  ${work} MACs ${formatCount(parameters).padStart(9)} parameters  ${printable(node.opType)}  ${printable(path)}`;
    }),
  ];
}

function configJson(file: string, analysis: ConfigAnalysis): unknown {
  return {
    schemaVersion: 1,
    file,
    format: analysis.format,
    modelType: analysis.modelType,
    architecture: analysis.architecture,
    parameters: analysis.parameters,
    activeParameters: analysis.activeParameters,
    weightBytes: analysis.weightBytes,
    weightDtype: analysis.weightDtype,
    kvCacheBytesPerToken: analysis.kvCacheBytesPerToken,
    macsPerToken: analysis.macsPerToken,
    contextLength: analysis.contextLength,
    layers: analysis.layers.map(({ name, kind, count, parameters }) => ({
      name,
      kind,
      count,
      parameters,
    })),
    coverage: analysis.coverage,
    assumptions: analysis.assumptions,
    problems: analysis.problems.map(({ code, message, severity }) => ({ code, message, severity })),
  };
}

function configText(file: string, analysis: ConfigAnalysis): string {
  const lines = [
    oneLine(file),
    `  ${analysis.format ?? ''}: ${printable(analysis.modelType ?? 'unknown model type')}`,
    `  parameters       ${formatCount(analysis.parameters)} (${formatCount(analysis.activeParameters)} active)`,
    `  weights          ${formatBytes(analysis.weightBytes)} as ${analysis.weightDtype ?? 'unknown'}`,
    `  KV cache         ${formatBytes(analysis.kvCacheBytesPerToken)} per token, context ${formatCount(analysis.contextLength)}`,
    `  MACs             ${formatCount(analysis.macsPerToken)} per token`,
    `  known            ${formatPercent(analysis.coverage)}`,
    ...analysis.problems.map(
      ({ severity, code, message }) => `  ${severity} ${code}: ${oneLine(message)}`,
    ),
    ...analysis.layers.map(
      ({ name, count, parameters }) =>
        `  ${formatCount(parameters).padStart(10)} parameters  ${count} × ${printable(name)}`,
    ),
  ];
  return `${lines.join('\n')}\n`;
}
