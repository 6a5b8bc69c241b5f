import { displayText } from '../core/onnx/utf8';

/** Longer names are cut: nobody reads them in a terminal, and hostile ones have millions of characters. */
const maxNameLength = 80;

/** Controls, line and paragraph separators, marks and overrides of writing direction: they rewrite what is shown. */
const unsafe = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;
/** The same without line feeds. */
const unsafeInLines = /[^\P{Cc}\n]|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu;

/** A name from a file, cut and on one line, for a terminal. */
export function printable(name: string): string {
  const symbols = Array.from(name.slice(0, 2 * maxNameLength + 2));
  const isShort = symbols.length <= maxNameLength;
  return oneLine(isShort ? name : `${symbols.slice(0, maxNameLength - 1).join('')}…`);
}

/** A message that may quote a file, on one line, for a terminal. */
export function oneLine(text: string): string {
  return displayText(text).replace(unsafe, escapeCharacter);
}

/** Whole output: line feeds are ours. JSON stays the same JSON, for its strings know this escape too. */
export function safeForTerminal(text: string): string {
  return text.replace(unsafeInLines, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
