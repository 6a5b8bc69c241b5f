import { dataTypeInfo } from '../dtype';
import type { DataType } from '../dtype';
import type { DeclaredDim, Tensor, TensorStorage, ValueInfo, ValueType } from '../graph';
import type { ProblemSink } from '../problem';
import { parseExternalData } from './external';
import { integerBounds, literalForm, packFloats, packIntegers } from './text-elements';
import {
  expect,
  expectIdentifier,
  expectName,
  expectString,
  isAt,
  take,
  type Cursor,
  type Span,
} from './text-cursor';
import { describe, type Token } from './text-lexer';
import type { NamePlace, PlaceRecorder } from './text-places';
import { dtypeFromTextName, isCompoundTypeWord, isFloatWord, isTypeWord } from './text-syntax';

/** What all parts of the parser work on. */
export interface Parser {
  readonly cursor: Cursor;
  readonly recorder: PlaceRecorder | null;
}

/** As in files: deeper types and longer shapes are made to hurt, no operator takes them. */
const maxTypeDepth = 16;
const maxRank = 64;

/** True when a type stands here rather than a name. */
export function isAtType({ cursor }: Parser): boolean {
  const { kind, text } = cursor.current();
  return kind === 'identifier' && isTypeWord(text);
}

export function parseType(parser: Parser, depth = 0): ValueType {
  const { cursor } = parser;
  if (depth > maxTypeDepth) {
    cursor.abort(`Types are nested deeper than ${maxTypeDepth}.`);
    return { kind: 'unknown' };
  }
  const at = cursor.current();
  const word = expectIdentifier(cursor, 'a type');
  const dtype = dtypeFromTextName(word);
  if (dtype !== undefined) return { kind: 'tensor', dtype, dims: parseShape(parser) };
  if (!isCompoundTypeWord(word)) {
    cursor.fail(`Expected a type, found ${describe(at)}.`, at);
    return { kind: 'unknown' };
  }
  expect(cursor, '(');
  const type = parseCompound(parser, word, depth);
  expect(cursor, ')');
  return type;
}

function parseCompound(
  parser: Parser,
  word: 'seq' | 'map' | 'optional' | 'sparse_tensor' | 'opaque',
  depth: number,
): ValueType {
  switch (word) {
    case 'seq':
      return { kind: 'sequence', element: parseType(parser, depth + 1) };
    case 'optional':
      return { kind: 'optional', element: parseType(parser, depth + 1) };
    case 'sparse_tensor': {
      const dtype = parseElementType(parser);
      return { kind: 'sparse-tensor', dtype, dims: parseShape(parser) };
    }
    case 'map': {
      const keyType = parseElementType(parser);
      expect(parser.cursor, ',');
      return { kind: 'map', keyType, value: parseType(parser, depth + 1) };
    }
    case 'opaque':
      skipOpaqueNames(parser.cursor);
      return { kind: 'opaque' };
  }
}

function parseElementType({ cursor }: Parser): DataType | null {
  const at = cursor.current();
  const dtype = dtypeFromTextName(expectIdentifier(cursor, 'an element type'));
  if (dtype === undefined) cursor.fail(`Expected an element type, found ${describe(at)}.`, at);
  return dtype ?? null;
}

/** `opaque()`, `opaque(name)`, `opaque(domain.name, name)`: names are not kept. */
function skipOpaqueNames(cursor: Cursor): void {
  if (isAt(cursor, ')')) return;
  do expectIdentifier(cursor, 'a name');
  while (take(cursor, '.'));
  if (take(cursor, ',')) expectIdentifier(cursor, 'a name');
}

/** No brackets: a scalar. Empty brackets: the rank is unknown. */
function parseShape(parser: Parser): readonly DeclaredDim[] | null {
  const { cursor } = parser;
  if (!take(cursor, '[')) return [];
  if (take(cursor, ']')) return null;
  const dims: DeclaredDim[] = [];
  do {
    if (dims.length >= maxRank) cursor.abort(`A shape has more than ${maxRank} dims.`);
    dims.push(parseDim(parser));
  } while (take(cursor, ','));
  expect(cursor, ']');
  return dims;
}

