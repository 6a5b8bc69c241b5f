import { dataTypeInfo } from '../dtype';
import type { DataType } from '../dtype';
import type {
  AttributeValue,
  DeclaredDim,
  Graph,
  Model,
  ModelFunction,
  Node,
  SparseTensor,
  Tensor,
  ValueInfo,
  ValueType,
} from '../graph';
import type { NewNode, NewTensor } from '../transform/patch';
import { embedded, flattened, join, type Encoded, type Part } from './encode-pieces';
import {
  concatBytes,
  floatField,
  intField,
  lengthDelimited,
  lengthDelimitedHead,
  optionalStringField,
  stringField,
} from './protobuf-write';

/**
 * ONNX messages written from scratch: new nodes and tensors of a patch, and models parsed from text.
 * What came from a file is copied by `splice`, never re-encoded, since these types do not hold all of it.
 * Each function returns the message's content, without the tag and length of the field that holds it.
 * Field numbers: onnx.proto of IR 14. Fields are written in ascending order.
 * `…Pieces` gives the parts of a message whose payloads are streamed, `encode…` the bytes of one that has none.
 */

export interface EncodeOptions {
  /** The payload of a tensor that is stored elsewhere, to be put into the model; null leaves the tensor as it is. */
  readonly embed?: (tensor: Tensor) => NewTensor | null;
  /**
   * File that `raw` storages lie in, seen from the new model: they become external-data references
   * to it. Without it a tensor whose payload lies in a file is written with no data.
   */
  readonly weightsLocation?: string;
}

export function modelPieces(model: Model, options: EncodeOptions = {}): Encoded {
  return join([
    ...(model.irVersion === null ? [] : [intField(1, model.irVersion)]),
    optionalStringField(2, model.producerName),
    optionalStringField(3, model.producerVersion),
    optionalStringField(4, model.domain),
    ...(model.modelVersion === 0n ? [] : [intField(5, model.modelVersion)]),
    optionalStringField(6, model.docString),
    embedded(7, graphPieces(model.graph, options)),
    ...opsetFields(8, model.opsets),
    ...metadataFields(14, model.metadata),
    ...model.functions.map((one) => embedded(25, functionPieces(one, options))),
  ]);
}

/** Recurses into subgraphs; their depth is capped where graphs are read. */
export function graphPieces(graph: Graph, options: EncodeOptions = {}): Encoded {
  return join([
    ...graph.nodes.map((node) => embedded(1, nodePieces(node, options))),
    optionalStringField(2, graph.name),
    ...graph.initializers.map((tensor) => embedded(5, tensorPieces(tensor, options))),
    optionalStringField(10, graph.docString),
    ...graph.inputs.map((info) => lengthDelimited(11, encodeValueInfo(info))),
    ...graph.outputs.map((info) => lengthDelimited(12, encodeValueInfo(info))),
    ...graph.valueInfos.map((info) => lengthDelimited(13, encodeValueInfo(info))),
    ...graph.sparseInitializers.map((tensor) => embedded(15, sparseTensorPieces(tensor, options))),
    ...metadataFields(16, graph.metadata),
  ]);
}

export function functionPieces(one: ModelFunction, options: EncodeOptions = {}): Encoded {
  return join([
    optionalStringField(1, one.name),
    ...one.inputs.map((name) => stringField(4, name)),
    ...one.outputs.map((name) => stringField(5, name)),
    ...one.attributeNames.map((name) => stringField(6, name)),
    ...one.nodes.map((node) => embedded(7, nodePieces(node, options))),
    optionalStringField(8, one.docString),
    ...opsetFields(9, one.opsets),
    optionalStringField(10, one.domain),
    ...one.attributeDefaults.map((value) => embedded(11, attributePieces(value, options))),
    ...one.valueInfos.map((info) => lengthDelimited(12, encodeValueInfo(info))),
    optionalStringField(13, one.overload),
    ...metadataFields(14, one.metadata),
  ]);
}

/** A `NodeProto`, from a patch's new node or from a parsed one. */
export function nodePieces(node: NewNode | Node, options: EncodeOptions = {}): Encoded {
  return join([
    ...node.inputs.map((name) => stringField(1, name)),
    ...node.outputs.map((name) => stringField(2, name)),
    optionalStringField(3, node.name),
    optionalStringField(4, node.opType),
    ...Array.from(node.attributes.values(), (attribute) =>
      embedded(5, attributePieces(attribute, options)),
    ),
    optionalStringField(6, node.docString ?? ''),
    optionalStringField(7, node.domain),
    optionalStringField(8, 'overload' in node ? node.overload : ''),
    ...metadataFields(9, node.metadata ?? new Map()),
  ]);
}

