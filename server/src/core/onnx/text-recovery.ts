import { isClosing, isOpening, take, type Cursor, type Span } from './text-cursor';
import { describe, skipBlank } from './text-lexer';
import { isFloatWord, isTypeWord } from './text-syntax';

/**
 * Where parsing goes on after an error. Layout helps: nobody writes a node's head at the beginning of a line
 * unless a node begins there. Every function here looks at tokens from the error on, once; strings end with their
 * line, since an open one would swallow the text up to the next quote.
 */

/** What stands where parsing goes on: the next node, the closing brace of the nodes, a function, or nothing. */
export type NextStatement = 'statement' | 'close' | 'function' | 'end';

interface LooseToken extends Span {
  /** One character, a whole word or string, or `=>`; '' at the end of the text. */
  readonly text: string;
  readonly isFirstOnLine: boolean;
}

const loose = /"(?:[^"\\\n]|\\[^\n])*"?|[A-Za-z_][A-Za-z0-9_]*|[0-9][A-Za-z0-9_.]*|=>|[^]/y;

function* looseTokens(text: string, from: number): Generator<LooseToken> {
  for (let at = from; ;) {
    const start = skipBlank(text, at);
    const isFirstOnLine = start === from ? isLineStart(text, start) : hasBreak(text, at, start);
    loose.lastIndex = start;
    const word = loose.exec(text)?.[0] ?? '';
    at = start + word.length;
    yield { text: word, start, end: at, isFirstOnLine };
    if (word === '') return;
  }
}

function hasBreak(text: string, from: number, to: number): boolean {
  return to > from && text.slice(from, to).includes('\n');
}

function isLineStart(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === ' ' || text[before] === '\t') before--;
  return before < 0 || text[before] === '\n';
}

/** White space in front of an offset on its line; `Infinity` when anything else stands there. */
function indentation(text: string, at: number): number {
  let before = at - 1;
  while (text[before] === ' ' || text[before] === '\t') before--;
  return before < 0 || text[before] === '\n' ? at - 1 - before : Infinity;
}

/**
 * Resumes behind a node that began at `start` and failed. Braces that it left open are seen by the indentation of
 * what follows. `listDepth`: brackets that are open around the nodes.
 */
export function recoverStatement(cursor: Cursor, start: number, listDepth: number): NextStatement {
  if (cursor.aborted()) return 'end';
  const { text } = cursor;
  const column = indentation(text, start);
  let depth = 0;
  let before: Span | null = null;
  for (const token of looseTokens(text, start)) {
    const { text: word, start: at, isFirstOnLine } = token;
    const found = (): boolean =>
      at > start && cursor.affordsRewind(Math.max(0, cursor.failedAt() - at));
    const next = (kind: NextStatement): NextStatement => {
      cursor.resume(at, listDepth, before);
      return kind;
    };
    if (word === '') return next('end');
    if (isFirstOnLine && found()) {
      const isOutside = depth === 0 || indentation(text, at) <= column;
      if (isOutside && isNodeHead(text, at)) return next('statement');
      if (isFunctionHead(text, at)) return next('function');
      if (word === '}' && depth > 0 && indentation(text, at) < column) return next('close');
    }
    if (word === '{') depth++;
    else if (word === '}' && --depth < 0) return next('close');
    before = token;
  }
  return 'end';
}

/** True at the next element, also behind one that failed. `depth`: brackets that are open in the list. */
export function goesOn(cursor: Cursor, close: string, depth: number): boolean {
  if (take(cursor, ',')) return true;
  const isDelimiter = !cursor.failed();
  if (!take(cursor, close)) {
    cursor.fail(`Expected "," or "${close}", found ${describe(cursor.current())}.`);
  }
  return cursor.failed() && recoverElement(cursor, close, depth, isDelimiter) === 'element';
}

/**
 * Resumes behind an element of a list that failed: at the next element, or behind `close`. `stop`: the list has no
 * end, the error stays. `listDepth`: brackets that are open in the list, its own included.
 * `isDelimiter`: the element is whole, and no comma stands behind it.
 */
function recoverElement(
  cursor: Cursor,
  close: string,
  listDepth: number,
  isDelimiter: boolean,
): 'element' | 'close' | 'stop' {
  if (cursor.aborted()) return 'stop';
  const { text } = cursor;
  const from = cursor.failedAt();
  const opened = cursor.brackets().slice(listDepth);
  let angles = 0;
  let before = cursor.previous().text;
  for (const { text: word, start, end, isFirstOnLine } of looseTokens(text, from)) {
    if (word === '') return 'stop';
    if (isFirstOnLine && (isNodeHead(text, start) || isFunctionHead(text, start))) return 'stop';
    const isNext = (isDelimiter && start === from) || (isFirstOnLine && close === '>');
    if (isNext && isTypeWord(word)) {
      cursor.resume(start, listDepth, null);
      return 'element';
    }
    if (isClosing(word)) {
      const closes = closeBracket(opened, word);
      before = word;
      if (closes) continue;
      // What is left open in an element does not outlive the list.
      if (word === close) opened.length = 0;
    }
    if (isFirstOnLine && word === '{') return 'stop';
    if (opened.length === 0 && angles === 0) {
      if (word === ',' || word === close) {
        cursor.resume(end, word === ',' || close === '>' ? listDepth : listDepth - 1, null);
        return word === ',' ? 'element' : 'close';
      }
      const isBody = word === '{' && before !== '=';
      if (isBody || word === '}' || word === '=>') return 'stop';
    }
    if (isOpening(word)) opened.push(word);
    else if (close === '>' && word === '<') angles++;
    else if (close === '>' && word === '>') angles = Math.max(0, angles - 1);
    before = word;
  }
  return 'stop';
}

