import assert from 'node:assert/strict';
import fc from 'fast-check';
import { decodeText } from '../../../server/src/core/config/decode-text';
import { maxConfigCharacters, parseConfig } from '../../../server/src/core/config/parse';
import {
  at,
  booleanAt,
  numberAt,
  propertyAt,
  stringAt,
} from '../../../server/src/core/config/tree';
import type { ConfigNode } from '../../../server/src/core/config/tree';

/** `code@text`: each problem with the stretch of the source it points at. */
function problemsOf(text: string): string[] {
  return parseConfig(text).problems.map(
    ({ code, start, end }) => `${code}@${text.slice(start, end)}`,
  );
}

describe('config/parse', () => {
  const cases: readonly (readonly [title: string, text: string, problems: readonly string[]])[] = [
    ['plain JSON', '{"a": 1}', []],
    ['a root that is not an object', '[1, 2]', []],
    ['lone surrogates', '{"a": "\\ud83d"}', []],
    ['a byte order mark', '\u{feff}{"a": 1}', []],
    ['a repeated key', '{"a": 1, "a": 2}', ['duplicate-key@"a"']],
    ['a line comment', '{"a": 1 // one\n}', ['malformed-config@// one']],
    ['a block comment', '{/* x */}', ['malformed-config@/* x */']],
    ['a comma before a brace', '{"a": 1,\n}', ['malformed-config@,']],
    ['a comma before a bracket', '[1, ]', ['malformed-config@,']],
    ['NaN', '{"a": NaN}', ['malformed-config@NaN']],
    ['minus Infinity', '{"a": -Infinity}', ['malformed-config@-Infinity']],
    ['text that breaks off in a key', '{"a": 1, "b', ['malformed-config@"b']],
    ['a missing colon', '{"a" 1}', ['malformed-config@1']],
    ['a missing comma', '{"a": 1 "b": 2}', ['malformed-config@"b"']],
    ['text after the end', '{} x', ['malformed-config@x']],
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\n',
      ['git-lfs-pointer@version https://git-lfs.github.com/spec/v1\n'],
    ],
    ['an HTML page', '<!DOCTYPE html>', ['not-json@<!DOCTYPE html>']],
    ['UTF-16 read as UTF-8', '{\0"\0a\0"\0', ['not-text@{\0"\0a\0"\0']],
  ];
  for (const [title, text, problems] of cases) {
    it(`reports ${title}`, () => {
      assert.deepEqual(problemsOf(text), problems);
    });
  }

  it('says so when there is nothing in the file', () => {
    assert.match(parseConfig(' \n').problems[0]?.message ?? '', /empty/);
  });

  it('keeps what was read before a file breaks off', () => {
    const document = parseConfig('{"architectures": ["BertModel"], "hidden_size": 768, "num_hid');
    assert.equal(document.complete, false);
    assert.equal(stringAt(document.root, ['architectures', 0]), 'BertModel');
    assert.equal(numberAt(document.root, ['hidden_size']), 768);
  });

  it('takes the last of repeated keys, as Python does', () => {
    const { root } = parseConfig('{"a": 1, "a": 2}');
    assert.equal(numberAt(root, ['a']), 2);
    assert.equal(propertyAt(root, ['a'])?.keyStart, 9);
  });

  it('treats __proto__ as a key', () => {
    const { root } = parseConfig('{"__proto__": {"polluted": true}, "constructor": 1}');
    assert.equal(booleanAt(root, ['__proto__', 'polluted']), true);
    assert.equal(numberAt(root, ['constructor']), 1);
    assert.equal(at(root, ['toString']), undefined);
    assert.equal('polluted' in {}, false);
  });

  it('caps the problems of one code', () => {
    assert.equal(parseConfig(`{${'"a": 1, '.repeat(500)}"a": 1}`).problems.length, 20);
  });

  const hostile: readonly (readonly [string, string, string])[] = [
    ['brackets 20,000 deep', '['.repeat(20_000), 'nesting-too-deep'],
    ['objects 20,000 deep', '{"a":'.repeat(20_000), 'nesting-too-deep'],
    ['depth behind an unterminated string', `"x\n${'['.repeat(20_000)}`, 'nesting-too-deep'],
    [
      'depth between stray closing brackets',
      ']'.repeat(300) + '['.repeat(20_000),
      'nesting-too-deep',
    ],
    ['more text than a config has', `"${'x'.repeat(maxConfigCharacters)}"`, 'config-too-large'],
  ];
  for (const [title, text, code] of hostile) {
    it(`refuses ${title}`, () => {
      const { root, problems } = parseConfig(text);
      assert.equal(root, null);
      assert.deepEqual(
        problems.map((problem) => problem.code),
        [code],
      );
    });
  }

  it('does not count brackets inside strings and comments as depth', () => {
    const { problems } = parseConfig(`{"a": "${'['.repeat(500)}" /* ${'{'.repeat(500)} */}`);
    assert.deepEqual(
      problems.map(({ code }) => code),
      ['malformed-config'],
    );
  });

  it('gives each key and value the range of its text', () => {
    fc.assert(
      fc.property(
        fc.jsonValue(),
        fc.constantFrom('', '  ', '\t'),
        fc.boolean(),
        (value, indent, mark) => {
          const json = JSON.stringify({ value }, null, indent);
          const text = mark ? `\u{feff}${json}` : json;
          const { root, problems } = parseConfig(text);
          assert.deepEqual(problems, []);
          assertRanges(root, JSON.parse(json), text);
        },
      ),
    );
  });

  it('never throws and keeps ranges inside the text', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"',
      '1',
      'NaN',
      '-',
      '//',
      '/*',
      '\n',
      '\\u',
      'x',
      '\u{feff}',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces).map((parts) => parts.join('')),
        ),
        (text) => {
          for (const { start, end, message } of parseConfig(text).problems) {
            assert.ok(0 <= start && start <= end && end <= text.length);
            assert.ok(message.length > 0 && message.length <= 120);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});