/** `AttributeProto.AttributeType` numbers. */
const attributeTypeCode: Readonly<Record<Exclude<AttributeValue['kind'], 'none'>, number>> = {
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
  'sparse-tensor': 11,
  'sparse-tensors': 12,
  type: 13,
  types: 14,
};

/** An `AttributeProto`. With a `refName` only the type is written: the value comes from the caller. */
export function attributePieces(
  attribute: { readonly name: string; readonly value: AttributeValue; readonly refName?: string },
  options: EncodeOptions = {},
): Encoded {
  const { name, value, refName = '' } = attribute;
  const { before, after } =
    refName === '' ? attributeValueFields(value, options) : { before: [], after: [] };
  return join([
    optionalStringField(1, name),
    ...before,
    ...(value.kind === 'none' ? [] : [intField(20, attributeTypeCode[value.kind])]),
    optionalStringField(21, refName),
    ...after,
  ]);
}

/** The value's fields, split into those before and those after `type` (20) and `ref_attr_name` (21). */
function attributeValueFields(
  value: AttributeValue,
  options: EncodeOptions,
): { before: Part[]; after: Part[] } {
  const before = (fields: Part[]) => ({ before: fields, after: [] });
  const after = (fields: Part[]) => ({ before: [], after: fields });
  switch (value.kind) {
    case 'float':
      return before([floatField(2, value.value)]);
    case 'int':
      return before([intField(3, value.value)]);
    case 'string':
      return before([lengthDelimited(4, value.value)]);
    case 'tensor':
      return before([embedded(5, tensorPieces(value.value, options))]);
    case 'graph':
      return before([embedded(6, graphPieces(value.value, options))]);
    case 'floats':
      return before(value.value.map((one) => floatField(7, one)));
    case 'ints':
      return before(value.value.map((one) => intField(8, one)));
    case 'strings':
      return before(value.value.map((one) => lengthDelimited(9, one)));
    case 'tensors':
      return before(value.value.map((one) => embedded(10, tensorPieces(one, options))));
    case 'graphs':
      return before(value.value.map((one) => embedded(11, graphPieces(one, options))));
    case 'type':
      return before([lengthDelimited(14, encodeType(value.value))]);
    case 'types':
      return before(value.value.map((one) => lengthDelimited(15, encodeType(one))));
    case 'sparse-tensor':
      return after([embedded(22, sparseTensorPieces(value.value, options))]);
    case 'sparse-tensors':
      return after(value.value.map((one) => embedded(23, sparseTensorPieces(one, options))));
    case 'none':
      return before([]);
  }
}

/**
 * Everything of a `TensorProto` up to its payload: the message is `head` followed by exactly
 * `dataByteLength` bytes of `raw_data`, so that weights can be streamed. Not for string tensors,
 * which have no `raw_data` form.
 */
export function encodeTensorHeader(
  tensor: Pick<NewTensor, 'name' | 'dtype' | 'dims'>,
  dataByteLength: number,
): { head: Uint8Array } {
  return {
    head: concatBytes([
      ...tensor.dims.map((dim) => intField(1, dim)),
      intField(2, dataTypeInfo(tensor.dtype).code),
      optionalStringField(8, tensor.name),
      lengthDelimitedHead(9, dataByteLength),
    ]),
  };
}

/** A `TensorProto` with its data: inline bytes, strings, or a reference to an external file. */
export function tensorPieces(tensor: Tensor, options: EncodeOptions = {}): Encoded {
  const payload = options.embed?.(tensor) ?? null;
  const storage: Tensor['storage'] = payload ? { kind: 'none' } : tensor.storage;
  const external = payload ? undefined : externalReference(tensor, options);
  return join([
    ...tensor.dims.map((dim) => intField(1, dim)),
    intField(2, tensor.dtypeCode),
    ...(storage.kind === 'strings' ? storage.values.map((one) => lengthDelimited(6, one)) : []),
    optionalStringField(8, tensor.name),
    ...(storage.kind === 'inline' ? [lengthDelimited(9, storage.bytes)] : []),
    ...(payload
      ? [
          lengthDelimitedHead(9, payload.byteLength),
          [{ kind: 'payload', tensor: payload } as const],
        ]
      : []),
    optionalStringField(12, tensor.docString),
    ...(external === undefined ? [] : [...metadataFields(13, external), intField(14, 1)]),
    ...metadataFields(16, tensor.metadata),
  ]);
}

