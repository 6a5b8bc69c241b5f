import type { Attribute, Model, ModelFunction, ValueInfo } from '../graph';
import { normalizeDomain } from '../graph';
import { createProblemSink, type Problem } from '../problem';
import {
  createCursor,
  describe,
  expect,
  expectArrow,
  expectIdentifier,
  expectName,
  expectString,
  isAt,
  take,
} from './text-lexer';
import { parseAttribute, parseGraph, parseNodes, parseValueList } from './text-parse-graph';
import {
  noMetadata,
  parseInt64,
  parseSafeInteger,
  parseStringEntries,
  parseValueInfo,
  type Parser,
} from './text-parse-values';

export interface ParsedModelText {
  /** `null` when the text is not well-formed. */
  readonly model: Model | null;
  /** `where` is `line:column`, 1-based. */
  readonly problems: readonly Problem[];
}

/** Editors open no larger text; a model of this many characters has its weights written out. */
const maxTextLength = 64 * 1024 * 1024;

/**
 * Reads a model in the official textual syntax (onnx/docs/Syntax.md, onnx 1.23). Tensor data in the
 * text is kept inline, references to external data stay references. Stricter than the official parser
 * where that takes a value which fits no element: a number out of the dtype's range is an error here.
 */
export function parseModelText(text: string): ParsedModelText {
  const sink = createProblemSink();
  if (text.length > maxTextLength) {
    const message = `The text has ${text.length} characters; the limit is ${maxTextLength}.`;
    sink.add({ code: 'onnx-text-too-long', severity: 'error', message });
    return { model: null, problems: sink.problems };
  }
  const cursor = createCursor(text, (problem) => {
    sink.add(problem);
  });
  const model = parseModel({ cursor, sink });
  return { model: cursor.failed() ? null : model, problems: sink.problems };
}

function parseModel(parser: Parser): Model {
  const { cursor } = parser;
  const string = () => expectString(cursor, 'a value');
  let irVersion: number | null = null;
  let opsets: ReadonlyMap<string, number> = new Map();
  let metadata = noMetadata;
  const texts = new Map<string, string>();
  parseHeader(
    parser,
    new Map<string, () => unknown>([
      ['ir_version', () => (irVersion = parseSafeInteger(parser))],
      ['opset_import', () => (opsets = parseOpsets(parser))],
      ['producer_name', () => texts.set('producer_name', string())],
      ['producer_version', () => texts.set('producer_version', string())],
      ['domain', () => texts.set('domain', string())],
      ['model_version', () => parseInt64(parser)],
      ['doc_string', () => texts.set('doc_string', string())],
      ['metadata_props', () => (metadata = parseStringEntries(parser, true))],
    ]),
  );
  const graph = parseGraph(parser, expectName(cursor, 'a graph name'), 'main', 0);
  const functions: ModelFunction[] = [];
  while (cursor.current().kind !== 'end') functions.push(parseFunction(parser));
  const producer = `${texts.get('producer_name') ?? ''} ${texts.get('producer_version') ?? ''}`;
  return {
    irVersion,
    producer: producer.trim(),
    domain: texts.get('domain') ?? '',
    docString: texts.get('doc_string') ?? '',
    metadata,
    opsets,
    graph,
    functions,
  };
}

/** `<field: value, …>`; nothing when there is none. */
function parseHeader({ cursor }: Parser, fields: ReadonlyMap<string, () => unknown>): void {
  if (!take(cursor, '<')) return;
  do {
    const at = cursor.current();
    const read = fields.get(expectIdentifier(cursor, 'a header field'));
    if (read === undefined) {
      const known = Array.from(fields.keys()).join(', ');
      cursor.fail(`Unknown header field ${describe(at)}; known: ${known}.`, at);
    } else {
      expect(cursor, ':');
      read();
    }
  } while (take(cursor, ','));
  expect(cursor, '>');
}

function parseOpsets(parser: Parser): ReadonlyMap<string, number> {
  const { cursor } = parser;
  const opsets = new Map<string, number>();
  expect(cursor, '[');
  if (take(cursor, ']')) return opsets;
  do {
    const domain = normalizeDomain(expectString(cursor, 'a domain'));
    expect(cursor, ':');
    opsets.set(domain, parseSafeInteger(parser));
  } while (take(cursor, ','));
  expect(cursor, ']');
  return opsets;
}

function parseFunction(parser: Parser): ModelFunction {
  const { cursor } = parser;
  const texts = new Map<string, string>();
  let opsets: ReadonlyMap<string, number> = new Map();
  const string = () => expectString(cursor, 'a value');
  parseHeader(
    parser,
    new Map<string, () => unknown>([
      ['opset_import', () => (opsets = parseOpsets(parser))],
      ['doc_string', () => texts.set('doc_string', string())],
      ['domain', () => texts.set('domain', string())],
      ['overload', () => texts.set('overload', string())],
    ]),
  );
  const name = expectName(cursor, 'a function name');
  const domain = normalizeDomain(texts.get('domain') ?? '');
  const overload = texts.get('overload') ?? '';
  const path = `function:${domain}.${name}${overload === '' ? '' : `:${overload}`}`;
  const { attributeNames, attributeDefaults } = parseFunctionAttributes(parser, path);
  const valueInfos: ValueInfo[] = [];
  const inputs = parseParameters(parser, valueInfos);
  expectArrow(cursor);
  const outputs = parseParameters(parser, valueInfos);
  if (isAt(cursor, '<')) valueInfos.push(...parseValueList(parser, '<', '>', null));
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
    nodes: parseNodes(parser, path, 0),
    metadata: noMetadata,
  };
}

/** `<name, name = default, …>`. */
function parseFunctionAttributes(
  parser: Parser,
  path: string,
): { attributeNames: string[]; attributeDefaults: Attribute[] } {
  const { cursor } = parser;
  const attributeNames: string[] = [];
  const attributeDefaults: Attribute[] = [];
  if (take(cursor, '<')) {
    do {
      const name = expectName(cursor, 'an attribute name');
      const hasDefault = isAt(cursor, ':') || isAt(cursor, '=');
      if (hasDefault) attributeDefaults.push(parseAttribute(parser, name, path, 0));
      else attributeNames.push(name);
    } while (take(cursor, ','));
    expect(cursor, '>');
  }
  return { attributeNames, attributeDefaults };
}

/** Function inputs or outputs: names, whose types, when given, are gathered as value infos. */
function parseParameters(parser: Parser, valueInfos: ValueInfo[]): string[] {
  const { cursor } = parser;
  const names: string[] = [];
  expect(cursor, '(');
  if (take(cursor, ')')) return names;
  do {
    const info = parseValueInfo(parser);
    names.push(info.name);
    if (info.type.kind !== 'unknown') valueInfos.push(info);
  } while (take(cursor, ','));
  expect(cursor, ')');
  return names;
}
