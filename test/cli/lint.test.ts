import assert from 'node:assert/strict';
import path from 'node:path';
import { createNodeHost } from '../../server/src/host-node';
import { examples, greenAi, greenAiJson, refused, useTempFolder, type Json } from '../support/cli';
import { assertShape } from '../support/contract';

/** Nothing is wrong with it. */
const fine = 'g (float[N, 2] x) => (float[N, 2] y) { y = Relu (x) }';
/** redundant-nodes, info. */
const redundant = 'g (float[2] x) => (float[2] y) { h = Identity (x) y = Relu (h) }';
const llama = (dtype: string): string =>
  JSON.stringify({
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_size: 256,
    intermediate_size: 512,
    num_hidden_layers: 2,
    num_attention_heads: 4,
    vocab_size: 1000,
    max_position_embeddings: 512,
    torch_dtype: dtype,
  });

/** Ids of the findings of one file, sorted. */
function idsOf(json: Json, name: string): readonly string[] {
  const file = json
    .at('files')
    .items()
    .find((one) => path.basename(one.at('path').text()) === name);
  assert.ok(file, `${name} was not linted`);
  return [...file.at('findings').texts('ruleId')].sort();
}

describe('command line: lint', () => {
  const folder = useTempFolder();

  it('gives the contract’s JSON for the examples', async () => {
    const json = await greenAiJson(['lint', examples, '--fail-on', 'never']);
    assertShape('lint', json.value);
    const summary = json.at('summary');
    const files = json.at('files').items();
    assert.equal(summary.at('files').value, files.length);
    const findings = files.flatMap((file) => file.at('findings').items());
    assert.equal(summary.at('findings').value, findings.length);
    assert.ok(findings.length >= 8);
  });

  it('searches folders for models, config.json and settings, and takes other files only by name', async () => {
    folder.model('a/m.onnx', fine);
    folder.write('a/config.json', llama('bfloat16'));
    folder.write('a/other.json', llama('bfloat16'));
    folder.write('a/node_modules/p/config.json', llama('float32'));
    folder.write('green-ai.json', '{}');
    const json = await greenAiJson(['lint', folder.path]);
    const names = json
      .at('files')
      .texts('path')
      .map((file) => path.relative(folder.path, file));
    assert.deepEqual(names.sort(), [
      path.join('a', 'config.json'),
      path.join('a', 'm.onnx'),
      'green-ai.json',
    ]);
    const named = await greenAiJson(['lint', folder.at('a/other.json')]);
    assert.equal(named.at('summary', 'files').value, 1);
  });

  it('lints a file once, however often it is given', async () => {
    const model = folder.model('m.onnx', fine);
    const again = path.join(folder.path, '.', 'x', '..', 'm.onnx');
    const json = await greenAiJson(['lint', model, `${folder.path}/./m.onnx`, again, folder.path]);
    assert.equal(json.at('summary', 'files').value, 1);
  });

  it('says of a named file that it is none of ours, and passes over those in folders', async () => {
    folder.write('config.json', '{"name": "some other tool"}');
    const named = await greenAiJson(['lint', folder.at('config.json')]);
    assertShape('lint', named.value);
    assert.deepEqual(idsOf(named, 'config.json'), ['unknown-format']);
    const json = await greenAiJson(['lint', folder.path]);
    assert.deepEqual(json.at('files').value, []);
    assert.equal(json.at('summary', 'skipped').items().length, 1);
    const { err } = await greenAi(['lint', folder.path]);
    assert.match(err, /config\.json: skipped, no model or config of a known format/u);
  });

  it('answers a broken model as a finding with its code', async () => {
    folder.write('empty.onnx', '');
    folder.write('page.onnx', '<!doctype html><html></html>');
    const json = await greenAiJson(['lint', folder.path], { code: 1 });
    assertShape('lint', json.value);
    for (const name of ['empty.onnx', 'page.onnx']) assert.equal(idsOf(json, name).length, 1);
  });

  it('reports a file that the system does not let it read, and goes on', async () => {
    folder.model('locked.onnx', fine);
    folder.write('config.json', llama('bfloat16'));
    folder.model('open.onnx', redundant);
    const host = createNodeHost(() => undefined);
    const denied = {
      ...host,
      open: (file: string) =>
        /locked|config/u.test(file)
          ? Promise.reject(
              Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' }),
            )
          : host.open(file),
    };
    const json = await greenAiJson(['lint', folder.path], { code: 1, host: denied });
    assert.deepEqual(idsOf(json, 'locked.onnx'), ['unreadable-file']);
    assert.deepEqual(idsOf(json, 'config.json'), ['unreadable-file']);
    assert.deepEqual(idsOf(json, 'open.onnx'), ['redundant-nodes']);
  });

  it('stops when cancelled', async () => {
    folder.model('m.onnx', fine);
    await refused(['lint', folder.path], /cancelled/u, { signal: { cancelled: true } });
    await refused(['inspect', folder.at('m.onnx')], /cancelled/u, { signal: { cancelled: true } });
  });

  it('says what Python’s JSON reader stops at: other encodings and byte order marks', async () => {
    const text = llama('bfloat16');
    const utf16 = Buffer.from(`\ufeff${text}`, 'utf16le');
    const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
      ['mark.json', Buffer.from(`\ufeff${text}`), /byte order mark/u],
      ['utf16.json', utf16, /UTF-16/u],
      ['latin1.json', Buffer.from(text.replace('llama"', 'llama", "n": "é"'), 'latin1'), /UTF-8/u],
    ];
    for (const [name, bytes, sentence] of cases) {
      const json = await greenAiJson(['lint', folder.write(name, bytes)], { code: 1 });
      assert.deepEqual(idsOf(json, name), ['config-encoding']);
      assert.match(json.at('files', 0, 'findings', 0, 'message').text(), sentence);
    }
  });

  describe('exit status', () => {
    const cases: readonly (readonly [string, string, 0 | 1])[] = [
      // An info finding.
      ['info.onnx', '', 0],
      ['info.onnx', '--fail-on warning', 0],
      ['info.onnx', '--fail-on info', 1],
      ['info.onnx', '--fail-on info --rule redundant-nodes=off', 0],
      ['info.onnx', '--fail-on info --rule redundant-nodes=hint', 0],
      ['info.onnx', '--rule redundant-nodes=error', 1],
      ['info.onnx', '--rule redundant-nodes=error --rule redundant-nodes=off', 0],
      ['info.onnx', '--rule redundant-nodes=error --fail-on never', 0],
      ['error.onnx', '', 1],
      ['error.onnx', '--fail-on never', 0],
    ];
    for (const [name, flags, code] of cases) {
      it(`is ${code} for ${name} ${flags}`, async () => {
        folder.model('info.onnx', redundant);
        folder.write('error.onnx', '');
        const args = ['lint', folder.at(name), ...flags.split(' ').filter((flag) => flag !== '')];
        for (const format of ['text', 'json', 'sarif']) {
          assert.equal((await greenAi([...args, '--format', format])).code, code, format);
        }
      });
    }
  });

  describe('settings', () => {
    it('uses the nearest green-ai.json at or above the target', async () => {
      folder.write('green-ai.json', '{"device": "raspberry-pi-4b"}');
      folder.write('near.v2/green-ai.json', '{"device": "raspberry-pi-5"}');
      folder.model('deep/er/m.onnx', fine);
      folder.model('near.v2/m.onnx', fine);
      const device = async (...args: readonly string[]): Promise<unknown> =>
        (await greenAiJson(['lint', ...args])).at('summary', 'device').value;
      assert.equal(await device(folder.path), 'raspberry-pi-4b');
      assert.equal(await device(folder.at('deep/er')), 'raspberry-pi-4b');
      assert.equal(await device(folder.at('deep/er/m.onnx')), 'raspberry-pi-4b');
      assert.equal(await device(folder.at('near.v2')), 'raspberry-pi-5');
      assert.equal(await device(folder.at('near.v2/m.onnx')), 'raspberry-pi-5');
      const other = folder.write('other.json', '{"device": "laptop-cpu"}');
      assert.equal(await device(folder.path, '--config', other), 'laptop-cpu');
      assert.equal(await device(folder.path, '--device', 'laptop-cpu'), 'laptop-cpu');
    });

    it('leaves out what the ignore globs name, relative to the settings file', async () => {
      folder.write('green-ai.json', '{"ignore": ["old/**", "*.tmp.onnx", "!keep.tmp.onnx"]}');
      for (const name of [
        'old/a.onnx',
        'sub/old/b.onnx',
        'c.tmp.onnx',
        'keep.tmp.onnx',
        'd.onnx',
      ]) {
        folder.model(name, fine);
      }
      const json = await greenAiJson(['lint', folder.path]);
      const names = json
        .at('files')
        .texts('path')
        .map((file) => path.basename(file));
      assert.deepEqual(names.sort(), ['b.onnx', 'd.onnx', 'green-ai.json', 'keep.tmp.onnx']);
      const named = await greenAi(['lint', folder.at('old/a.onnx')]);
      assert.match(named.err, /a\.onnx: left out by the settings' ignore globs/u);
      assert.match(named.out, /0 findings in 0 files/u);
    });

    it('takes levels and fail-on from the file, flags above them', async () => {
      folder.model('m.onnx', redundant);
      folder.write(
        'green-ai.json',
        '{"rules": {"redundant-nodes": "warning"}, "failOn": "warning"}',
      );
      const run = (...flags: readonly string[]) => greenAi(['lint', folder.path, ...flags]);
      assert.equal((await run()).code, 1);
      assert.equal((await run('--fail-on', 'error')).code, 0);
      assert.equal((await run('--rule', 'redundant-nodes=info')).code, 0);
    });

    it('reports what is wrong in them, also when only another file was asked for', async () => {
      folder.model('models/m.onnx', fine);
      folder.write('green-ai.json', '{\n  "device": "laptop-cpus"\n}\n');
      for (const target of [folder.path, folder.at('models'), folder.at('models/m.onnx')]) {
        const json = await greenAiJson(['lint', target], { code: 1 });
        assert.deepEqual(idsOf(json, 'green-ai.json'), ['invalid-settings']);
        const [file] = json
          .at('files')
          .items()
          .filter((one) => one.at('path').text().endsWith('.json'));
        const { start, end } = rangeOf(file?.at('findings', 0));
        assert.deepEqual(
          [start, end],
          [
            { line: 1, character: 12 },
            { line: 1, character: 25 },
          ],
        );
      }
    });

    it('checks the settings of folders that it does not use', async () => {
      folder.write('a/green-ai.json', '{"bogus": 1}');
      folder.write('green-ai.json', '{}');
      const json = await greenAiJson(['lint', folder.path], { code: 1 });
      const files = json.at('files').items();
      const counts = files.map((file) => file.at('findings').items().length);
      assert.deepEqual(counts.sort(), [0, 1]);
    });
  });

  describe('ranges of config findings', () => {
    /** A value in front of it moves the finding; what it covers in the text must stay the same. */
    const texts: readonly (readonly [string, (lines: readonly string[]) => string])[] = [
      ['LF', (lines) => lines.join('\n')],
      ['CRLF', (lines) => lines.join('\r\n')],
      ['CR', (lines) => lines.join('\r')],
      ['a byte order mark', (lines) => `\ufeff${lines.join('\n')}`],
      ['a byte order mark and one line', (lines) => `\ufeff${lines.join('')}`],
      ['astral characters before it on the line', (lines) => lines.join('').replace('note', '😀𝒳')],
      [
        'tabs and U+2028, which ends no line',
        (lines) => lines.join('\t').replace('note', 'a\u2028b'),
      ],
    ];
    for (const [what, join] of texts) {
      it(`cover the entry exactly with ${what}`, async () => {
        const text = join([
          '{"note": "note",',
          '"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256,',
          '"intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,',
          '"vocab_size": 1000, "max_position_embeddings": 512, "torch_dtype": "float32"}',
        ]);
        const file = folder.write('config.json', text);
        const json = await greenAiJson(['lint', file, '--fail-on', 'never']);
        const finding = json
          .at('files', 0, 'findings')
          .items()
          .find((one) => one.at('ruleId').value === 'float32-dtype');
        const { start, end } = rangeOf(finding);
        assert.equal(start.line, end.line);
        // As an editor holds it: without the mark, lines end at LF, CRLF or CR only.
        const line = text.replace('\ufeff', '').split(/\r\n|\r|\n/u)[start.line] ?? '';
        assert.equal(line.slice(start.character, end.character), '"torch_dtype": "float32"');
        const { out } = await greenAi(['lint', file]);
        assert.ok(out.includes(`at ${start.line + 1}:${start.character + 1}\n`), out);
      });
    }
  });

  it('shows findings as text: file, severity, message, rule, place, fix', async () => {
    const model = folder.model('m.onnx', redundant);
    const { out, err } = await greenAi(['lint', model]);
    assert.equal(err, '');
    const [first, second, third] = out.split('\n');
    assert.equal(first, model);
    assert.match(second ?? '', /^ {2}info {4}\S.* {2}redundant-nodes/u);
    assert.match(third ?? '', /^ {10}fix: .* \(safe\)$/u);
    assert.match(out, /\n1 findings \(1 info\) in 1 files, for laptop-cpu\n$/u);
  });
});

interface Place {
  readonly line: number;
  readonly character: number;
}

function rangeOf(finding: Json | undefined): { readonly start: Place; readonly end: Place } {
  assert.ok(finding, 'no such finding');
  const place = (key: string): Place => ({
    line: finding.at('range', key, 'line').number(),
    character: finding.at('range', key, 'character').number(),
  });
  return { start: place('start'), end: place('end') };
}
