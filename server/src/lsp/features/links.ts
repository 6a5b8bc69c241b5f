import type { DocumentLink } from 'vscode-languageserver';
import type { ModelView } from '../models';
import { textUriOf } from '../uris';

/** The numbers in a part's heading lead to the other parts. */
export function textLinks(view: ModelView, part: number): DocumentLink[] {
  if (view.pages.parts.length < 2) return [];
  const heading = /^[^\n]*/u.exec(view.pages.parts[part]?.text ?? '')?.[0] ?? '';
  const from = heading.lastIndexOf('Parts: ');
  if (from < 0) return [];
  return Array.from(heading.slice(from).matchAll(/\d+/gu), (match) => {
    const start = from + match.index;
    return {
      range: {
        start: { line: 0, character: start },
        end: { line: 0, character: start + match[0].length },
      },
      target: textUriOf(view.uri, Number(match[0]) - 1),
    };
  });
}
