import { graphAttribute, intAttribute } from '../../attributes';
import type { NodeContext, OperatorTable } from '../context';
import { ceilDivide, symbolsOf } from '../symbolic';
import type { Dim } from '../symbolic';
import { mergeTypes } from '../merge';
import type { InferredType } from '../types';
import {
  hasInput,
  inputShape,
  inputType,
  normalizeAxis,
  tensor,
  unknownType,
  withDim,
} from './common';
import { dtypeAttribute } from './elementwise';
import { fromDeclared } from '../declared';

export const sequenceOperators: OperatorTable = [
  ['SequenceEmpty', (c) => [sequenceOf(tensor(dtypeAttribute(c, 'dtype') ?? 'float32', null))]],
  ['SequenceConstruct', sequenceConstruct],
  ['SequenceInsert', sequenceInsert],
  ['SequenceErase', (context) => [inputType(context, 0)]],
  ['SequenceAt', (context) => [oneOf(context, elementOf(inputType(context, 0)))]],
  ['SequenceLength', () => [tensor('int64', [])]],
  ['SplitToSequence', splitToSequence],
  ['ConcatFromSequence', concatFromSequence],
  ['SequenceMap', sequenceMap],
  ['Optional', optional],
  ['OptionalHasElement', () => [tensor('bool', [])]],
  ['OptionalGetElement', optionalGetElement],
];

function sequenceOf(element: InferredType): InferredType {
  return { kind: 'sequence', element };
}

function elementOf(type: InferredType): InferredType {
  return type.kind === 'sequence' ? type.element : unknownType;
}

/** One element: the sizes in which the elements of its sequence differ, it has for itself. */
function oneOf(context: NodeContext, element: InferredType): InferredType {
  return withSizes(element, (axis) => context.fresh(0, axis));
}

function withSizes(type: InferredType, sizeOf: (axis: number) => Dim): InferredType {
  if (type.kind !== 'tensor' || !type.shape) return type;
  return tensor(
    type.dtype,
    type.shape.map((dim, axis) => dim ?? sizeOf(axis)),
  );
}

function withoutSymbols(type: InferredType, names: ReadonlySet<string>): InferredType {
  if (type.kind !== 'tensor' || !type.shape) return type;
  return tensor(
    type.dtype,
    type.shape.map((dim) => ([...symbolsOf(dim)].some((name) => names.has(name)) ? null : dim)),
  );
}

function sequenceConstruct(context: NodeContext): readonly InferredType[] {
  return [sequenceOf(mergeAll(context.inputs))];
}

/** What holds for all of these: dims that differ are unknown. */
function mergeAll(types: readonly InferredType[]): InferredType {
  const [first, ...others] = types;
  if (!first) return unknownType;
  return others.reduce((merged, type) => mergeTypes(merged, type, () => null), first);
}

function sequenceInsert(context: NodeContext): readonly InferredType[] {
  const before = elementOf(inputType(context, 0));
  const inserted = inputType(context, 1);
  // An empty sequence knows its dtype only.
  const isEmpty = before.kind === 'tensor' && before.shape === null;
  return [sequenceOf(isEmpty ? inserted : mergeAll([before, inserted]))];
}

function splitToSequence(context: NodeContext): readonly InferredType[] {
  const type = inputType(context, 0);
  const shape = inputShape(context, 0);
  if (type.kind !== 'tensor' || !shape) return [sequenceOf(type)];
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? 0, shape.length);
  if (axis === null) return [sequenceOf(tensor(type.dtype, null))];
  if (!hasInput(context, 1)) {
    const keeps = (intAttribute(context.node, 'keepdims') ?? 1) !== 0;
    const part = keeps ? withDim(shape, axis, 1) : shape.filter((_, index) => index !== axis);
    return [sequenceOf(tensor(type.dtype, part))];
  }
  const sizes = context.constant(1);
  const equal = sizes?.values.every((size) => size === sizes.values[0]) ? sizes.values[0] : null;
  const isScalar = sizes?.shape.length === 0;
  const dim = shape[axis] ?? null;
  const size: Dim = isScalar && !divides(dim, equal ?? null) ? null : (equal ?? null);
  return [sequenceOf(tensor(type.dtype, withDim(shape, axis, size)))];
}

function divides(dim: Dim, part: Dim): boolean {
  const count = ceilDivide(dim, part);
  return typeof count === 'number' && typeof part === 'number' && count * part === dim;
}

function concatFromSequence(context: NodeContext): readonly InferredType[] {
  const element = elementOf(inputType(context, 0));
  if (element.kind !== 'tensor') return [tensor(null, null)];
  if (!element.shape) return [tensor(element.dtype, null)];
  const isNew = intAttribute(context.node, 'new_axis') === 1;
  const rank = element.shape.length + (isNew ? 1 : 0);
  const axis = normalizeAxis(context, intAttribute(context.node, 'axis') ?? 0, rank);
  if (axis === null) return [tensor(element.dtype, null)];
  const dim = context.fresh(0, axis);
  const shape = isNew
    ? [...element.shape.slice(0, axis), dim, ...element.shape.slice(axis)]
    : withDim(element.shape, axis, dim);
  return [tensor(element.dtype, shape)];
}

/**
 * The body runs once per element; sequences give their elements, tensors are passed as they are. Sizes in which the
 * elements differ are symbols inside, and unknown of the sequences that come out.
 */
function sequenceMap(context: NodeContext): readonly InferredType[] {
  const graph = graphAttribute(context.node, 'body');
  if (!graph) return [];
  const own = new Set<string>();
  const inputs = context.inputs.map((type, index) =>
    type.kind === 'sequence'
      ? withSizes(type.element, (axis) => {
          const dim = context.fresh(0, axis, `.in${index}`);
          symbolsOf(dim).forEach((name) => own.add(name));
          return dim;
        })
      : type,
  );
  const result = context.runBody({ graph, role: 'body', attribute: 'body', inputs });
  if (!result) return [];
  context.setChildren([result.child(null)]);
  return result.outputs.map((type) => sequenceOf(withoutSymbols(type, own)));
}

function optional(context: NodeContext): readonly InferredType[] {
  const attribute = context.node.attributes.get('type')?.value;
  const declared =
    attribute?.kind === 'type' ? fromDeclared(attribute.value, new Map()) : unknownType;
  return [{ kind: 'optional', element: hasInput(context, 0) ? inputType(context, 0) : declared }];
}

function optionalGetElement(context: NodeContext): readonly InferredType[] {
  const type = inputType(context, 0);
  return [type.kind === 'optional' ? type.element : type];
}
