import assert from 'node:assert/strict';
import {
  accuracyText,
  changeText,
  comparisonGroups,
  deviceGroups,
  paretoCount,
  paretoText,
  sortedEstimates,
  spokenRange,
} from '../../../client/src/report/figures';
import { formatJoules } from '../../../server/src/core/format';
import type { DeviceChoice, ReportEstimate, ReportLayer } from '../../../server/src/protocol';
import { estimateOf, layerOf, reportOf } from './reports';

describe('report: figures', () => {
  const changes: readonly (readonly [number | null, number | null, string | null])[] = [
    [200, 50, '−75 %'],
    [100, 103, '+3 %'],
    [1000, 999, '−<1 %'],
    [5, 5, 'unchanged'],
    [0, 5, null],
    [null, 5, null],
    [5, null, null],
  ];
  for (const [before, after, expected] of changes) {
    it(`${String(before)} → ${String(after)} is ${String(expected)}`, () => {
      assert.equal(changeText(before, after), expected);
    });
  }

  it('shows accuracies to a tenth of a percent', () => {
    assert.equal(accuracyText(0.9766), '97.7 %');
    assert.equal(accuracyText(1), '100 %');
    assert.equal(accuracyText(null), 'not measured');
  });

  it('speaks a range without a dash', () => {
    const range = { low: 0.0027, mid: 0.0109, high: 0.0437 };
    assert.equal(spokenRange(range, formatJoules), '2.7 to 43.7 mJ, middle estimate 10.9 mJ');
  });

  describe('where the energy goes', () => {
    const shares = (...values: (number | null)[]): ReportLayer[] =>
      values.map((share) => layerOf({ share }));
    const cases: readonly (readonly [string, readonly ReportLayer[], number, string])[] = [
      ['few layers', shares(0.5, 0.3, 0.1, 0.1), 1, '2 of 4 layers use 80 % of the energy.'],
      ['one dominates', shares(0.9, 0.1), 1, '1 of 2 layers uses 80 % of the energy.'],
      [
        'work is missing',
        shares(0.5, 0.5, null),
        0.7,
        '2 of 3 layers use 80 % of the known energy.',
      ],
      ['nothing is known', shares(null, null), 0, '2 layers of unknown energy.'],
      ['there is one layer', shares(1), 1, '1 layer.'],
    ];
    for (const [what, layers, coverage, expected] of cases) {
      it(`when ${what}`, () => {
        assert.equal(paretoText(reportOf({ layers, coverage })), expected);
      });
    }

    it('counts layers that are summed up, and does not guess about them', () => {
      const layers = shares(0.4, 0.3);
      assert.equal(paretoCount(layers, 0.8), null);
      const otherLayers = { count: 1300, share: 0.3 };
      assert.equal(paretoText(reportOf({ layers, otherLayers })), '1,302 layers.');
    });
  });

  describe('devices', () => {
    const devices: readonly DeviceChoice[] = [
      { id: 'laptop', name: 'Laptop', class: 'laptop' },
      { id: 'm4', name: 'M4 board', class: 'mcu' },
      { id: 'm7', name: 'M7 board', class: 'mcu' },
      { id: 'abacus', name: 'Abacus', class: 'bead-frame' },
    ];

    it('are grouped by class; one of later days keeps its id', () => {
      assert.deepEqual(
        deviceGroups(devices).map(({ name, devices: members }) => [name, members.length]),
        [
          ['Laptops', 1],
          ['Microcontrollers', 2],
          ['bead-frame', 1],
        ],
      );
    });

    it('are compared with the current one, in every group', () => {
      const groups = comparisonGroups(devices, 'm7');
      for (const { name, devices: members } of groups) {
        assert.equal(members.filter(({ id }) => id === 'm7').length, 1, name);
      }
      assert.deepEqual(
        groups[0]?.devices.map(({ id }) => id),
        ['laptop', 'm7', 'abacus'],
      );
      assert.equal(groups.at(-1)?.devices.length, devices.length);
    });

    it('are listed by energy, what does not fit and what is unknown last', () => {
      const energy = (mid: number): ReportEstimate['energyJoules'] => ({
        low: mid / 2,
        mid,
        high: mid * 2,
      });
      const estimates = [
        estimateOf({ deviceName: 'too small', energyJoules: energy(0.1), fits: false }),
        estimateOf({ deviceName: 'unknown', energyJoules: null }),
        estimateOf({ deviceName: 'hungry', energyJoules: energy(5) }),
        estimateOf({ deviceName: 'modest', energyJoules: energy(1) }),
      ];
      const order = (key: 'energy' | 'device'): string[] =>
        sortedEstimates(estimates, key).map(({ deviceName }) => deviceName);
      assert.deepEqual(order('energy'), ['modest', 'hungry', 'unknown', 'too small']);
      assert.deepEqual(order('device'), ['hungry', 'modest', 'too small', 'unknown']);
    });
  });
});
