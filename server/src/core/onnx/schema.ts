/**
 * The shape of the protobuf messages that lead to something we read (onnx.proto through IR 14).
 * A field that is not listed is unknown to us: skipped when reading, copied when writing.
 */
export interface MessageSchema {
  readonly name: string;
  /** By field number. */
  readonly fields: readonly (FieldSchema | undefined)[];
}

export interface FieldSchema {
  readonly number: number;
  readonly name: string;
  readonly kind: FieldKind;
  readonly repeated: boolean;
  /** Set for kind `message`. */
  readonly message: () => MessageSchema;
  /** Fields newer than onnx-proto's schema are collected by `wire` itself. */
  readonly newer: boolean;
  /** Member of its message's only oneof: of these the last one in the file counts. */
  readonly oneof: boolean;
}

export type FieldKind =
  | 'varint'
  /** int32 or enum: of a longer number the low 32 bits count. */
  | 'int32'
  | 'fixed32'
  | 'fixed64'
  | 'string'
  /** A text of a node: `wire` keeps it as a string, since names are most of what a large graph consists of. */
  | 'node-text'
  | 'bytes'
  | 'message'
  /** Weight payload of a TensorProto: located, not read. */
  | 'payload'
  /** A message that nothing here reads: counted, so that it can be told of. */
  | 'counted';

type Row = readonly [number, string, FieldKind | (() => MessageSchema), ...Flag[]];
type Flag = 'repeated' | 'newer' | 'oneof';

function message(name: string, rows: readonly Row[]): MessageSchema {
  const fields: (FieldSchema | undefined)[] = [];
  for (const [number, fieldName, kind, ...flags] of rows) {
    fields[number] = {
      number,
      name: fieldName,
      kind: typeof kind === 'function' ? 'message' : kind,
      repeated: flags.includes('repeated'),
      newer: flags.includes('newer'),
      oneof: flags.includes('oneof'),
      message: typeof kind === 'function' ? kind : () => emptyMessage,
    };
  }
  return { name, fields };
}

const emptyMessage: MessageSchema = { name: 'unknown', fields: [] };

export const stringEntry = message('StringStringEntryProto', [
  [1, 'key', 'string'],
  [2, 'value', 'string'],
]);

const operatorSetId = message('OperatorSetIdProto', [
  [1, 'domain', 'string'],
  [2, 'version', 'varint'],
]);

const dimension = message('Dimension', [
  [1, 'dim_value', 'varint', 'oneof'],
  [2, 'dim_param', 'string', 'oneof'],
  [3, 'denotation', 'string'],
]);

const tensorShape = message('TensorShapeProto', [[1, 'dim', () => dimension, 'repeated']]);

const tensorType = message('TypeProto.Tensor', [
  [1, 'elem_type', 'int32'],
  [2, 'shape', () => tensorShape],
]);

const elementType = message('TypeProto.Sequence', [[1, 'elem_type', () => typeProto]]);

const mapType = message('TypeProto.Map', [
  [1, 'key_type', 'int32'],
  [2, 'value_type', () => typeProto],
]);

const opaqueType = message('TypeProto.Opaque', [
  [1, 'domain', 'string'],
  [2, 'name', 'string'],
]);

export const typeProto: MessageSchema = message('TypeProto', [
  [1, 'tensor_type', () => tensorType, 'oneof'],
  [4, 'sequence_type', () => elementType, 'oneof'],
  [5, 'map_type', () => mapType, 'oneof'],
  [6, 'denotation', 'string'],
  [7, 'opaque_type', () => opaqueType, 'oneof'],
  [8, 'sparse_tensor_type', () => tensorType, 'oneof'],
  [9, 'optional_type', () => elementType, 'oneof'],
]);

export const valueInfoProto = message('ValueInfoProto', [
  [1, 'name', 'string'],
  [2, 'type', () => typeProto],
  [3, 'doc_string', 'string'],
  [4, 'metadata_props', () => stringEntry, 'repeated', 'newer'],
]);

