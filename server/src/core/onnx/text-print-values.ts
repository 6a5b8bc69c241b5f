import { bytesOf } from '../dtype';
import type {
  Attribute,
  AttributeValue,
  DeclaredDim,
  Graph,
  SparseTensor,
  Tensor,
  ValueType,
} from '../graph';
import { elementLiterals, float32Literal } from './text-elements';
import {
  attributeTypeWord,
  isFloatWord,
  isIdentifier,
  isTypeWord,
  quoted,
  textTypeName,
} from './text-syntax';
import { displayText } from './utf8';

/** Types, tensors and attributes as text. What the syntax cannot say comes back as a note. */

/** A name where the syntax takes quotes; type words are quoted so that they are not taken for types. */
export function nameText(name: string): string {
  return isIdentifier(name) && !isTypeWord(name) ? name : quoted(displayText(name));
}

/** `undefined` when an element type is unknown: the syntax has no word for that. */
export function typeText(type: ValueType): string | undefined {
  switch (type.kind) {
    case 'tensor':
      return tensorTypeText(type.dtype, type.dims);
    case 'sparse-tensor': {
      const inner = tensorTypeText(type.dtype, type.dims);
      return inner === undefined ? undefined : `sparse_tensor(${inner})`;
    }
    case 'sequence':
    case 'optional': {
      const inner = typeText(type.element);
      if (inner === undefined) return undefined;
      return `${type.kind === 'sequence' ? 'seq' : 'optional'}(${inner})`;
    }
    case 'map': {
      const value = typeText(type.value);
      if (value === undefined || type.keyType === null) return undefined;
      return `map(${textTypeName(type.keyType)}, ${value})`;
    }
    case 'opaque':
      return 'opaque()';
    case 'unknown':
      return undefined;
  }
}

/** No brackets: a scalar. Empty brackets: the rank is unknown. */
function tensorTypeText(
  dtype: Tensor['dtype'],
  dims: readonly DeclaredDim[] | null,
): string | undefined {
  if (dtype === null) return undefined;
  if (dims === null) return `${textTypeName(dtype)}[]`;
  return textTypeName(dtype) + (dims.length === 0 ? '' : `[${dims.map(dimText).join(',')}]`);
}

function dimText(dim: DeclaredDim): string {
  if (dim === null) return '?';
  if (typeof dim === 'number') return String(dim);
  return isIdentifier(dim) ? dim : quoted(displayText(dim));
}

export interface TensorText {
  /** `float[2]`. */
  readonly type: string;
  /** `{1,2}` or `["location": …]`. */
  readonly data: string;
  /** Why the data is left out, when it is. */
  readonly note: string | null;
}

/**
 * A tensor's type and data. A payload that lies in a file as plain little-endian elements becomes an
 * external-data reference to it. One in another encoding (varints, several records) has no such form:
 * a reference would make readers take the wrong bytes, so it becomes `{}` and a note.
 * `undefined` when the dtype has no name.
 */
export function tensorText(tensor: Tensor, weightsLocation: string): TensorText | undefined {
  if (tensor.dtype === null) return undefined;
  const dims = tensor.dims.length === 0 ? '' : `[${tensor.dims.join(',')}]`;
  const type = textTypeName(tensor.dtype) + dims;
  const { storage } = tensor;
  const leftOut = (why: string): TensorText => ({ type, data: '{}', note: why });
  switch (storage.kind) {
    case 'none':
      return { type, data: '{}', note: null };
    case 'inline': {
      const literals = elementLiterals(tensor);
      if (literals === undefined) return leftOut('its data is broken');
      return { type, data: `{${literals.join(',')}}`, note: null };
    }
    case 'strings': {
      const texts = storage.values.map(utf8Text);
      if (!texts.every((text) => text !== undefined)) return leftOut('it holds bytes, not UTF-8');
      return { type, data: `{${texts.map(quoted).join(', ')}}`, note: null };
    }
    case 'raw':
      return { type, data: reference(weightsLocation, storage), note: null };
    case 'typed': {
      const segment = plainSegment(tensor);
      if (segment !== undefined) {
        return { type, data: reference(weightsLocation, segment), note: null };
      }
      return leftOut(`it is stored as ${storage.field} in ${weightsLocation}`);
    }
    case 'external':
      return { type, data: reference(storage.location, storage), note: null };
  }
}

function reference(
  location: string,
  { offset, byteLength }: { readonly offset: number; readonly byteLength: number | null },
): string {
  const length = byteLength === null ? '' : `, "length": "${byteLength}"`;
  return `["location": ${quoted(displayText(location))}, "offset": "${offset}"${length}]`;
}

/** Packed float and double fields hold the same bytes as `raw_data` when they came in one record. */
function plainSegment({ dtype, elementCount, storage }: Tensor) {
  if (storage.kind !== 'typed' || dtype === null || elementCount === null) return undefined;
  const fixedWidth =
    (storage.field === 'float_data' && (dtype === 'float32' || dtype === 'complex64')) ||
    (storage.field === 'double_data' && (dtype === 'float64' || dtype === 'complex128'));
  const [segment, ...others] = storage.segments;
  return fixedWidth &&
    segment?.packed === true &&
    others.length === 0 &&
    segment.byteLength === bytesOf(dtype, elementCount)
    ? segment
    : undefined;
}

