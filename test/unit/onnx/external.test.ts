import assert from 'node:assert/strict';
import { parseExternalData } from '../../../server/src/core/onnx/external';
import { createProblemSink } from '../../../server/src/core/problem';
import { firstTensor, present, readBytes, readClean, tensorOf } from '../../support/onnx';
import { int, message, onnxField as f, text, unpackedInts } from '../../support/protobuf';

type Entries = Readonly<Record<string, string>>;

function parse(entries: readonly (readonly [string, string])[], name = 'w') {
  const sink = createProblemSink();
  const result = parseExternalData(
    entries.map(([key, value]) => ({ key, value })),
    name,
    sink,
  );
  return { result, codes: sink.problems.map(({ code }) => code), problems: sink.problems };
}

describe('external data: what is accepted', () => {
  const cases: readonly (readonly [string, Entries, number, number | null])[] = [
    ['a location alone', { location: 'w.bin' }, 0, null],
    ['offset and length', { location: 'w.bin', offset: '4096', length: '16' }, 4096, 16],
    ['zero', { location: 'w.bin', offset: '0', length: '0' }, 0, 0],
    ['beyond 4 GiB', { location: 'w.bin', offset: '5000000000', length: '1' }, 5_000_000_000, 1],
    ['a checksum', { location: 'w.bin', checksum: 'abc' }, 0, null],
    ['a folder below', { location: 'weights/layer1/w.bin' }, 0, null],
    ['a dot', { location: './w.bin' }, 0, null],
    ['dots in a name', { location: 'a..b/w...bin' }, 0, null],
    ['a name that only looks encoded', { location: '%2e%2e/w.bin' }, 0, null],
    ['other scripts', { location: '重み.bin' }, 0, null],
  ];
  for (const [name, entries, offset, byteLength] of cases) {
    it(name, () => {
      const { result, codes } = parse(Object.entries(entries));
      assert.deepEqual(codes, []);
      assert.deepEqual(result, {
        kind: 'external',
        location: entries['location'],
        offset,
        byteLength,
      });
    });
  }

  it('of a repeated key the last one counts, as in onnx', () => {
    const { result, codes } = parse([
      ['location', 'old.bin'],
      ['location', 'new.bin'],
    ]);
    assert.equal(result?.location, 'new.bin');
    assert.deepEqual(codes, ['external-data-duplicate-key']);
  });

  it('an unknown key is ignored', () => {
    const { result, codes } = parse([
      ['location', 'w.bin'],
      ['__proto__', 'x'],
    ]);
    assert.equal(result?.location, 'w.bin');
    assert.deepEqual(codes, ['external-data-unknown-key']);
  });
});

describe('external data: what is refused', () => {
  const outside = 'external-data-outside-folder';
  const range = 'external-data-invalid-range';
  const cases: readonly (readonly [string, Entries, string])[] = [
    ['no location', { offset: '0' }, 'external-data-no-location'],
    ['an empty location', { location: '' }, 'external-data-no-location'],
    ['the folder above', { location: '../w.bin' }, outside],
    ['the folder above, in the middle', { location: 'a/../../w.bin' }, outside],
    ['the folder above, with backslashes', { location: 'a\\..\\..\\w.bin' }, outside],
    ['the folder above, and back', { location: 'a/../w.bin' }, outside],
    ['an absolute path', { location: '/etc/passwd' }, outside],
    ['a share', { location: '\\\\server\\share\\w.bin' }, outside],
    ['a drive', { location: 'C:\\w.bin' }, outside],
    ['a drive with a relative path', { location: 'c:w.bin' }, outside],
    ['an address', { location: 'https://example.com/w.bin' }, outside],
    ['a file address', { location: 'file:///etc/passwd' }, outside],
    ['the folder itself', { location: '.' }, outside],
    ['the folder itself, long', { location: './/.' }, outside],
    ['a NUL', { location: 'w.bin\u0000.txt' }, outside],
    ['a line break', { location: 'w\n.bin' }, outside],
    ['a backslash', { location: 'weights\\w.bin' }, outside],
    ['a negative offset', { location: 'w.bin', offset: '-1' }, range],
    ['a fraction', { location: 'w.bin', offset: '1.5' }, range],
    ['an exponent', { location: 'w.bin', length: '1e3' }, range],
    ['hexadecimal', { location: 'w.bin', length: '0x10' }, range],
    ['blanks', { location: 'w.bin', length: ' 16' }, range],
    ['an empty length', { location: 'w.bin', length: '' }, range],
    ['beyond 2^53', { location: 'w.bin', length: '9007199254740993' }, range],
    ['other digits', { location: 'w.bin', length: '١٦' }, range],
  ];
  for (const [name, entries, code] of cases) {
    it(name, () => {
      const { result, codes, problems } = parse(Object.entries(entries));
      assert.equal(result, null);
      assert.deepEqual(codes, [code]);
      assert.equal(problems[0]?.severity, 'error');
    });
  }

  it('messages stay short, whatever the names', () => {
    const long = 'x'.repeat(10_000);
    for (const location of [`../${long}`, '']) {
      const { problems } = parse([['location', location]], long);
      assert.ok((problems[0]?.message.length ?? 999) <= 160);
    }
  });
});

describe('external data: in a model', () => {
  const { tensor } = f;
  const entry = (key: string, value: string) =>
    message(tensor.externalData, text(f.entry.key, key), text(f.entry.value, value));
  const head = [unpackedInts(tensor.dims, [4]), int(tensor.dataType, 1)];

  it('is referred to', async () => {
    const model = await readClean(
      tensorOf(
        ...head,
        entry('location', 'w.bin'),
        entry('length', '16'),
        int(tensor.dataLocation, 1),
      ),
    );
    const expected = { kind: 'external', location: 'w.bin', offset: 0, byteLength: 16 };
    assert.deepEqual(firstTensor(model).storage, expected);
  });

  it('entries without data_location are no external data', async () => {
    const { read, codes } = await readBytes(tensorOf(...head, entry('location', 'w.bin')));
    assert.deepEqual(firstTensor(present(read).model).storage, { kind: 'none' });
    assert.deepEqual(codes, ['tensor-without-data']);
  });

  it('beside raw data is a contradiction: the external data counts', async () => {
    const { read, codes } = await readBytes(
      tensorOf(
        ...head,
        entry('location', 'w.bin'),
        int(tensor.dataLocation, 1),
        message(tensor.rawData, new Uint8Array(16)),
      ),
    );
    assert.equal(firstTensor(present(read).model).storage.kind, 'external');
    assert.deepEqual(codes, ['tensor-two-payloads']);
  });

  it('of the wrong length is a problem', async () => {
    const { codes } = await readBytes(
      tensorOf(
        ...head,
        entry('location', 'w.bin'),
        entry('length', '15'),
        int(tensor.dataLocation, 1),
      ),
    );
    assert.deepEqual(codes, ['tensor-size-mismatch']);
  });

  it('without a usable location leaves the tensor without data', async () => {
    const { read, codes } = await readBytes(
      tensorOf(...head, entry('location', '../w.bin'), int(tensor.dataLocation, 1)),
    );
    assert.deepEqual(firstTensor(present(read).model).storage, { kind: 'none' });
    assert.deepEqual(codes, ['external-data-outside-folder']);
  });
});
