import type { Analysis } from '../core/analyze';
import type { NodeFacts } from '../core/facts/count';
import type { Anchor, Finding } from '../core/finding';
import { printModel, type PrintedModel } from '../core/onnx/text-print';
import { displayText } from '../core/onnx/utf8';
import type { Problem } from '../core/problem';
import { problemFindings, runModelRules } from '../core/rules/run';
import { openModel } from '../engine';
import { createCache, type Cache } from './cache';
import type { FileVersion, ServerHost } from './host';
import { lineStarts, paginate, type Pages, type TextPlace } from './pages';
import type { FileSettings, SettingsService } from './settings';
import { fileNameOf, pathOf } from './uris';

/** A model file as the editor shows it, for one state of the file and the settings. */
export type ModelView = ReadableModel | UnreadableModel;

interface ViewBase {
  readonly uri: string;
  readonly fileName: string;
  readonly settings: FileSettings;
  /** Null when there is no such file. */
  readonly version: FileVersion | null;
  /** The most severe first; none when linting leaves the file out. */
  readonly findings: readonly PlacedFinding[];
  readonly pages: Pages;
}

export interface ReadableModel extends ViewBase {
  readonly kind: 'model';
  readonly analysis: Analysis;
  readonly printed: PrintedModel;
  /** Offset of every line of `printed.text`. */
  readonly lineStarts: readonly number[];
  /** By the path that rules and estimates use. */
  readonly factsByPath: ReadonlyMap<string, NodeFacts>;
}

export interface UnreadableModel extends ViewBase {
  readonly kind: 'unreadable';
  /** One sentence. */
  readonly failure: string;
}

/** A finding with where it is in the text. */
export interface PlacedFinding {
  readonly finding: Finding;
  readonly place: TextPlace;
  /** UTF-16 units of the line, `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

export interface Models {
  /** Reads, analyses and prints a model, or takes it from the cache. */
  open(uri: string): Promise<ModelView>;
  /** The same without keeping it: for going through many files. */
  openOnce(uri: string): Promise<ModelView>;
  forget(uri: string): void;
  clear(): void;
  readonly cachedCount: number;
}

/** What somebody looks at, and a few that were looked at before. */
const cacheLimits = { maxEntries: 8, maxBytes: 96 * 1024 * 1024 };

/** Roughly, with all that is known of it; measured on models of 10,000 nodes. */
const bytesPerNode = 6_000;

export function createModels(host: ServerHost, settings: SettingsService): Models {
  const cache: Cache<ModelView> = createCache({ ...cacheLimits, bytesOf });
  const keyed = async (uri: string) => {
    const path = pathOf(uri);
    const [version, own] = await Promise.all([
      path === null ? null : host.stat(path),
      settings.of(uri),
    ]);
    const key = `${version?.modifiedTime ?? ''}:${version?.byteLength ?? ''}:${own.isIgnored}:${own.key}`;
    return { key, make: () => readView(host, uri, path, version, own) };
  };
  return {
    open: async (uri) => {
      const { key, make } = await keyed(uri);
      return cache.get(uri, key, make);
    },
    openOnce: async (uri) => (await keyed(uri)).make(),
    forget: (uri) => {
      cache.delete(uri);
    },
    clear: () => {
      cache.clear();
    },
    get cachedCount() {
      return cache.size;
    },
  };
}

function bytesOf(view: ModelView): number {
  const characters = view.pages.parts.reduce((sum, { text }) => sum + text.length, 0);
  const nodes = view.kind === 'model' ? view.analysis.facts.nodes.length : 0;
  return characters * 2 + nodes * bytesPerNode;
}

async function readView(
  host: ServerHost,
  uri: string,
  path: string | null,
  version: FileVersion | null,
  settings: FileSettings,
): Promise<ModelView> {
  const base = { uri, fileName: fileNameOf(uri), settings, version };
  if (path === null) return unreadable(base, 'models are read from disks only', []);
  const { region } = settings.settings;
  const opened = await openModel(host, path, { estimate: { ...(region !== null && { region }) } });
  if (opened.kind === 'unreadable') return unreadable(base, opened.reason, []);
  if (opened.kind === 'broken') {
    return unreadable(base, opened.problems[0]?.message ?? 'it is no ONNX model', opened.problems);
  }
  await opened.model.close();
  return readable(base, opened.model.analysis);
}

