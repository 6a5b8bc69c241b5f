import type { AttributeValue, Graph, Tensor } from '../graph';
import { expect, expectIdentifier, expectName, isAt, take, type Cursor } from './text-cursor';
import { describe, type Token } from './text-lexer';
import type { NamePlace } from './text-places';
import {
  isAtType,
  noMetadata,
  parseFloatLiteral,
  parseInt64,
  parseTensorData,
  parseType,
  type Parser,
} from './text-parse-values';
import { attributeKindFromWord, isFloatWord, type AttributeKind } from './text-syntax';

/** Reads a subgraph at the cursor; `index` is its place in a list of graphs, `null` for a lone one. */
export type GraphReader = (index: number | null) => Graph;

export interface ParsedAttributeValue {
  readonly value: AttributeValue;
  /** Of `@name`: the value is then an empty one of the declared type. */
  readonly refName: string;
  /** Of `@name`: where the name stands. */
  readonly reference: NamePlace | null;
}

/** `: type = value`, `= value`, `: type = @name`. */
export function parseAttributeValue(parser: Parser, readGraph: GraphReader): ParsedAttributeValue {
  const { cursor } = parser;
  const declared = take(cursor, ':') ? parseKind(cursor) : undefined;
  expect(cursor, '=');
  if (take(cursor, '@')) {
    const { start, end } = cursor.current();
    const refName = expectName(cursor, 'the attribute to take the value from');
    const value = declared === undefined ? ({ kind: 'none' } as const) : emptyValue(declared);
    return { refName, value, reference: { name: refName, start, end } };
  }
  const own = { refName: '', reference: null };
  if (isAt(cursor, '[')) {
    return { ...own, value: parseListValue(parser, declared, readGraph) };
  }
  const at = cursor.current();
  const value = parseSingle(parser, declared, () => readGraph(null));
  if (declared !== undefined && value.kind !== declared) mismatch(cursor, declared, value, at);
  return { ...own, value };
}

function parseKind(cursor: Cursor): AttributeKind | undefined {
  const at = cursor.current();
  const kind = attributeKindFromWord(expectIdentifier(cursor, 'an attribute type'));
  if (kind === undefined) {
    cursor.fail(`Expected an attribute type such as int or floats, found ${describe(at)}.`, at);
  }
  return kind;
}

function mismatch(cursor: Cursor, declared: AttributeKind, value: AttributeValue, at: Token): void {
  cursor.fail(`The attribute is declared as ${declared}, but this is of type ${value.kind}.`, at);
}

type Single = Extract<
  AttributeValue,
  { kind: 'float' | 'int' | 'string' | 'tensor' | 'graph' | 'type' }
>;

/** One value. An integer becomes a float where a float is declared, as in the official parser. */
function parseSingle(
  parser: Parser,
  expected: AttributeKind | undefined,
  readGraph: () => Graph,
): Single {
  const { cursor } = parser;
  const token = cursor.current();
  switch (token.kind) {
    case 'identifier':
      if (isAtType(parser)) return parseTypeOrTensor(parser);
      if (isFloatWord(token.text)) {
        return { kind: 'float', value: parseFloatLiteral(parser, 32) };
      }
      return { kind: 'graph', value: readGraph() };
    case 'string':
      return { kind: 'string', value: utf8.encode(cursor.advance().text) };
    case 'float':
      return { kind: 'float', value: parseFloatLiteral(parser, 32) };
    case 'int':
      return expected === 'float'
        ? { kind: 'float', value: parseFloatLiteral(parser, 32) }
        : { kind: 'int', value: parseInt64(parser) };
    case 'punctuation':
    case 'bad':
    case 'end':
      cursor.fail(`Expected an attribute value, found ${describe(token)}.`);
      return { kind: 'int', value: 0n };
  }
}

const utf8 = new TextEncoder();

