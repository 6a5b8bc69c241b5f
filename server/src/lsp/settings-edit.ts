import { modify } from 'jsonc-parser';
import { parseConfig } from '../core/config/parse';
import { at } from '../core/config/tree';
import type { TextEdit } from '../core/finding';

/**
 * Edits of `green-ai.json` that switch a rule off. A rule that has options keeps them.
 * Null when the text is not understood well enough to be edited.
 */
export function disableRule(text: string, ruleId: string): readonly TextEdit[] | null {
  const root = rootOf(text);
  if (!root) return null;
  const given = at(root, ['rules', ruleId]);
  if (given?.kind === 'array') return edits(text, ['rules', ruleId, 0], 'off');
  if (given?.kind === 'object') return edits(text, ['rules', ruleId, 'severity'], 'off');
  return edits(text, ['rules', ruleId], 'off');
}

/** Edits that add a glob to `ignore`. */
export function ignoreFile(text: string, glob: string): readonly TextEdit[] | null {
  const root = rootOf(text);
  if (!root) return null;
  const given = at(root, ['ignore']);
  if (given && given.kind !== 'array') return null;
  return given
    ? edits(text, ['ignore', given.items.length], glob)
    : edits(text, ['ignore'], [glob]);
}

/** A new `green-ai.json`. */
export const emptySettings = '{}\n';

/** A path as a glob that means this file only. */
export function globOf(relativePath: string): string {
  return `/${relativePath.replaceAll('\\', '/').replace(/[*?[\]!#\\]/g, String.raw`\$&`)}`;
}

function rootOf(text: string) {
  const { root, complete } = parseConfig(text);
  const rules = at(root, ['rules']);
  const isEditable = complete && root?.kind === 'object' && (!rules || rules.kind === 'object');
  return isEditable ? root : null;
}

function edits(text: string, path: (string | number)[], value: unknown): readonly TextEdit[] {
  const eol = /\r\n|\n/.exec(text)?.[0] ?? '\n';
  const indentation = /[\r\n]([ \t]+)"/.exec(text)?.[1] ?? '  ';
  const insertSpaces = !indentation.startsWith('\t');
  return modify(text, path, value, {
    formattingOptions: { insertSpaces, tabSize: insertSpaces ? indentation.length : 1, eol },
  }).map(({ offset, length, content }) => ({
    start: offset,
    end: offset + length,
    newText: content,
  }));
}
