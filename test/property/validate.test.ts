import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Attribute, Graph, Model, Node } from '../../server/src/core/graph';
import { validateModel } from '../../server/src/core/onnx/validate';
import { createProblemSink } from '../../server/src/core/problem';

const names = fc.constantFrom(
  '',
  'a',
  'b',
  'c',
  '__proto__',
  'constructor',
  '\u0000',
  'n'.repeat(200),
  '\udc80',
);
const opTypes = fc.constantFrom(
  ...['', 'Add', 'If', 'Loop', 'Scan', 'Constant', 'QuantizeLinear', 'DequantizeLinear'],
  ...['QLinearConv', 'F', 'G', 'toString', '__proto__'],
);
const attributeNames = fc.constantFrom(
  'axis',
  'body',
  'then_branch',
  'else_branch',
  'value',
  'block_size',
  '__proto__',
  '',
);
const dims = fc.array(
  fc.oneof(fc.constantFrom(null, 'N', '__proto__', 0, 1, 3, 2 ** 53 - 1), fc.nat()),
  { maxLength: 4 },
);

const values: fc.Arbitrary<Graph['inputs'][number]> = fc.record({
  name: names,
  type: fc.oneof(
    fc.record({
      kind: fc.constant('tensor' as const),
      dtype: fc.constantFrom('float32' as const, 'int8' as const, null),
      dims: fc.option(dims),
    }),
    fc.constant({ kind: 'unknown' as const }),
  ),
  docString: fc.constant(''),
  metadata: fc.constant(new Map<string, string>()),
});

const tensors: fc.Arbitrary<Graph['initializers'][number]> = fc
  .record({
    name: names,
    dtype: fc.constantFrom(
      'float32' as const,
      'int8' as const,
      'int64' as const,
      'string' as const,
      null,
    ),
    dims: fc.array(fc.constantFrom(0, 1, 2, 4, 2 ** 53 - 1), { maxLength: 3 }),
    bytes: fc.uint8Array({ maxLength: 32 }),
  })
  .map(({ bytes, ...tensor }) => {
    const product = tensor.dims.reduce((count, dim) => count * dim, 1);
    return {
      ...tensor,
      docString: '',
      dtypeCode: 0,
      elementCount: Number.isSafeInteger(product) ? product : null,
      storage: { kind: 'inline', bytes },
      metadata: new Map(),
    };
  });

const sparse = fc.record({
  values: tensors,
  indices: tensors,
  dims: fc.array(fc.constantFrom(0, 1, 4, 2 ** 53 - 1), { maxLength: 64 }),
});

const { graphs, nodes } = fc.letrec<{ graphs: Graph; nodes: Node; attributes: Attribute }>(
  (tie) => ({
    attributes: fc.record({
      name: attributeNames,
      refName: fc.constantFrom('', '', 'r'),
      value: fc.oneof(
        { depthSize: 'small' },
        fc.constant({ kind: 'none' as const }),
        fc
          .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
          .map((value) => ({ kind: 'int' as const, value })),
        tensors.map((value) => ({ kind: 'tensor' as const, value })),
        sparse.map((value) => ({ kind: 'sparse-tensor' as const, value })),
        tie('graphs').map((value) => ({ kind: 'graph' as const, value })),
      ),
    }),
    nodes: fc.record({
      index: fc.nat(5),
      name: names,
      path: names,
      opType: opTypes,
      domain: fc.constantFrom('', 'f', 'ai.onnx.ml', '__proto__'),
      overload: fc.constant(''),
      inputs: fc.array(names, { maxLength: 9 }),
      outputs: fc.array(names, { maxLength: 3 }),
      attributes: fc
        .array(tie('attributes'), { maxLength: 3 })
        .map((list) => new Map(list.map((attribute) => [attribute.name, attribute]))),
      docString: fc.constant(''),
      metadata: fc.constant(new Map<string, string>()),
    }),
    graphs: fc
      .record({
        name: names,
        path: fc.constantFrom('main', 'main/x/body'),
        docString: fc.constant(''),
        inputs: fc.array(values, { maxLength: 3 }),
        outputs: fc.array(values, { maxLength: 3 }),
        valueInfos: fc.array(values, { maxLength: 3 }),
        nodes: fc.array(tie('nodes'), { maxLength: 4, depthIdentifier: 'nodes' }),
        initializers: fc.array(tensors, { maxLength: 3 }),
        sparseInitializers: fc.array(sparse, { maxLength: 2 }),
        metadata: fc.constant(new Map<string, string>()),
      })
      .map((graph) => ({
        ...graph,
        initializerByName: new Map(graph.initializers.map((tensor) => [tensor.name, tensor])),
      })),
  }),
);

const opsets = fc
  .array(fc.tuple(fc.constantFrom('', 'f', 'ai.onnx.ml'), fc.integer({ min: -2, max: 40 })), {
    maxLength: 3,
  })
  .map((entries) => new Map(entries));

const models: fc.Arbitrary<Model> = fc.record({
  irVersion: fc.constantFrom(null, -1, 0, 2, 8, 99),
  producer: fc.constant(''),
  producerName: fc.constant(''),
  producerVersion: fc.constant(''),
  domain: fc.constant(''),
  modelVersion: fc.constant(0n),
  docString: fc.constant(''),
  metadata: fc.constantFrom(
    new Map<string, string>(),
    new Map([['ort_config', '['.repeat(50_000)]]),
  ),
  opsets,
  graph: graphs,
  functions: fc.array(
    fc.record({
      name: fc.constantFrom('F', 'G', '__proto__', ''),
      domain: fc.constantFrom('f', ''),
      overload: fc.constant(''),
      docString: fc.constant(''),
      inputs: fc.array(names, { maxLength: 2 }),
      outputs: fc.array(names, { maxLength: 2 }),
      attributeNames: fc.array(names, { maxLength: 2 }),
      attributeDefaults: fc.constant([]),
      opsets,
      valueInfos: fc.constant([]),
      nodes: fc.array(nodes, { maxLength: 3 }),
      metadata: fc.constant(new Map<string, string>()),
    }),
    { maxLength: 3 },
  ),
});

describe('checking any model', () => {
  it('throws nothing, says each thing in one short line, and the same when asked again', () => {
    fc.assert(
      fc.property(models, (model) => {
        const sink = createProblemSink();
        validateModel(model, sink);
        for (const { code, message, where } of sink.problems) {
          assert.match(code, /^[a-z]+(-[a-z]+)*$/);
          assert.ok(message.length > 0 && message.length <= 120, message);
          assert.doesNotMatch(message, /[\p{Cc}\p{Cs}]/u);
          assert.ok((where ?? '').length <= 200);
        }
        const again = createProblemSink();
        validateModel(model, again);
        assert.deepEqual(again.problems, sink.problems);
      }),
      { numRuns: 500 },
    );
  });
});
