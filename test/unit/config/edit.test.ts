import assert from 'node:assert/strict';
import { insertProperty, removeProperty, replaceValue } from '../../../server/src/core/config/edit';
import { parseConfig } from '../../../server/src/core/config/parse';
import type { ConfigDocument } from '../../../server/src/core/config/parse';
import type { TextEdit } from '../../../server/src/core/finding';

/** The text after an edit, as an editor applies it. */
function edited(text: string, edit: (document: ConfigDocument) => readonly TextEdit[]): string {
  return [...edit(parseConfig(text))]
    .sort((a, b) => b.start - a.start)
    .reduce(
      (result, { start, end, newText }) => result.slice(0, start) + newText + result.slice(end),
      text,
    );
}

describe('config/edit', () => {
  const replaceDtype = (document: ConfigDocument) =>
    replaceValue(document, ['torch_dtype'], 'bfloat16');
  const cases: readonly (readonly [
    string,
    string,
    (document: ConfigDocument) => readonly TextEdit[],
    string,
  ])[] = [
    [
      'replaces a value',
      '{\n  "torch_dtype": "float32"\n}\n',
      replaceDtype,
      '{\n  "torch_dtype": "bfloat16"\n}\n',
    ],
    [
      'keeps tabs and CRLF',
      '{\r\n\t"a": 1\r\n}\r\n',
      replaceDtype,
      '{\r\n\t"a": 1,\r\n\t"torch_dtype": "bfloat16"\r\n}\r\n',
    ],
    [
      'keeps four blanks',
      '{\n    "a": 1\n}',
      replaceDtype,
      '{\n    "a": 1,\n    "torch_dtype": "bfloat16"\n}',
    ],
    [
      'edits after a byte order mark',
      '\u{feff}{"torch_dtype": "float32"}',
      replaceDtype,
      '\u{feff}{"torch_dtype": "bfloat16"}',
    ],
    [
      'removes with the comma',
      '{\n  "a": 1,\n  "b": 2\n}',
      (document) => removeProperty(document, ['b']),
      '{\n  "a": 1\n}',
    ],
    [
      'removes inside',
      '{"q": {"a": 1, "b": 2}}',
      (document) => removeProperty(document, ['q', 'a']),
      '{"q": {"b": 2}}',
    ],
    [
      'inserts into a nested object',
      '{\n  "q": {\n    "a": 1\n  }\n}',
      (document) => insertProperty(document, ['q'], 'b', true),
      '{\n  "q": {\n    "a": 1,\n    "b": true\n  }\n}',
    ],
    [
      'leaves a broken file alone',
      '{"torch_dtype": "float32"',
      replaceDtype,
      '{"torch_dtype": "float32"',
    ],
    ['leaves a list alone', '[1]', replaceDtype, '[1]'],
    [
      'does not remove what is not there',
      '{"a": 1}',
      (document) => removeProperty(document, ['b']),
      '{"a": 1}',
    ],
    [
      'does not enter a scalar',
      '{"q": 1}',
      (document) => insertProperty(document, ['q'], 'b', 1),
      '{"q": 1}',
    ],
    [
      'leaves a repeated key alone',
      '{"torch_dtype": 1, "torch_dtype": 2}',
      replaceDtype,
      '{"torch_dtype": 1, "torch_dtype": 2}',
    ],
  ];
  for (const [title, before, edit, after] of cases) {
    it(title, () => {
      assert.equal(edited(before, edit), after);
    });
  }
});