export type AttributeText =
  /** The value as text; `notes` tell what of it was left out. */
  | { readonly kind: 'value'; readonly text: string; readonly notes: readonly string[] }
  | { readonly kind: 'graphs'; readonly graphs: readonly Graph[]; readonly isList: boolean }
  | { readonly kind: 'none'; readonly why: string };

/** An attribute's value; `none` when the syntax has no form for it. Subgraphs are left to the caller. */
export function attributeText(attribute: Attribute, weightsLocation: string): AttributeText {
  const { name, refName, value } = attribute;
  if (!isIdentifier(name)) return { kind: 'none', why: 'its name is not an identifier' };
  if (refName !== '') {
    return { kind: 'value', text: `@${nameText(refName)}`, notes: [] };
  }
  if (value.kind === 'graph') return { kind: 'graphs', graphs: [value.value], isList: false };
  if (value.kind === 'graphs') return { kind: 'graphs', graphs: value.value, isList: true };
  return plainValue(value, weightsLocation);
}

/** `name: type` in front of the value; an untyped reference to a caller's attribute has no type. */
export function attributeHead({ name, value }: Attribute): string {
  return value.kind === 'none' ? name : `${name}: ${attributeTypeWord(value.kind)}`;
}

/** Trees of large ensembles have some hundred thousand entries; beyond this no editor shows the line. */
const maxListLength = 1024 * 1024;

function plainValue(
  value: Exclude<AttributeValue, { kind: 'graph' | 'graphs' }>,
  weightsLocation: string,
): AttributeText {
  const text = (plain: string): AttributeText => ({ kind: 'value', text: plain, notes: [] });
  if ('value' in value && Array.isArray(value.value) && value.value.length > maxListLength) {
    return { kind: 'none', why: `it has ${value.value.length} elements` };
  }
  switch (value.kind) {
    case 'float':
      return text(float32Literal(value.value));
    case 'int':
      return text(String(value.value));
    case 'floats':
      return text(`[${value.value.map(float32Literal).join(', ')}]`);
    case 'ints':
      return text(`[${value.value.join(', ')}]`);
    case 'string':
      return stringsText([value.value], ([only = '']) => only);
    case 'strings':
      return stringsText(value.value, (all) => `[${all.join(', ')}]`);
    case 'type':
      return typesText([value.value], ([only = '']) => only);
    case 'types':
      return typesText(value.value, (all) => `[${all.join(', ')}]`);
    case 'tensor':
      return tensorsText([value.value], weightsLocation, ([only = '']) => only);
    case 'tensors':
      return tensorsText(value.value, weightsLocation, (all) => `[${all.join(', ')}]`);
    case 'sparse-tensor':
      return { kind: 'none', why: sparseWhy([value.value]) };
    case 'sparse-tensors':
      return { kind: 'none', why: sparseWhy(value.value) };
    case 'none':
      return { kind: 'none', why: 'it has no type' };
  }
}

function stringsText(
  values: readonly Uint8Array[],
  join: (literals: readonly string[]) => string,
): AttributeText {
  const texts = values.map(utf8Text);
  if (!texts.every((text) => text !== undefined)) {
    const byteCount = values.reduce((sum, bytes) => sum + bytes.byteLength, 0);
    return { kind: 'none', why: `it holds ${byteCount} bytes that are not UTF-8` };
  }
  return { kind: 'value', text: join(texts.map(quoted)), notes: [] };
}

function typesText(
  values: readonly ValueType[],
  join: (types: readonly string[]) => string,
): AttributeText {
  const texts = values.map(typeText);
  if (!texts.every((text) => text !== undefined)) {
    return { kind: 'none', why: 'its type is unknown' };
  }
  return { kind: 'value', text: join(texts), notes: [] };
}

function tensorsText(
  values: readonly Tensor[],
  weightsLocation: string,
  join: (tensors: readonly string[]) => string,
): AttributeText {
  const texts: string[] = [];
  const notes: string[] = [];
  for (const tensor of values) {
    const text = tensorText(tensor, weightsLocation);
    if (text === undefined) return { kind: 'none', why: 'its tensor type is unknown' };
    // A quoted name is not possible here: the official parser takes the type for a type attribute.
    const name = isIdentifier(tensor.name) ? ` ${tensor.name}` : '';
    const equals = text.data.startsWith('[') ? ' = ' : ' ';
    texts.push(text.type + name + equals + text.data);
    if (text.note !== null) notes.push(text.note);
  }
  return { kind: 'value', text: join(texts), notes };
}

function sparseWhy(tensors: readonly SparseTensor[]): string {
  const shapes = tensors.map(({ dims }) => `[${dims.join(',')}]`).join(', ');
  return `it is sparse: ${shapes}`;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/**
 * A word for where the syntax takes identifiers only (operator, overload, subgraph name): other
 * characters become underscores, and the caller notes the true name.
 */
export function identifierFor(name: string): string {
  if (isIdentifier(name)) return name;
  return name.replace(/[^A-Za-z0-9_]/g, '_').replace(/^(?=[0-9]|$)/, '_');
}

/** As `identifierFor`, for subgraphs, whose name stands where types and numbers may stand. */
export function subgraphName(name: string): string {
  const word = identifierFor(name);
  return isTypeWord(word) || isFloatWord(word) ? `${word}_` : word;
}

export function isSubgraphName(name: string): boolean {
  return subgraphName(name) === name;
}
