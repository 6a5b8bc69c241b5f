/** Models that break the standard in one way each, as ONNX text, with the codes they must be answered with. */
export interface Case {
  readonly name: string;
  readonly text: string;
  readonly codes: readonly string[];
  /** What ONNX Runtime's native session says to the file; left out where it depends on the runtime's release. */
  readonly runtime?: 'refuses' | 'accepts';
}

const plain = '<ir_version: 8, opset_import: ["": 17]> ';
const withFunctions = '<ir_version: 8, opset_import: ["": 17, "f": 1]> ';

const branch = (name: string, body: string, outputs = 'float[1] o'): string =>
  `${name} () => (${outputs}) { ${body} }`;
const choice = (then: string, otherwise: string): string =>
  `y = If (c) <then_branch = ${then}, else_branch = ${otherwise}>`;
const graph = (body: string): string =>
  `${plain}g (float[1] x, bool c, int64 n) => (float[1] y) { ${body} }`;
const callOf = (call: string, ...functions: readonly string[]): string =>
  `${withFunctions}g (float[1] x) => (float[1] y) { y = ${call} } ${functions.join(' ')}`;
const definition = (head: string, body: string): string =>
  `<domain: "f", opset_import: ["": 17, "f": 1]> ${head} { ${body} }`;
const loop = (head: string, body: string, outputs = 'y'): string =>
  graph(`${outputs} = Loop (n, c, x) <body = b ${head} { ${body} }>`);