/** The node holds `expected`, and the text in its range is the JSON of it. */
function assertRanges(node: ConfigNode | null | undefined, expected: unknown, text: string): void {
  assert.ok(node);
  assert.deepEqual(JSON.parse(text.slice(node.start, node.end)), expected);
  if (node.kind === 'object') {
    const entries = Object.entries(expected as object);
    assert.equal(node.properties.size, entries.length);
    for (const [key, value] of entries) {
      const property = node.properties.get(key);
      assert.ok(property);
      assert.equal(JSON.parse(text.slice(property.keyStart, property.keyEnd)), key);
      assertRanges(property.value, value, text);
    }
  } else if (node.kind === 'array') {
    (expected as unknown[]).forEach((item, index) => {
      assertRanges(node.items[index], item, text);
    });
  } else if (node.kind !== 'null') {
    assert.deepEqual(node.value, expected);
  }
}

describe('config/decode-text', () => {
  const text = '{"a": "ä"}';
  const utf16 = (littleEndian: boolean): Uint8Array => {
    const bytes = new DataView(new ArrayBuffer(2 + 2 * text.length));
    bytes.setUint16(0, 0xfeff, littleEndian);
    for (let index = 0; index < text.length; index += 1) {
      bytes.setUint16(2 + 2 * index, text.charCodeAt(index), littleEndian);
    }
    return new Uint8Array(bytes.buffer);
  };
  const utf8 = new TextEncoder().encode(text);
  const cases: readonly (readonly [string, Uint8Array, string, boolean])[] = [
    ['UTF-8', utf8, 'utf-8', false],
    ['UTF-8 with a mark', Uint8Array.of(0xef, 0xbb, 0xbf, ...utf8), 'utf-8', true],
    ['UTF-16 LE', utf16(true), 'utf-16le', true],
    ['UTF-16 BE', utf16(false), 'utf-16be', true],
  ];
  for (const [title, bytes, encoding, hasByteOrderMark] of cases) {
    it(`reads ${title}`, () => {
      assert.deepEqual(decodeText(bytes), { text, encoding, hasByteOrderMark, valid: true });
    });
  }
  it('marks what is not valid UTF-8', () => {
    assert.equal(decodeText(Uint8Array.of(0x7b, 0xff)).valid, false);
  });
});