type Base = Omit<ViewBase, 'findings' | 'pages'>;

function unreadable(base: Base, reason: string, problems: readonly Problem[]): UnreadableModel {
  const failure = `${reason.charAt(0).toUpperCase()}${reason.slice(1).replace(/\.?$/u, '.')}`;
  const lines = [
    `${base.fileName} cannot be shown as text.`,
    ...(problems.length > 0 ? problems.map(({ message }) => message) : [failure]),
  ];
  const text = lines.map((line) => `# ${displayText(line).replace(/\p{Cc}+/gu, ' ')}\n`).join('');
  const findings = base.version && !base.settings.isIgnored ? problemFindings(problems) : [];
  return {
    ...base,
    kind: 'unreadable',
    failure,
    pages: paginate({ text, nodeLines: new Map(), blockLines: new Map() }, base.fileName),
    findings: findings.map((finding, index) => ({
      finding,
      place: { part: 0, line: Math.min(index + 1, lines.length - 1) },
      start: 0,
      end: lines[Math.min(index + 1, lines.length - 1)]?.length ?? 0,
    })),
  };
}

function readable(base: Base, analysis: Analysis): ReadableModel {
  const printed = printModel(analysis.model, { weightsLocation: base.fileName });
  const factsByPath = new Map(analysis.facts.nodes.map((facts) => [facts.path, facts]));
  const view: ReadableModel = {
    ...base,
    kind: 'model',
    analysis,
    printed,
    factsByPath,
    lineStarts: lineStarts(printed.text),
    pages: paginate(printed, base.fileName),
    findings: [],
  };
  if (base.settings.isIgnored) return view;
  const findings = runModelRules(analysis, base.settings.settings);
  return { ...view, findings: findings.map((finding) => placed(finding, view)) };
}

function placed(finding: Finding, view: ReadableModel): PlacedFinding {
  const whole = lineOfAnchor(finding.anchor, view);
  const text = lineText(view, whole);
  const facts = finding.anchor.kind === 'node' ? view.factsByPath.get(finding.anchor.path) : null;
  const [start, end] = facts ? operatorRange(text, facts.node.opType) : wordRange(text);
  return { finding, place: view.pages.locate(whole), start, end };
}

/** Line of the whole text; what belongs to the file is at the head of its graph. */
export function lineOfAnchor(anchor: Anchor, view: ReadableModel): number {
  const { nodeLines, tensorLines, blockLines } = view.printed;
  if (anchor.kind === 'node') {
    // A function's node runs at several places and is printed at one.
    const node = view.factsByPath.get(anchor.path)?.node.path ?? anchor.path;
    const lines = nodeLines.get(anchor.path) ?? nodeLines.get(node);
    if (lines) return lines.start;
  }
  if (anchor.kind === 'tensor') {
    const line = tensorLines.get(anchor.name);
    if (line !== undefined) return line;
  }
  return blockLines.get(view.analysis.model.graph.path)?.start ?? 0;
}

/** A line of the whole text without its end. */
export function lineText({ printed, lineStarts: starts }: ReadableModel, line: number): string {
  const start = starts[line] ?? printed.text.length;
  return printed.text.slice(start, starts[line + 1] ?? printed.text.length).replace(/\n$/u, '');
}

/** Lines with a thousand inputs are marked at their beginning only. */
const maxMarked = 200;

/** `Conv` in `  y = Conv <…> (x, w)`. */
function operatorRange(line: string, opType: string): readonly [number, number] {
  const at = line.indexOf(`${opType} `, line.indexOf(' = ') + 1);
  return opType !== '' && at >= 0 ? [at, at + opType.length] : wordRange(line);
}

/** The line without its indentation, up to its first parenthesis. */
function wordRange(line: string): readonly [number, number] {
  const start = line.length - line.trimStart().length;
  const parenthesis = line.indexOf(' (', start);
  const end = parenthesis > start ? parenthesis : line.trimEnd().length;
  return [start, Math.max(start, Math.min(end, start + maxMarked))];
}
