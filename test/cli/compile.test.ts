import assert from 'node:assert/strict';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { encodeModel } from '../../server/src/core/onnx/encode';
import { parseModelText } from '../../server/src/core/onnx/text-parse';
import { greenAi, refused, useTempFolder } from '../support/cli';

const weights = Float32Array.from({ length: 1024 }, (_, index) => index / 7);
const references = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1, 32] x, bool c) => (float[1, 32] y)
<float[32, 32] w = ["location": "w.bin", "offset": "0", "length": "4096"]>
{
  p = MatMul (x, w)
  y = If (c) <then_branch: graph = t () => (a) {
    k = Constant <value: tensor = float[1, 32] = ["location": "w.bin", "offset": "128", "length": "128"]> ()
    a = Add (p, k)
  }, else_branch: graph = e () => (b) { b = Identity (p) }>
}
`;

describe('green-ai text --compile', () => {
  const folder = useTempFolder();
  const weightsFile = () => folder.write('w.bin', new Uint8Array(weights.buffer));
  const ones = () => ({ data: new Float32Array(32).fill(1), dims: [1, 32] });

  async function outputOf(model: string): Promise<number[]> {
    const ort = await import('onnxruntime-node');
    const session = await ort.InferenceSession.create(model);
    const { data, dims } = ones();
    const x = new ort.Tensor('float32', data, dims);
    const c = new ort.Tensor('bool', [true], []);
    const { y } = await session.run({ x, c });
    await session.release();
    return Array.from(y?.data as Float32Array);
  }

  it('makes a model of its own that ONNX Runtime runs, weights of subgraphs too', async () => {
    weightsFile();
    const text = folder.write('m.onnxtxt', references);
    const out = folder.at('out.onnx');
    assert.deepEqual(await greenAi(['text', '--compile', text, '-o', out]), {
      code: 0,
      out: '',
      err: '',
    });
    writeFileSync(folder.at('w.bin'), '');
    const got = await outputOf(out);
    for (let column = 0; column < 32; column++) {
      let expected = weights[32 + column] ?? 0;
      for (let row = 0; row < 32; row++) expected += weights[row * 32 + column] ?? 0;
      assert.ok(Math.abs((got[column] ?? 0) - expected) < 0.01, `column ${column}`);
    }
    assert.deepEqual(folder.names(), ['m.onnxtxt', 'out.onnx', 'w.bin']);
  });

  it('keeps the references with --external', async () => {
    weightsFile();
    const text = folder.write('m.onnxtxt', references);
    const out = folder.at('out.onnx');
    assert.equal((await greenAi(['text', '--compile', text, '-o', out, '--external'])).code, 0);
    assert.ok(readFileSync(out).byteLength < 1000);
    assert.equal((await outputOf(out)).length, 32);
  });

  it('gives back a printed model, byte for byte in what it computes', async () => {
    const { model } = parseModelText(references);
    assert.ok(model);
    weightsFile();
    // A model of its own first: its printed text refers into the model file.
    const first = folder.write('first.onnxtxt', references);
    await greenAi(['text', '--compile', first, '-o', folder.at('own.onnx')]);
    const { out } = await greenAi(['text', folder.at('own.onnx')]);
    assert.match(out, /"location": "own\.onnx"/u);
    const text = folder.write('own.onnx.onnxtxt', out);
    assert.equal((await greenAi(['text', '--compile', text])).code, 0);
    assert.deepEqual(
      await outputOf(folder.at('own.compiled.onnx')),
      await outputOf(folder.at('own.onnx')),
    );
    assert.notEqual(encodeModel(model).byteLength, 0);
  });

  it('names every syntax error by file, line and column, and writes nothing', async () => {
    const text = folder.write('bad.onnxtxt', 'g (x) => (y) {\n  a = Relu (x\n  y = Relu a)\n}\n');
    const { code, out, err } = await greenAi(['text', '--compile', text]);
    assert.equal(code, 2);
    assert.equal(out, '');
    assert.deepEqual(err.trim().split('\n'), [
      `${text}:2:13: Expected ")", found "y".`,
      `${text}:3:12: Expected "(", found "a".`,
    ]);
    assert.deepEqual(folder.names(), ['bad.onnxtxt']);
  });

  it('refuses what it must not write or read', async () => {
    weightsFile();
    const text = folder.write('m.onnxtxt', references);
    const compile = (...args: string[]) => ['text', '--compile', text, ...args];
    await refused(compile('-o', folder.write('there.onnx', 'x')), /there\.onnx exists.*--force/u);
    assert.equal(readFileSync(folder.at('there.onnx'), 'utf8'), 'x');
    await refused(compile('-o', text, '--force'), /is the text itself/u);
    await refused(compile('-o', folder.at('w.bin'), '--force'), /holds weights/u);
    await refused(compile('-o', folder.at('none', 'x.onnx')), /no such folder/u);
    await refused(['text', text, '--force'], /belong to --compile/u);
    await refused(['text', '--compile', folder.at('none.onnxtxt')], /no such file/u);
    writeFileSync(folder.at('w.bin'), new Uint8Array(100));
    await refused(compile(), /ends at byte 4096.*which has 100/u);
    symlinkSync('/etc/hostname', folder.at('link'));
    const outside = folder.write('o.onnxtxt', references.replaceAll('w.bin', 'link'));
    await refused(['text', '--compile', outside], /leads out of/u);
    const above = folder.write('a.onnxtxt', references.replaceAll('w.bin', '../w.bin'));
    const { code, err } = await greenAi(['text', '--compile', above]);
    assert.equal(code, 2);
    assert.match(err, /a\.onnxtxt:3:20: .*outside the model’s folder/u);
    assert.ok(!existsSync(folder.at('m.compiled.onnx')));
  });
});
