import type { Io } from './io';

/** An object's entries; what is undefined is left out. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * A list (`[]`) or object (`{}`) that is written piece by piece: as one text, that of a large graph would take more
 * memory than its analysis, and could be longer than a text may be.
 */
export class Rows {
  readonly brackets: '[]' | '{}';
  /** The JSON of each item, in objects behind its key and a colon; or, in lists, an object with rows of its own. */
  readonly items: Iterable<string | Fields>;

  constructor(brackets: '[]' | '{}', items: Iterable<string | Fields>) {
    this.brackets = brackets;
    this.items = items;
  }
}

/** Characters that are written at once. */
const chunkLength = 64 * 1024;

/** Writes an object as `writeJson` does, but `Rows` in it with one item a line, no faster than they are read. */
export async function writeLongJson(
  io: Pick<Io, 'out' | 'drained'>,
  fields: Fields,
): Promise<void> {
  let chunk = '';
  for (const text of objectTexts(fields, 0)) {
    chunk += text;
    if (chunk.length < chunkLength) continue;
    io.out(chunk);
    chunk = '';
    if ((await io.drained?.()) === false) return;
  }
  io.out(`${chunk}\n`);
}

/** @param spaces before the brace that ends it */
function* objectTexts(fields: Fields, spaces: number): Generator<string> {
  const line = `\n${' '.repeat(spaces)}`;
  let text = '{';
  let isFirst = true;
  for (const [key, value] of Object.entries(fields)) {
    if (value === undefined) continue;
    text += `${isFirst ? '' : ','}${line}  ${JSON.stringify(key)}: `;
    isFirst = false;
    if (value instanceof Rows) {
      yield text;
      yield* rowTexts(value, spaces + 2);
      text = '';
    } else text += prettyJson(value, spaces + 2);
  }
  yield isFirst ? '{}' : `${text}${line}}`;
}

function* rowTexts({ brackets, items }: Rows, spaces: number): Generator<string> {
  const [open, close] = brackets;
  const line = `\n${' '.repeat(spaces)}`;
  let separator = `${open}${line}  `;
  let isEmpty = true;
  for (const item of items) {
    if (typeof item === 'string') yield separator + item;
    else {
      yield separator;
      yield* objectTexts(item, spaces + 2);
    }
    if (isEmpty) separator = `,${line}  `;
    isEmpty = false;
  }
  yield isEmpty ? brackets : `${line}${close}`;
}

/** JSON over several lines, those behind the first with so many spaces more. */
function prettyJson(value: unknown, spaces: number): string {
  return JSON.stringify(value, null, 2).replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
