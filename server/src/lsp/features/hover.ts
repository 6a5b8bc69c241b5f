import type { Hover, Position } from 'vscode-languageserver';
import { bytesOf } from '../../core/dtype';
import type { NodeEstimate } from '../../core/cost/energy';
import type { NodeFacts } from '../../core/facts/count';
import { originOf } from '../../core/facts/module-scope';
import {
  formatBytes,
  formatCount,
  formatJoules,
  formatPercent,
  markdownText,
} from '../../core/format';
import { qualifiedOpType, type Node, type Tensor } from '../../core/graph';
import { typeOf } from '../../core/shapes/types';
import { lineText, type ReadableModel } from '../models';
import { countLabel, typeLabel } from './labels';
import { lookupOf } from './text-lookup';

/** More rows are not read in a hover. */
const maxListed = 12;

/** What is known of the node, weight or graph on a line of the whole text. */
export function textHover(view: ReadableModel, line: number, character: number): Hover | null {
  const lookup = lookupOf(view);
  const node = lookup.nodeAt(line);
  const findings = findingLines(view, line);
  if (node) {
    const facts = lookup.factsOf(node.node);
    if (facts)
      return markdown([...findings, ...nodeLines(view, facts, wordAt(view, line, character))]);
  }
  const tensor = lookup.tensorAt(line);
  if (tensor) return markdown([...findings, ...tensorLines(tensor)]);
  const isHead = lookup.blocks.some(({ lines }) => lines.start === line);
  if (isHead || line === 0) return markdown([...findings, ...modelLines(view)]);
  return findings.length > 0 ? markdown(findings) : null;
}

function markdown(lines: readonly string[]): Hover {
  return { contents: { kind: 'markdown', value: lines.join('\n') } };
}

/** The longer text of findings on the line; their messages are shown by the editor. */
function findingLines({ findings, pages }: ReadableModel, line: number): string[] {
  return findings.flatMap(({ finding, place }) =>
    finding.detail !== undefined && pages.wholeLine(place) === line
      ? [finding.detail, '', '---', '']
      : [],
  );
}

/** The name under the cursor, without quotes. */
function wordAt(
  view: ReadableModel,
  line: number,
  character: Position['character'],
): string | null {
  const text = lineText(view, line);
  for (const match of text.matchAll(/"((?:[^"\\]|\\.)*)"|[^\s,()<>{}=:[\]"]+/gu)) {
    if (match.index > character) return null;
    if (match.index + match[0].length >= character) return match[1] ?? match[0];
  }
  return null;
}

function nodeLines(view: ReadableModel, facts: NodeFacts, word: string | null): string[] {
  const { node, scope } = facts;
  const values = [...node.inputs, ...node.outputs].filter((name) => name !== '');
  const hovered = word !== null && values.includes(word) ? word : null;
  return [
    ...(hovered === null
      ? []
      : [`\`${code(hovered)}\`: ${code(typeLabel(typeOf(scope, hovered)))}`, '']),
    `**${markdownText(qualifiedOpType(node))}** ${markdownText(node.name === '' ? node.path : node.name)}`,
    '',
    '| | |',
    '| --- | --- |',
    ...valueRows('in', node.inputs, facts),
    ...valueRows('out', node.outputs, facts),
    `| parameters | ${formatCount(facts.parameters)} (${formatBytes(facts.weightBytes)}) |`,
    `| MACs | ${markdownText(countLabel(facts.macs), 200)} |`,
    ...energyRows(view, facts),
    ...originRows(node),
    ...knownRows(facts),
  ];
}

function originRows(node: Node): string[] {
  const { module, source } = originOf(node);
  return [
    ...(module === null ? [] : [`| module | ${markdownText(module)} |`]),
    ...(source === null ? [] : [`| source | ${markdownText(source.file)}:${source.line} |`]),
  ];
}