export const tensorProto = message('TensorProto', [
  [1, 'dims', 'varint', 'repeated'],
  [2, 'data_type', 'int32'],
  [4, 'float_data', 'payload', 'repeated'],
  [5, 'int32_data', 'payload', 'repeated'],
  [6, 'string_data', 'payload', 'repeated'],
  [7, 'int64_data', 'payload', 'repeated'],
  [8, 'name', 'string'],
  [9, 'raw_data', 'payload'],
  [10, 'double_data', 'payload', 'repeated'],
  [11, 'uint64_data', 'payload', 'repeated'],
  [12, 'doc_string', 'string'],
  [13, 'external_data', () => stringEntry, 'repeated'],
  [14, 'data_location', 'int32'],
  [16, 'metadata_props', () => stringEntry, 'repeated', 'newer'],
]);

const sparseTensorProto = message('SparseTensorProto', [
  [1, 'values', () => tensorProto],
  [2, 'indices', () => tensorProto],
  [3, 'dims', 'varint', 'repeated'],
]);

export const attributeProto: MessageSchema = message('AttributeProto', [
  [1, 'name', 'string'],
  [2, 'f', 'fixed32'],
  [3, 'i', 'varint'],
  [4, 's', 'bytes'],
  [5, 't', () => tensorProto],
  [6, 'g', () => graphProto],
  [7, 'floats', 'fixed32', 'repeated'],
  [8, 'ints', 'varint', 'repeated'],
  [9, 'strings', 'bytes', 'repeated'],
  [10, 'tensors', () => tensorProto, 'repeated'],
  [11, 'graphs', () => graphProto, 'repeated'],
  [13, 'doc_string', 'string'],
  [14, 'tp', () => typeProto],
  [15, 'type_protos', () => typeProto, 'repeated'],
  [20, 'type', 'int32'],
  [21, 'ref_attr_name', 'string'],
  [22, 'sparse_tensor', () => sparseTensorProto],
  [23, 'sparse_tensors', () => sparseTensorProto, 'repeated'],
]);

export const nodeProto = message('NodeProto', [
  [1, 'input', 'node-text', 'repeated'],
  [2, 'output', 'node-text', 'repeated'],
  [3, 'name', 'node-text'],
  [4, 'op_type', 'node-text'],
  [5, 'attribute', () => attributeProto, 'repeated'],
  [6, 'doc_string', 'node-text'],
  [7, 'domain', 'node-text'],
  [8, 'overload', 'string', 'newer'],
  [9, 'metadata_props', () => stringEntry, 'repeated', 'newer'],
]);

export const graphProto: MessageSchema = message('GraphProto', [
  [1, 'node', () => nodeProto, 'repeated'],
  [2, 'name', 'string'],
  [5, 'initializer', () => tensorProto, 'repeated'],
  [10, 'doc_string', 'string'],
  [11, 'input', () => valueInfoProto, 'repeated'],
  [12, 'output', () => valueInfoProto, 'repeated'],
  [13, 'value_info', () => valueInfoProto, 'repeated'],
  [14, 'quantization_annotation', 'counted', 'repeated'],
  [15, 'sparse_initializer', () => sparseTensorProto, 'repeated'],
  [16, 'metadata_props', () => stringEntry, 'repeated', 'newer'],
]);

export const functionProto = message('FunctionProto', [
  [1, 'name', 'string'],
  [4, 'input', 'string', 'repeated'],
  [5, 'output', 'string', 'repeated'],
  [6, 'attribute', 'string', 'repeated'],
  [7, 'node', () => nodeProto, 'repeated'],
  [8, 'doc_string', 'string'],
  [9, 'opset_import', () => operatorSetId, 'repeated'],
  [10, 'domain', 'string'],
  [11, 'attribute_proto', () => attributeProto, 'repeated', 'newer'],
  [12, 'value_info', () => valueInfoProto, 'repeated', 'newer'],
  [13, 'overload', 'string', 'newer'],
  [14, 'metadata_props', () => stringEntry, 'repeated', 'newer'],
]);

export const modelProto = message('ModelProto', [
  [1, 'ir_version', 'varint'],
  [2, 'producer_name', 'string'],
  [3, 'producer_version', 'string'],
  [4, 'domain', 'string'],
  [5, 'model_version', 'varint'],
  [6, 'doc_string', 'string'],
  [7, 'graph', () => graphProto],
  [8, 'opset_import', () => operatorSetId, 'repeated'],
  [14, 'metadata_props', () => stringEntry, 'repeated'],
  [20, 'training_info', 'counted', 'repeated'],
  [25, 'functions', () => functionProto, 'repeated'],
]);
