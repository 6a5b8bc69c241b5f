import type { Attribute, Graph, Model, ModelFunction, ValueInfo } from '../graph';
import { normalizeDomain, producerOf } from '../graph';
import {
  createCursor,
  expect,
  expectArrow,
  expectIdentifier,
  expectName,
  expectString,
  isAt,
  take,
  type Span,
  type TextProblem,
} from './text-cursor';
import { describe } from './text-lexer';
import {
  declarationList,
  parseGraph,
  parseList,
  parseNodes,
  parseValueList,
} from './text-parse-graph';
import { parseAttribute } from './text-parse-node';
import {
  noMetadata,
  parseInt64,
  parseSafeInteger,
  parseStringEntries,
  parseValueInfo,
  type Parser,
} from './text-parse-values';
import { createPlaceRecorder, type PlaceRecorder, type TextPlaces } from './text-places';
import { goesOn, recoverFunction } from './text-recovery';

export interface ParsedModelText {
  /** `null` when the text is not well-formed. */
  readonly model: Model | null;
  /** `where` is `line:column`, 1-based. */
  readonly problems: readonly TextProblem[];
}

/** A text that may be half written. */
export interface DraftModelText {
  /** What could be read: parts with errors are there as far as they make sense. */
  readonly model: Model;
  readonly isWellFormed: boolean;
  readonly problems: readonly TextProblem[];
  readonly places: TextPlaces;
}

/** Editors open no larger text; a model of this many characters has its weights written out. */
const maxTextLength = 64 * 1024 * 1024;

/**
 * Reads a model in the official textual syntax (onnx/docs/Syntax.md, onnx 1.23). Tensor data in the
 * text is kept inline, references to external data stay references. Stricter than the official parser
 * where that takes a value which fits no element: a number out of the dtype's range is an error here.
 * After an error reading goes on at the next element, node or function, so that all errors are found.
 */
export function parseModelText(text: string): ParsedModelText {
  const { model, isWellFormed, problems } = readText(text, null);
  return { model: isWellFormed ? model : null, problems };
}

/** As `parseModelText`, for editors: what is there of the model, and where it stands. */
export function parseDraftText(text: string): DraftModelText {
  const recorder = createPlaceRecorder();
  return { ...readText(text, recorder), places: recorder.places };
}

function readText(
  text: string,
  recorder: PlaceRecorder | null,
): Pick<DraftModelText, 'model' | 'isWellFormed' | 'problems'> {
  const tooLong = text.length > maxTextLength;
  const cursor = createCursor(tooLong ? '' : text);
  if (tooLong) {
    const message = `The text has ${text.length} characters; the limit is ${maxTextLength}.`;
    const problem = { code: 'onnx-text-too-long', severity: 'error', message } as const;
    return {
      model: parseModel({ cursor, recorder }),
      isWellFormed: false,
      problems: [{ ...problem, where: '1:1', start: 0, end: 0 }],
    };
  }
  const model = parseModel({ cursor, recorder });
  return { model, isWellFormed: cursor.errorCount() === 0, problems: cursor.problems() };
}

function parseModel(parser: Parser): Model {
  const { cursor } = parser;
  const string = () => expectString(cursor, 'a value');
  let irVersion: number | null = null;
  let opsets: ReadonlyMap<string, number> = new Map();
  let metadata = noMetadata;
  let modelVersion = 0n;
  const texts = new Map<string, string>();
  const header = parseHeader(
    parser,
    new Map<string, () => unknown>([
      ['ir_version', () => (irVersion = parseSafeInteger(parser))],
      ['opset_import', () => (opsets = parseOpsets(parser))],
      ['producer_name', () => texts.set('producer_name', string())],
      ['producer_version', () => texts.set('producer_version', string())],
      ['domain', () => texts.set('domain', string())],
      ['model_version', () => (modelVersion = parseInt64(parser))],
      ['doc_string', () => texts.set('doc_string', string())],
      ['metadata_props', () => (metadata = parseStringEntries(parser, true))],
    ]),
  );
  if (header) parser.recorder?.header(header);
  const graph = parseGraph(parser, 'main', 0);
  const functions = parseFunctions(parser);
  return {
    irVersion,
    ...producerOf(texts.get('producer_name') ?? '', texts.get('producer_version') ?? ''),
    domain: texts.get('domain') ?? '',
    modelVersion,
    docString: texts.get('doc_string') ?? '',
    metadata,
    opsets,
    graph,
    functions,
  };
}