function parseDim(parser: Parser): DeclaredDim {
  const { cursor } = parser;
  if (take(cursor, '?')) return null;
  if (cursor.current().kind === 'int') {
    const size = parseSafeInteger(parser);
    // Exporters write -1 for "unknown".
    return size < 0 ? null : size;
  }
  const name = expectName(cursor, 'a dim: a number, a name or "?"');
  return name === '' ? null : name;
}

/** A value's type, where there is one, and its name. */
export function parseValueInfo(parser: Parser): { info: ValueInfo; place: NamePlace } {
  const { cursor } = parser;
  const type: ValueType = isAtType(parser) ? parseType(parser) : { kind: 'unknown' };
  const { start, end } = cursor.current();
  const name = expectName(cursor, 'a name');
  return { info: { name, type, docString: '', metadata: noMetadata }, place: { name, start, end } };
}

export const noMetadata: ReadonlyMap<string, string> = new Map();

/** The data of a tensor whose type and name are read: `{…}`, `["location": …]` or nothing. */
export function parseTensorData(parser: Parser, name: string, type: ValueType, at: Token): Tensor {
  const { cursor } = parser;
  const dtype = type.kind === 'tensor' ? type.dtype : null;
  const dims = type.kind === 'tensor' ? (type.dims ?? []) : [];
  const sizes = dims.filter((dim) => typeof dim === 'number');
  if (dtype === null || type.kind !== 'tensor' || type.dims === null) {
    cursor.fail('Data needs a tensor type with dims, such as float[2,3].', at);
  } else if (sizes.length < dims.length) {
    cursor.fail('Every dim of a tensor with data must be a number of 0 or more.', at);
  }
  const elementCount = countElements(sizes);
  if (elementCount === null) {
    const message = 'This tensor has dims whose product exceeds 2^53.';
    cursor.warn({ code: 'tensor-too-large', severity: 'error', message }, at);
  }
  return {
    name,
    docString: '',
    dtype,
    dtypeCode: dtype === null ? 0 : dataTypeInfo(dtype).code,
    dims: sizes,
    elementCount,
    storage:
      dtype === null ? { kind: 'none' } : parseStorage(parser, { name, dtype, elementCount, at }),
    metadata: noMetadata,
  };
}

function countElements(dims: readonly number[]): number | null {
  const count = dims.includes(0) ? 0 : dims.reduce((product, dim) => product * dim, 1);
  return Number.isSafeInteger(count) ? count : null;
}

interface DataFacts {
  readonly name: string;
  readonly dtype: DataType;
  readonly elementCount: number | null;
  readonly at: Token;
}

function parseStorage(parser: Parser, facts: DataFacts): TensorStorage {
  const { cursor } = parser;
  if (isAt(cursor, '[')) {
    const { start } = cursor.current();
    const entries = Array.from(parseStringEntries(parser), ([key, value]) => ({ key, value }));
    if (cursor.failed()) return { kind: 'none' };
    const place = { start, end: cursor.previous().end };
    return parseExternalData(entries, facts.name, sinkAt(cursor, place)) ?? { kind: 'none' };
  }
  if (!take(cursor, '{')) return { kind: 'none' };
  if (take(cursor, '}')) return { kind: 'none' };
  const storage = parseElements(parser, facts);
  expect(cursor, '}');
  return storage;
}

/** Problems of what stands at a place of the text. */
function sinkAt(cursor: Cursor, place: Span): ProblemSink {
  return {
    problems: [],
    takes: () => true,
    add: ({ code, severity, message }) => {
      cursor.warn({ code, severity, message }, place);
    },
  };
}

