import { rules } from '../core/rules/index';
import { settingsJsonSchema } from './json-schema';
import { withSettings } from './manifest';
import { ruleIndexPage, rulePage, ruleTable } from './rule-page';

export interface GeneratedFile {
  /** Relative to the project's root, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

/** Files of which parts are written from core, each with what renews them. */
export const filesWithRegions: ReadonlyMap<string, (text: string) => string> = new Map([
  ['README.md', withRegions],
  ['package.json', withSettings],
]);

/** Folders that hold generated files only: a file there that is not generated is left over. */
export const generatedFolders = ['docs/rules'];

/** Every file that is generated as a whole. */
export function generatedFiles(): readonly GeneratedFile[] {
  return [
    { path: 'docs/rules/README.md', text: ruleIndexPage(rules) },
    { path: 'media/green-ai.schema.json', text: settingsJsonSchema() },
    ...rules.map((rule) => ({ path: `docs/rules/${rule.meta.id}.md`, text: rulePage(rule) })),
  ];
}

/** The text with its `<!-- generated:NAME -->` … `<!-- /generated:NAME -->` regions written anew. */
function withRegions(text: string): string {
  return text.replace(
    /(<!-- generated:([a-z-]+) -->)[^]*?(<!-- \/generated:\2 -->)/g,
    (whole, start: string, name: string, end: string) => {
      const content = regions.get(name);
      return content === undefined ? whole : [start, unformatted(content()), end].join('\n\n');
    },
  );
}

const regions: ReadonlyMap<string, () => string> = new Map([
  ['rules', () => ruleTable(rules, 'docs/rules/')],
]);

/** Kept out of the formatter's hands: it would pad tables, and the next run would undo that. */
function unformatted(markdown: string): string {
  return `<!-- prettier-ignore-start -->\n\n${markdown}\n\n<!-- prettier-ignore-end -->`;
}
