import { findNodeAtLocation, modify, parseTree } from 'jsonc-parser';
import type { TextEdit } from '../finding';
import type { ConfigDocument } from './parse';
import { at, propertyAt } from './tree';
import type { ConfigPath } from './tree';

export type JsonValue =
  string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Replaces the value at `path`, or adds it when the key is not there. No edits when the text cannot hold it. */
export function replaceValue(
  document: ConfigDocument,
  path: ConfigPath,
  value: JsonValue,
): readonly TextEdit[] {
  return edits(document, path, value);
}

/** Removes the entry at `path` with its comma. */
export function removeProperty(document: ConfigDocument, path: ConfigPath): readonly TextEdit[] {
  return edits(document, path, undefined);
}

/** Adds `key` as the last entry of the object at `path` (`[]` for the root). */
export function insertProperty(
  document: ConfigDocument,
  path: ConfigPath,
  key: string,
  value: JsonValue,
): readonly TextEdit[] {
  return edits(document, [...path, key], value);
}

function edits(
  document: ConfigDocument,
  path: ConfigPath,
  value: JsonValue | undefined,
): readonly TextEdit[] {
  // A file that is not understood is not edited.
  const parent = at(document.root, path.slice(0, -1));
  if (!document.complete || parent?.kind !== 'object') return [];
  const present = propertyAt(document.root, path);
  if (!present && value === undefined) return [];
  const { text } = document;
  const json = text.startsWith('\u{feff}') ? ` ${text.slice(1)}` : text;
  if (present && !isSameEntry(json, path, present.value.start)) return [];
  const { start, end } = parent;
  // The formatter would spread an object over lines that its author kept on one.
  const options = /[\r\n]/.test(json.slice(start, end))
    ? { formattingOptions: layoutOf(json) }
    : {};
  return modify(json, [...path], value, options).map(({ offset, length, content }) => ({
    start: offset,
    end: offset + length,
    newText: content,
  }));
}

/** Of a repeated key jsonc-parser edits the first and Python reads the last: an edit would do nothing. */
function isSameEntry(json: string, path: ConfigPath, start: number): boolean {
  const tree = parseTree(json, [], { allowTrailingComma: true });
  return tree !== undefined && findNodeAtLocation(tree, [...path])?.offset === start;
}

/** The indentation and line ending that the file already uses. */
function layoutOf(text: string): { insertSpaces: boolean; tabSize: number; eol: string } {
  const eol = /\r\n|\n|\r/.exec(text)?.[0] ?? '\n';
  const indentation = /[\r\n]([ \t]+)"/.exec(text)?.[1] ?? '  ';
  const insertSpaces = !indentation.startsWith('\t');
  return { insertSpaces, tabSize: insertSpaces ? indentation.length : 1, eol };
}
