import assert from 'node:assert/strict';
import { gzipSync } from 'node:zlib';
import { sniffBytes, sniffProblem } from '../../../server/src/core/onnx/sniff';
import { concat, int, onnxField as f, text } from '../../support/protobuf';
import { modelOf, readBytes } from '../../support/onnx';

const bytes = (value: string): Uint8Array => Buffer.from(value, 'latin1');

describe('sniff: files that are something else', () => {
  const cases: readonly (readonly [string, Uint8Array, string])[] = [
    ['nothing', bytes(''), 'empty-file'],
    ['white space', bytes(' \r\n\t\n'), 'empty-file'],
    [
      'a Git LFS pointer',
      bytes('version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n'),
      'git-lfs-pointer',
    ],
    ['a web page', bytes('\n  <!DOCTYPE html><html><body>404</body></html>'), 'html-page'],
    ['XML', bytes('<?xml version="1.0"?><Error>'), 'html-page'],
    ['gzip', new Uint8Array(gzipSync(bytes('a model'))), 'compressed-file'],
    ['zip', bytes('PK\u0003\u0004\u0014\u0000'), 'compressed-file'],
    ['a byte order mark', bytes('\u00ef\u00bb\u00bf\u0008\u0007'), 'byte-order-mark'],
    ['an ONNX Runtime flatbuffer', bytes('\u0018\u0000\u0000\u0000ORTM\u0000\u0000'), 'not-onnx'],
    ['TensorFlow Lite', bytes('\u001c\u0000\u0000\u0000TFL3\u0014\u0000'), 'not-onnx'],
  ];
  for (const [name, head, code] of cases) {
    it(name, async () => {
      const problem = sniffProblem(head.subarray(0, sniffBytes));
      assert.equal(problem?.code, code);
      assert.equal(problem.severity, 'error');
      assert.ok(problem.message.length <= 120);
      const { read, codes } = await readBytes(head);
      assert.equal(read, null);
      assert.deepEqual(codes, [code]);
    });
  }
});

describe('sniff: models that look like something else', () => {
  const cases: readonly (readonly [string, Uint8Array])[] = [
    ['a producer named ORTM at the flatbuffer’s place', text(f.model.producer, 'ORTMaker')],
    ['a producer named TFL3 there', text(f.model.producer, 'TFL3 converter')],
    ['a producer that is a web page', text(f.model.producer, '<!doctype html>')],
  ];
  for (const [name, producer] of cases) {
    it(name, async () => {
      const { read, problems } = await readBytes(
        concat(int(f.model.irVersion, 8), producer, modelOf()),
      );
      assert.deepEqual(problems, []);
      assert.ok(read);
    });
  }

  it('a few low bytes are a model cut off, not an empty file', async () => {
    const { codes } = await readBytes(int(f.model.irVersion, 8));
    assert.deepEqual(codes, ['no-graph']);
  });
});
