import type { TextDocument } from 'vscode-languageserver-textdocument';
import { analyzeModel } from '../core/analyze';
import type { NodeFacts } from '../core/facts/count';
import type { Finding } from '../core/finding';
import { parseDraftText, type DraftModelText } from '../core/onnx/text-parse';
import type { Span } from '../core/onnx/text-cursor';
import type { BlockPlace, NodePlace } from '../core/onnx/text-places';
import type { LineRange, PrintedModel } from '../core/onnx/text-print';
import { createProblemSink } from '../core/problem';
import { rules as allRules } from '../core/rules/index';
import { runModelRules } from '../core/rules/run';
import { createCache, type Cache } from './cache';
import type { Documents } from './documents';
import type { PlacedFinding, ReadableModel } from './models';
import { lineStarts, type Pages } from './pages';
import type { SettingsService } from './settings';
import { fileNameOf, normalized } from './uris';

/** A model that somebody writes as text: everything that is known of the text as it stands. */
export interface DraftView extends ReadableModel {
  readonly document: TextDocument;
  readonly draft: DraftModelText;
}

export interface Drafts {
  /** Null when no such document is open. */
  open(uri: string): Promise<DraftView | null>;
}

/** What somebody types in, and what was looked at before. */
const cacheLimits = { maxEntries: 4, maxBytes: 96 * 1024 * 1024 };

/** Roughly, for each character of a text: its model, places and analysis. */
const bytesPerCharacter = 100;

export function createDrafts(documents: Documents, settings: SettingsService): Drafts {
  const cache: Cache<DraftView> = createCache({
    ...cacheLimits,
    bytesOf: ({ draft: { places }, document }) =>
      document.getText().length * bytesPerCharacter + places.blocks.length,
  });
  return {
    open: async (given) => {
      const uri = normalized(given);
      const own = await settings.of(uri);
      // Asked for behind the wait: what was typed meanwhile counts.
      const document = documents.get(uri)?.text;
      if (!document) return null;
      const version = `${document.version}:${own.isIgnored}:${own.key}`;
      return cache.get(uri, version, () => Promise.resolve(createView(uri, document, own)));
    },
  };
}

function createView(
  uri: string,
  document: TextDocument,
  settings: ReadableModel['settings'],
): DraftView {
  const text = document.getText();
  const draft = parseDraftText(text);
  const { region } = settings.settings;
  const analysis = analyzeModel(draft.model, createProblemSink(), {
    estimate: { ...(region !== null && { region }) },
  });
  const starts = lineStarts(text);
  const findings: PlacedFinding[] = [];
  let printed: PrintedModel | null = null;
  let factsByPath: ReadonlyMap<string, NodeFacts> | null = null;
  const view: DraftView = {
    uri,
    kind: 'model',
    fileName: fileNameOf(uri),
    settings,
    version: null,
    externalPaths: [],
    document,
    draft,
    analysis,
    get printed() {
      return (printed ??= printedOf(text, document, draft));
    },
    lineStarts: starts,
    // What only some requests need is made for them: most keystrokes are followed by the next one.
    get factsByPath() {
      return (factsByPath ??= new Map(analysis.facts.nodes.map((facts) => [facts.path, facts])));
    },
    pages: onePage(text, starts.length),
    findings,
  };
  if (settings.isIgnored) return view;
  findings.push(...findingsOf(view));
  return view;
}

function onePage(text: string, lineCount: number): Pages {
  return {
    parts: [{ text, start: 0, end: lineCount }],
    locate: (line) => ({ part: 0, line }),
    wholeLine: ({ part, line }) => (part === 0 ? line : null),
  };
}