function valueRows(role: string, names: readonly string[], { scope }: NodeFacts): string[] {
  const rows = names
    .slice(0, maxListed)
    .filter((name) => name !== '')
    .map((name) => {
      const type = markdownText(typeLabel(typeOf(scope, name)), 200);
      return `| ${role} | ${markdownText(name)}: ${type} |`;
    });
  if (names.length > maxListed) rows.push(`| ${role} | … ${names.length - maxListed} more |`);
  return rows;
}

function energyRows(view: ReadableModel, facts: NodeFacts): string[] {
  const { device } = view.settings.settings;
  const own = estimateOf(view, facts.path);
  if (own) {
    const bound = own.bound === null ? '' : `, bound by ${own.bound}`;
    const share = formatPercent(own.share);
    return [
      `| energy | ${formatJoules(own.energyJoules)}, ${share} of a run on ${device.id}${bound} |`,
    ];
  }
  const anchor = view.analysis.sized.fusion.kernelOf(facts)?.anchor ?? facts;
  if (anchor === facts) return ['| energy | no work of its own |'];
  const name = anchor.node.name === '' ? anchor.path : anchor.node.name;
  return [`| energy | counted with ${markdownText(name)}, which it is fused with |`];
}

/** The estimate of a kernel; null for nodes that are part of another one or do no work. */
export function estimateOf(view: ReadableModel, path: string): NodeEstimate | null {
  return estimatesOf(view).get(path) ?? null;
}

const estimates = new WeakMap<ReadableModel, ReadonlyMap<string, NodeEstimate>>();

function estimatesOf(view: ReadableModel): ReadonlyMap<string, NodeEstimate> {
  const known = estimates.get(view);
  if (known) return known;
  const { perNode } = view.analysis.estimateOn(view.settings.settings.device);
  const made = new Map(perNode.map((node) => [node.name, node]));
  estimates.set(view, made);
  return made;
}

/** Where the figures come from, and what is missing. */
function knownRows({ macs, node, scope }: NodeFacts): string[] {
  const isOpen = node.outputs.some(
    (name) => name !== '' && typeLabel(typeOf(scope, name)).includes('?'),
  );
  const shapes = isOpen ? 'shapes known in part' : 'shapes inferred';
  return [
    `| known | ${shapes}, ${macs === null ? 'MACs unknown' : 'MACs counted'}; energy estimated |`,
  ];
}

function tensorLines({ name, dtype, dims, elementCount, storage }: Tensor): string[] {
  const bytes = dtype && elementCount !== null ? bytesOf(dtype, elementCount) : null;
  const type = `${dtype ?? '?'}[${dims.slice(0, maxListed).join(',')}]`;
  return [
    `**weight** ${markdownText(name)}`,
    '',
    `${code(type)}, ${formatCount(elementCount)} elements, ${formatBytes(bytes)}, ${placeOf(storage)}`,
  ];
}

function placeOf(storage: Tensor['storage']): string {
  switch (storage.kind) {
    case 'none':
      return 'no data';
    case 'external':
      return `in ${markdownText(storage.location)}`;
    case 'inline':
    case 'strings':
    case 'raw':
    case 'typed':
      return 'in the model file';
  }
}

function modelLines(view: ReadableModel): string[] {
  const { facts, sized } = view.analysis;
  const { device } = view.settings.settings;
  const made = view.analysis.estimateOn(device);
  return [
    `**${markdownText(view.fileName)}** on ${markdownText(device.name)}`,
    '',
    '| | |',
    '| --- | --- |',
    `| energy | ${formatJoules(made.energyJoules)} a run (${formatPercent(made.interval)} interval) |`,
    `| memory | ${formatBytes(made.peakMemoryBytes)}${made.fits === false ? ', does not fit' : ''} |`,
    `| parameters | ${formatCount(facts.parameters)} (${formatBytes(facts.weightBytes)}) |`,
    `| MACs | ${formatCount(sized.evaluated.macs)} |`,
    `| known | ${formatPercent(made.coverage)} of the operators |`,
    '',
    ...made.assumptions.slice(0, maxListed).map((text) => `- ${markdownText(text, 200)}`),
  ];
}

function code(text: string): string {
  return text.replace(/[`\p{Cc}]/gu, ' ');
}
