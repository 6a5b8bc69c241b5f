import assert from 'node:assert/strict';
import { greenAi, modelBytes, useTempFolder } from '../support/cli';

/** Clears the screen, hides text, reorders it, ends the line: in bytes that terminals obey. */
const evil = '\u001b[2J\u009b31m\u0007\u202e\u2066\r\nfake line\u2028\u007f';
/** As an argument: what people type is their own affair as far as lines go. */
const typed = evil.replace(/[\r\n]+/gu, '');
const quoted = `"${evil}"`;
/** What may not arrive: every control but the line feeds of our own, separators and direction overrides. */
const obeyed = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u;

/** Findings and problems of many kinds, each naming something evil. */
const model = `<ir_version: 8, opset_import: ["" : 17, ${quoted} : 1], producer_name: ${quoted}>
${quoted} (float[${quoted}, 64] ${quoted}) => (float[N, 64] "y${evil}") <float[64, 64] "w${evil}"> {
  [${quoted}] "a${evil}" = MatMul (${quoted}, "w${evil}")
  [${quoted}] "b${evil}" = Identity ("a${evil}")
  ["unused${evil}"] "u${evil}" = Relu ("missing${evil}")
  ["out${evil}"] "y${evil}" = Relu ("b${evil}")
}`;

const config = JSON.stringify({
  architectures: [evil],
  model_type: 'llama',
  torch_dtype: evil,
  [evil]: evil,
  hidden_size: 64,
  quantization_config: { quant_method: evil },
});

describe('command line: names with control characters', () => {
  const folder = useTempFolder();
  const name = 'm\u001b[31m\u009b\u202e.onnx';

  function assertHarmless(what: string, text: string): void {
    for (const line of text.split('\n')) assert.doesNotMatch(line, obeyed, what);
  }

  const commands: readonly (readonly string[])[] = [
    ['inspect', 'MODEL'],
    ['inspect', 'MODEL', '--dim', `${evil}=3`],
    ['inspect', 'MODEL', '--dim', `no${evil}=3`],
    ['inspect', 'MODEL', '--format', 'json'],
    ['inspect', 'CONFIG'],
    ['inspect', 'CONFIG', '--format', 'json'],
    ['estimate', 'MODEL'],
    ['estimate', 'CONFIG'],
    ['estimate', 'MODEL', '--format', 'json'],
    ['estimate', 'MODEL', '--device', typed],
    ['lint', 'FOLDER'],
    ['lint', 'FOLDER', '--format', 'json'],
    ['lint', 'FOLDER', '--format', 'sarif'],
    ['lint', typed],
    ['lint', 'FOLDER', '--rule', `${typed}=off`],
    ['lint', 'FOLDER', '--config', typed],
    ['optimize', 'MODEL', '--recipe', 'int8-dynamic', '--verify', 'none'],
    ['optimize', 'MODEL', '--recipe', 'cleanup', '--dry-run'],
    ['optimize', 'MODEL', '--recipe', typed],
    ['optimize', 'MODEL', '--recipe', 'cleanup', '-o', `${typed}/x.onnx`],
    ['text', 'MODEL'],
    [typed],
  ];
  for (const args of commands) {
    it(`reach no terminal: ${args.join(' ').replace(/[^ -~]+/gu, '…')}`, async () => {
      folder.write(name, modelBytes(model));
      folder.write('config.json', config);
      folder.write('green-ai.json', JSON.stringify({ [evil]: 1, rules: { [evil]: evil } }));
      folder.write(`sub${typed}/config.json`, config);
      const paths: Readonly<Record<string, string>> = {
        MODEL: folder.at(name),
        CONFIG: folder.at('config.json'),
        FOLDER: folder.path,
      };
      const { out, err } = await greenAi(
        args.map((arg) => paths[arg] ?? arg),
        { isTerminal: true },
      );
      assert.ok(out + err !== '');
      assertHarmless('stdout', out);
      assertHarmless('stderr', err);
      // The text form shows line feeds in names as what they are.
      if (args[0] !== 'text') assert.doesNotMatch(out + err, /^fake line/mu);
      if (args.includes('json') || args.includes('sarif')) JSON.parse(out);
    });
  }

  it('stay as they are in JSON values', async () => {
    const file = folder.write('m.onnx', modelBytes(model));
    const { out } = await greenAi(['inspect', file, '--format', 'json']);
    const { nodes } = JSON.parse(out) as { nodes: { name: string }[] };
    assert.equal(nodes[0]?.name, evil);
  });

  it('stay as they are in the text form when it goes into a file', async () => {
    const file = folder.write('m.onnx', modelBytes(model));
    assert.ok((await greenAi(['text', file])).out.includes(evil));
  });

  it('of a million characters are cut', async () => {
    const long = 'n'.repeat(1_000_000);
    const text = `g (float[2] x) => (float[2] y) { ["${long}"] h = Identity (x) ["b${long}"] y = Relu (h) }`;
    const file = folder.model('m.onnx', text);
    for (const command of ['inspect', 'estimate', 'lint']) {
      const { out, err } = await greenAi([command, file]);
      assert.ok(out.length + err.length < 20_000, command);
    }
  });
});
