import assert from 'node:assert/strict';
import Ajv from 'ajv';
import fc from 'fast-check';
import { defaultDevice } from '../../server/src/core/cost/devices';
import { rules } from '../../server/src/core/rules/index';
import { settingsJsonSchema } from '../../server/src/generate/json-schema';
import { parseSettings, resolveSettings } from '../../server/src/core/settings';

/** `«…»` marks where the problem must be; the marks are not part of the file. */
function marked(text: string): { text: string; start: number; end: number } {
  const start = text.indexOf('«');
  const end = text.indexOf('»') - 1;
  return { text: text.replace(/[«»]/g, ''), start, end };
}

describe('parseSettings', () => {
  it('reads every setting', () => {
    const { settings, problems } = parseSettings(`{
      "$schema": "./media/green-ai.schema.json",
      "device": "raspberry-pi-5",
      "region": "DEU",
      "rules": {
        "redundant-nodes": "off",
        "does-not-fit": ["warning", {}],
        "oversized-layer": { "severity": "error", "energyShare": 0.5 }
      },
      "ignore": ["vendor/**"],
      "failOn": "warning"
    }`);
    assert.deepEqual(problems, []);
    assert.equal(settings.deviceId, 'raspberry-pi-5');
    assert.equal(settings.region, 'DEU');
    assert.deepEqual(settings.ignore, ['vendor/**']);
    assert.equal(settings.failOn, 'warning');
    assert.equal(settings.rules.get('redundant-nodes')?.level, 'off');
    assert.equal(settings.rules.get('does-not-fit')?.level, 'warning');
    assert.equal(settings.rules.get('oversized-layer')?.level, 'error');
    assert.equal(settings.rules.get('oversized-layer')?.options.get('energyShare'), 0.5);
  });

  it('takes comments and trailing commas', () => {
    const { settings, problems } = parseSettings('{\n  // ours\n  "failOn": "never",\n}\n');
    assert.deepEqual(problems, []);
    assert.equal(settings.failOn, 'never');
  });

  const invalid: readonly (readonly [string, string, RegExp])[] = [
    ['unknown setting', '{ «"devise"»: "laptop-cpu" }', /Did you mean "device"/],
    ['unknown device', '{ "device": «"raspberry-pi-4"» }', /Did you mean "raspberry-pi-4b"/],
    ['device of a wrong type', '{ "device": «5» }', /"device" must be/],
    [
      'unknown rule',
      '{ "rules": { «"oversize-layer"»: "off" } }',
      /Did you mean "oversized-layer"/,
    ],
    ['rule named __proto__', '{ "rules": { «"__proto__"»: "off" } }', /Unknown rule "__proto__"/],
    ['unknown severity', '{ "rules": { "does-not-fit": «"fatal"» } }', /must be one of off, error/],
    ['severity in an object', '{ "rules": { "does-not-fit": { "severity": «1» } } }', /one of off/],
    ['unknown option', '{ "rules": { "oversized-layer": { «"energyShard"»: 1 } } }', /energyShare/],
    [
      'option out of range',
      '{ "rules": { "oversized-layer": ["info", { "energyShare": «25» }] } }',
      /"energyShare" must be a number from/,
    ],
    ['options that are no object', '{ "rules": { "does-not-fit": ["info", «3»] } }', /an object/],
    ['rules that are no object', '{ "rules": «["does-not-fit"]» }', /object of rule ids/],
    ['ignore that is no list', '{ "ignore": «"vendor"» }', /list of glob patterns/],
    ['region that is no code', '{ "region": «"Germany"» }', /Germany is DEU/],
    ['region with an absurd grid', '{ "region": «475000» }', /no carbon intensity/],
    ['region of a wrong type', '{ "region": «["DEU"]» }', /country code/],
    ['failOn of no level', '{ "failOn": «"hint"» }', /must be one of error/],
    ['not an object', '«[]»', /JSON object/],
  ];
  for (const [title, source, message] of invalid) {
    it(`reports where: ${title}`, () => {
      const { text, start, end } = marked(source);
      const [problem, ...others] = parseSettings(text).problems;
      assert.deepEqual(others, []);
      assert.ok(problem);
      assert.equal(problem.code, 'invalid-settings');
      assert.match(problem.message, message);
      assert.ok(problem.message.length <= 120, problem.message);
      assert.deepEqual([problem.start, problem.end], [start, end]);
    });
  }

  it('keeps what is right beside what is wrong', () => {
    const { settings, problems } = parseSettings(
      '{ "device": "laptop-cpu", "failOn": 3, "rules": { "float-weights": "nope", "does-not-fit": "info" } }',
    );
    assert.equal(problems.length, 2);
    assert.equal(settings.deviceId, 'laptop-cpu');
    assert.equal(settings.failOn, undefined);
    assert.equal(settings.rules.get('does-not-fit')?.level, 'info');
  });

  it('never throws, and says something of what is no JSON', () => {
    for (const text of ['', ' ', '{', '{"device"', 'null', '"x"', '['.repeat(100_000), '\u0000']) {
      assert.ok(parseSettings(text).problems.length > 0, text.slice(0, 20));
    }
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        resolveSettings(parseSettings(text).settings);
      }),
    );
  });
});

