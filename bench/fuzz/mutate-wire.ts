import { knownOperators } from '../../server/src/core/shapes/ops/registry';
import { findOperator, newestOpset } from '../../server/src/core/onnx/operator-signatures';
import { attributeProto } from '../../server/src/core/onnx/schema';
import { onnxField as f, type WireType } from '../../test/support/protobuf';
import { copyOf, fieldOf, placesOf, treeOf, bytesOfTree, type TreeField } from './protobuf-tree';
import type { Choices } from './random';

/** Operators with a shape function, some that only the table knows, and some that nobody knows. */
const operators: readonly string[] = [
  ...knownOperators(),
  ...['::constructor', '::__proto__', '::', 'com.example::Unknown', '::Scaler', '::Upsample'],
];

/** Numbers at which readers break. */
const oddNumbers: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 4n, 7n, 8n, 16n, 20n, 255n, 1000n, 65_536n, 100_000_000n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 62n],
  ...[2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n, 2n ** 64n - 2n, 2n ** 64n - 2n ** 31n],
];

const oddTexts: readonly string[] = [
  ...['', 'N', 'x', '__proto__', 'constructor', 'toString', 'ai.onnx', 'com.microsoft', 'a/b#1'],
  ...[
    '\u0000',
    '\ud800',
    '"',
    '\n',
    '-1',
    '18446744073709551616',
    'NOTSET',
    'SAME_UPPER',
    'ij,jk->ik',
  ],
  ...['...ii,->', 'floor', 'linear', 'auto_pad', '../../x', 'LSTM', 'x'.repeat(300)],
];

/** One change of a model file that leaves it more or less a protobuf message. */
export function mutateWire(bytes: Uint8Array, other: Uint8Array, choices: Choices): Uint8Array {
  const tree = treeOf(bytes);
  const mutation = choices.pick(mutations, changeNumber);
  mutation(tree, choices, other);
  return bytesOfTree(tree);
}

type Mutation = (tree: TreeField[], choices: Choices, other: Uint8Array) => void;

function somePlace(
  tree: TreeField[],
  { pick }: Choices,
  wanted?: (field: TreeField) => boolean,
): ReturnType<typeof placesOf>[number] | undefined {
  return pick<ReturnType<typeof placesOf>[number] | undefined>(placesOf(tree, wanted), undefined);
}

const changeNumber: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ wireType }) => wireType === 0);
  if (place) place.field.value = oddNumber(choices);
};

function oddNumber({ below, pick, oneIn }: Choices): bigint {
  if (oneIn(3)) return BigInt(below(70));
  return oneIn(6) ? BigInt.asUintN(64, -BigInt(below(12))) : pick(oddNumbers, 0n);
}

const changeDim: Mutation = (tree, choices) => {
  const isDim = ({ name }: TreeField): boolean => name === 'dim_value' || name === 'dims';
  const place = somePlace(tree, choices, isDim);
  if (place?.field.wireType === 0) place.field.value = oddNumber(choices);
};

const changeType: Mutation = (tree, choices) => {
  const names = new Set(['elem_type', 'data_type', 'type', 'key_type', 'to', 'data_location']);
  const place = somePlace(tree, choices, ({ name }) => names.has(name));
  if (place?.field.wireType === 0) place.field.value = BigInt(choices.below(30));
};

const changeText: Mutation = (tree, choices) => {
  const isText = ({ wireType, children }: TreeField): boolean => wireType === 2 && !children;
  const place = somePlace(tree, choices, isText);
  if (place) place.field.bytes = Buffer.from(choices.pick(oddTexts, ''));
};

/** Gives a value the name of another: cycles, values made twice, inputs of nobody. */
const swapNames: Mutation = (tree, choices) => {
  const names = new Set(['input', 'output', 'name', 'dim_param', 'ref_attr_name', 'op_type']);
  const isName = ({ name, children }: TreeField): boolean => !children && names.has(name);
  const places = placesOf(tree, isName);
  const [from, to] = [choices.pick(places, undefined), choices.pick(places, undefined)];
  if (from && to) to.field.bytes = from.field.bytes;
};

const changeFloat: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ wireType }) => wireType === 5);
  const value = choices.pick([NaN, Infinity, -Infinity, -0, 1e38, 1e-40, 0.5, 3, 1e9, -1], 0);
  if (place) place.field.bytes = new Uint8Array(Float32Array.of(value).buffer);
};

const remove: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices);
  place?.siblings.splice(place.index, 1);
};

const repeat: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices);
  const times = choices.oneIn(30) ? 300 : choices.oneIn(4) ? 8 : 1;
  if (!place || bytesOfTree([place.field]).byteLength * times > maxGrowthBytes) return;
  for (let time = 0; time < times; time++)
    place.siblings.splice(place.index, 0, copyOf(place.field));
};

/** Small inputs are fast inputs; what grows with size has cases of its own in the tests. */
const maxGrowthBytes = 40_000;

const swapPlaces: Mutation = (tree, choices) => {
  const [a, b] = [somePlace(tree, choices), somePlace(tree, choices)];
  if (!a || !b) return;
  const [first, second] = [copyOf(a.field), copyOf(b.field)];
  a.siblings[a.index] = second;
  b.siblings[b.index] = first;
};

