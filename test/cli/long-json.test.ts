import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rows, writeLongJson } from '../../server/src/cli/long-json';

/** What is written, piece by piece. */
function written(fields: Readonly<Record<string, unknown>>): readonly string[] {
  const pieces: string[] = [];
  writeLongJson({ out: (text) => pieces.push(text) }, fields);
  return pieces;
}

describe('command line: long JSON', () => {
  it('is the JSON of the same object, whatever is in it', () => {
    const entries = fc.array(fc.tuple(fc.string(), fc.jsonValue()), { maxLength: 5 });
    const keys = fc.uniqueArray(fc.string(), { maxLength: 4 });
    fc.assert(
      fc.property(keys, entries, fc.jsonValue(), (names, items, plain) => {
        const list = items.map(([, value]) => value);
        // The last of equal keys counts, for JSON.parse too.
        const object: unknown = JSON.parse(
          `{${items.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join()}}`,
        );
        const parts: readonly (readonly [given: unknown, meant: unknown])[] = [
          [plain, plain],
          [
            new Rows(
              '[]',
              list.map((value) => JSON.stringify(value)),
            ),
            list,
          ],
          [
            new Rows(
              '{}',
              items.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`),
            ),
            object,
          ],
          [undefined, undefined],
        ];
        const pick = (which: 0 | 1) =>
          Object.fromEntries(names.map((name, index) => [name, parts[index]?.[which]]));
        const text = written(pick(0)).join('');
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(pick(1))));
      }),
    );
  });

  it('goes out in pieces, one item a line', () => {
    const texts = Array.from({ length: 10_000 }, (_, index) => `{"name":"node ${index}"}`);
    const pieces = written({ schemaVersion: 1, nodes: new Rows('[]', texts), problems: [] });
    assert.ok(pieces.length > 3, `${pieces.length} pieces`);
    for (const piece of pieces) assert.ok(piece.length < 70_000, `${piece.length} characters`);
    const lines = pieces.join('').split('\n');
    assert.equal(lines.filter((line) => line.startsWith('    {"name":"node ')).length, 10_000);
    assert.deepEqual(lines.slice(-4), ['  ],', '  "problems": []', '}', '']);
  });
});