describe('resolveSettings', () => {
  it('fills in defaults for every rule and option', () => {
    const { settings, problems } = resolveSettings(null);
    assert.deepEqual(problems, []);
    assert.equal(settings.device, defaultDevice);
    assert.equal(settings.failOn, 'error');
    for (const { meta } of rules) {
      const setting = settings.rules.get(meta.id);
      assert.equal(setting?.level, meta.severity);
      assert.deepEqual(
        [...setting.options],
        meta.options.map((option) => [option.name, option.default]),
      );
    }
  });

  it('defaults, then the file, then flags', () => {
    const { settings: file } = parseSettings(
      `{ "device": "raspberry-pi-5", "region": 400, "failOn": "never",
         "rules": { "float-weights": "error", "oversized-layer": { "energyShare": 0.5 } } }`,
    );
    const fromFile = resolveSettings(file).settings;
    assert.equal(fromFile.device.id, 'raspberry-pi-5');
    assert.equal(fromFile.region, 400);
    assert.equal(fromFile.rules.get('float-weights')?.level, 'error');
    const { settings, problems } = resolveSettings(file, {
      device: 'nvidia-t4',
      region: 'FRA',
      rule: ['float-weights=off', 'oversized-layer=hint', 'oversized-layer=warning'],
      failOn: 'info',
    });
    assert.deepEqual(problems, []);
    assert.equal(settings.device.id, 'nvidia-t4');
    assert.equal(settings.region, 'FRA');
    assert.equal(settings.failOn, 'info');
    assert.equal(settings.rules.get('float-weights')?.level, 'off');
    assert.equal(settings.rules.get('oversized-layer')?.level, 'warning');
    assert.equal(settings.rules.get('oversized-layer')?.options.get('energyShare'), 0.5);
  });

  const wrongFlags: readonly (readonly [Parameters<typeof resolveSettings>[1], RegExp])[] = [
    [{ device: 'rasberry-pi-5' }, /no device "rasberry-pi-5".*"raspberry-pi-5"/],
    [{ rule: ['float-wights=off'] }, /no rule "float-wights".*"float-weights"/],
    [{ rule: ['float-weights'] }, /LEVEL is one of off/],
    [{ rule: ['float-weights=loud'] }, /LEVEL is one of off/],
    [{ region: 'Europe' }, /--region/],
    [{ region: '1.2.3' }, /--region/],
    [{ failOn: 'all' }, /--fail-on/],
  ];
  for (const [flags, message] of wrongFlags) {
    it(`refuses ${JSON.stringify(flags)}`, () => {
      const [problem] = resolveSettings(null, flags).problems;
      assert.equal(problem?.code, 'invalid-flag');
      assert.match(problem.message, message);
    });
  }
});

describe('green-ai.schema.json', () => {
  const validate = new Ajv().compile(JSON.parse(settingsJsonSchema()) as object);

  const rows: readonly (readonly [boolean, string])[] = [
    [true, '{}'],
    [true, '{ "device": "laptop-cpu", "region": "DEU", "ignore": [], "failOn": "never" }'],
    [true, '{ "region": 381.5 }'],
    [true, '{ "rules": { "float-weights": "off" } }'],
    [true, '{ "rules": { "oversized-layer": ["error", { "energyShare": 0.4 }] } }'],
    [true, '{ "rules": { "oversized-layer": { "severity": "hint", "byteShare": 0.4 } } }'],
    [false, '{ "devices": [] }'],
    [false, '{ "device": "toaster" }'],
    [false, '{ "rules": { "no-such-rule": "off" } }'],
    [false, '{ "rules": { "oversized-layer": { "energyShare": 40 } } }'],
    [false, '{ "rules": { "oversized-layer": ["error", { "energy": 0.4 }] } }'],
    [false, '{ "failOn": "hint" }'],
  ];
  for (const [valid, text] of rows) {
    it(`${valid ? 'accepts' : 'refuses'} ${text}, as the reader does`, () => {
      assert.equal(validate(JSON.parse(text)), valid);
      assert.equal(parseSettings(text).problems.length === 0, valid);
    });
  }
});