/** A field of the other file at the place of one with the same meaning, or anywhere. */
const borrow: Mutation = (tree, choices, other) => {
  const place = somePlace(tree, choices);
  if (!place) return;
  const { name, number } = place.field;
  const isSame = (field: TreeField): boolean => field.name === name && field.number === number;
  const theirs = treeOf(other);
  const wanted = choices.oneIn(5) ? undefined : isSame;
  const found = choices.pick(placesOf(theirs, wanted), undefined)?.field;
  if (!found || bytesOfTree([found]).byteLength > maxGrowthBytes) return;
  place.siblings.splice(place.index, choices.below(2), found);
};

const corruptLength: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ wireType }) => wireType === 2);
  const errors = [-1n, 1n, -3n, 5n, 100n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n];
  if (place) place.field.lengthError = choices.pick(errors, 1n);
};

const stretch: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ wireType }) => wireType !== null);
  if (!place) return;
  if (choices.oneIn(2)) place.field.tagWidth = 1 + choices.below(11);
  else place.field.valueWidth = 1 + choices.below(12);
};

const changeTag: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ wireType }) => wireType !== null);
  if (!place) return;
  if (choices.oneIn(2))
    place.field.number = choices.pick([0, 1, 2, 5, 6, 20, 2 ** 28, 2 ** 29 - 1], 1);
  else place.field.wireType = choices.below(8) as WireType;
};

/** A message inside itself, over and over: graphs in attributes, sequences of sequences. */
const nestDeep: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ children }) => children !== null);
  if (!place) return;
  let field = place.field;
  const depth = choices.pick([1, 5, 17, 30, 101, 250], 5);
  for (let level = 0; level < depth; level++) field = { ...place.field, children: [field] };
  place.siblings[place.index] = field;
};

/** Another operator over the same values, with attributes of its own: what its table row does with them. */
const changeOperator: Mutation = (tree, choices) => {
  const place = somePlace(tree, choices, ({ schema }) => schema?.name === 'NodeProto');
  const children = place?.field.children;
  if (!place || !children) return;
  const [domain = '', opType = ''] = choices.pick(operators, '::Relu').split('::');
  const kept = children.filter(
    ({ number }) => number !== f.node.opType && number !== f.node.domain,
  );
  place.field.children = [
    ...kept.filter(({ number }) => number !== f.node.attribute || choices.oneIn(3)),
    text(f.node.opType, 'op_type', opType),
    ...(domain === '' ? [] : [text(f.node.domain, 'domain', domain)]),
    ...moreValues(tree, choices),
    ...attributesFor(domain, opType, choices),
  ];
};

function moreValues(tree: TreeField[], choices: Choices): TreeField[] {
  const names = placesOf(tree, ({ name }) => name === 'input' || name === 'output');
  return Array.from({ length: choices.below(4) }, () => {
    const from = choices.pick(names, undefined)?.field;
    return { ...text(f.node.input, 'input', ''), ...(from && { bytes: from.bytes }) };
  });
}

function attributesFor(domain: string, opType: string, choices: Choices): TreeField[] {
  const opset = domain === '' ? 1 + choices.below(newestOpset) : 3;
  const found = findOperator(domain, opType, opset);
  const names = found?.kind === 'known' ? [...found.signature.attributes] : contribAttributes;
  return names
    .filter(() => !choices.oneIn(3))
    .map(([name, kind]) => attributeField(name, kind, choices));
}

const contribAttributes: readonly (readonly [string, string])[] = [
  ['num_heads', 'int'],
  ['kv_num_heads', 'int'],
  ['axis', 'int'],
  ['block_size', 'int'],
  ['K', 'int'],
  ['N', 'int'],
  ['bits', 'int'],
];

function attributeField(name: string, kind: string, choices: Choices): TreeField {
  const fields: TreeField[] = [text(f.attribute.name, 'name', name)];
  const number = (at: number): TreeField => ({
    ...fieldOf(at, 0),
    value: choices.oneIn(3) ? oddNumber(choices) : BigInt(choices.below(5)),
    name: 'i',
  });
  const count = choices.oneIn(6) ? choices.below(40) : choices.below(5);
  if (kind === 'int') fields.push(number(f.attribute.i), kindField(2));
  else if (kind === 'ints') {
    fields.push(...Array.from({ length: count }, () => number(f.attribute.ints)), kindField(7));
  } else if (kind === 'string') {
    fields.push(text(f.attribute.s, 's', choices.pick(oddTexts, '')), kindField(3));
  } else if (kind === 'float') {
    fields.push({
      ...fieldOf(f.attribute.f, 5),
      bytes: new Uint8Array(4).fill(choices.below(256)),
    });
    fields.push(kindField(1));
  } else fields.push(kindField(choices.below(16)));
  return {
    ...fieldOf(f.node.attribute, 2),
    name: 'attribute',
    schema: attributeProto,
    children: fields,
  };
}

function kindField(value: number): TreeField {
  return { ...fieldOf(f.attribute.type, 0), value: BigInt(value), name: 'type' };
}

function text(number: number, name: string, value: string): TreeField {
  return { ...fieldOf(number, 2), name, bytes: Buffer.from(value) };
}

/** What happens to models rather than to messages stands here more often. */
const mutations: readonly Mutation[] = [
  ...[changeNumber, changeDim, changeDim, changeDim, changeType, changeText, swapNames, swapNames],
  ...[changeFloat, remove, repeat, swapPlaces, borrow, borrow, corruptLength, stretch, changeTag],
  ...[nestDeep, changeOperator, changeOperator, changeOperator, changeOperator],
];
