import assert from 'node:assert/strict';
import fc from 'fast-check';
import { cleanup } from '../../server/src/core/transform/cleanup';
import {
  symmetricColumnScales,
  quantizeColumns,
} from '../../server/src/core/transform/quantize/affine';
import { modelBytes } from '../support/cli';
import { transform, useOnnxRuntime } from '../support/transform';

/** One step of a random program over float[3] values; numbers choose among the values that exist by then. */
type Step = readonly [kind: string, first: number, second: number];

const kinds = ['Identity', 'Identity', 'Dropout', 'Relu', 'Neg', 'Add', 'If', 'Split'] as const;
const step = fc.tuple(fc.constantFrom(...kinds), fc.nat(999), fc.nat(999));

/** Names are values; every program is a valid model, in which much is redundant or dead. */
function programText(steps: readonly Step[], outputs: readonly number[]): string {
  const values = ['x', 'w', 'v'];
  const made: string[] = [];
  const pick = (choice: number): string => values[choice % values.length] ?? 'x';
  const nodes = steps.map(([kind, first, second], index) => {
    const name = `n${index}`;
    const [a, b] = [pick(first), pick(second)];
    values.push(name);
    made.push(name);
    switch (kind) {
      case 'Add':
        return `${name} = Add (${a}, ${b})`;
      case 'Dropout':
        return `${name}, m${index} = Dropout (${a})`;
      case 'If':
        return `${name} = If (c) <then_branch = t${index} () => (float[3] p${index}) { p${index} = Identity (${a}) },
          else_branch = e${index} () => (float[3] q${index}) { q${index} = Neg (${b}) }>`;
      case 'Split':
        values.push(`o${index}`);
        made.push(`o${index}`);
        return `s${index} = Concat <axis = 0> (${a}, ${b}) ${name}, o${index} = Split <axis = 0> (s${index}, halves)`;
      default:
        return `${name} = ${kind} (${a})`;
    }
  });
  const chosen = [...new Set(outputs.map((choice) => made[choice % made.length] ?? ''))];
  return `g (bool c, float[3] x) => (${chosen.map((name) => `float[3] ${name}`).join(', ')})
<float[3] w = {1, -2, 0.5}, float[3] v = {0, 3, -1}, float[3] unused = {0, 0, 0}, int64[2] halves = {3, 3}> {
${nodes.join('\n')} }`;
}

describe('transforms: properties', function () {
  this.timeout(120_000);
  const runtime = useOnnxRuntime();

  it('cleanup changes no output of any program', async () => {
    let changed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(999), { minLength: 1, maxLength: 3 }),
        async (steps, outputs) => {
          const original = modelBytes(programText(steps, outputs));
          const { bytes, plan } = await transform(cleanup, original);
          if (plan.changedNodes.length > 0) changed++;
          const { isIdentical } = await runtime.compare(original, bytes, { samples: 2 });
          assert.ok(isIdentical);
        },
      ),
      { numRuns: 60 },
    );
    assert.ok(changed > 30, `only ${changed} programs had something to clean`);
  });

  it('int8 codes give each weight back within half a step, symmetrically and never as -128', () => {
    const weight = fc.float({
      noNaN: true,
      noDefaultInfinity: true,
      min: -(2 ** 100),
      max: 2 ** 100,
    });
    fc.assert(
      fc.property(fc.nat(5), fc.array(weight, { minLength: 6, maxLength: 60 }), (extra, list) => {
        const columns = extra + 1;
        const rows = Math.floor(list.length / columns);
        const weights = Float32Array.from(list.slice(0, rows * columns));
        const scales = symmetricColumnScales(weights, rows, columns);
        assert.ok(scales);
        const codes = quantizeColumns(weights, scales, columns);
        const negated = quantizeColumns(
          weights.map((one) => -one),
          scales,
          columns,
        );
        weights.forEach((value, index) => {
          const scale = scales[index % columns] ?? Number.NaN;
          const code = codes[index] ?? Number.NaN;
          assert.ok(Math.abs(code) <= 127);
          // Half a step, and what float32 loses in scale and quotient: 127 · 2^-23 of a step.
          assert.ok(Math.abs(value - code * scale) <= scale * (0.5 + 2e-5), `${value} / ${scale}`);
          assert.equal((negated[index] ?? Number.NaN) + code, 0);
        });
      }),
    );
  });
});
