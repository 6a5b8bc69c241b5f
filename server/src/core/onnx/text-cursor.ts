import type { Problem } from '../problem';
import { describe, lineAndColumn, scan, type Token } from './text-lexer';

/** Offsets into a text, in UTF-16 units, `end` exclusive. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A problem of a text. `where` is `line:column` of its start, 1-based. */
export interface TextProblem extends Problem, Span {}

/**
 * The parser's view of the text. After an error every token is `end`, so that all loops stop; then whoever knows
 * where the text makes sense again resumes there.
 */
export interface Cursor {
  readonly text: string;
  readonly current: () => Token;
  /** The token before the current one. */
  readonly previous: () => Token;
  /** Goes on by one token and returns the one that was current. */
  readonly advance: () => Token;
  /** Reports that the current token is not what the syntax wants there. */
  readonly fail: (message: string, at?: Token) => void;
  /** True from an error until parsing resumes. */
  readonly failed: () => boolean;
  /** As `fail`, and nothing resumes: what comes is more of what was made to hurt. */
  readonly abort: (message: string) => void;
  readonly aborted: () => boolean;
  /** Where the current error was found: the first token that made no sense. */
  readonly failedAt: () => number;
  /** Brackets that are open where parsing stands, or stopped: `(`, `[`, `{`. */
  readonly brackets: () => readonly string[];
  /**
   * Ends the error; so many of the brackets are open there. When the text makes sense again before the place where
   * the error was noticed, the error belongs to what stands in front of that: `before` is the last token there.
   */
  readonly resume: (offset: number, depth: number, before: Span | null) => void;
  /** True when this many characters may be parsed a second time. */
  readonly affordsRewind: (characters: number) => boolean;
  /** Syntax errors so far. */
  readonly errorCount: () => number;
  /** Reports what is wrong with the content of well-formed text; parsing goes on. */
  readonly warn: (problem: Omit<Problem, 'where'>, at: Span) => void;
  /** Everything found, in the order of the text's reading. */
  readonly problems: () => readonly TextProblem[];
}

/** More are noise; finding the line of each would cost a hostile text's length every time. */
const maxReports = 100;

/** Characters that may be parsed again after errors, as a multiple of the text: keeps the time linear. */
const maxRewoundShare = 2;

interface Failure extends Span {
  readonly message: string;
  /** Start of the token that made no sense. */
  readonly foundAt: number;
}

export function createCursor(text: string): Cursor {
  const problems: TextProblem[] = [];
  let failure: Failure | null = null;
  let lastErrorStart = -1;
  let errorCount = 0;
  let isAborted = false;
  const brackets: string[] = [];
  let rewindLeft = maxRewoundShare * text.length;
  let previous: Token = { kind: 'end', text: '', start: 0, end: 0 };
  let current = scan(text, 0);
  const report = (problem: Omit<Problem, 'where'>, { start, end }: Span): void => {
    if (problems.length >= maxReports) return;
    problems.push({ ...problem, where: lineAndColumn(text, start), start, end });
  };
  /** One mistake is often noticed twice at one place. */
  const flush = (place: Span): void => {
    if (!failure || place.start <= lastErrorStart) return;
    lastErrorStart = place.start;
    report({ code: 'onnx-text-syntax', severity: 'error', message: failure.message }, place);
  };
  const fail = (message: string, at = current): void => {
    if (failure) return;
    errorCount++;
    const isBad = at.kind === 'bad';
    const { start, end } = isBad ? at : placeOf(text, at, at === current ? previous : null);
    failure = { message: isBad ? at.text : message, start, end, foundAt: current.start };
    current = { kind: 'end', text: '', start: text.length, end: text.length };
  };
  return {
    text,
    current: () => current,
    previous: () => previous,
    advance: () => {
      if (failure || current.kind === 'bad') return current;
      previous = current;
      if (current.kind === 'punctuation') {
        if (isOpening(current.text)) brackets.push(current.text);
        else if (isClosing(current.text)) brackets.pop();
      }
      current = scan(text, current.end);
      return previous;
    },
    fail,
    abort: (message) => {
      fail(message);
      isAborted = true;
    },
    aborted: () => isAborted,
    failed: () => failure !== null,
    failedAt: () => failure?.foundAt ?? current.start,
    brackets: () => brackets,
    resume: (offset, depth, before) => {
      if (failure) {
        const isLater = before !== null && failure.start >= offset;
        if (isLater && isOpenString(text, before)) {
          failure = { ...failure, message: 'This string has no closing quote on its line.' };
        }
        flush(isLater ? before : failure);
        rewindLeft -= Math.max(0, failure.foundAt - offset);
      }
      failure = null;
      brackets.length = Math.min(brackets.length, depth);
      const { start, end } = before ?? { start: Math.max(0, offset - 1), end: offset };
      previous = { kind: 'punctuation', text: '', start, end };
      current = scan(text, offset);
    },
    affordsRewind: (characters) => characters <= rewindLeft,
    errorCount: () => errorCount,
    warn: report,
    problems: () => {
      if (failure) flush(failure);
      return problems;
    },
  };
}

function isOpenString(text: string, { start, end }: Span): boolean {
  return text[start] === '"' && (end - start < 2 || text[end - 1] !== '"');
}

export function isOpening(bracket: string): boolean {
  return bracket === '(' || bracket === '[' || bracket === '{';
}

export function isClosing(bracket: string): boolean {
  return bracket === ')' || bracket === ']' || bracket === '}';
}

/** What is missing at the end of a line is marked there, not at whatever the next line begins with. */
function placeOf(text: string, at: Token, previous: Token | null): Span {
  if (at.kind === 'end' || previous === null || previous.end === 0) return at;
  return text.slice(previous.end, at.start).includes('\n') ? previous : at;
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
