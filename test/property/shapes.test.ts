import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { AttributeValue } from '../../server/src/core/graph';
import { createProblemSink } from '../../server/src/core/problem';
import { inferShapes } from '../../server/src/core/shapes/infer';
import { knownOperators } from '../../server/src/core/shapes/ops/registry';
import { bools, float32s, floats, graphValue, ints, model, strings } from '../support/model';

/** Attributes that some operator looks at; each is tried on every operator. */
const attributeNames = [
  ...['axes', 'axis', 'allowzero', 'auto_pad', 'batch_dims', 'blocksize', 'block_size', 'border'],
  ...[
    'body',
    'cats_int64s',
    'ceil_mode',
    'channels_last',
    'classlabels_ints',
    'dilations',
    'dtype',
  ],
  ...['direction', 'else_branch', 'end', 'ends', 'equation', 'exclusive', 'fmod', 'group'],
  ...['hidden_size', 'inputdimensions', 'inverse', 'K', 'keep_aspect_ratio_policy', 'keepdims'],
  ...['kernel_shape', 'kv_num_heads', 'layout', 'max_map', 'mode', 'N', 'n_targets', 'new_axis'],
  ...['ngram_indexes', 'noop_with_empty_axes', 'num_heads', 'num_outputs', 'num_scan_inputs'],
  ...['onesided', 'output_height', 'output_padding', 'output_shape', 'pads', 'paddings', 'perm'],
  ...[
    'pooled_shape',
    'q_num_heads',
    'qkv_hidden_sizes',
    'repeats',
    'sample_size',
    'scale',
    'scales',
  ],
  ...[
    'scan_input_axes',
    'scan_output_axes',
    'shape',
    'split',
    'start',
    'starts',
    'strides',
    'targets',
  ],
  ...[
    'then_branch',
    'to',
    'transA',
    'transB',
    'transBatchA',
    'value',
    'value_ints',
    'values_strings',
  ],
];

const extreme = fc.constantFrom(
  0n,
  1n,
  -1n,
  2n,
  3n,
  64n,
  2n ** 31n,
  2n ** 62n,
  2n ** 63n - 1n,
  -(2n ** 63n),
);

const attribute: fc.Arbitrary<AttributeValue> = fc.oneof(
  extreme.map((value) => ({ kind: 'int' as const, value })),
  fc.array(extreme, { maxLength: 6 }).map((value) => ({ kind: 'ints' as const, value })),
  fc.double().map((value) => ({ kind: 'float' as const, value })),
  fc.array(fc.double(), { maxLength: 4 }).map((values) => floats(...values)),
  fc
    .constantFrom('SAME_UPPER', 'VALID', 'bidirectional', 'ij,jk->ik', '...i->i', 'not_larger', '')
    .map((text) => ({ kind: 'string' as const, value: new TextEncoder().encode(text) })),
  fc.array(fc.string(), { maxLength: 3 }).map((values) => strings(...values)),
  fc.constant(
    graphValue({
      inputs: { a: 'int64[]', b: 'bool[]', c: 'float32' },
      outputs: { b: 'bool[]', d: 'float32[2]' },
      nodes: [{ op: 'Concat', inputs: ['c', 'c'], outputs: ['d'], attributes: { axis: 0 } }],
    }),
  ),
);

const dim = fc.constantFrom('0', '1', '2', '3', '4', '6', '64', '9007199254740991', 'N', 'M', '?');
const type = fc
  .tuple(fc.constantFrom('float32', 'int64', 'uint8', 'string'), fc.array(dim, { maxLength: 5 }))
  .map(([dtype, dims]) => `${dtype}[${dims.join()}]`);

const input = fc.oneof(
  type,
  fc.constantFrom('float32', '?', null),
  fc.array(extreme, { maxLength: 6 }).map((values) => ints(values)),
  extreme.map((value) => ints([value], [])),
  fc.array(fc.double(), { maxLength: 4 }).map((values) => float32s(values)),
  fc.boolean().map((value) => bools([value], [])),
);

describe('property: shape inference', () => {
  it('answers every operator on any input and attribute: no throw, no size that cannot be', () => {
    const operators = knownOperators().map((key) => (key.startsWith('::') ? key.slice(2) : key));
    fc.assert(
      fc.property(
        fc.constantFrom(...operators),
        fc.array(input, { maxLength: 7 }),
        fc.dictionary(fc.constantFrom(...attributeNames), attribute, { maxKeys: 8 }),
        fc.constantFrom(1, 6, 8, 10, 13, 18, 23),
        fc.integer({ min: 1, max: 4 }),
        (op, given, attributes, opset, outputCount) => {
          const types: Record<string, string> = {};
          const initializers: Record<string, ReturnType<typeof ints>> = {};
          const inputs = given.map((each, index) => {
            if (each === null) return '';
            if (typeof each === 'string') types[`i${index}`] = each;
            else initializers[`i${index}`] = each;
            return `i${index}`;
          });
          const outputs = Array.from({ length: outputCount }, (_, index) => `y${index}`);
          const nodes = [{ op, inputs, outputs, attributes: { ...attributes } }];
          const sink = createProblemSink();
          const scope = inferShapes(model({ inputs: types, initializers, nodes, opset }), sink);
          for (const name of outputs) {
            const inferred = scope.types.get(name);
            const shape = inferred?.kind === 'tensor' ? inferred.shape : null;
            for (const size of shape ?? []) {
              if (typeof size !== 'number') continue;
              assert.ok(Number.isSafeInteger(size) && size >= 0, `${op} gave size ${size}`);
            }
            const constant = scope.constants.get(name);
            const count = constant?.shape.reduce((product, each) => product * each, 1);
            assert.equal(constant?.values.length, count);
          }
          for (const { message } of sink.problems) assert.ok(message.length <= 120);
        },
      ),
      { numRuns: 10_000 },
    );
  }).timeout(120_000);
});
