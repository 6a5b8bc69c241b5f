import assert from 'node:assert/strict';
import path from 'node:path';
import { devices } from '../../server/src/core/cost/devices';
import { greenAi, greenAiJson, examples, useTempFolder } from '../support/cli';
import { assertShape } from '../support/contract';

const model = path.join(examples, 'tabular-mlp/tabular-mlp.onnx');
const config = path.join(examples, 'hf/decoder-1b-float32/config.json');

describe('command line: estimate', () => {
  const folder = useTempFolder();

  it('gives the contract’s JSON for every device, in the order asked for', async () => {
    const ids = devices.map(({ id }) => id);
    for (const file of [model, config]) {
      const json = await greenAiJson(['estimate', file, '--device', ids.join(',')]);
      assertShape('estimate', json.value);
      assert.deepEqual(json.at('estimates').texts('device'), ids);
    }
  });

  it('says in text what it assumes, unless asked to be brief', async () => {
    const long = await greenAi(['estimate', model]);
    assert.match(long.out, /^laptop-cpu \(.*\n {2}energy {2}\S+–\S+ .*J\n/mu);
    assert.match(long.out, /^ {2}assumed /mu);
    assert.match(long.out, /^ {2}source /mu);
    const brief = await greenAi(['estimate', model, '--brief']);
    assert.doesNotMatch(brief.out, /^ {2}(assumed|source) /mu);
  });

  const energy = async (file: string, ...flags: readonly string[]): Promise<number> => {
    const json = await greenAiJson(['estimate', file, ...flags]);
    return json.at('estimates', 0, 'energyJoules', 'mid').number();
  };

  it('takes more energy for more samples, tokens and a slower format', async () => {
    assert.ok((await energy(model, '--batch', '64')) > (await energy(model)));
    assert.ok((await energy(model, '--dim', 'batch=64')) > (await energy(model)));
    const short = ['--device', 'nvidia-a100-sxm-80gb', '--prompt', '10', '--generate', '10'];
    const long = ['--device', 'nvidia-a100-sxm-80gb', '--prompt', '10', '--generate', '100'];
    assert.ok((await energy(config, ...long)) > 5 * (await energy(config, ...short)));
    assert.ok(
      (await energy(config, ...short, '--precision', 'float16')) < (await energy(config, ...short)),
    );
  });

  it('reports the batch it was asked for', async () => {
    for (const file of [model, config]) {
      const json = await greenAiJson(['estimate', file, '--batch', '7']);
      assert.equal(json.at('estimates', 0, 'batch').value, 7);
    }
  });

  it('scales carbon with the grid', async () => {
    const carbon = async (region: string): Promise<number> => {
      const json = await greenAiJson(['estimate', model, '--region', region]);
      return json.at('estimates', 0, 'carbonGrams', 'mid').number();
    };
    const [clean, dirty] = [await carbon('100'), await carbon('700')];
    assert.ok(Math.abs(dirty / clean - 7) < 1e-9);
    assert.ok((await carbon('NOR')) < (await carbon('POL')));
  });

  it('says on stderr that --host and --runtime change nothing yet', async () => {
    const { code, err } = await greenAi(['estimate', model, '--host', 'h', '--runtime', 'r@1']);
    assert.equal(code, 0);
    assert.match(err, /--host does not change/u);
    assert.match(err, /--runtime does not change/u);
  });

  it('knows that it does not know: an unknown operator lowers the coverage', async () => {
    const file = folder.model(
      'm.onnx',
      `<ir_version: 8, opset_import: ["" : 17, "my.ops" : 1]>
g (float[2, 2] x) => (y) { h = my.ops.Mystery (x) y = MatMul (h, x) }`,
    );
    const json = await greenAiJson(['estimate', file]);
    assertShape('estimate', json.value);
    assert.ok(json.at('estimates', 0, 'coverage').number() < 1);
  });
});