const openingOf: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };

/** Drops what the bracket closes, and what was left open in it; false when there is nothing to close. */
function closeBracket(opened: string[], bracket: string): boolean {
  const at = opened.lastIndexOf(openingOf[bracket] ?? '');
  if (at >= 0) opened.length = at;
  return at >= 0;
}

/**
 * Resumes at the nodes of a graph or function whose head failed; false when there are none.
 * `headDepth`: brackets that are open around it.
 */
export function recoverBody(cursor: Cursor, headDepth: number): boolean {
  if (cursor.aborted()) return false;
  const { text } = cursor;
  let depth = 0;
  let before: LooseToken | null = null;
  const { text: lastRead } = cursor.previous();
  for (const token of looseTokens(text, cursor.failedAt())) {
    const { text: word, start, isFirstOnLine } = token;
    if (word === '' || (isFirstOnLine && isFunctionHead(text, start))) return false;
    const isBody = depth === 0 && word === '{' && (before?.text ?? lastRead) !== '=';
    if (isBody || (depth === 0 && isFirstOnLine && isNodeHead(text, start))) {
      cursor.resume(start, headDepth, before);
      return true;
    }
    if (word === '{') depth++;
    else if (word === '}' && --depth < 0) return false;
    before = token;
  }
  return false;
}

/** Resumes at the next function with a header; false when there is none. */
export function recoverFunction(cursor: Cursor): boolean {
  if (cursor.aborted()) return false;
  const { text } = cursor;
  const from = cursor.failedAt();
  for (const { text: word, start, isFirstOnLine } of looseTokens(text, from)) {
    if (word === '') return false;
    if (isFirstOnLine && start > from && isFunctionHead(text, start)) {
      cursor.resume(start, 0, null);
      return true;
    }
  }
  return false;
}

const functionHead = /<\s*(?:(?:domain|overload|doc_string)\s*:\s*"|opset_import\s*:\s*\[)/y;

function isFunctionHead(text: string, at: number): boolean {
  functionHead.lastIndex = at;
  return text[at] === '<' && functionHead.test(text);
}

/** True where a function begins although the nodes in front of it have no closing brace. */
export function isAtFunction({ text, current }: Cursor): boolean {
  const { start } = current();
  return isFunctionHead(text, start) && isLineStart(text, start);
}

/** True where the next node begins although the one in front of it has no operator. */
export function isAtNextNode({ text, current, previous }: Cursor): boolean {
  const { start } = current();
  return hasBreak(text, previous().end, start) && isNodeHead(text, start);
}

/** `[label] a, "b" = Op (`, also when what follows the operator is not written yet. Looks at one line. */
export function isNodeHead(text: string, at: number): boolean {
  const line = lineTokens(text, at);
  let next = 0;
  const word = (): string => line[next] ?? '';
  if (word() === '[') {
    next = line.indexOf(']') + 1;
    if (next === 0) return false;
  }
  const equals = line.indexOf('=', next);
  if (equals < 0) return false;
  for (let isName = true; next < equals; next++) {
    if (word() === ',') isName = true;
    else if (!isName || !/^["A-Za-z_]/u.test(word())) return false;
    else isName = false;
  }
  next++;
  if (next === line.length) return true;
  if (!/^[A-Za-z_]/u.test(word()) || isTypeWord(word()) || isFloatWord(word())) return false;
  next++;
  // `domain.Operator:overload`
  while (word() === '.' || word() === ':') next += 2;
  // A name here is a node whose parenthesis is missing.
  if (word() !== '(') return /^(?:$|[<"A-Za-z_])/u.test(word());
  // `name (…) =>` is a graph that an attribute holds.
  const end = line.indexOf(')', next);
  return end < 0 || line[end + 1] !== '=>';
}

/** A head that needs more tokens has a line that nobody reads. */
const maxHeadTokens = 2000;

function lineTokens(text: string, at: number): string[] {
  const words: string[] = [];
  for (const { text: word, start, isFirstOnLine } of looseTokens(text, at)) {
    if (word === '' || (isFirstOnLine && start > at)) break;
    words.push(word);
    if (words.length >= maxHeadTokens) break;
  }
  return words;
}
