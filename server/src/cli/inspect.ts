import type { Analysis } from '../core/analyze';
import { formatBytes, formatCount, formatPercent } from '../core/format';
import { asNumber, dimText } from '../core/shapes/symbolic';
import type { NodeFacts } from '../core/facts/count';
import { assumptionsOf } from '../core/facts/workload';
import type { ConfigAnalysis } from '../core/config/config';
import { openModel } from '../engine';
import { fail, noteUnknownDims, writeJson, type ExitCode, type Io } from './io';
import { expressionOf, modelJson } from './inspect-json';
import { writeLongJson } from './long-json';
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
    if (flags.format === 'json') await writeLongJson(io, modelJson(path, analysis));
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

function modelText(file: string, { model, facts, sized, problems }: Analysis): string {
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
    ...assumptionsOf(facts, evaluated).map((text) => `  assumed          ${oneLine(text)}`),
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
