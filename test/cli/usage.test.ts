import assert from 'node:assert/strict';
import { greenAi, greenAiJson, refused, useTempFolder, version } from '../support/cli';
import { assertShape } from '../support/contract';

const tiny = 'g (float[N, 2] x) => (float[N, 2] y) { y = Relu (x) }';

describe('command line: usage', () => {
  const folder = useTempFolder();

  it('prints its version and help, exit 0', async () => {
    assert.deepEqual(await greenAi(['--version']), { code: 0, out: `${version}\n`, err: '' });
    const help = await greenAi(['--help']);
    assert.equal(help.code, 0);
    for (const command of ['lint', 'inspect', 'estimate', 'optimize', 'devices', 'rules', 'text']) {
      assert.match(help.out, new RegExp(`^ {2}${command}\\b`, 'mu'));
      assert.equal((await greenAi([command, '--help'])).code, 0);
    }
  });

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /^Usage: green-ai/mu],
    ['bogus', /unknown command 'bogus'/u],
    ['devices --format xml', /Allowed choices are text, json/u],
    ['lint . --format yaml', /Allowed choices are text, json, sarif/u],
    ['inspect', /missing required argument 'file'/u],
    ['inspect m.onnx --bogus', /unknown option '--bogus'/u],
    ['inspect m.onnx --dim N', /--dim N: give a name and a size/u],
    ['inspect m.onnx --dim N=0', /--dim N=0/u],
    ['inspect m.onnx --dim =3', /--dim =3/u],
    ['inspect m.onnx --dim N=1e3', /--dim N=1e3/u],
    ['estimate m.onnx --batch 0', /--batch 0: give a whole number from 1 on/u],
    ['estimate m.onnx --threads two', /--threads two/u],
    ['estimate m.onnx --precision float17', /--precision float17/u],
    ['estimate m.onnx --region Mars', /--region/u],
    ['estimate m.onnx --device laptop-cpus', /did you mean laptop-cpu\?/u],
    ['estimate m.onnx --device laptop-cpu,zx81', /--device zx81: no such device/u],
    ['lint . --device laptop-cpus', /Did you mean "laptop-cpu"\?/u],
    ['lint . --rule float-weight=off', /no rule "float-weight"\. Did you mean "float-weights"\?/u],
    ['lint . --rule float-weights=loud', /LEVEL is one of/u],
    ['lint . --fail-on hints', /--fail-on is one of error, warning, info, never/u],
    ['lint . --region Mars', /--region/u],
    ['lint . --config missing.json', /--config missing\.json: there is no such file/u],
    ['lint nowhere', /nowhere: there is no such file or folder/u],
    ['optimize m.onnx', /required option '--recipe/u],
    [
      'optimize m.onnx --recipe shrink',
      /there is no recipe "shrink"; there are cleanup, int8-dyna/u,
    ],
    ['optimize m.onnx --recipe cleanup --verify twice', /--verify twice: give one of run, load/u],
    ['optimize m.onnx --recipe cleanup --max-drop half', /--max-drop half: give a share/u],
    ['optimize m.onnx --recipe cleanup --max-drop 101%', /--max-drop 101%/u],
    [
      'optimize m.onnx --recipe cleanup --runtime cuda',
      /--runtime cuda: give one of native, wasm/u,
    ],
    ['optimize m.onnx --recipe cleanup --samples 0', /--samples 0/u],
    ['diff a.onnx b.onnx', /diff is not part of this version yet/u],
  ];
  for (const [args, sentence] of wrong) {
    it(`refuses "${args}" with exit 2 and a sentence`, async () => {
      await refused(
        args.split(' ').filter((arg) => arg !== ''),
        sentence,
      );
    });
  }

  const planned = 'float16 int8-static int8-weights int4-weights prune-structured prune-2-4'
    .concat(' prune-magnitude auto')
    .split(' ');
  for (const recipe of planned) {
    it(`says that the recipe ${recipe} is still to come`, async () => {
      const model = folder.model('m.onnx', tiny);
      await refused(
        ['optimize', model, '--recipe', recipe],
        new RegExp(`the recipe ${recipe} is not part of this version yet; there are cleanup`, 'u'),
      );
      assert.deepEqual(folder.names(), ['m.onnx']);
    });
  }

  for (const flags of [
    '--input x=1',
    '--parity onnxruntime',
    '--weight-type int8',
    '--per-channel',
  ]) {
    it(`says that ${flags} is still to come`, async () => {
      const [flag = ''] = flags.split(' ');
      await refused(
        ['optimize', 'm.onnx', '--recipe', 'cleanup', ...flags.split(' ')],
        new RegExp(`${flag} is not part of this version yet`, 'u'),
      );
    });
  }

  const unreadable: readonly (readonly [string, RegExp])[] = [
    ['missing.onnx', /there is no such file/u],
    ['missing.json', /there is no such file/u],
    ['folder.onnx', /it is no regular file/u],
    ['folder', /it is no regular file/u],
    ['empty.onnx', /empty/u],
    ['text.onnx', /./u],
    ['words.json', /./u],
    ['list.json', /no model or model config of a known format/u],
  ];
  for (const [name, reason] of unreadable) {
    it(`answers ${name} with exit 2 and a reason`, async () => {
      folder.write('folder.onnx/x', '');
      folder.write('folder/x', '');
      folder.write('empty.onnx', '');
      folder.write('text.onnx', 'Not found\n');
      folder.write('words.json', 'Not found\n');
      folder.write('list.json', '[1, 2]');
      for (const command of ['inspect', 'estimate']) {
        await refused([command, folder.at(name)], reason);
      }
      if (!name.endsWith('.onnx')) return;
      await refused(['text', folder.at(name)], reason);
      await refused(['optimize', folder.at(name), '--recipe', 'cleanup'], reason);
    });
  }

  it('lists devices and rules, as text and as JSON', async () => {
    const devices = await greenAiJson(['devices']);
    assertShape('devices', devices.value);
    const deviceText = (await greenAi(['devices'])).out;
    for (const id of devices.at('devices').texts('id')) assert.ok(deviceText.includes(id), id);
    const rules = await greenAiJson(['rules']);
    assertShape('rules', rules.value);
    const ruleText = (await greenAi(['rules'])).out;
    for (const id of rules.at('rules').texts('id')) assert.ok(ruleText.includes(id), id);
  });

  it('says in JSON where every constant of a device comes from', async () => {
    const devices = await greenAiJson(['devices']);
    for (const device of devices.at('devices').items()) {
      const rates = device.at('peakOpsPerSecond');
      const formats = Object.keys(rates.value ?? {});
      assert.ok(formats.length > 0, device.path);
      const constants = [
        ...formats.map((format) => rates.at(format)),
        device.at('memoryBandwidth'),
      ];
      for (const constant of constants) {
        assert.ok(constant.at('value').number() > 0, constant.path);
        for (const key of ['unit', 'source', 'confidence']) {
          assert.ok(constant.at(key).text().length > 0, `${constant.path}.${key}`);
        }
      }
    }
  });
});
