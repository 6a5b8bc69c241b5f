import assert from 'node:assert/strict';
import { emptyPatch } from '../../../server/src/core/transform/patch';
import type { FileWriter } from '../../../server/src/host';
import type { Candidate } from '../../../server/src/optimize-result';
import { maxRankedLayers, searchRollback, type RollbackResult } from '../../../server/src/rollback';
import { notVerified } from '../../../server/src/runtime/verify';

interface Search {
  readonly layers: readonly string[];
  /** Layers with which the bound is missed. */
  readonly bad: readonly string[];
  /** What a layer's output is worth when it alone is changed; 0.9999 unless given. */
  readonly cosine?: Readonly<Record<string, number | null>>;
  readonly groups?: readonly (readonly string[])[];
  /** The attempt, counted from 1, during which the user gives up. */
  readonly cancelAt?: number;
}

interface Outcome extends RollbackResult {
  readonly failed: Candidate;
  readonly attempts: number;
  /** Temporary files that were not discarded. */
  readonly left: readonly string[];
}

/** Runs the search over an imagined model and runtime. */
async function search({
  layers,
  bad,
  cosine = {},
  groups = [],
  cancelAt,
}: Search): Promise<Outcome> {
  const left = new Set<string>();
  const signal = { cancelled: false };
  let attempts = 0;
  const candidate = (exclude: ReadonlyMap<string, string>): Candidate => {
    const broken = groups.filter((group) => group.some((layer) => exclude.has(layer))).flat();
    const changed = layers.filter((layer) => !exclude.has(layer) && !broken.includes(layer));
    const name = `${attempts}`;
    left.add(name);
    const values = changed.map((layer) => (layer in cosine ? cosine[layer] : 0.9999));
    const known = values.filter((value) => typeof value === 'number');
    const writer: FileWriter = {
      temporaryPath: name,
      write: () => Promise.resolve(),
      finish: () => Promise.resolve(),
      commit: () => Promise.reject(new Error('the search commits nothing')),
      discard: () => {
        left.delete(name);
        return Promise.resolve();
      },
    };
    return {
      plan: { patch: emptyPatch, changedNodes: changed, skipped: [], groups },
      writer,
      byteLength: 0,
      verification: {
        ...notVerified(),
        state: 'run',
        decision: changed.some((layer) => bad.includes(layer)) ? 'fail' : 'pass',
        cosine: known.length === 0 || known.length < values.length ? null : Math.min(...known),
      },
    };
  };
  const failed = candidate(new Map());
  const result = await searchRollback(failed, {
    signal,
    progress: () => undefined,
    attempt: (exclude) => {
      attempts++;
      if (attempts === cancelAt) {
        signal.cancelled = true;
        // Both happen: the attempt notices itself, or it is done already.
        if (attempts % 2 === 0) return Promise.resolve(null);
      }
      return Promise.resolve(candidate(exclude));
    },
  });
  return { ...result, failed, attempts, left: [...left] };
}

const ten = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];

describe('rollback', () => {
  const found: readonly (readonly [string, Search, readonly string[]])[] = [
    ['the one bad layer', { layers: ten, bad: ['d'], cosine: { d: 0.5 } }, ['d']],
    ['the first', { layers: ten, bad: ['a'], cosine: { a: 0.5 } }, ['a']],
    ['the last', { layers: ten, bad: ['j'], cosine: { j: 0.5 } }, ['j']],
    [
      'all of several',
      { layers: ten, bad: ['b', 'h', 'i'], cosine: { b: 0.6, h: 0.5, i: 0.7 } },
      ['b', 'h', 'i'],
    ],
    [
      'all but one',
      { layers: ['a', 'b', 'c'], bad: ['a', 'c'], cosine: { a: 0.1, c: 0.2 } },
      ['a', 'c'],
    ],
    ['one of two', { layers: ['a', 'b'], bad: ['b'], cosine: { b: 0.9 } }, ['b']],
    [
      'a layer whose outputs are broken',
      { layers: ten, bad: ['e'], cosine: { e: null, f: 0.99 } },
      ['e'],
    ],
    // The rank is a guess: what ranks worse goes along.
    [
      'the worst by rank up to the bad one',
      { layers: ten, bad: ['c'], cosine: { c: 0.99, g: 0.9 } },
      ['c', 'g'],
    ],
    [
      'layers that share a weight together',
      { layers: ['a', 'b', 'c', 'd'], bad: ['b'], cosine: { b: 0.4 }, groups: [['b', 'd']] },
      ['b', 'd'],
    ],
    [
      'no good group though it cannot be measured layer by layer',
      { layers: ['a', 'b', 'c', 'd'], bad: ['a'], cosine: { a: 0.4 }, groups: [['b', 'd']] },
      ['a'],
    ],
  ];
  for (const [what, model, expected] of found) {
    it(`leaves out ${what}`, async () => {
      const { candidate, rolledBack, attempts, left } = await search(model);
      assert.deepEqual([...rolledBack.keys()].sort(), expected);
      assert.equal(candidate?.verification.decision, 'pass');
      assert.deepEqual(
        candidate.plan.changedNodes,
        model.layers.filter((layer) => !expected.includes(layer)),
      );
      for (const reason of rolledBack.values()) {
        assert.match(
          reason,
          /^with it the bound was missed; alone it gives cosine (\d\.\d{5}|unknown)$/u,
        );
      }
      assert.deepEqual(left, [candidate.writer?.temporaryPath], 'every other file is gone');
      const { length } = model.layers;
      assert.ok(attempts <= length + Math.ceil(Math.log2(length)) + 1, `${attempts} attempts`);
    });
  }

  const tooMany = Array.from({ length: maxRankedLayers + 1 }, (_, index) => `n${index}`);
  const hopeless: readonly (readonly [string, Search])[] = [
    ['every layer is bad', { layers: ['a', 'b', 'c'], bad: ['a', 'b', 'c'] }],
    ['there is one layer', { layers: ['a'], bad: ['a'] }],
    ['all layers share one weight', { layers: ['a', 'b'], bad: ['a'], groups: [['a', 'b']] }],
    ['measuring every layer would take too long', { layers: tooMany, bad: ['n3'] }],
  ];
  for (const [what, model] of hopeless) {
    it(`gives the failed candidate back when ${what}`, async () => {
      const { candidate, failed, rolledBack, left } = await search(model);
      assert.equal(candidate, failed);
      assert.equal(rolledBack.size, 0);
      assert.deepEqual(left, [failed.writer?.temporaryPath]);
    });
  }

  it('leaves nothing when cancelled, at whichever attempt', async () => {
    const model = { layers: ten, bad: ['b', 'h'], cosine: { b: 0.6, h: 0.5 } };
    const { attempts } = await search(model);
    assert.ok(attempts > ten.length);
    for (let cancelAt = 1; cancelAt <= attempts; cancelAt++) {
      const { candidate, left, rolledBack } = await search({ ...model, cancelAt });
      assert.equal(candidate, null, `attempt ${cancelAt}`);
      assert.equal(rolledBack.size, 0);
      assert.deepEqual(left, [], `attempt ${cancelAt}`);
    }
  });
});
