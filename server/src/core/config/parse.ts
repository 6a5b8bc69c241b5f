import { createScanner, printParseErrorCode, visit } from 'jsonc-parser';
import { shortName } from '../format';
import type { ConfigNode, ConfigProblem, ConfigProperty } from './tree';

export interface ConfigDocument {
  readonly text: string;
  /** What could be read, also of a broken file; null when nothing could. */
  readonly root: ConfigNode | null;
  readonly problems: readonly ConfigProblem[];
  /** False when values may be missing from the tree: nothing that is absent may then be taken for a default. */
  readonly complete: boolean;
}

/** jsonc-parser descends by recursion; no config nests deeper than about ten. */
export const maxNestingDepth = 200;

/** The longest configs list tens of thousands of labels in about 1 MB; trees take some 100 times the text. */
export const maxConfigCharacters = 2_000_000;

/** A broken file is broken; its hundredth comment or repeated key tells nobody anything. */
const maxProblemsPerCode = 20;

/**
 * JSON, with comments and trailing commas accepted and reported, to a tree with offsets.
 * Never throws; what is wrong is in `problems`.
 */
export function parseConfig(text: string): ConfigDocument {
  const refusal = refusalOf(text);
  if (refusal) return { text, root: null, problems: [refusal], complete: false };
  // A byte order mark is not JSON; a blank of the same length keeps every offset.
  const json = text.startsWith(byteOrderMark) ? ` ${text.slice(1)}` : text;
  return buildTree(text, json);
}

const byteOrderMark = '\u{feff}';

/** What must not reach the parser: not JSON at all, or built to exhaust it. */
function refusalOf(text: string): ConfigProblem | undefined {
  const whole = { start: 0, end: text.length };
  const head = text.slice(0, 512).replace(/^\u{feff}/u, '');
  if (head.startsWith('version https://git-lfs.github.com/spec/')) {
    return problem(
      'git-lfs-pointer',
      'A Git LFS pointer, not the file itself: run `git lfs pull` to fetch it.',
      whole,
    );
  }
  if (head.includes('\0')) {
    return problem(
      'not-text',
      'Not UTF-8 text (UTF-16 or binary): save the config as UTF-8.',
      whole,
    );
  }
  if (/^\s*<(!doctype|html|\?xml|head|body)\b/i.test(head)) {
    return problem(
      'not-json',
      'An HTML or XML page, not JSON: the download probably failed.',
      whole,
    );
  }
  if (text.length > maxConfigCharacters) {
    const message = `${text.length} characters; configs above ${maxConfigCharacters} are not read.`;
    return problem('config-too-large', message, { start: 0, end: 0 });
  }
  const deep = offsetOfDeepNesting(text);
  if (deep !== undefined) {
    return problem(
      'nesting-too-deep',
      `Nested deeper than ${maxNestingDepth} levels: no model config is, so it is not read.`,
      { start: deep, end: deep + 1 },
    );
  }
  return undefined;
}

// jsonc-parser's token kinds; its const enum cannot be used with isolated modules.
const openBrace = 1;
const closeBrace = 2;
const openBracket = 3;
const closeBracket = 4;
const endOfFile = 17;

/** One linear pass with the parser's own scanner, so that both agree on what is inside a string or comment. */
function offsetOfDeepNesting(text: string): number | undefined {
  const scanner = createScanner(text, true);
  let depth = 0;
  for (;;) {
    const token: number = scanner.scan();
    if (token === endOfFile) return undefined;
    if (token === openBrace || token === openBracket) depth += 1;
    // A stray closing bracket must not buy depth: the parser skips it without going up.
    else if (token === closeBrace || token === closeBracket) depth = Math.max(0, depth - 1);
    if (depth > maxNestingDepth) return scanner.getTokenOffset();
  }
}

interface OpenContainer {
  readonly start: number;
  readonly properties: Map<string, ConfigProperty> | null;
  readonly items: ConfigNode[];
  key: { readonly name: string; readonly start: number; readonly end: number } | null;
}

