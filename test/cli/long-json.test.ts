import assert from 'node:assert/strict';
import fc from 'fast-check';
import { Rows, writeLongJson } from '../../server/src/cli/long-json';

/** What is written, piece by piece. */
async function written(fields: Readonly<Record<string, unknown>>): Promise<readonly string[]> {
  const pieces: string[] = [];
  await writeLongJson({ out: (text) => pieces.push(text) }, fields);
  return pieces;
}

const nodes = Array.from({ length: 10_000 }, (_, index) => `{"name":"node ${index}"}`);

describe('command line: long JSON', () => {
  it('is the JSON of the same object, whatever is in it', async () => {
    const entries = fc.array(fc.tuple(fc.string(), fc.jsonValue()), { maxLength: 5 });
    const keys = fc.uniqueArray(fc.string(), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(keys, entries, fc.jsonValue(), async (names, items, plain) => {
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
        const text = (await written(pick(0))).join('');
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(pick(1))));
      }),
    );
  });

  it('is the text of short JSON where nothing is long', async () => {
    const fields = { schemaVersion: 1, problems: [{ code: 'x' }], inputs: [], none: null };
    const text = (await written(fields)).join('');
    assert.equal(text, `${JSON.stringify(fields, null, 2)}\n`);
    const empty = (await written({ values: new Rows('{}', []), nodes: new Rows('[]', []) })).join(
      '',
    );
    assert.equal(empty, `${JSON.stringify({ values: {}, nodes: [] }, null, 2)}\n`);
  });

  it('is the text of short JSON around rows of objects, empty ones, too', async () => {
    const one = { device: 'a', perNode: [], none: {} };
    const fields = { estimates: [one, {}], last: 1 };
    const rows = [{ ...one, perNode: new Rows('[]', []), left: undefined }, {}];
    const text = (await written({ ...fields, estimates: new Rows('[]', rows) })).join('');
    assert.equal(text, `${JSON.stringify(fields, null, 2)}\n`);
    const nested = { a: new Rows('[]', [{ b: new Rows('{}', ['"c":1', '"d":2']) }, '3']) };
    const lines =
      '{|  "a": [|    {|      "b": {|        "c":1,|        "d":2|      }|    },|    3|  ]|}|';
    assert.equal((await written(nested)).join(''), lines.replaceAll('|', '\n'));
  });

  it('goes out in pieces, one item a line', async () => {
    const pieces = await written({ schemaVersion: 1, nodes: new Rows('[]', nodes), problems: [] });
    assert.ok(pieces.length > 3, `${pieces.length} pieces`);
    for (const piece of pieces) assert.ok(piece.length < 70_000, `${piece.length} characters`);
    const lines = pieces.join('').split('\n');
    assert.equal(lines.filter((line) => line.startsWith('    {"name":"node ')).length, 10_000);
    assert.deepEqual(lines.slice(-4), ['  ],', '  "problems": []', '}', '']);
  });

  it('waits for a slow reader, and ends when there is none any more', async () => {
    let [waiting, pieces] = [0, 0];
    const io = {
      out: () => {
        pieces++;
        waiting++;
        assert.ok(waiting === 1, 'a second piece before the first was read');
      },
      drained: () =>
        new Promise<boolean>((resolve) => {
          setImmediate(() => {
            waiting--;
            resolve(pieces < 3);
          });
        }),
    };
    await writeLongJson(io, { nodes: new Rows('[]', nodes) });
    assert.equal(pieces, 3);
  });
});
