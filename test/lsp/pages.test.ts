import assert from 'node:assert/strict';
import { printModel } from '../../server/src/core/onnx/text-print';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { paginate } from '../../server/src/lsp/pages';

const nodeCount = 100;

function printed() {
  const nodes = Array.from(
    { length: nodeCount },
    (_, at) => `  [n${at}] v${at + 1} = Relu (v${at})`,
  );
  const { model } = parseModelText(`
<ir_version: 8, opset_import: ["" : 13, "own" : 1]>
chain (float[4] v0) => (float[4] v${nodeCount})
{
${nodes.join('\n')}
}
<domain: "own", opset_import: ["" : 13]>
twice (a) => (c)
{
  b = Relu (a)
  c = Relu (b)
}
`);
  assert.ok(model);
  return printModel(model, { weightsLocation: 'chain.onnx' });
}

describe('lsp: text in parts', () => {
  it('is one document within the limits', () => {
    const text = printed();
    const { parts, locate, wholeLine } = paginate(text, 'chain.onnx');
    assert.deepEqual(
      parts.map((part) => part.text),
      [text.text],
    );
    assert.deepEqual(locate(7), { part: 0, line: 7 });
    assert.equal(wholeLine({ part: 0, line: 7 }), 7);
  });

  for (const [what, limits] of [
    ['lines', { maxLines: 30, maxCharacters: 1e6 }],
    ['characters', { maxLines: 1e6, maxCharacters: 700 }],
  ] as const) {
    it(`is cut by ${what} into parts that hold everything once`, () => {
      const text = printed();
      const pages = paginate(text, 'chain.onnx', limits);
      assert.ok(pages.parts.length > 2);
      const bodies = pages.parts.map((part) => part.text.slice(part.text.indexOf('\n') + 1));
      assert.equal(bodies.join(''), text.text);
      for (const body of bodies) {
        assert.ok(body.length <= limits.maxCharacters);
        assert.ok(body.split('\n').length - 1 <= limits.maxLines);
      }
    });
  }

  it('finds every line again', () => {
    const text = printed();
    const pages = paginate(text, 'chain.onnx', { maxLines: 17, maxCharacters: 1e6 });
    text.text.split('\n').forEach((line, at) => {
      if (line === '') return;
      const place = pages.locate(at);
      assert.equal(pages.parts[place.part]?.text.split('\n')[place.line], line);
      assert.equal(pages.wholeLine(place), at);
    });
    assert.equal(pages.wholeLine({ part: 1, line: 0 }), null);
  });

  it('starts functions and nodes whole', () => {
    const { model } = parseModelText(`
<ir_version: 8, opset_import: ["" : 13]>
branches (bool c) => (float[1] y, float[1] z)
{
  y = If (c) <
    then_branch = yes () => (float[1] a) { a = Constant <value = float[1] {1}> () },
    else_branch = no () => (float[1] b) { b = Constant <value = float[1] {2}> () }
  >
  z = If (c) <
    then_branch = yes2 () => (float[1] d) { d = Constant <value = float[1] {1}> () },
    else_branch = no2 () => (float[1] e) { e = Constant <value = float[1] {2}> () }
  >
}
`);
    assert.ok(model);
    const text = printModel(model, { weightsLocation: 'm.onnx' });
    const pages = paginate(text, 'm.onnx', { maxLines: 16, maxCharacters: 1e6 });
    const second = pages.parts[1]?.text.split('\n')[1];
    assert.match(second ?? '', /^ {2}z = If/);
  });

  it('names a part and the others in its heading, on one line', () => {
    const pages = paginate(printed(), 'a\nb.onnx', { maxLines: 50, maxCharacters: 1e6 });
    const heading = pages.parts[1]?.text.split('\n')[0] ?? '';
    assert.match(heading, /^# Part 2 of 3 of a\ufffdb\.onnx\. Parts: 1 2 3$/);
  });
});
