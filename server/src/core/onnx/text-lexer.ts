import type { Problem } from '../problem';

/** Tokens of the ONNX textual syntax, one at a time: a text of many weights is never a list of tokens. */

export type TokenKind = 'identifier' | 'string' | 'int' | 'float' | 'punctuation' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The identifier, the string without quotes and escapes, the number as written, or one character. */
  readonly text: string;
  /** UTF-16 offsets, `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

/** The parser's view of the text. After the first error every token is `end`, so that all loops stop. */
export interface Cursor {
  readonly current: () => Token;
  /** Goes on by one token and returns the one that was current. */
  readonly advance: () => Token;
  /**
   * Reports that the current token is not what the syntax wants there. The place to resume from, should
   * parsing ever go on after an error, is decided here and nowhere else.
   */
  readonly fail: (message: string, at?: Token) => void;
  readonly failed: () => boolean;
  /** Reports what is wrong with the content of well-formed text; parsing goes on. */
  readonly warn: (code: string, message: string, at: Token) => void;
}

/** Doubles written out in full have 310 digits; the cost of reading longer ones grows with their square. */
const maxNumberLength = 400;

/** More are noise; finding the line of each would cost a hostile text's length every time. */
const maxReports = 100;

export function createCursor(text: string, addProblem: (problem: Problem) => void): Cursor {
  let failed = false;
  const endAt = (offset: number): Token => ({ kind: 'end', text: '', start: offset, end: offset });
  let current = endAt(0);
  let reportCount = 0;
  const report = (code: string, message: string, { start }: Token) => {
    if (++reportCount > maxReports) return;
    addProblem({ code, severity: 'error', message, where: lineAndColumn(text, start) });
  };
  const fail = (message: string, at = current) => {
    if (failed) return;
    failed = true;
    report('onnx-text-syntax', message, at);
    current = endAt(text.length);
  };
  const advance = (): Token => {
    const token = current;
    if (failed) return token;
    const next = scan(text, token.end);
    if (typeof next === 'string') {
      const start = skipBlank(text, token.end);
      fail(next, { kind: 'end', text: '', start, end: Math.min(start + 1, text.length) });
    } else {
      current = next;
    }
    return token;
  };
  advance();
  return { current: () => current, advance, fail, failed: () => failed, warn: report };
}

/** 1-based `line:column`, the column in UTF-16 units, as editors show it. */
export function lineAndColumn(text: string, offset: number): string {
  let line = 1;
  let lineStart = 0;
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) {
    line++;
    lineStart = at + 1;
  }
  return `${line}:${offset - lineStart + 1}`;
}

// Sticky patterns look at one place of the text without cutting it.
const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /-?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?|[A-Za-z]+)/y;
const punctuation = '<>()[]{}=,:.@?';

/** Past white space and `#` comments. */
function skipBlank(text: string, from: number): number {
  let at = from;
  for (;;) {
    const code = text.charCodeAt(at);
    if (code === 0x20 || (code >= 0x09 && code <= 0x0d)) at++;
    else if (code === 0x23) {
      const lineEnd = text.indexOf('\n', at);
      at = lineEnd < 0 ? text.length : lineEnd;
    } else return at;
  }
}

/** The token at or after an offset, or a message about what stands there instead. */
function scan(text: string, from: number): Token | string {
  const start = skipBlank(text, from);
  const first = text[start];
  if (first === undefined) return { kind: 'end', text: '', start, end: start };
  if (first === '"') return scanString(text, start);
  const word = matchAt(identifier, text, start);
  if (word !== undefined) {
    return { kind: 'identifier', text: word, start, end: start + word.length };
  }
  if (first === '-' || (first >= '0' && first <= '9')) return scanNumber(text, start);
  if (punctuation.includes(first)) {
    return { kind: 'punctuation', text: first, start, end: start + 1 };
  }
  return `Unexpected character ${JSON.stringify(first)}; names with other characters need quotes.`;
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}

/** A backslash takes the next character as it is; line breaks are allowed inside. */
function scanString(text: string, start: number): Token | string {
  let content = '';
  let copied = start + 1;
  for (let at = start + 1; at < text.length; at++) {
    const unit = text[at];
    if (unit === '"') {
      content += text.slice(copied, at);
      return { kind: 'string', text: content, start, end: at + 1 };
    }
    if (unit === '\\') {
      content += text.slice(copied, at);
      copied = ++at;
    }
  }
  return 'This string has no closing quote.';
}

function scanNumber(text: string, start: number): Token | string {
  const written = matchAt(number, text, start);
  if (written === undefined) return 'Expected a number after the minus sign.';
  if (written.length > maxNumberLength) return `A number has more than ${maxNumberLength} digits.`;
  const end = start + written.length;
  if (/^-?[0-9]+$/.test(written)) return { kind: 'int', text: written, start, end };
  if (/^-(?:nan|inf|infinity)$/i.test(written) || /^-?[0-9.]+(?:[eE][+-]?[0-9]+)?$/.test(written)) {
    return { kind: 'float', text: written, start, end };
  }
  return `${JSON.stringify(written.slice(0, 40))} is not a number.`;
}

export function isAt(cursor: Cursor, character: string): boolean {
  const { kind, text } = cursor.current();
  return kind === 'punctuation' && text === character;
}

/** Goes past the character when it is there. */
export function take(cursor: Cursor, character: string): boolean {
  const found = isAt(cursor, character);
  if (found) cursor.advance();
  return found;
}

export function expect(cursor: Cursor, character: string): void {
  if (!take(cursor, character)) {
    cursor.fail(`Expected "${character}", found ${describe(cursor.current())}.`);
  }
}

/** `=>`, with nothing between the two. */
export function expectArrow(cursor: Cursor): void {
  const { end } = cursor.current();
  expect(cursor, '=');
  if (cursor.current().start === end) expect(cursor, '>');
  else cursor.fail('Expected "=>" between inputs and outputs.');
}

export function expectIdentifier(cursor: Cursor, what: string): string {
  if (cursor.current().kind === 'identifier') return cursor.advance().text;
  cursor.fail(`Expected ${what}, found ${describe(cursor.current())}.`);
  return '';
}

/** An identifier or a quoted name. */
export function expectName(cursor: Cursor, what: string): string {
  return cursor.current().kind === 'string'
    ? cursor.advance().text
    : expectIdentifier(cursor, what);
}

export function expectString(cursor: Cursor, what: string): string {
  if (cursor.current().kind === 'string') return cursor.advance().text;
  cursor.fail(`Expected ${what} in quotes, found ${describe(cursor.current())}.`);
  return '';
}

export function describe({ kind, text }: Token): string {
  return kind === 'end' ? 'the end of the text' : JSON.stringify(text.slice(0, 40));
}
