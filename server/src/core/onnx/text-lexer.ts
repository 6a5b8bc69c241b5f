/** Tokens of the ONNX textual syntax, one at a time: a text of many weights is never a list of tokens. */

/** `bad`: what is there is no token; `text` is then the sentence that says so. */
export type TokenKind = 'identifier' | 'string' | 'int' | 'float' | 'punctuation' | 'bad' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** The identifier, the string without quotes and escapes, the number as written, or one character. */
  readonly text: string;
  /** UTF-16 offsets, `end` exclusive. */
  readonly start: number;
  readonly end: number;
}

/** Doubles written out in full have 310 digits; the cost of reading longer ones grows with their square. */
const maxNumberLength = 400;

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

// A sticky pattern looks at one place of the text without cutting it.
const number = /-?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]*)?|[A-Za-z]+)/y;
const punctuation = '<>()[]{}=,:.@?';

/** Past white space and `#` comments. */
export function skipBlank(text: string, from: number): number {
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

/** The token at or after an offset. */
export function scan(text: string, from: number): Token {
  const start = skipBlank(text, from);
  const found = scanAt(text, start);
  if (typeof found !== 'string') return found;
  // An open string is marked up to the end of its line, anything else by its first character.
  const lineEnd = text[start] === '"' ? text.indexOf('\n', start) : start + 1;
  const end = lineEnd < 0 ? text.length : Math.min(lineEnd, text.length);
  return { kind: 'bad', text: found, start, end };
}

function scanAt(text: string, start: number): Token | string {
  const first = text[start];
  if (first === undefined) return { kind: 'end', text: '', start, end: start };
  if (first === '"') return scanString(text, start);
  const wordEnd = identifierEnd(text, start);
  if (wordEnd > start) {
    return { kind: 'identifier', text: text.slice(start, wordEnd), start, end: wordEnd };
  }
  if (first === '-' || (first >= '0' && first <= '9')) return scanNumber(text, start);
  if (punctuation.includes(first)) {
    return { kind: 'punctuation', text: first, start, end: start + 1 };
  }
  return `Unexpected character ${JSON.stringify(first)}; names with other characters need quotes.`;
}

/** Where the identifier at `start` ends: `start` when there is none. Most tokens are one, and a pattern costs more. */
function identifierEnd(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    // Bit 5 tells small letters from capital ones.
    const small = code | 0x20;
    const isLetter = (small >= 0x61 && small <= 0x7a) || code === 0x5f;
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isLetter && !(isDigit && at > start)) break;
  }
  return at;
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

export function describe({ kind, text }: Token): string {
  return kind === 'end' ? 'the end of the text' : JSON.stringify(text.slice(0, 40));
}
