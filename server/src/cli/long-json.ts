import type { Io } from './io';

/**
 * A list (`[]`) or object (`{}`) that is written piece by piece: as one text, that of a large graph would take more
 * memory than its analysis, and could be longer than a text may be.
 */
export class Rows {
  readonly brackets: '[]' | '{}';
  /** The JSON of each item, in objects behind its key and a colon. */
  readonly texts: Iterable<string>;

  constructor(brackets: '[]' | '{}', texts: Iterable<string>) {
    this.brackets = brackets;
    this.texts = texts;
  }
}

/** Characters that are written at once. */
const chunkLength = 64 * 1024;

/** Writes an object as `writeJson` does, but `Rows` in it with one item a line, no faster than they are read. */
export async function writeLongJson(
  io: Pick<Io, 'out' | 'drained'>,
  fields: Readonly<Record<string, unknown>>,
): Promise<void> {
  let chunk = '{';
  let isFirst = true;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    chunk += `${isFirst ? '' : ','}\n  ${JSON.stringify(key)}: `;
    isFirst = false;
    if (!(value instanceof Rows)) {
      chunk += prettyJson(value, 2);
      continue;
    }
    const [open, close] = value.brackets;
    let separator = `${open}\n    `;
    for (const text of value.texts) {
      chunk += separator + text;
      separator = ',\n    ';
      if (chunk.length < chunkLength) continue;
      io.out(chunk);
      chunk = '';
      if ((await io.drained?.()) === false) return;
    }
    chunk += separator.startsWith(',') ? `\n  ${close}` : value.brackets;
  }
  io.out(`${chunk}\n}\n`);
}

/** JSON over several lines, those behind the first with so many spaces more. */
export function prettyJson(value: unknown, spaces: number): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