/** `<field: value, …>`; null when there is none. */
function parseHeader(parser: Parser, fields: ReadonlyMap<string, () => unknown>): Span | null {
  const { cursor } = parser;
  if (!isAt(cursor, '<')) return null;
  const { start } = cursor.advance();
  const depth = cursor.brackets().length;
  do {
    const at = cursor.current();
    const read = fields.get(expectIdentifier(cursor, 'a header field'));
    if (read === undefined) {
      const known = Array.from(fields.keys()).join(', ');
      cursor.fail(`Unknown header field ${describe(at)}; known: ${known}.`, at);
    } else {
      expect(cursor, ':');
      if (!cursor.failed()) read();
    }
  } while (goesOn(cursor, '>', depth));
  return { start, end: cursor.previous().end };
}

function parseOpsets({ cursor, ...parser }: Parser): ReadonlyMap<string, number> {
  const opsets = new Map<string, number>();
  expect(cursor, '[');
  if (take(cursor, ']')) return opsets;
  do {
    const domain = normalizeDomain(expectString(cursor, 'a domain'));
    expect(cursor, ':');
    const version = parseSafeInteger({ cursor, ...parser });
    if (!cursor.failed()) opsets.set(domain, version);
  } while (take(cursor, ','));
  expect(cursor, ']');
  return opsets;
}

function parseFunctions(parser: Parser): ModelFunction[] {
  const { cursor } = parser;
  const functions: ModelFunction[] = [];
  if (cursor.failed()) recoverFunction(cursor);
  while (cursor.current().kind !== 'end') {
    functions.push(parseFunction(parser));
    if (cursor.failed()) recoverFunction(cursor);
  }
  return functions;
}

function parseFunction(parser: Parser): ModelFunction {
  const { cursor, recorder } = parser;
  const texts = new Map<string, string>();
  let opsets: ReadonlyMap<string, number> = new Map();
  const string = () => expectString(cursor, 'a value');
  const header = parseHeader(
    parser,
    new Map<string, () => unknown>([
      ['opset_import', () => (opsets = parseOpsets(parser))],
      ['doc_string', () => texts.set('doc_string', string())],
      ['domain', () => texts.set('domain', string())],
      ['overload', () => texts.set('overload', string())],
    ]),
  );
  const { start, end } = cursor.current();
  const name = expectName(cursor, 'a function name');
  const domain = normalizeDomain(texts.get('domain') ?? '');
  const overload = texts.get('overload') ?? '';
  const path = `function:${domain}.${name}${overload === '' ? '' : `:${overload}`}`;
  recorder?.openBlock(path, { name, start, end }, header);
  const { attributeNames, attributeDefaults } = parseFunctionAttributes(parser, path);
  const valueInfos: ValueInfo[] = [];
  const inputs = parseParameters(parser, 'input', valueInfos);
  expectArrow(cursor);
  const outputs = parseParameters(parser, 'output', valueInfos);
  if (isAt(cursor, '<')) valueInfos.push(...parseValueList(parser, declarationList, null));
  return {
    name,
    domain,
    overload,
    docString: texts.get('doc_string') ?? '',
    inputs,
    outputs,
    attributeNames,
    attributeDefaults,
    opsets,
    valueInfos,
    nodes: parseNodes(parser, path, { depth: 0, headDepth: 0 }),
    metadata: noMetadata,
  };
}

/** `<name, name = default, …>`. */
function parseFunctionAttributes(
  parser: Parser,
  path: string,
): { attributeNames: string[]; attributeDefaults: Attribute[] } {
  const { cursor, recorder } = parser;
  const attributeNames: string[] = [];
  const attributeDefaults: Attribute[] = [];
  const readGraph = (graphPath: string): Graph => parseGraph(parser, graphPath, 1);
  if (take(cursor, '<')) {
    do {
      const { start, end } = cursor.current();
      const name = expectName(cursor, 'an attribute name');
      const place = { name, start, end };
      const hasDefault = isAt(cursor, ':') || isAt(cursor, '=');
      if (hasDefault) attributeDefaults.push(parseAttribute(parser, place, path, readGraph));
      else attributeNames.push(name);
      recorder?.value('attribute', place);
    } while (take(cursor, ','));
    expect(cursor, '>');
  }
  return { attributeNames, attributeDefaults };
}

/** Function inputs or outputs: names, whose types, when given, are gathered as value infos. */
function parseParameters(
  parser: Parser,
  role: 'input' | 'output',
  valueInfos: ValueInfo[],
): string[] {
  const { cursor, recorder } = parser;
  const names: string[] = [];
  parseList(parser, '(', ')', () => {
    const { info, place } = parseValueInfo(parser);
    if (cursor.failed()) return;
    names.push(info.name);
    recorder?.value(role, place);
    if (info.type.kind !== 'unknown') valueInfos.push(info);
  });
  return names;
}
