import { bytesOf, dataTypeInfo, type DataType } from '../dtype';
import type { Node } from '../graph';
import { ceilDivide, multiply, product, type Dim } from '../shapes/symbolic';
import { dtypeAt, shapeAt, typeAt, type InferredType, type Scope } from '../shapes/types';
import { numberAt } from '../value-numbers';

/** A node in one evaluation of its graph: what cost functions ask about. */
export interface Site {
  readonly node: Node;
  readonly scope: Scope;
}

export function hasInput(site: Site, index: number): boolean {
  return (site.node.inputs[index] ?? '') !== '';
}

/** Number of an input's value in its scope; -1 when it is absent. */
export function inputNumber({ node, scope }: Site, index: number): number {
  return numberAt(scope.numbers.inputs, node, index);
}

export function outputNumber({ node, scope }: Site, index: number): number {
  return numberAt(scope.numbers.outputs, node, index);
}

/** From here on a set is faster than to compare each with those before. */
const fewInputs = 8;

/** The values that a node reads, each once: the second time an operand is given it is in the cache. */
export function distinctInputs(site: Site): readonly number[] {
  const numbers: number[] = [];
  const count = site.node.inputs.length;
  for (let index = 0; index < count; index++) {
    const number = inputNumber(site, index);
    if (count > fewInputs || !numbers.includes(number)) numbers.push(number);
  }
  return count > fewInputs ? [...new Set(numbers)] : numbers;
}

/** Null when the input is absent or its rank unknown. */
export function inputShape(site: Site, index: number): readonly Dim[] | null {
  return shapeAt(site.scope, inputNumber(site, index));
}

export function outputShape(site: Site, index: number): readonly Dim[] | null {
  return shapeAt(site.scope, outputNumber(site, index));
}

export function inputElements(site: Site, index: number): Dim {
  return elementsOf(inputShape(site, index));
}

export function outputElements(site: Site, index = 0): Dim {
  return elementsOf(outputShape(site, index));
}

export function inputDtype(site: Site, index: number): DataType | null {
  return dtypeAt(site.scope, inputNumber(site, index));
}

export function outputDtype(site: Site, index = 0): DataType | null {
  return dtypeAt(site.scope, outputNumber(site, index));
}

/** One dim of a shape, counted from the end when `axis` is negative; null when there is none. */
export function dimAt(shape: readonly Dim[] | null, axis: number): Dim {
  return shape?.at(axis) ?? null;
}

export function elementsOf(shape: readonly Dim[] | null): Dim {
  return shape === null ? null : product(shape);
}

/** Bytes of a value in memory, by its number; null for strings, sequences, maps and unknown shapes. */
export function bytesAt(scope: Scope, number: number): Dim {
  const known = scope.sizes.at(number);
  if (known !== undefined) return known;
  const bytes = typeBytes(typeAt(scope, number));
  scope.sizes.put(number, bytes);
  return bytes;
}

function typeBytes(type: InferredType): Dim {
  if (type.kind !== 'tensor' || type.dtype === null) return null;
  return tensorBytes(type.dtype, elementsOf(type.shape));
}

/** Sub-byte types are packed, rounded up to whole bytes. */
export function tensorBytes(dtype: DataType, elements: Dim): Dim {
  const { bits } = dataTypeInfo(dtype);
  if (bits === null) return null;
  if (typeof elements === 'number') return bytesOf(dtype, elements);
  return bits % 8 === 0 ? multiply(elements, bits / 8) : ceilDivide(multiply(elements, bits), 8);
}
