import type { Graph, Node, Tensor } from '../../core/graph';
import { subgraphsOf } from '../../core/attributes';
import type { NodeFacts } from '../../core/facts/count';
import type { LineRange } from '../../core/onnx/text-print';
import type { ReadableModel } from '../models';

/** A node as it stands in the text. */
export interface PrintedNode {
  readonly node: Node;
  readonly lines: LineRange;
}

/** A graph, subgraph or function as it stands in the text. */
export interface PrintedBlock {
  /** As in `PrintedModel.blockLines`. */
  readonly path: string;
  readonly name: string;
  readonly lines: LineRange;
  readonly nodes: readonly PrintedNode[];
}

export interface TextLookup {
  /** Of the whole model, main graph first; subgraphs follow the graph they are in. */
  readonly blocks: readonly PrintedBlock[];
  readonly blockByPath: ReadonlyMap<string, PrintedBlock>;
  /** The innermost node on a line of the whole text. */
  readonly nodeAt: (line: number) => PrintedNode | null;
  /** What is known of a printed node; of a function that is called several times, its first call. */
  readonly factsOf: (node: Node) => NodeFacts | null;
  /** Initializers by the line they are declared on. */
  readonly tensorAt: (line: number) => Tensor | null;
}

const lookups = new WeakMap<ReadableModel, TextLookup>();

/** What features need to get from lines to nodes, made once for each view. */
export function lookupOf(view: ReadableModel): TextLookup {
  const known = lookups.get(view);
  if (known) return known;
  const made = createLookup(view);
  lookups.set(view, made);
  return made;
}

function createLookup({ analysis, printed, lineStarts }: ReadableModel): TextLookup {
  const blocks: PrintedBlock[] = [];
  const tensorByLine = new Map<number, Tensor>();
  const add = (path: string, name: string, nodes: readonly Node[]): void => {
    const lines = printed.blockLines.get(path);
    if (!lines) return;
    const printedNodes = nodes.flatMap((node): PrintedNode[] => {
      const at = printed.nodeLines.get(node.path);
      return at ? [{ node, lines: at }] : [];
    });
    blocks.push({ path, name, lines, nodes: printedNodes });
  };
  const graphs: Graph[] = [analysis.model.graph];
  const addGraphs = (): void => {
    for (let graph = graphs.pop(); graph; graph = graphs.pop()) {
      add(graph.path, graph.name, graph.nodes);
      for (const tensor of graph.initializers) {
        const line = printed.tensorLines.get(tensor.name);
        if (line !== undefined && !tensorByLine.has(line)) tensorByLine.set(line, tensor);
      }
      for (const node of graph.nodes) for (const body of subgraphsOf(node)) graphs.push(body.graph);
    }
  };
  addGraphs();
  for (const { domain, name, overload, nodes } of analysis.model.functions) {
    const path = `function:${domain}.${name}${overload === '' ? '' : `:${overload}`}`;
    add(path, name, nodes);
    for (const node of nodes) for (const body of subgraphsOf(node)) graphs.push(body.graph);
    addGraphs();
  }
  const all = blocks.flatMap(({ nodes }) => nodes);
  const nodeOfLine = innermost(all, lineStarts.length);
  const factsByNode = new Map<string, NodeFacts>();
  for (const facts of analysis.facts.nodes) {
    if (!factsByNode.has(facts.node.path)) factsByNode.set(facts.node.path, facts);
  }
  return {
    blocks,
    blockByPath: new Map(blocks.map((block) => [block.path, block])),
    nodeAt: (line) => all[(nodeOfLine[line] ?? 0) - 1] ?? null,
    factsOf: (node) => factsByNode.get(node.path) ?? null,
    tensorAt: (line) => tensorByLine.get(line) ?? null,
  };
}

/** For every line the index of its innermost node plus one; 0 for none. */
function innermost(nodes: readonly PrintedNode[], lineCount: number): Uint32Array {
  const found = new Uint32Array(lineCount);
  const outerFirst = nodes
    .map(({ lines }, index) => ({ lines, index }))
    .sort((a, b) => a.lines.start - b.lines.start || b.lines.end - a.lines.end);
  for (const { lines, index } of outerFirst) found.fill(index + 1, lines.start, lines.end + 1);
  return found;
}