export const cases: readonly Case[] = [
  // Operators against their signatures.
  {
    name: 'too few inputs',
    text: graph('y = MatMul (x)'),
    codes: ['missing-input'],
    runtime: 'refuses',
  },
  {
    name: 'too many inputs',
    text: graph('y = Relu (x, x)'),
    codes: ['too-many-inputs'],
    runtime: 'refuses',
  },
  {
    name: 'a needed input left out',
    text: graph('y = Add ("", x)'),
    codes: ['missing-input'],
    runtime: 'refuses',
  },
  {
    name: 'an optional input left out',
    text: graph('y = Clip (x, "", x)'),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'too many outputs',
    text: graph('y, z = Relu (x)'),
    codes: ['too-many-outputs'],
    runtime: 'refuses',
  },
  {
    name: 'an attribute of another kind',
    text: graph('y = Softmax <axis = "one"> (x)'),
    codes: ['wrong-attribute-type'],
    runtime: 'refuses',
  },
  {
    name: 'an attribute that the operator has not',
    text: graph('y = Relu <alpha = 1.0> (x)'),
    codes: ['unknown-attribute'],
    runtime: 'refuses',
  },
  {
    name: 'an attribute of a later opset',
    text: graph('y = ReduceMean <noop_with_empty_axes = 1> (x)'),
    codes: ['unknown-attribute'],
    runtime: 'refuses',
  },
  {
    name: 'a required attribute left out',
    text: graph('y = Concat (x)'),
    codes: ['missing-attribute'],
    runtime: 'refuses',
  },
  {
    name: 'a constant without value',
    text: graph('k = Constant () y = Add (x, k)'),
    codes: ['missing-attribute'],
    runtime: 'refuses',
  },
  {
    name: 'an operator of nobody',
    text: graph('y = Reluu (x)'),
    codes: ['unknown-operator'],
    runtime: 'refuses',
  },
  {
    name: 'an operator named like a property of every object',
    text: graph('y = constructor (x)'),
    codes: ['unknown-operator'],
    runtime: 'refuses',
  },
  {
    name: 'an operator of a later opset',
    text: graph('y = Gelu (x)'),
    codes: ['unknown-operator'],
  },
  {
    name: 'an operator that was taken out',
    text: '<ir_version: 8, opset_import: ["": 10]> g (float[1] x, float[1] s) => (float[1] y) { y = Upsample (x, s) }',
    codes: ['unknown-operator'],
    runtime: 'refuses',
  },
  {
    name: 'axes as attribute before opset 13, as input since',
    text: '<ir_version: 7, opset_import: ["": 11]> g (float[1] x) => (float[1,1] y) { y = Unsqueeze <axes = [0]> (x) }',
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'another domain is not judged',
    text: '<ir_version: 8, opset_import: ["": 17, "com.acme": 1]> g (float[1] x) => (float[1] y) { y = com.acme.Relu () }',
    codes: [],
  },
  {
    name: 'a domain that is not imported',
    text: graph('y = com.acme.Relu (x)'),
    codes: ['domain-not-imported'],
    runtime: 'refuses',
  },
  // Names and scopes.
  {
    name: 'a value defined twice',
    text: graph('y = Relu (x) y = Neg (x)'),
    codes: ['duplicate-value'],
    runtime: 'refuses',
  },
  {
    name: 'an input made by nothing',
    text: graph('y = Relu (z)'),
    codes: ['undefined-input'],
    runtime: 'refuses',
  },
  {
    name: 'nodes out of order',
    text: graph('y = Relu (a) a = Neg (x)'),
    codes: ['unsorted-nodes'],
    runtime: 'accepts',
  },
  {
    name: 'a node output that hides an outer value',
    text: graph(
      `a = Relu (x) ${choice(branch('t', 'a = Neg (x) o = Relu (a)'), branch('e', 'o = Abs (a)'))}`,
    ),
    codes: ['shadowed-name'],
    runtime: 'refuses',
  },
  {
    name: 'a body input that hides an outer value',
    text: loop(
      '(int64 i, bool p, float[1] x) => (bool p2, float[1] v2) ',
      'p2 = Identity (p) v2 = Neg (x)',
    ),
    codes: ['shadowed-name'],
    runtime: 'accepts',
  },
  {
    name: 'branches with the same names, and one made later outside',
    text: graph(
      `${choice(branch('t', 'a = Neg (x) o = Relu (a)'), branch('e', 'a = Abs (x) o = Relu (a)'))} a = Relu (y)`,
    ),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'a subgraph that returns an outer value',
    text: graph(`a = Relu (x) ${choice('t () => (float[1] a) { }', branch('e', 'o = Abs (a)'))}`),
    codes: ['outer-scope-output'],
    runtime: 'refuses',
  },
  // Bodies of control flow.
  {
    name: 'branches with different numbers of outputs',
    text: graph(
      choice(
        branch('t', 'o = Neg (x)'),
        branch('e', 'o = Abs (x) q = Neg (x)', 'float[1] o, float[1] q'),
      ),
    ),
    codes: ['subgraph-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a branch with an input',
    text: graph(
      choice('t (float[1] q) => (float[1] o) { o = Neg (x) }', branch('e', 'o = Abs (x)')),
    ),
    codes: ['subgraph-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a loop body without the carried value',
    text: loop('(int64 i, bool p, float[1] v) => (bool p2)', 'p2 = Identity (p)'),
    codes: ['subgraph-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a loop body with an input too many',
    text: loop(
      '(int64 i, bool p, float[1] v, float[1] w) => (bool p2, float[1] v2)',
      'p2 = Identity (p) v2 = Neg (v)',
    ),
    codes: ['subgraph-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a loop with a scan output',
    text: loop(
      '(int64 i, bool p, float[1] v) => (bool p2, float[1] v2, float[1] s)',
      'p2 = Identity (p) v2 = Neg (v) s = Relu (v)',
      'y, all',
    ),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'a scan body without its scan output',
    text: `${plain}g (float[1] x, float[3,1] xs) => (float[1] y, float[3,1] ys) { y, ys = Scan <num_scan_inputs = 1, body = b (float[1] v, float[1] w) => (float[1] v2) { v2 = Add (v, w) }> (x, xs) }`,
    codes: ['subgraph-mismatch'],
    runtime: 'refuses',
  },
  // Functions.
  {
    name: 'a function that calls itself',
    text: callOf('f.F (x)', definition('F (a) => (b)', 'b = f.F (a)')),
    codes: ['recursive-function'],
    runtime: 'refuses',
  },
  {
    name: 'three functions that call each other in a ring, and one that only leads there',
    text: callOf(
      'f.F (x)',
      definition('F (a) => (b)', 'b = f.G (a)'),
      definition('G (a) => (b)', 'b = f.H (a)'),
      definition('H (a) => (b)', 'b = f.I (a)'),
      definition('I (a) => (b)', 'b = f.G (a)'),
    ),
    codes: ['recursive-function', 'recursive-function', 'recursive-function'],
    runtime: 'refuses',
  },
  {
    name: 'a function called from many places',
    text: callOf(
      'f.F (x)',
      definition('F (a) => (b)', 'c = f.G (a) d = f.G (c) b = Add (c, d)'),
      definition('G (a) => (b)', 'b = Relu (a)'),
    ),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'a call with more inputs than the function has',
    text: callOf('f.F (x, x)', definition('F (a) => (b)', 'b = Relu (a)')),
    codes: ['too-many-inputs'],
    runtime: 'refuses',
  },
  {
    name: 'a call with fewer',
    text: callOf('f.F (x)', definition('F (a, more) => (b)', 'b = Relu (a)')),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'a function defined twice',
    text: callOf(
      'f.F (x)',
      definition('F (a) => (b)', 'b = Relu (a)'),
      definition('F (a) => (b)', 'b = Neg (a)'),
    ),
    codes: ['duplicate-function'],
  },
  {
    name: 'a function body that reads nothing known',
    text: callOf('f.F (x)', definition('F (a) => (b)', 'b = Relu (q)')),
    codes: ['undefined-input'],
    runtime: 'refuses',
  },
  {
    name: 'an operator misused inside a function',
    text: callOf('f.F (x)', definition('F (a) => (b)', 'b = MatMul (a)')),
    codes: ['missing-input'],
    runtime: 'refuses',
  },
  {
    name: 'a reference to an attribute of the function',
    text: callOf(
      'f.F <alpha = 0.5> (x)',
      definition('F <alpha> (a) => (b)', 'b = Elu <alpha: float = @alpha> (a)'),
    ),
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'a reference to an attribute of nobody',
    text: graph('y = Elu <alpha: float = @beta> (x)'),
    codes: ['unknown-attribute-reference'],
  },
  // Declared types.
  {
    name: 'a weight that is not what the input of its name declares',
    text: `${plain}g (float[1] x, float[2] w) => (float[1] y) <float[1] w = {1.0}> { y = Add (x, w) }`,
    codes: ['declared-type-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a named dim of two sizes',
    text: `${plain}g (float[1] x, float[N] v, float[N] w) => (float[K] y) <float[2] v = {1.0, 2.0}, float[3] w = {1.0, 2.0, 3.0}> { a = Add (x, v) b = Add (x, w) y = Concat <axis = 0> (a, b) }`,
    codes: ['dim-param-contradiction'],
    runtime: 'accepts',
  },
  {
    name: 'an input whose batch dim comes again',
    text: `${plain}g (float[N,N] x) => (float[N,N] y) { y = Relu (x) }`,
    codes: ['repeated-dim-param'],
    runtime: 'accepts',
  },
  {
    name: 'a mask of two equal dims behind the batch',
    text: `${plain}g (float[B,1,S,S] x) => (float[B,1,S,S] y) { y = Relu (x) }`,
    codes: [],
    runtime: 'accepts',
  },
  {
    name: 'more elements than 32 bits count',
    text: `${plain}g (float[1048576,1048576] x) => (float[N,M] y) { y = Relu (x) }`,
    codes: ['giant-value'],
    runtime: 'accepts',
  },
  {
    name: 'more elements than can be counted',
    text: `${plain}g (float[1099511627776,1099511627776] x) => (float[N,M] y) { y = Relu (x) }`,
    codes: ['invalid-dims'],
  },
  {
    name: 'an input without element type',
    text: `${plain}g (x) => (float[1] y) { y = Relu (x) }`,
    codes: ['untyped-input'],
    runtime: 'refuses',
  },
  // Versions and metadata.
  {
    name: 'no opset at all',
    text: '<ir_version: 8> g (float[1] x) => (float[1] y) { y = Relu (x) }',
    codes: ['no-opset'],
    runtime: 'refuses',
  },
  {
    name: 'an opset of the future',
    text: '<ir_version: 8, opset_import: ["": 999]> g (float[1] x) => (float[1] y) { y = Whatever () }',
    codes: ['unknown-opset'],
    runtime: 'refuses',
  },
  {
    name: 'session options that are no JSON',
    text: '<ir_version: 8, opset_import: ["": 17], metadata_props: ["ort_config": "{}}"]> g (float[1] x) => (float[1] y) { y = Relu (x) }',
    codes: ['invalid-ort-config'],
    runtime: 'accepts',
  },
  {
    name: 'a graph without outputs',
    text: `${plain}g (float[1] x) => () { y = Relu (x) }`,
    codes: ['no-outputs'],
  },
];

const quantised = (type: string, operator: string, scale: string, zeroPoint?: string): string =>
  `${plain}g (${type} x) => (${operator.startsWith('Q') ? 'uint8' : 'float'}[2,3] y) <${[scale, ...(zeroPoint === undefined ? [] : [zeroPoint])].join(', ')}> { y = ${operator} (x, s${zeroPoint === undefined ? '' : ', z'}) }`;

/** ONNX Runtime looks at most of these only when it runs; its verdict on loading says nothing. */
export const quantisationCases: readonly Case[] = [
  {
    name: 'scales that do not fit their axis',
    text: quantised('int8[2,3]', 'DequantizeLinear', 'float[2] s = {1.0, 1.0}'),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'scales that fit it',
    text: quantised('int8[2,3]', 'DequantizeLinear <axis = -2>', 'float[2] s = {1.0, 1.0}'),
    codes: [],
  },
  {
    name: 'an axis that does not exist',
    text: quantised('int8[2,3]', 'DequantizeLinear <axis = 9>', 'float[3] s = {1.0, 1.0, 1.0}'),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'an axis without meaning beside a single scale',
    text: quantised('int8[2,3]', 'DequantizeLinear <axis = 9>', 'float s = {1.0}'),
    codes: [],
  },
  {
    name: 'a zero point of another type',
    text: quantised('int8[2,3]', 'DequantizeLinear', 'float s = {1.0}', 'uint8 z = {0}'),
    codes: ['quantisation-mismatch'],
    runtime: 'refuses',
  },
  {
    name: 'a zero point as list of one beside a scalar scale',
    text: quantised('int8[2,3]', 'DequantizeLinear', 'float s = {1.0}', 'int8[1] z = {0}'),
    codes: [],
  },
  {
    name: 'zero points for other axes than scales',
    text: quantised(
      'int8[2,3]',
      'DequantizeLinear',
      'float[3] s = {1.0, 1.0, 1.0}',
      'int8[2] z = {0, 0}',
    ),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'a scale of zero',
    text: quantised('float[2,3]', 'QuantizeLinear', 'float s = {0.0}'),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'a scale that is no number',
    text: quantised('float[2,3]', 'QuantizeLinear', 'float s = {nan}'),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'a scale with two axes',
    text: quantised('int8[2,3]', 'DequantizeLinear', 'float[2,2] s = {1.0, 1.0, 1.0, 1.0}'),
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'blocks that do not cover their axis',
    text: '<ir_version: 10, opset_import: ["": 21]> g (int8[2,6] x) => (float[2,6] y) <float[2,2] s = {1.0, 1.0, 1.0, 1.0}> { y = DequantizeLinear <axis = 1, block_size = 2> (x, s) }',
    codes: ['quantisation-mismatch'],
  },
  {
    name: 'blocks that do',
    text: '<ir_version: 10, opset_import: ["": 21]> g (int8[2,6] x) => (float[2,6] y) <float[2,2] s = {1.0, 1.0, 1.0, 1.0}> { y = DequantizeLinear <axis = 1, block_size = 3> (x, s) }',
    codes: [],
  },
];
