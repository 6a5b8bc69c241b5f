import type { onnx } from './proto';

/** Fields of AttributeProto that hold a value, with the number of the `AttributeType` that each stands for. */
const valueFields = [
  ['f', 1],
  ['i', 2],
  ['s', 3],
  ['t', 4],
  ['g', 5],
  ['floats', 6],
  ['ints', 7],
  ['strings', 8],
  ['tensors', 9],
  ['graphs', 10],
  ['sparseTensor', 11],
  ['sparseTensors', 12],
  ['tp', 13],
  ['typeProtos', 14],
] as const;

/** `AttributeProto.AttributeType` number; IR 1 files leave the field out, and the field that is set tells. */
export function attributeType(proto: onnx.IAttributeProto): number {
  // protobuf treats an enum number that the schema does not have as unset.
  const declared: number = proto.type ?? 0;
  if (declared > 0 && declared <= valueFields.length) return declared;
  for (const [field, type] of valueFields) if (isSet(proto, field)) return type;
  return 0;
}

/**
 * What is wrong with the value fields of an attribute, for a sentence about it: several values, or one in a field that
 * its type does not name. Null when nothing is.
 * Source: the comments of AttributeProto in onnx.proto; the ONNX checker and ONNX Runtime refuse both.
 *
 * @param type the attribute's type as `attributeType` tells it
 */
export function attributeFieldProblem(proto: onnx.IAttributeProto, type: number): string | null {
  let count = 0;
  let other = '';
  for (const [field, fieldType] of valueFields) {
    if (!isSet(proto, field)) continue;
    count++;
    if (fieldType !== type) other = field;
  }
  if (count > 1) return 'has several values; ONNX allows one';
  return other === '' ? null : `has its value in the field "${other}", not that of its type`;
}

/** Singular fields answer through their prototype when unset; repeated ones are empty lists. */
function isSet(proto: onnx.IAttributeProto, field: (typeof valueFields)[number][0]): boolean {
  if (!Object.hasOwn(proto, field)) return false;
  const value = proto[field];
  return !Array.isArray(value) || value.length > 0;
}
