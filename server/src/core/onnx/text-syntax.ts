import { dataTypes } from '../dtype';
import type { DataType } from '../dtype';
import type { AttributeValue } from '../graph';

/**
 * Words of the ONNX textual syntax that printer and parser share.
 * Source: onnx/docs/Syntax.md and the behaviour of the parser of onnx 1.23.
 */

/** Only two element types are spelled unlike in our tables. */
const spelling = new Map<DataType, string>([
  ['float32', 'float'],
  ['float64', 'double'],
]);

const typeNameByDtype = new Map(
  dataTypes.map(({ name }) => [name, spelling.get(name) ?? name] as const),
);
const dtypeByTypeName = new Map(Array.from(typeNameByDtype, ([dtype, name]) => [name, dtype]));

/** `float` for float32, `double` for float64, else the type's own name. */
export function textTypeName(dtype: DataType): string {
  return typeNameByDtype.get(dtype) ?? dtype;
}

export function dtypeFromTextName(name: string): DataType | undefined {
  return dtypeByTypeName.get(name);
}

/** Words that open a type which is not a plain tensor. */
export type CompoundTypeWord = 'seq' | 'map' | 'optional' | 'sparse_tensor' | 'opaque';

const compoundTypeWords: ReadonlySet<string> = new Set<CompoundTypeWord>([
  'seq',
  'map',
  'optional',
  'sparse_tensor',
  'opaque',
]);

export function isCompoundTypeWord(word: string): word is CompoundTypeWord {
  return compoundTypeWords.has(word);
}

/** True when an identifier at the place of a type or a name is taken for a type. */
export function isTypeWord(word: string): boolean {
  return dtypeByTypeName.has(word) || isCompoundTypeWord(word);
}

export type AttributeKind = Exclude<AttributeValue['kind'], 'none'>;

const attributeWords: readonly (readonly [AttributeKind, string])[] = [
  ['float', 'float'],
  ['int', 'int'],
  ['string', 'string'],
  ['tensor', 'tensor'],
  ['graph', 'graph'],
  ['sparse-tensor', 'sparse_tensor'],
  ['type', 'type_proto'],
  ['floats', 'floats'],
  ['ints', 'ints'],
  ['strings', 'strings'],
  ['tensors', 'tensors'],
  ['graphs', 'graphs'],
  ['sparse-tensors', 'sparse_tensors'],
  ['types', 'type_protos'],
];
const wordByKind = new Map(attributeWords);
const kindByWord = new Map(attributeWords.map(([kind, word]) => [word, kind]));

/** The attribute type's word: `ints`, `type_proto` … */
export function attributeTypeWord(kind: AttributeKind): string {
  return wordByKind.get(kind) ?? kind;
}

export function attributeKindFromWord(word: string): AttributeKind | undefined {
  return kindByWord.get(word);
}

/** Letter or underscore, then letters, digits, underscores: everything else must be quoted. */
export function isIdentifier(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name);
}

/** Words that read as numbers where a value may stand, in any letter case. */
export function isFloatWord(word: string): boolean {
  return /^(?:nan|inf|infinity)$/i.test(word);
}

/** A string literal. The syntax knows one escape: a backslash before any character, itself included. */
export function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`;
}