function buildTree(text: string, json: string): ConfigDocument {
  const problems = createProblemList();
  const open: OpenContainer[] = [];
  let root: ConfigNode | null = null;
  let complete = true;
  let trailingCommaAt = -1;

  const place = (node: ConfigNode): void => {
    const parent = open.at(-1);
    if (!parent) root ??= node;
    else if (!parent.properties) parent.items.push(node);
    else if (parent.key) {
      const { name, start, end } = parent.key;
      // Deleted first so that the order is that of the entry which counts.
      parent.properties.delete(name);
      parent.properties.set(name, { keyStart: start, keyEnd: end, value: node });
      parent.key = null;
    }
  };
  const close = (end: number): void => {
    const container = open.pop();
    if (!container) return;
    const { start, properties, items } = container;
    place(
      properties
        ? { kind: 'object', start, end, properties }
        : { kind: 'array', start, end, items },
    );
  };

  visit(
    json,
    {
      onObjectBegin: (start) => {
        open.push({ start, properties: new Map(), items: [], key: null });
      },
      onArrayBegin: (start) => {
        open.push({ start, properties: null, items: [], key: null });
      },
      onObjectEnd: (offset, length) => {
        close(offset + length);
      },
      onArrayEnd: (offset, length) => {
        close(offset + length);
      },
      onObjectProperty: (name, start, length) => {
        const parent = open.at(-1);
        if (!parent) return;
        const end = start + length;
        if (parent.properties?.has(name)) problems.add(duplicateKey(name, start, end));
        parent.key = { name, start, end };
      },
      onLiteralValue: (value: unknown, offset, length) => {
        place(scalar(value, offset, offset + length));
      },
      onComment: (start, length) => {
        problems.add(
          problem(
            'malformed-config',
            'JSON has no comments: Python refuses this file. Remove it.',
            {
              start,
              // One that is never closed is reported as longer than the text.
              end: Math.min(start + length, json.length),
            },
          ),
        );
      },
      onError: (code, start, length) => {
        const range = { start, end: Math.min(start + Math.max(length, 1), json.length) };
        const name = printParseErrorCode(code);
        if (isTrailingComma(json, name, start)) {
          // Reported twice by the parser, as a missing key and as a missing value.
          if (start !== trailingCommaAt) {
            problems.add(problem('malformed-config', trailingComma, commaBefore(json, start)));
          }
          trailingCommaAt = start;
          return;
        }
        // After the first real error the rest are mostly its echoes.
        if (complete) problems.add(syntaxProblem(json, name, range));
        complete = false;
      },
    },
    { allowTrailingComma: false },
  );
  // A file that breaks off never closes its containers; what was read of them still counts.
  while (open.length > 0) close(json.length);
  return { text, root, problems: problems.list, complete };
}

function scalar(value: unknown, start: number, end: number): ConfigNode {
  switch (typeof value) {
    case 'string':
      return { kind: 'string', start, end, value };
    case 'number':
      return { kind: 'number', start, end, value };
    case 'boolean':
      return { kind: 'boolean', start, end, value };
    default:
      return { kind: 'null', start, end };
  }
}

const trailingComma =
  'A comma before the closing bracket is not JSON: Python refuses this file. Remove it.';

/** The parser reports a trailing comma where the next key or value should start: at the closing bracket. */
function isTrailingComma(json: string, errorName: string, offset: number): boolean {
  if (errorName !== 'PropertyNameExpected' && errorName !== 'ValueExpected') return false;
  const next = json[offset];
  return (next === '}' || next === ']') && json[lastSolid(json, offset)] === ',';
}

function commaBefore(json: string, offset: number): { start: number; end: number } {
  const start = lastSolid(json, offset);
  return { start, end: start + 1 };
}

function lastSolid(json: string, offset: number): number {
  let index = offset - 1;
  while (index >= 0 && ' \t\r\n'.includes(json[index] ?? '')) index -= 1;
  return index;
}

function syntaxProblem(
  json: string,
  errorName: string,
  range: { readonly start: number; readonly end: number },
): ConfigProblem {
  const word = /^[-+]?\w+/.exec(json.slice(range.start, range.start + 12))?.[0];
  if (word && /^[-+]?(NaN|Infinity|inf|nan)/.test(word)) {
    return problem(
      'malformed-config',
      `${word} is not JSON, only Python reads it: write a number.`,
      {
        start: range.start,
        end: range.start + word.length,
      },
    );
  }
  if (json.trim() === '') return problem('malformed-config', 'The file is empty.', range);
  if (range.start >= json.trimEnd().length || errorName.startsWith('UnexpectedEndOf')) {
    return problem(
      'malformed-config',
      'The JSON breaks off before its end: restore the file.',
      range,
    );
  }
  const what = syntaxErrors.get(errorName) ?? 'text, number, true, false or null expected';
  return problem('malformed-config', `Malformed JSON: ${what}.`, range);
}

const syntaxErrors: ReadonlyMap<string, string> = new Map([
  ['PropertyNameExpected', 'a key in double quotes is expected here'],
  ['ValueExpected', 'a value is expected here'],
  ['ColonExpected', 'a colon is expected here'],
  ['CommaExpected', 'a comma is expected here'],
  ['CloseBraceExpected', 'a closing brace is expected here'],
  ['CloseBracketExpected', 'a closing bracket is expected here'],
  ['EndOfFileExpected', 'there is text after the end of the JSON value'],
  ['InvalidNumberFormat', 'this is not a number'],
  ['InvalidUnicode', 'this \\u escape is not complete'],
  ['InvalidEscapeCharacter', 'this escape is not known'],
  ['InvalidCharacter', 'a control character stands in a string'],
]);

function duplicateKey(name: string, start: number, end: number): ConfigProblem {
  return {
    ...problem('duplicate-key', `"${shortName(name)}" is given twice; the last one counts.`, {
      start,
      end,
    }),
    severity: 'warning',
  };
}

function problem(
  code: string,
  message: string,
  range: { readonly start: number; readonly end: number },
): ConfigProblem {
  return { code, severity: 'error', message, ...range };
}

/** Problems with ranges, at most `maxProblemsPerCode` of each code. */
export function createProblemList(): {
  readonly list: readonly ConfigProblem[];
  add(problem: ConfigProblem): void;
} {
  const list: ConfigProblem[] = [];
  const countByCode = new Map<string, number>();
  return {
    list,
    add(item) {
      const count = (countByCode.get(item.code) ?? 0) + 1;
      countByCode.set(item.code, count);
      if (count <= maxProblemsPerCode) list.push(item);
    },
  };
}
