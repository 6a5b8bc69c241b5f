import assert from 'node:assert/strict';
import fc from 'fast-check';
import { splitForEllipsis, visibleText } from '../../../client/src/report/text';

describe('report: text from files', () => {
  const shown: readonly (readonly [what: string, raw: string, expected: string])[] = [
    ['plain names', '/layer1/conv1/Conv', '/layer1/conv1/Conv'],
    ['markup, which is only text', '<img src=x onerror=alert(1)>', '<img src=x onerror=alert(1)>'],
    ['NUL', 'a\0b', 'a\\u0000b'],
    ['line breaks and tabs', 'a\r\nb\tc', 'a\\r\\nb\\tc'],
    ['line separators', 'a\u2028b', 'a\\u2028b'],
    ['right-to-left overrides', 'txt\u202egpj.exe', 'txt\\u202Egpj.exe'],
    ['isolates', 'a\u2066b\u2069', 'a\\u2066b\\u2069'],
    ['zero-width spaces', 'a\u200bb\ufeff', 'a\\u200Bb\\uFEFF'],
    ['invisible tags', 'a\u{e0041}', 'a\\u{E0041}'],
    ['C1 controls', 'a\u0085', 'a\\u0085'],
    ['bytes that are not UTF-8', 'a\udcff', 'a\\xff'],
    ['other lone surrogates', 'a\ud800b', 'a\\uD800b'],
    ['joined emoji, left whole', '👩‍👧 Conv', '👩‍👧 Conv'],
    ['joiners of scripts that need them', 'می\u200cخواهم', 'می\u200cخواهم'],
  ];
  for (const [what, raw, expected] of shown) {
    it(`shows ${what}`, () => {
      assert.equal(visibleText(raw), expected);
    });
  }

  it('cuts in the middle, keeping both ends', () => {
    const cut = visibleText(`start${'x'.repeat(200_000)}end`, 30);
    assert.match(cut, /^startx+…x+end$/);
    assert.equal(cut.length, 31);
  });

  it('never cuts an escape or a symbol apart', () => {
    assert.match(visibleText('\0'.repeat(50), 40), /^(\\u0000)+…(\\u0000)+$/);
    assert.match(visibleText('😀'.repeat(50), 40), /^(😀)+…(😀)+$/u);
  });

  it('shows nothing hidden of any text, and little of a long one', () => {
    const anyText = fc.string({ unit: 'binary', maxLength: 300 });
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 300 });
    const broken = units.map((codes) => String.fromCharCode(...codes));
    fc.assert(
      fc.property(fc.oneof(anyText, broken), fc.integer({ min: 12, max: 80 }), (raw, maxLength) => {
        const text = visibleText(raw, maxLength);
        assert.doesNotMatch(
          text,
          /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]/u,
        );
        assert.ok(text.length <= maxLength + 1, `${text.length} > ${maxLength}`);
      }),
    );
  });

  it('keeps the end of a path apart from what may be ellipsised', () => {
    const [head, tail] = splitForEllipsis('/encoder/layers.11/attention/query/MatMul');
    assert.equal(head + tail, '/encoder/layers.11/attention/query/MatMul');
    assert.ok(tail.endsWith('MatMul'));
  });

  it('leaves short names and right-to-left ones in one piece', () => {
    assert.deepEqual(splitForEllipsis('features.2.0'), ['features.2.0', '']);
    const hebrew = 'שכבה/ראשונה/של/המודל/הגדול/מאוד';
    assert.deepEqual(splitForEllipsis(hebrew), [hebrew, '']);
  });
});
