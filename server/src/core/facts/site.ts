import { bytesOf, dataTypeInfo, type DataType } from '../dtype';
import type { Node } from '../graph';
import { ceilDivide, multiply, product, type Dim } from '../shapes/symbolic';
import { dtypeOf, shapeOf, typeOf, type InferredType, type Scope } from '../shapes/types';

/** A node in one evaluation of its graph: what cost functions ask about. */
export interface Site {
  readonly node: Node;
  readonly scope: Scope;
}

export function hasInput(site: Site, index: number): boolean {
  return (site.node.inputs[index] ?? '') !== '';
}

/** Null when the input is absent or its rank unknown. */
export function inputShape(site: Site, index: number): readonly Dim[] | null {
  const name = site.node.inputs[index] ?? '';
  return name === '' ? null : shapeOf(site.scope, name);
}

export function outputShape(site: Site, index: number): readonly Dim[] | null {
  const name = site.node.outputs[index] ?? '';
  return name === '' ? null : shapeOf(site.scope, name);
}

export function inputElements(site: Site, index: number): Dim {
  return elementsOf(inputShape(site, index));
}

export function outputElements(site: Site, index = 0): Dim {
  return elementsOf(outputShape(site, index));
}

export function inputDtype(site: Site, index: number): DataType | null {
  const name = site.node.inputs[index] ?? '';
  return name === '' ? null : dtypeOf(site.scope, name);
}

export function outputDtype(site: Site, index = 0): DataType | null {
  const name = site.node.outputs[index] ?? '';
  return name === '' ? null : dtypeOf(site.scope, name);
}

/** One dim of a shape, counted from the end when `axis` is negative; null when there is none. */
export function dimAt(shape: readonly Dim[] | null, axis: number): Dim {
  return shape?.at(axis) ?? null;
}

export function elementsOf(shape: readonly Dim[] | null): Dim {
  return shape === null ? null : product(shape);
}

/** Bytes of a value of this name in memory; null for strings, sequences, maps and unknown shapes. */
export function valueBytes(scope: Scope, name: string): Dim {
  return typeBytes(typeOf(scope, name));
}

export function typeBytes(type: InferredType): Dim {
  if (type.kind !== 'tensor' || type.dtype === null) return null;
  const known = bytesByType.get(type);
  if (known !== undefined) return known;
  const bytes = tensorBytes(type.dtype, elementsOf(type.shape));
  bytesByType.set(type, bytes);
  return bytes;
}

/** The values of a model share their types. */
const bytesByType = new WeakMap<InferredType, Dim>();

/** Sub-byte types are packed, rounded up to whole bytes. */
export function tensorBytes(dtype: DataType, elements: Dim): Dim {
  const { bits } = dataTypeInfo(dtype);
  if (bits === null) return null;
  if (typeof elements === 'number') return bytesOf(dtype, elements);
  return bits % 8 === 0 ? multiply(elements, bits / 8) : ceilDivide(multiply(elements, bits), 8);
}
