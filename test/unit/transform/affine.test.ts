import assert from 'node:assert/strict';
import {
  quantizeColumns,
  symmetricColumnScales,
  unsignedCodes,
  transpose,
} from '../../../server/src/core/transform/quantize/affine';

/*
 * Expected by hand from the formulas of ONNX Runtime's quantiser (onnxruntime/python/tools/quantization/
 * quant_utils.py, compute_scale_zp and quantize_nparray), symmetric int8 with the codes -127…127:
 *   scale = f32((f32(max|w|) + f32(max|w|)) / 254), 1 when below the smallest normal float32; zero point 0
 *   code  = clip(round half to even(f32(w / scale)), -128, 127)
 */

const maxFloat = (2 - 2 ** -23) * 2 ** 127;
const smallestNormal = 2 ** -126;
const smallestSubnormal = 2 ** -149;

interface Row {
  readonly title: string;
  /** One column. */
  readonly weights: readonly number[];
  readonly scale: number;
  readonly codes: readonly number[];
}

const rows: readonly Row[] = [
  {
    title: 'halves to the even neighbour',
    weights: [127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, 125.5, -126.5],
    scale: 1,
    codes: [127, 0, 2, 2, 0, -2, -2, 126, 126, -126],
  },
  {
    title: 'what lies beside a half to its nearest',
    weights: [127, 0.49999997, 0.50000006, -1.4999999, -1.5000001],
    scale: 1,
    codes: [127, 0, 1, -1, -2],
  },
  {
    title: 'the largest magnitude to 127, whichever its sign',
    weights: [-254, 254, 100, -3],
    scale: 2,
    codes: [-127, 127, 50, -2],
  },
  { title: 'all zeros with scale 1', weights: [0, 0, -0], scale: 1, codes: [0, 0, 0] },
  { title: 'one weight to 127', weights: [0.03125], scale: 0.03125 / 127, codes: [127] },
  {
    title: 'subnormal numbers to 0 with scale 1',
    weights: [smallestSubnormal, -(2 ** -130), smallestNormal],
    scale: 1,
    codes: [0, 0, 0],
  },
  {
    title: 'a scale that is just normal',
    weights: [127 * smallestNormal, -smallestNormal, smallestSubnormal],
    scale: smallestNormal,
    codes: [127, -1, 0],
  },
  {
    title: 'a scale that is just not',
    weights: [127 * smallestNormal * (1 - 2 ** -23)],
    scale: 1,
    codes: [0],
  },
  {
    title: 'the largest weights whose range float32 still holds',
    weights: [maxFloat / 2, -maxFloat / 8],
    scale: maxFloat / 254,
    codes: [127, -32],
  },
];

describe('int8 weights', () => {
  for (const { title, weights, scale, codes } of rows) {
    it(`round ${title}`, () => {
      const column = Float32Array.from(weights);
      const scales = symmetricColumnScales(column, column.length, 1);
      assert.ok(scales);
      assert.deepEqual(Array.from(scales), [Math.fround(scale)]);
      // Int8Array has no negative zero; deepEqual would tell it from 0.
      assert.deepEqual(Array.from(quantizeColumns(column, scales, 1)), codes);
    });
  }

  it('have a scale for each column', () => {
    // Rows [1, 10, 0], [-4, 4, 0].
    const weights = Float32Array.of(1, 10, 0, -4, 4, 0);
    const scales = symmetricColumnScales(weights, 2, 3);
    assert.deepEqual(scales, Float32Array.of(4 / 127, 10 / 127, 1));
    // 127 / 4 = 31.75 and 4 · 127 / 10 = 50.8.
    assert.deepEqual(quantizeColumns(weights, scales, 3), Int8Array.of(32, 127, 0, -127, 51, 0));
  });

  it('are the same as uint8 around 128', () => {
    const codes = Int8Array.of(-128, -127, -1, 0, 1, 127);
    assert.deepEqual(unsignedCodes(codes), Uint8Array.of(0, 1, 127, 128, 129, 255));
  });

  it('that are no numbers, or too large for a finite scale, have none', () => {
    for (const bad of [Number.NaN, Infinity, -Infinity, maxFloat, -maxFloat, maxFloat * 0.6]) {
      assert.equal(symmetricColumnScales(Float32Array.of(1, bad), 1, 2), null, String(bad));
    }
  });

  it('of an empty matrix are none', () => {
    assert.deepEqual(symmetricColumnScales(new Float32Array(0), 0, 3), Float32Array.of(1, 1, 1));
    assert.deepEqual(
      quantizeColumns(new Float32Array(0), new Float32Array(3), 3),
      new Int8Array(0),
    );
  });

  it('turn about their diagonal', () => {
    const turned = transpose(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3);
    assert.deepEqual(turned, Float32Array.of(1, 4, 2, 5, 3, 6));
    assert.deepEqual(transpose(turned, 3, 2), Float32Array.of(1, 2, 3, 4, 5, 6));
  });
});