/** The lines of nodes, blocks and initializers, as the printer gives them for its own text. */
function printedOf(text: string, document: TextDocument, draft: DraftModelText): PrintedModel {
  const nodeLines = new Map<string, LineRange>();
  const blockLines = new Map<string, LineRange>();
  const tensorLines = new Map<string, number>();
  const linesOf = ({ start, end }: Span): LineRange => ({
    start: document.positionAt(start).line,
    end: document.positionAt(Math.max(start, end - 1)).line,
  });
  for (const block of draft.places.blocks) {
    blockLines.set(block.path, linesOf(block));
    for (const node of block.nodes) nodeLines.set(node.path, linesOf(node));
    for (const { role, name, start } of block.values) {
      if (role === 'initializer' && !tensorLines.has(name)) {
        tensorLines.set(name, document.positionAt(start).line);
      }
    }
  }
  return { text, nodeLines, blockLines, tensorLines, omissionCount: 0, isTruncated: false };
}

/** The most severe first; what a mistake in the syntax hides is not judged. */
function findingsOf(view: DraftView): PlacedFinding[] {
  const { draft, document, analysis, settings } = view;
  const place = createPlacer(view);
  // Rules judge a model that is finished.
  const rules = draft.isWellFormed ? allRules : [];
  const found = runModelRules(analysis, settings.settings, rules).flatMap((finding) => {
    const span = place(finding);
    return span ? [placed(document, finding, span)] : [];
  });
  const written = draft.problems.map(({ code: ruleId, severity, message, start, end }) =>
    placed(
      document,
      { ruleId, severity, message, anchor: { kind: 'text', start, end }, fixes: [] },
      { start, end },
    ),
  );
  return [...written, ...found];
}

function placed(document: TextDocument, finding: Finding, { start, end }: Span): PlacedFinding {
  const from = document.positionAt(start);
  const to = document.positionAt(end);
  return {
    finding,
    place: { part: 0, line: from.line },
    start: from.character,
    // What spans lines is marked to the end of its first one.
    end: to.line === from.line ? to.character : from.character + end - start,
  };
}

/** Finds where a finding is; null for what cannot be judged while there are errors. */
function createPlacer(view: DraftView): (finding: Finding) => Span | null {
  const { draft } = view;
  const { blocks } = draft.places;
  let nodes: ReadonlyMap<string, NodePlace> | null = null;
  const nodeAt = (path: string): NodePlace | undefined => {
    nodes ??= new Map(blocks.flatMap((block) => block.nodes.map((node) => [node.path, node])));
    return nodes.get(path);
  };
  const tensors = new Map<string, Span>();
  for (const { values } of blocks) {
    for (const value of values) {
      if (value.role === 'initializer' && !tensors.has(value.name)) tensors.set(value.name, value);
    }
  }
  const [main] = blocks;
  return (finding) => {
    const { anchor } = finding;
    if (anchor.kind === 'node') {
      // A function's node runs at several places and is written at one.
      const node =
        nodeAt(anchor.path) ?? nodeAt(view.factsByPath.get(anchor.path)?.node.path ?? '');
      if (node) return node.isBroken ? null : (namedIn(finding, node) ?? widthOf(node));
    }
    if (anchor.kind === 'tensor') {
      const tensor = tensors.get(anchor.name);
      if (tensor) return tensor;
    }
    if (!draft.isWellFormed) return null;
    return (main && (namedInBlock(finding, main) ?? main.name)) ?? { start: 0, end: 0 };
  };
}

function widthOf({ operator, start, end }: NodePlace): Span {
  return operator.end > operator.start ? operator : { start, end };
}

/** The value or attribute that a message names in quotes. */
function namedIn({ message }: Finding, node: NodePlace): Span | null {
  const quoted = firstQuoted(message);
  if (quoted === null) return null;
  const isIt = ({ name, start, end }: { name: string } & Span): boolean =>
    name === quoted && end > start;
  return node.inputs.find(isIt) ?? node.attributes.find(isIt) ?? node.outputs.find(isIt) ?? null;
}

function namedInBlock({ message }: Finding, { values }: BlockPlace): Span | null {
  const quoted = firstQuoted(message);
  return quoted === null ? null : (values.find(({ name }) => name === quoted) ?? null);
}

function firstQuoted(message: string): string | null {
  return /"([^"]+)"/u.exec(message)?.[1] ?? null;
}
