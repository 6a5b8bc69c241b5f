import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { createProblemSink } from '../../server/src/core/problem';
import { scanModel } from '../../server/src/core/onnx/wire';
import { decodeText, encodeText, escapeInvalidUtf8 } from '../../server/src/core/onnx/utf8';
import { sourceFromBytes, type ByteSource } from '../../server/src/core/source';
import { encodeAwkwardly, sketches, sketchOf, tapes } from '../support/awkward';
import { present, readBytes, readSource } from '../support/onnx';

describe('property: wire', () => {
  it('however a model is written, it reads the same', async () => {
    await fc.assert(
      fc.asyncProperty(sketches, tapes, async (sketch, tape) => {
        const { bytes } = encodeAwkwardly(sketch, tape);
        const { read, problems } = await readBytes(bytes);
        assert.deepEqual(problems, []);
        // No diff: of random texts it takes minutes, and fast-check shows the smallest case.
        assert.ok(isDeepStrictEqual(sketchOf(present(read).model), sketch));
      }),
      { numRuns: 300 },
    );
  });

  it('however small the reads, it reads the same', async () => {
    await fc.assert(
      fc.asyncProperty(sketches, tapes, fc.nat(99), async (sketch, tape, lead) => {
        const { bytes } = encodeAwkwardly(sketch, tape);
        // Every read is a view into one buffer that the next read overwrites, as hosts may do it.
        const buffer = new Uint8Array(bytes.byteLength + lead);
        const source: ByteSource = {
          byteLength: bytes.byteLength,
          read: (offset, byteLength) => {
            buffer.fill(0xff);
            buffer.set(bytes.subarray(offset, offset + byteLength), lead);
            return Promise.resolve(buffer.subarray(lead, lead + byteLength));
          },
        };
        const { read, problems } = await readSource(source);
        assert.deepEqual(problems, []);
        assert.ok(isDeepStrictEqual(sketchOf(present(read).model), sketch));
      }),
      { numRuns: 100 },
    );
  });

  it('any change to any byte gives a model or a coded error, never a throw', async () => {
    await fc.assert(
      fc.asyncProperty(
        sketches,
        tapes,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        async (sketch, tape, changes, cut) => {
          const { bytes } = encodeAwkwardly(sketch, tape);
          for (const [at, value] of changes) bytes[at % bytes.byteLength] = value;
          const damaged = cut % 3 === 0 ? bytes.subarray(0, cut % bytes.byteLength) : bytes;
          const { read, problems } = await readBytes(damaged);
          assert.ok(read ?? problems.some(({ severity }) => severity === 'error'));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('any bytes at all, too', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        const sink = createProblemSink();
        const wire = await scanModel(sourceFromBytes(bytes), sink);
        assert.ok(wire ?? sink.problems.some(({ severity }) => severity === 'error'));
      }),
      { numRuns: 1000 },
    );
  });

  it('any bytes are a text that gives them back, and different bytes are different texts', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 24 }), fc.uint8Array({ maxLength: 24 }), (a, b) => {
        assert.deepEqual(encodeText(decodeText(a)), a);
        assert.equal(decodeText(a) === decodeText(b), Buffer.compare(a, b) === 0);
        const valid = Buffer.compare(Buffer.from(Buffer.from(a).toString('utf8')), a) === 0;
        assert.equal(escapeInvalidUtf8(a) === null, valid);
      }),
      { numRuns: 2000 },
    );
  });
});