function parseElements(parser: Parser, facts: DataFacts): TensorStorage {
  const form = literalForm(facts.dtype);
  switch (form.kind) {
    case 'string': {
      const values = parseList(parser, () => utf8.encode(expectString(parser.cursor, 'a string')));
      checkCount(parser, values.length, facts);
      return { kind: 'strings', values };
    }
    case 'float': {
      const values = parseList(parser, () => parseFloatLiteral(parser, form.bits));
      checkCount(parser, values.length / form.perElement, facts);
      return { kind: 'inline', bytes: packFloats(values, form.bits) };
    }
    case 'integer': {
      const bounds = integerBounds(form.bits, form.signed);
      const values = parseList(parser, () => parseBoundedInteger(parser, bounds, facts.dtype));
      checkCount(parser, values.length, facts);
      return { kind: 'inline', bytes: packIntegers(values, form.bits) };
    }
  }
}

const utf8 = new TextEncoder();

function parseList<Item>({ cursor }: Parser, parseItem: () => Item): Item[] {
  const items: Item[] = [];
  do items.push(parseItem());
  while (take(cursor, ','));
  return items;
}

function checkCount({ cursor }: Parser, found: number, { elementCount, at }: DataFacts): void {
  if (elementCount === null || found === elementCount || cursor.failed()) return;
  const message = `The dims say ${elementCount} elements, but ${found} are given; correct one of them.`;
  cursor.warn({ code: 'tensor-size-mismatch', severity: 'error', message }, at);
}

/** `["key": "value", …]`; a key that comes twice keeps its last value. */
export function parseStringEntries(
  { cursor }: Parser,
  allowEmpty = false,
): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  expect(cursor, '[');
  if (allowEmpty && take(cursor, ']')) return entries;
  do {
    const key = expectString(cursor, 'a key');
    expect(cursor, ':');
    entries.set(key, expectString(cursor, 'a value'));
  } while (take(cursor, ','));
  expect(cursor, ']');
  return entries;
}

const int64 = integerBounds(64, true);

export function parseInt64(parser: Parser): bigint {
  return parseBoundedInteger(parser, int64, 'int64');
}

function parseBoundedInteger(
  { cursor }: Parser,
  { min, max }: { readonly min: bigint; readonly max: bigint },
  type: string,
): bigint {
  const token = cursor.current();
  if (token.kind !== 'int') {
    cursor.fail(`Expected an integer, found ${describe(token)}.`);
    return 0n;
  }
  const value = BigInt(token.text);
  if (value < min || value > max) {
    cursor.fail(`${token.text.slice(0, 40)} does not fit into ${type}: ${min} to ${max}.`);
    return 0n;
  }
  cursor.advance();
  return value;
}

/** For versions and dims, which are plain numbers everywhere else. */
export function parseSafeInteger(parser: Parser): number {
  const bounds = {
    min: BigInt(Number.MIN_SAFE_INTEGER),
    max: BigInt(Number.MAX_SAFE_INTEGER),
  };
  return Number(parseBoundedInteger(parser, bounds, 'a safe integer'));
}

/** A number of any spelling, rounded to `bits`; too large a number is an error, as in the official parser. */
export function parseFloatLiteral({ cursor }: Parser, bits: 32 | 64): number {
  const token = cursor.current();
  if (!isFloatToken(token)) {
    cursor.fail(`Expected a number, found ${describe(token)}.`);
    return 0;
  }
  const special = specialFloat(token.text);
  if (special === undefined) {
    const value = bits === 32 ? Math.fround(Number(token.text)) : Number(token.text);
    if (Number.isFinite(value)) {
      cursor.advance();
      return value;
    }
    cursor.fail(`${token.text.slice(0, 40)} does not fit into a float of ${bits} bits.`);
    return 0;
  }
  cursor.advance();
  return special;
}

/** `inf` and `nan` are words to the lexer, as operators may have such names. */
function isFloatToken({ kind, text }: Token): boolean {
  return kind === 'int' || kind === 'float' || (kind === 'identifier' && isFloatWord(text));
}

function specialFloat(text: string): number | undefined {
  if (!isFloatWord(text.replace('-', ''))) return undefined;
  if (/nan/i.test(text)) return NaN;
  return text.startsWith('-') ? -Infinity : Infinity;
}
