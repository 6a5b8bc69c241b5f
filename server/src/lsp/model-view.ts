import type { Analysis } from '../core/analyze';
import type { NodeFacts } from '../core/facts/count';
import type { Anchor, Finding } from '../core/finding';
import { printModel, type PrintedModel } from '../core/onnx/text-print';
import { displayText } from '../core/onnx/utf8';
import type { Problem } from '../core/problem';
import { problemFindings, runModelRules } from '../core/rules/run';
import { openModel } from '../engine';
import { externalLocations } from '../external-data';
import type { Host } from '../host';
import { pathsBeside } from './external-files';
import type { FileVersion } from './host';
import { lineStarts, paginate, type Pages, type TextPlace } from './pages';
import { createPauses } from './safe';
import type { FileSettings } from './settings';
import { fileNameOf, pathOf, schemeOf } from './uris';

/** A model file as the editor shows it, for one state of the file and the settings. */
export type ModelView = ReadableModel | UnreadableModel;

interface ViewBase {
  readonly uri: string;
  readonly fileName: string;
  readonly settings: FileSettings;
  /** Null when there is no such file. */
  readonly version: FileVersion | null;
  /** Files with the model's weights, whether they are there or not. */
  readonly externalPaths: readonly string[];
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

export interface ViewRequest {
  readonly uri: string;
  readonly version: FileVersion | null;
  readonly settings: FileSettings;
}

/** Reads, analyses and prints a model, with pauses in which other requests are answered. */
export async function readView(
  host: Host,
  { uri, version, settings }: ViewRequest,
): Promise<ModelView> {
  const base: Base = { uri, fileName: fileNameOf(uri), settings, version, externalPaths: [] };
  const path = pathOf(uri);
  if (path === null) return unreadable(base, notOnDisk(uri), []);
  const { region } = settings.settings;
  const pause = createPauses();
  const opened = await openModel(host, path, {
    estimate: { ...(region !== null && { region }) },
    pause,
  });
  if (opened.kind === 'unreadable') return unreadable(base, opened.reason, []);
  if (opened.kind === 'broken') {
    return unreadable(base, opened.problems[0]?.message ?? 'it is no ONNX model', opened.problems);
  }
  await opened.model.close();
  const { analysis } = opened.model;
  const locations = externalLocations(analysis.model, maxExternalPaths);
  return readable({ ...base, externalPaths: pathsBeside(path, locations) }, analysis, pause);
}

function notOnDisk(uri: string): string {
  return `models are read from disks only, and this one comes from "${schemeOf(uri)}:"; open it from a folder on a disk`;
}

/** Exporters write one file, or one a tensor: so many tell that the weights are others now. */
const maxExternalPaths = 100;

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

async function readable(
  base: Base,
  analysis: Analysis,
  pause: () => Promise<void>,
): Promise<ReadableModel> {
  await pause();
  const printed = printModel(analysis.model, { weightsLocation: base.fileName });
  await pause();
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
  await pause();
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