/** Entries of `external_data`, when the payload lies in another file. */
function externalReference(
  { storage }: Tensor,
  { weightsLocation }: EncodeOptions,
): ReadonlyMap<string, string> | undefined {
  const entries = (location: string, offset: number, byteLength: number | null) =>
    new Map([
      ['location', location],
      ['offset', String(offset)],
      ...(byteLength === null ? [] : [['length', String(byteLength)] as const]),
    ]);
  if (storage.kind === 'external') {
    return entries(storage.location, storage.offset, storage.byteLength);
  }
  return storage.kind === 'raw' && weightsLocation !== undefined
    ? entries(weightsLocation, storage.offset, storage.byteLength)
    : undefined;
}

export function sparseTensorPieces(tensor: SparseTensor, options: EncodeOptions = {}): Encoded {
  return join([
    embedded(1, tensorPieces(tensor.values, options)),
    embedded(2, tensorPieces(tensor.indices, options)),
    ...tensor.dims.map((dim) => intField(3, dim)),
  ]);
}

export function encodeValueInfo(info: ValueInfo): Uint8Array {
  return concatBytes([
    optionalStringField(1, info.name),
    ...(info.type.kind === 'unknown' ? [] : [lengthDelimited(2, encodeType(info.type))]),
    optionalStringField(3, info.docString),
    ...metadataFields(4, info.metadata),
  ]);
}

/** A `TypeProto`. Recurses into element types; their depth is capped where types are read. */
export function encodeType(type: ValueType): Uint8Array {
  switch (type.kind) {
    case 'tensor':
      return lengthDelimited(1, tensorType(type.dtype, type.dims));
    case 'sparse-tensor':
      return lengthDelimited(8, tensorType(type.dtype, type.dims));
    case 'sequence':
      return lengthDelimited(4, lengthDelimited(1, encodeType(type.element)));
    case 'optional':
      return lengthDelimited(9, lengthDelimited(1, encodeType(type.element)));
    case 'map': {
      const valueType = lengthDelimited(2, encodeType(type.value));
      return lengthDelimited(5, concatBytes([elementType(type.keyType), valueType]));
    }
    case 'opaque':
      return lengthDelimited(7, new Uint8Array(0));
    case 'unknown':
      return new Uint8Array(0);
  }
}

function tensorType(dtype: DataType | null, dims: readonly DeclaredDim[] | null): Uint8Array {
  const shape =
    dims === null ? [] : [lengthDelimited(2, concatBytes(dims.map((dim) => dimension(dim))))];
  return concatBytes([elementType(dtype), ...shape]);
}

function elementType(dtype: DataType | null): Uint8Array {
  return dtype === null ? new Uint8Array(0) : intField(1, dataTypeInfo(dtype).code);
}

function dimension(dim: DeclaredDim): Uint8Array {
  if (dim === null) return lengthDelimited(1, new Uint8Array(0));
  return lengthDelimited(1, typeof dim === 'number' ? intField(1, dim) : stringField(2, dim));
}

/** An `OperatorSetIdProto`. */
export function encodeOpset(domain: string, version: number): Uint8Array {
  return concatBytes([optionalStringField(1, domain), intField(2, version)]);
}

/** A `StringStringEntryProto`: one entry of `metadata_props` or `external_data`. */
export function encodeStringEntry(key: string, value: string): Uint8Array {
  return concatBytes([stringField(1, key), stringField(2, value)]);
}

function opsetFields(field: number, opsets: ReadonlyMap<string, number>): Uint8Array[] {
  return Array.from(opsets, ([domain, version]) =>
    lengthDelimited(field, encodeOpset(domain, version)),
  );
}

function metadataFields(field: number, metadata: ReadonlyMap<string, string>): Uint8Array[] {
  return Array.from(metadata, ([key, value]) =>
    lengthDelimited(field, encodeStringEntry(key, value)),
  );
}

export function encodeModel(model: Model, options: EncodeOptions = {}): Uint8Array {
  return flattened(modelPieces(model, options));
}

export function encodeGraph(graph: Graph, options: EncodeOptions = {}): Uint8Array {
  return flattened(graphPieces(graph, options));
}

export function encodeNode(node: NewNode | Node, options: EncodeOptions = {}): Uint8Array {
  return flattened(nodePieces(node, options));
}

export function encodeFunction(one: ModelFunction, options: EncodeOptions = {}): Uint8Array {
  return flattened(functionPieces(one, options));
}

export function encodeAttribute(
  attribute: Parameters<typeof attributePieces>[0],
  options: EncodeOptions = {},
): Uint8Array {
  return flattened(attributePieces(attribute, options));
}

export function encodeTensor(tensor: Tensor, options: EncodeOptions = {}): Uint8Array {
  return flattened(tensorPieces(tensor, options));
}

export function encodeSparseTensor(tensor: SparseTensor, options: EncodeOptions = {}): Uint8Array {
  return flattened(sparseTensorPieces(tensor, options));
}
