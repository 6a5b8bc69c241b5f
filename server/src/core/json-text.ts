import { parseTree, printParseErrorCode } from 'jsonc-parser';
import type { Node as JsonNode, ParseError } from 'jsonc-parser';
import type { Problem } from './problem';

/** Settings and schemas are kilobytes; a megabyte is another kind of file. */
const maxTextLength = 1 << 20;

/** The parser recurses; real files nest below ten. */
const maxDepth = 100;

/** One mistake usually causes several errors; the first few lead to it. */
const maxErrors = 5;

/**
 * The syntax tree of a JSON text (comments and trailing commas allowed), with offsets.
 * `tree` is null when there is nothing to read; problems carry the given code.
 */
export function parseJsonText(
  text: string,
  code: string,
): { readonly tree: JsonNode | null; readonly problems: readonly Problem[] } {
  const refused = (message: string) => ({
    tree: null,
    problems: [{ code, severity: 'error' as const, message, span: { start: 0, end: 0 } }],
  });
  if (text.length > maxTextLength) return refused('Longer than 1 MB: not read.');
  if (nestsDeeperThan(text, maxDepth)) return refused(`Nested deeper than ${maxDepth}: not read.`);
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { allowTrailingComma: true }) ?? null;
  const problems = errors.slice(0, maxErrors).map(
    ({ error, offset, length }): Problem => ({
      code,
      severity: 'error',
      message: `Not valid JSON: ${spaced(printParseErrorCode(error))}.`,
      span: { start: offset, end: offset + length },
    }),
  );
  if (tree === null && problems.length === 0) return refused('Empty: expected a JSON object.');
  return { tree, problems };
}

/** `PropertyNameExpected` → `property name expected`. */
function spaced(words: string): string {
  return words.replace(/(?!^)[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
}

/** Counts brackets outside strings; comments with brackets only make it cautious. */
function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (inString) {
      if (character === '\\') at++;
      else if (character === '"' || character === '\n') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') {
      if (++depth > limit) return true;
    } else if (character === '}' || character === ']') depth--;
  }
  return false;
}
