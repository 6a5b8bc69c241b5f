import { SymbolKind, type DocumentSymbol, type Range } from 'vscode-languageserver';
import { subgraphsOf } from '../../core/attributes';
import { originOf } from '../../core/facts/module-scope';
import { formatPercent, shortName } from '../../core/format';
import type { LineRange } from '../../core/onnx/text-print';
import { lineText, type ReadableModel } from '../models';
import { estimateOf } from './hover';
import { lookupOf, type PrintedBlock, type PrintedNode, type TextLookup } from './text-lookup';

/**
 * As many as VS Code's own outlines of JSON have. 60,000 kept the server, the extensions and the window busy for seconds
 * whenever a text was opened.
 */
const maxSymbols = 5_000;

/** Module paths nest as deep as their author likes; the outline does not. */
const maxModuleDepth = 8;

/**
 * Graph → block (module of the author's program) → node → subgraph, for one part of the text. Of too many symbols the
 * outer ones are kept, so that the outline reaches to the end of the text.
 */
export function textSymbols(view: ReadableModel, part: number): DocumentSymbol[] {
  const page = view.pages.parts[part];
  if (!page) return [];
  const lookup = lookupOf(view);
  const waiting: Waiting[] = [];
  const builder: Builder = { view, lookup, waiting, page: { ...page, end: page.end - 1 } };
  const roots: DocumentSymbol[] = [];
  for (const block of lookup.blocks) {
    const { path } = block;
    const isRoot = path === view.analysis.model.graph.path || path.startsWith('function:');
    if (isRoot && roots.length < maxSymbols) addBlock(builder, roots, block, 'whole');
  }
  let left = maxSymbols - roots.length;
  // Those of children come behind all others that wait: outer symbols are made first.
  for (const add of waiting) {
    if (left <= 0) break;
    left -= add(left);
  }
  return roots;
}

/** Adds the children of a symbol, `limit` at most; answers how many. */
type Waiting = (limit: number) => number;

interface Builder {
  readonly view: ReadableModel;
  readonly lookup: TextLookup;
  /** Lines of the part, `end` inclusive. */
  readonly page: LineRange;
  readonly waiting: Waiting[];
}

function addBlock(
  builder: Builder,
  to: DocumentSymbol[],
  { name, path, lines, nodes }: PrintedBlock,
  role: string,
): void {
  const range = rangeIn(builder, lines);
  if (!range) return;
  const isFunction = path.startsWith('function:');
  const children: DocumentSymbol[] = [];
  to.push({
    name: label(name, isFunction ? 'function' : 'graph'),
    detail: role === 'whole' ? `${nodes.length} nodes` : role,
    kind: isFunction ? SymbolKind.Function : SymbolKind.Module,
    range,
    selectionRange: firstLine(range),
    children,
  });
  builder.waiting.push((limit) => addGroups(builder, children, withModules(nodes), 0, limit));
}

interface NodeInModule {
  readonly printed: PrintedNode;
  /** `layer1.0.conv1` as its parts. */
  readonly modules: readonly string[];
}

function withModules(nodes: readonly PrintedNode[]): NodeInModule[] {
  return nodes.map((printed) => ({
    printed,
    modules: (originOf(printed.node).module ?? '').split('.').filter((part) => part !== ''),
  }));
}

/** Neighbours that share the module at this depth become one block. */
function addGroups(
  builder: Builder,
  to: DocumentSymbol[],
  nodes: readonly NodeInModule[],
  depth: number,
  limit: number,
): number {
  for (let start = 0; start < nodes.length && to.length < limit;) {
    const module = depth < maxModuleDepth ? nodes[start]?.modules[depth] : undefined;
    let end = start + 1;
    while (module !== undefined && end < nodes.length && nodes[end]?.modules[depth] === module)
      end++;
    const group = nodes.slice(start, end);
    const [first] = group;
    if (module === undefined || group.length === 1) {
      if (first) addNode(builder, to, first.printed);
    } else addModule(builder, to, group, depth);
    start = end;
  }
  return to.length;
}

function addModule(
  builder: Builder,
  to: DocumentSymbol[],
  group: readonly NodeInModule[],
  depth: number,
): void {
  const [first, last] = [group[0], group.at(-1)];
  if (!first || !last) return;
  const range = rangeIn(builder, {
    start: first.printed.lines.start,
    end: last.printed.lines.end,
  });
  if (!range) return;
  const children: DocumentSymbol[] = [];
  to.push({
    name: label(first.modules[depth] ?? '', 'module'),
    detail: shareText(builder, group),
    kind: SymbolKind.Namespace,
    range,
    selectionRange: firstLine(range),
    children,
  });
  builder.waiting.push((limit) => addGroups(builder, children, group, depth + 1, limit));
}

/** Of the energy on the device; empty when nothing in it has a share. */
function shareText({ view, lookup }: Builder, group: readonly NodeInModule[]): string {
  let total = 0;
  let isKnown = false;
  for (const { printed } of group) {
    const facts = lookup.factsOf(printed.node);
    const share = facts && estimateOf(view, facts.path)?.share;
    if (share === null || share === undefined) continue;
    isKnown = true;
    total += share;
  }
  return isKnown ? formatPercent(total) : '';
}

function addNode(builder: Builder, to: DocumentSymbol[], { node, lines }: PrintedNode): void {
  const range = rangeIn(builder, lines);
  if (!range) return;
  const facts = builder.lookup.factsOf(node);
  const share = facts && estimateOf(builder.view, facts.path)?.share;
  const percent = typeof share === 'number' ? ` · ${formatPercent(share)}` : '';
  const bodies = subgraphsOf(node).flatMap(({ attribute, graph }) => {
    const block = builder.lookup.blockByPath.get(graph.path);
    return block ? [{ block, role: attribute.name }] : [];
  });
  const children: DocumentSymbol[] = [];
  to.push({
    name: label(node.name === '' ? (node.outputs[0] ?? '') : node.name, node.opType),
    detail: `${shortName(node.opType)}${percent}`,
    kind: SymbolKind.Function,
    range,
    selectionRange: firstLine(range),
    ...(bodies.length > 0 && { children }),
  });
  if (bodies.length === 0) return;
  builder.waiting.push((limit) => {
    for (const { block, role } of bodies.slice(0, limit)) addBlock(builder, children, block, role);
    return children.length;
  });
}

/** Editors refuse symbols without a name. */
function label(name: string, otherwise: string): string {
  const shown = shortName(name, 80).trim();
  return shown === '' ? shortName(otherwise).trim() || '?' : shown;
}

/** The range in the part, cut to it; null when none of it is there. */
function rangeIn({ view, page }: Builder, lines: LineRange): Range | null {
  const start = Math.max(lines.start, page.start);
  const end = Math.min(lines.end, page.end);
  if (start > end) return null;
  return {
    start: { line: view.pages.locate(start).line, character: 0 },
    end: { line: view.pages.locate(end).line, character: lineText(view, end).length },
  };
}

function firstLine({ start, end }: Range): Range {
  return { start, end: start.line === end.line ? end : { line: start.line, character: 1 } };
}
