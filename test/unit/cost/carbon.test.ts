import assert from 'node:assert/strict';
import {
  carbonIntensity,
  datacentrePue,
  defaultRegion,
  gridAttribution,
  gridRegions,
  pueOf,
} from '../../../server/src/core/cost/carbon';
import { findDevice } from '../../../server/src/core/cost/devices';

describe('carbonIntensity', () => {
  // Our World in Data, carbon intensity of electricity 2023: Germany 381, France 56, India 713.
  const known: readonly (readonly [string | number, number])[] = [
    ['DEU', 381],
    ['fra', 56],
    [' IND ', 713],
    ['WLD', 481],
    ['250', 250],
    ['12.5', 12.5],
    [0, 0],
    [2000, 2000],
  ];
  for (const [region, grams] of known) {
    it(`${region} is ${grams} g/kWh`, () => {
      const found = carbonIntensity(region);
      assert.ok(found.kind === 'intensity');
      assert.ok(Math.abs(found.gramsPerKwh - grams) < 1);
      assert.ok(found.source.length > 0);
    });
  }

  const refused: readonly (string | number)[] = [
    'Germany',
    'XXX',
    '',
    '__proto__',
    'constructor',
    '-1',
    '2001',
    '1e999',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -5,
    'a'.repeat(10_000),
    '\u0000\u001b[31m',
  ];
  for (const region of refused) {
    it(`refuses ${JSON.stringify(String(region).slice(0, 20))}`, () => {
      const found = carbonIntensity(region);
      assert.ok(found.kind === 'problem');
      assert.equal(found.problem.code, 'unknown-region');
      assert.ok(found.problem.message.length <= 120, found.problem.message);
      assert.match(found.problem.message, /^[\x20-\x7e…]+$/);
    });
  }

  it('knows what a misspelt or spelt-out country is', () => {
    const found = carbonIntensity('Germny');
    assert.ok(found.kind === 'problem' && found.problem.message.includes('Germany is DEU'));
  });

  it('credits the data where it is used, as its licence asks', () => {
    const found = carbonIntensity('NOR');
    assert.ok(found.kind === 'intensity' && found.source.includes(gridAttribution));
    assert.equal(gridAttribution, 'Our World in Data / Ember, CC BY 4.0');
  });

  it('has 213 countries and the world, each plausible', () => {
    assert.equal(gridRegions.size, 214);
    assert.ok(gridRegions.has(defaultRegion));
    for (const { code, name, gramsPerKwh, year } of gridRegions.values()) {
      assert.match(code, /^[A-Z]{3}$/);
      assert.ok(name.length > 2 && gramsPerKwh >= 0 && gramsPerKwh < 1400, code);
      assert.ok(year >= 2009 && year <= 2023, code);
    }
  });
});

describe('pueOf', () => {
  it('charges data-centre overhead in data centres only', () => {
    const laptop = findDevice('laptop-cpu');
    const a100 = findDevice('nvidia-a100-sxm-80gb');
    assert.ok(laptop && a100);
    assert.equal(pueOf(laptop).value, 1);
    assert.equal(pueOf(a100), datacentrePue);
  });
});
