import assert from 'node:assert/strict';
import { inputKinds, makeInput, type InputKey, type InputKind } from '../../bench/fuzz/input';
import { failureOf, minimised } from '../../bench/fuzz/minimise';
import { loadSeeds, type Seeds } from '../../bench/fuzz/seeds';
import { corpus } from '../support/corpus';

/** So many that all together take some seconds; `bench/fuzz.ts` runs a million. */
const counts: Readonly<Record<InputKind, number>> = { wire: 300, text: 500, config: 300 };

/** One that always stays, and one that is new each time. */
const numbers = [1, Date.now() % 2 ** 32];

describe('property: changed inputs', () => {
  let seeds: Seeds;
  before(async () => {
    seeds = await loadSeeds(corpus);
  });
  for (const kind of inputKinds) {
    for (const [position, seed] of numbers.entries()) {
      it(`${kind}: all of core answers, seed ${position === 0 ? seed : 'of the day'}`, async () => {
        for (let index = 0; index < counts[kind]; index++) {
          await check(seeds, { seed, index, kinds: [kind] });
        }
      });
    }
  }
});

async function check(seeds: Seeds, key: InputKey): Promise<void> {
  const failure = await failureOf(makeInput(seeds, key));
  if (!failure) return;
  const smaller = await minimised(seeds, key, failure.signature);
  const shown = smaller.kind === 'wire' ? Buffer.from(smaller.bytes).toString('hex') : smaller.text;
  assert.fail(`seed ${key.seed}, index ${key.index}: ${failure.stack}\n${smaller.kind}: ${shown}`);
}
