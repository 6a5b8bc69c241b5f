import assert from 'node:assert/strict';
import path from 'node:path';
import { greenAi, greenAiJson, examples, useTempFolder, modelBytes } from '../support/cli';
import { assertShape } from '../support/contract';

const linear = `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1], producer_name: "p",
 producer_version: "2">
g (float[batch, 3] x) => (float[batch, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}, float[2] b = {1, 2}> {
  [fc] h = MatMul (x, w)
  [bias] y = Add (h, b)
}`;

describe('command line: inspect', () => {
  const folder = useTempFolder();

  it('gives the contract’s JSON for every example', async () => {
    for (const model of [
      'digits-cnn/digits-cnn',
      'digits-transformer-dynamo/digits-transformer-dynamo',
    ]) {
      const json = await greenAiJson(['inspect', path.join(examples, `${model}.onnx`)]);
      assertShape('model', json.value);
      assert.deepEqual(json.at('problems').value, []);
    }
    for (const config of ['decoder-1b-float32', 'decoder-2b-int8', 'decoder-8b-longctx']) {
      const file = path.join(examples, 'hf', config, 'config.json');
      assertShape('config', (await greenAiJson(['inspect', file])).value);
    }
  });

  it('counts a linear layer: parameters, bytes, MACs as an expression of the open size', async () => {
    const json = await greenAiJson(['inspect', folder.model('m.onnx', linear)]);
    assertShape('model', json.value);
    assert.deepEqual(json.at('opsets').value, { '': 17, 'com.microsoft': 1 });
    assert.equal(json.at('producer').value, 'p 2');
    assert.equal(json.at('irVersion').value, 8);
    // 3·2 weights and 2 biases of 4 bytes; 3·2 multiply-accumulates a row.
    assert.equal(json.at('parameters').value, 8);
    assert.equal(json.at('weightBytes').value, 32);
    assert.equal(json.at('macs').value, 6);
    assert.equal(json.at('macsExpression').value, '6*batch');
    assert.match(json.at('assumptions', 0).text(), /batch = 1/u);
    const node = json.at('nodes', 0);
    assert.equal(node.at('name').value, 'fc');
    assert.equal(node.at('macs').value, null);
    assert.equal(node.at('macsExpression').value, '6*batch');
    assert.deepEqual(json.at('values', 'h').value, { dtype: 'float32', shape: ['batch', 2] });
    assert.deepEqual(json.at('inputs').value, [
      { name: 'x', dtype: 'float32', shape: ['batch', 3] },
    ]);
  });

  it('takes sizes of named dims, and says which names the model does not have', async () => {
    const model = folder.model('m.onnx', linear);
    const json = await greenAiJson(['inspect', model, '--dim', 'batch=5']);
    assert.equal(json.at('macs').value, 30);
    assert.equal(json.at('nodes', 0, 'macs').value, 30);
    assert.deepEqual(json.at('assumptions').value, []);
    assert.deepEqual(json.at('outputs', 0, 'shape').value, [5, 2]);
    const wrong = await greenAi(['inspect', model, '--dim', 'bacth=5']);
    assert.equal(wrong.code, 0);
    assert.match(wrong.err, /--dim bacth: the model has no dim of this name; it has batch/u);
  });

  it('lists initializers of old files as weights, not as inputs', async () => {
    const text = linear
      .replace('ir_version: 8', 'ir_version: 3')
      .replace('(float[batch, 3] x)', '(float[batch, 3] x, float[3, 2] w)');
    const json = await greenAiJson(['inspect', folder.model('m.onnx', text)]);
    assert.deepEqual(json.at('inputs').texts('name'), ['x']);
  });

  it('survives names that are properties of every object', async () => {
    const text = `<ir_version: 8, opset_import: ["" : 17, "__proto__" : 3]>
g (float[2] "__proto__") => (float[2] constructor) { constructor = Relu ("__proto__") }`;
    const json = await greenAiJson(['inspect', folder.model('m.onnx', text)]);
    assert.equal(json.at('opsets', '__proto__').value, 3);
    assert.deepEqual(json.at('values', '__proto__').value, { dtype: 'float32', shape: [2] });
    assert.deepEqual(json.at('values', 'constructor').value, { dtype: 'float32', shape: [2] });
  });

  it('counts equal constants of several nodes each, those of a function once', async () => {
    const constants = [
      'value_floats = [1.0, 2.0]',
      'value_float = 3.0',
      'value = float[3] {1, 2, 3}',
    ];
    for (const [index, constant] of constants.entries()) {
      const elements = [2, 1, 3][index] ?? 0;
      const scale = (name: string, from: string, to: string) =>
        `${name} = Constant <${constant}> ()  ${to} = Mul (${from}, ${name})`;
      const text = `<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
g (float[N, ${elements}] x) => (float[N, ${elements}] y) {
  ${scale('a', 'x', 's')}
  ${scale('b', 's', 't')}
  u = own.twice (t)
  y = own.twice (u)
}
<domain: "own", opset_import: ["" : 17]>
twice (i) => (o) { ${scale('c', 'i', 'o')} }`;
      const json = await greenAiJson(['inspect', folder.model('m.onnx', text)]);
      assert.equal(json.at('parameters').value, 3 * elements, constant);
    }
  });

  it('gives every name back as it is', async () => {
    for (const name of ['tab\tline\n', 'back\\\\slash', 'é', '名前', '😀', '\u0001\u007f\u2028']) {
      const text = `<ir_version: 8, opset_import: ["" : 17]>
g (float[2] "${name}") => (float[2] y) { ["n${name}"] y = Add ("${name}", "${name}") }`;
      const json = await greenAiJson(['inspect', folder.model('m.onnx', text)]);
      const meant = name.replace('\\\\', '\\');
      assert.deepEqual(json.at('values', meant).value, { dtype: 'float32', shape: [2] });
      assert.deepEqual(json.at('nodes', 0, 'inputs').value, [meant, meant]);
      assert.equal(json.at('nodes', 0, 'name').value, `n${meant}`);
    }
  });

  it('shows the same figures as text', async () => {
    const { code, out } = await greenAi(['inspect', folder.model('m.onnx', linear)]);
    assert.equal(code, 0);
    assert.match(out, /IR 8, opset ai\.onnx 17, com\.microsoft 1, by p 2/u);
    assert.match(out, /parameters +8 \(32 B\)/u);
    assert.match(out, /6\*batch MACs .* MatMul {2}main\/fc/u);
    const config = path.join(examples, 'hf/decoder-1b-float32/config.json');
    assert.match((await greenAi(['inspect', config])).out, /parameters +1\.1 G/u);
  });

  it('tells in JSON, too, why a file is none that it reads', async () => {
    const cut = modelBytes(linear).slice(0, -7);
    for (const [name, bytes] of [
      ['cut.onnx', cut],
      ['broken.json', '{ "model_type": "llama", '],
    ] as const) {
      const file = folder.write(name, bytes);
      const { code, out, err } = await greenAi(['inspect', file, '--format', 'json']);
      const json: unknown = JSON.parse(out);
      if (code === 2) {
        assertShape('broken', json);
        assert.ok(err.includes(file));
      } else assertShape('config', json);
    }
  });

  it('counts that a file makes absurd are still JSON', async () => {
    for (const sizes of ['bits = 0', 'bits = 4, N = 0', 'bits = -4, N = 4, K = 8']) {
      const model = folder.model(
        'm.onnx',
        `<ir_version: 8, opset_import: ["": 17, "com.microsoft": 1]>
g (float[2, 8] x) => (float[2, 4] y)
<uint8[4, 1, 4] w = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, float[4] s = {1, 2, 3, 4}> {
  y = com.microsoft.MatMulNBits <${sizes}, block_size = 16> (x, w, s)
}`,
      );
      const json = await greenAiJson(['inspect', model]);
      assertShape('model', json.value);
      const { value } = json.at('nodes', 0, 'parameters');
      assert.ok(Number.isSafeInteger(value), `${sizes}: ${String(value)}`);
      assert.equal(json.at('parameters').value, value);
    }
  });
});