/** A type alone, or a tensor when a name or data follows it. */
function parseTypeOrTensor(parser: Parser): Single {
  const { cursor } = parser;
  const at = cursor.current();
  const type = parseType(parser);
  const isTensor = cursor.current().kind === 'identifier' || isAt(cursor, '{') || isAt(cursor, '=');
  if (!isTensor) return { kind: 'type', value: type };
  const { kind } = cursor.current();
  const name = kind === 'identifier' ? cursor.advance().text : '';
  take(cursor, '=');
  return { kind: 'tensor', value: parseTensorData(parser, name, type, at) };
}

/** What the elements of a list of this kind are. */
const elementKinds = {
  floats: 'float',
  ints: 'int',
  strings: 'string',
  tensors: 'tensor',
  graphs: 'graph',
  types: 'type',
} as const;

/** `[…]`. The first element decides the type of a list that declares none. */
function parseListValue(
  parser: Parser,
  declared: AttributeKind | undefined,
  readGraph: GraphReader,
): AttributeValue {
  const { cursor } = parser;
  const start = cursor.current();
  expect(cursor, '[');
  if (take(cursor, ']')) {
    if (declared === undefined || !(declared in elementKinds)) {
      cursor.fail('An empty list needs a list type, such as "axes: ints = []".', start);
    }
    return declared === undefined ? { kind: 'none' } : emptyValue(declared);
  }
  let expected = declared === undefined ? undefined : elementKind(declared);
  const items: Single[] = [];
  do {
    const at = cursor.current();
    const index = items.length;
    const item = parseSingle(parser, expected, () => readGraph(index));
    expected ??= item.kind;
    if (item.kind !== expected) mismatch(cursor, expected, item, at);
    items.push(item);
  } while (take(cursor, ',') && !cursor.failed());
  expect(cursor, ']');
  return listOf(items);
}

function elementKind(kind: AttributeKind): AttributeKind {
  return kind in elementKinds ? elementKinds[kind as keyof typeof elementKinds] : kind;
}

/** All items have the kind of the first; a text where they do not has failed already. */
function listOf(items: readonly Single[]): AttributeValue {
  const pick = <Kind extends Single['kind']>(kind: Kind) =>
    items.flatMap((item) => (item.kind === kind ? [item.value] : [])) as Extract<
      Single,
      { kind: Kind }
    >['value'][];
  switch (items[0]?.kind) {
    case 'float':
      return { kind: 'floats', value: pick('float') };
    case 'int':
      return { kind: 'ints', value: pick('int') };
    case 'string':
      return { kind: 'strings', value: pick('string') };
    case 'tensor':
      return { kind: 'tensors', value: pick('tensor') };
    case 'graph':
      return { kind: 'graphs', value: pick('graph') };
    case 'type':
      return { kind: 'types', value: pick('type') };
    case undefined:
      return { kind: 'none' };
  }
}

/** The value of a reference: its type counts, its content comes from the caller. */
function emptyValue(kind: AttributeKind): AttributeValue {
  switch (kind) {
    case 'float':
      return { kind, value: 0 };
    case 'int':
      return { kind, value: 0n };
    case 'string':
      return { kind, value: new Uint8Array(0) };
    case 'tensor':
      return { kind, value: emptyTensor };
    case 'graph':
      return { kind, value: emptyGraph };
    case 'sparse-tensor':
      return { kind, value: { values: emptyTensor, indices: emptyTensor, dims: [] } };
    case 'type':
      return { kind, value: { kind: 'unknown' } };
    default:
      return { kind, value: [] };
  }
}

const emptyTensor: Tensor = {
  name: '',
  docString: '',
  dtype: null,
  dtypeCode: 0,
  dims: [],
  elementCount: null,
  storage: { kind: 'none' },
  metadata: noMetadata,
};

const emptyGraph: Graph = {
  name: '',
  path: '',
  docString: '',
  inputs: [],
  outputs: [],
  valueInfos: [],
  nodes: [],
  initializers: [],
  sparseInitializers: [],
  initializerByName: new Map(),
  metadata: noMetadata,
};
