import type { ProblemSink } from '../problem';
import type { ByteSource, CancelSignal } from '../source';
import { mergeSingular } from './merge';
import { createOutput, OutputTooLarge } from './output';
import {
  decodeText,
  Malformed,
  malformed,
  parseStringEntry,
  readLength,
  readTag,
  readVarint64,
} from './protobuf-read';
import {
  attributeProto,
  functionProto,
  graphProto,
  modelProto,
  nodeProto,
  stringEntry,
  tensorProto,
  valueInfoProto,
  type FieldSchema,
  type MessageSchema,
} from './schema';
import { escapeInvalidUtf8 } from './utf8';
import { createWindow } from './window';
import {
  bodyRecord,
  emptyFunction,
  emptyGraph,
  emptyTensor,
  fitsInline,
  maxSegments,
  metadataOf,
  notePayload,
  valueInfoOwner,
  type Owner,
  type TensorBuilder,
} from './wire-records';
import type { WireFunction, WireGraph, WireModel, WireNode, WireSpan } from './wire-types';

/** As Google's parser: deeper nesting is refused, so that no reader of the result overflows its stack. */
const maxDepth = 100;
/** Structure (names, attributes, doc strings) beyond this is no model; weights do not count. */
const maxReducedBytes = 512 * 1024 * 1024;
/** Longer names, doc strings and attribute blobs are cut: nothing here needs them whole. */
const maxStringBytes = 4 * 1024 * 1024;
/** A tag and a varint fit into this. */
const headBytes = 20;

/**
 * Reads the structure of a model file and skips its weights (payloads above `inlinePayloadBytes` are not read).
 * Follows Google's parser: split singular messages merge, padded varints and mixed packing are read,
 * groups and fields of an unexpected wire type are skipped. Null when cancelled, or with a problem
 * when the bytes are no protobuf.
 */
export async function scanModel(
  source: ByteSource,
  sink: ProblemSink,
  signal?: CancelSignal,
): Promise<WireModel | null> {
  return scanMessage(source, modelProto, sink, signal);
}

/** The same for a file that is one TensorProto (`input_0.pb`): its record is `tensors[0]`. */
export async function scanMessage(
  source: ByteSource,
  schema: MessageSchema,
  sink: ProblemSink,
  signal?: CancelSignal,
): Promise<WireModel | null> {
  try {
    return await createScan(source, schema, sink, signal)();
  } catch (error) {
    if (error instanceof Malformed) {
      sink.add({ code: 'malformed-onnx', severity: 'error', message: error.message });
      return null;
    }
    if (error instanceof OutputTooLarge) {
      sink.add({
        code: 'model-structure-too-large',
        severity: 'error',
        message: `Names and attributes exceed ${maxReducedBytes / 2 ** 20} MiB without weights; the file is not read.`,
      });
      return null;
    }
    throw error;
  }
}

/** A message being read; its fields go to `owner`. */
interface Frame {
  readonly schema: MessageSchema;
  readonly field: FieldSchema | null;
  readonly end: number;
  /** Where the output keeps this message's length. */
  readonly lengthSlot: number;
  readonly owner: Owner;
  attributeCount: number;
  /** Singular message fields met so far, one bit each. */
  seen: number;
}

function createScan(
  source: ByteSource,
  rootSchema: MessageSchema,
  sink: ProblemSink,
  signal: CancelSignal | undefined,
): () => Promise<WireModel | null> {
  const window = createWindow(source);
  const out = createOutput(maxReducedBytes);
  const model = {
    graph: null as WireGraph | null,
    functions: [] as WireFunction[],
    tensors: [] as TensorBuilder[],
    opsets: [] as WireSpan[],
    metadata: [] as WireSpan[],
  };
  const stack: Frame[] = [];
  let needsMerge = false;

  return async () => {
    const whole = { tagStart: 0, lengthStart: 0, contentStart: 0, end: source.byteLength };
    const plain = { kind: 'plain' } as const;
    const owner = rootSchema === tensorProto ? newOwner(plain, null, rootSchema, whole) : plain;
    pushFrame(rootSchema, null, source.byteLength, owner);
    for (let frame = stack.at(-1); frame; frame = stack.at(-1)) {
      if (window.position === frame.end) {
        closeFrame(frame);
        stack.pop();
        if (signal?.cancelled) return null;
        continue;
      }
      if (!window.has(headBytes)) await window.fill(headBytes);
      const pending = readField(frame);
      if (pending) await pending;
    }
    const reduced = needsMerge ? mergeSingular(out.bytes(), rootSchema) : out.slice(0, out.length);
    return { ...model, reduced, byteLength: source.byteLength };
  };

  /** Returns a promise only when more bytes must be read first: most fields do not. */
  function readField(frame: Frame): Promise<void> | undefined {
    const tagStart = window.position;
    const tag = readTag(window, frame.end);
    const number = tag >>> 3;
    if (number === 0) throw malformed(`field number 0 at byte ${tagStart}`);
    const field = frame.schema.fields[number];
    switch (tag & 7) {
      case 0:
        readVarintField(frame, field, tagStart);
        return undefined;
      case 1:
        return readFixedField(frame, field, tagStart, 8);
      case 5:
        return readFixedField(frame, field, tagStart, 4);
      case 2:
        return readDelimitedField(frame, field, tagStart);
      case 3:
        return skipGroup(frame, number);
      default:
        throw malformed(`wire type ${tag & 7} of field ${number} at byte ${tagStart}`);
    }
  }

  function readVarintField(frame: Frame, field: FieldSchema | undefined, tagStart: number): void {
    const [low, high] = readVarint64(window, frame.end);
    if (!field) return;
    if (field.kind === 'varint') {
      out.varint(field.number * 8);
      out.varint(low, high);
    } else if (isVarintData(field)) {
      const packed = createOutput(10);
      packed.varint(low, high);
      addUnpacked(frame, field, tagStart, packed.bytes());
    } else {
      unexpectedWireType(frame, field, tagStart);
    }
  }

  async function readFixedField(
    frame: Frame,
    field: FieldSchema | undefined,
    tagStart: number,
    size: 4 | 8,
  ): Promise<void> {
    const bytes = await takeWithin(frame, size);
    if (!field) return;
    if (field.kind === (size === 4 ? 'fixed32' : 'fixed64')) {
      out.varint(field.number * 8 + (size === 4 ? 5 : 1));
      out.copy(bytes);
    } else if (field.name === (size === 4 ? 'float_data' : 'double_data')) {
      addUnpacked(frame, field, tagStart, bytes.slice());
    } else {
      unexpectedWireType(frame, field, tagStart);
    }
  }

  async function takeWithin(frame: Frame, count: number): Promise<Uint8Array> {
    if (window.position + count > frame.end) {
      throw malformed(`${frame.schema.name} ends inside a field at byte ${window.position}`);
    }
    if (!window.has(count)) await window.fill(count);
    return window.take(count);
  }

  function readDelimitedField(
    frame: Frame,
    field: FieldSchema | undefined,
    tagStart: number,
  ): Promise<void> | undefined {
    const lengthStart = window.position;
    const byteLength = readLength(window, frame.end);
    const contentStart = window.position;
    const end = contentStart + byteLength;
    if (end > frame.end) {
      const name = field ? `${frame.schema.name}.${field.name}` : `a field of ${frame.schema.name}`;
      throw malformed(
        `${name} at byte ${tagStart} claims ${byteLength} bytes, ${frame.end - contentStart} are left`,
      );
    }
    const span: WireSpan = { tagStart, lengthStart, contentStart, end };
    if (!field) {
      window.position = end;
      return undefined;
    }
    if (field.kind === 'payload') return addPayload(frame, field, span);
    if (field.kind !== 'message') return readScalars(frame, field, span);
    if (field.newer && field.message() === stringEntry) return readMetadata(frame, span);
    openFrame(frame, field, span);
    return undefined;
  }

  /** Strings, bytes and packed scalars. */
  async function readScalars(frame: Frame, field: FieldSchema, span: WireSpan): Promise<void> {
    const byteLength = span.end - span.contentStart;
    const isText = field.kind === 'string' || field.kind === 'bytes';
    if (!isText && !field.repeated) {
      unexpectedWireType(frame, field, span.tagStart);
      window.position = span.end;
      return;
    }
    const kept = isText ? Math.min(byteLength, maxStringBytes) : byteLength;
    if (kept < byteLength) {
      sink.add({
        code: 'string-too-long',
        severity: 'warning',
        message: `${frame.schema.name}.${field.name} has ${byteLength} bytes; only ${maxStringBytes} are read.`,
        where: `byte ${span.contentStart}`,
      });
    }
    // Before the bytes are read: a packed list must fit what is left of the cap.
    if (out.length + kept > maxReducedBytes) throw new OutputTooLarge();
    if (!window.has(kept)) await window.fill(kept);
    const bytes = wellFormed(frame, field, window.take(kept), span);
    window.position = span.end;
    if (field.newer && field.kind === 'string') {
      keepOverload(frame.owner, bytes);
      return;
    }
    out.varint(field.number * 8 + 2);
    out.varint(bytes.byteLength);
    out.copy(bytes);
  }

  function wellFormed(
    frame: Frame,
    field: FieldSchema,
    bytes: Uint8Array,
    span: WireSpan,
  ): Uint8Array {
    const escaped = field.kind === 'string' ? escapeInvalidUtf8(bytes) : null;
    if (!escaped) return bytes;
    sink.add({
      code: 'invalid-utf8',
      severity: 'warning',
      message: `${frame.schema.name}.${field.name} at byte ${span.contentStart} is not UTF-8; shown with escapes.`,
    });
    return escaped;
  }

  async function readMetadata(frame: Frame, span: WireSpan): Promise<void> {
    const kept = Math.min(span.end - span.contentStart, maxStringBytes);
    if (!window.has(kept)) await window.fill(kept);
    const entry = parseStringEntry(window.take(kept));
    window.position = span.end;
    if (entry) metadataOf(frame.owner)?.set(entry.key, entry.value);
    else {
      sink.add({
        code: 'malformed-metadata',
        severity: 'warning',
        message: `${frame.schema.name}.metadata_props at byte ${span.tagStart} is no key and value; it is ignored.`,
      });
    }
  }

  function openFrame(parent: Frame, field: FieldSchema, span: WireSpan): void {
    if (stack.length > maxDepth) {
      throw malformed(`messages are nested deeper than ${maxDepth} at byte ${span.tagStart}`);
    }
    if (!field.repeated) {
      const bit = 1 << field.number;
      if (parent.seen & bit) needsMerge = true;
      parent.seen |= bit;
    }
    recordSpan(parent, field, span);
    out.varint(field.number * 8 + 2);
    const owner = newOwner(parent.owner, field, field.message(), span);
    if (owner.kind === 'attribute') parent.attributeCount++;
    pushFrame(field.message(), field, span.end, owner);
  }

  function pushFrame(
    schema: MessageSchema,
    field: FieldSchema | null,
    end: number,
    owner: Owner,
  ): void {
    const lengthSlot = field ? out.reserveLength() : -1;
    stack.push({ schema, field, end, lengthSlot, owner, attributeCount: 0, seen: 0 });
    if (owner.kind !== 'tensor') return;
    // The tensor's record number travels through onnx-proto in a field that its payload no longer needs.
    out.varint(11 * 8);
    out.varint(model.tensors.length - 1);
  }

  function recordSpan(parent: Frame, field: FieldSchema, span: WireSpan): void {
    if (parent.schema === modelProto) {
      if (field.name === 'opset_import') model.opsets.push(span);
      if (field.name === 'metadata_props') model.metadata.push(span);
    }
    if (parent.owner.kind !== 'graph') return;
    if (field.name === 'initializer') parent.owner.graph.initializers.push(span);
    if (field.name === 'input') parent.owner.graph.inputs.push(span);
    if (field.name === 'value_info') parent.owner.graph.valueInfos.push(span);
  }

  function newOwner(
    parent: Owner,
    field: FieldSchema | null,
    schema: MessageSchema,
    span: WireSpan,
  ): Owner {
    switch (schema) {
      case graphProto:
        return { kind: 'graph', graph: graphRecord(parent, field?.repeated ?? false, span) };
      case nodeProto: {
        const node: WireNode = { span, overload: '', metadata: new Map(), bodies: new Map() };
        if (parent.kind === 'graph') parent.graph.nodes.push(node);
        if (parent.kind === 'function') parent.definition.nodes.push(node);
        return { kind: 'node', node };
      }
      case tensorProto: {
        const tensor = emptyTensor();
        model.tensors.push(tensor);
        return { kind: 'tensor', tensor };
      }
      case attributeProto: {
        const index = stack.at(-1)?.attributeCount ?? 0;
        return { kind: 'attribute', node: parent.kind === 'node' ? parent.node : null, index };
      }
      case functionProto: {
        const definition = emptyFunction();
        model.functions.push(definition);
        return { kind: 'function', definition };
      }
      case valueInfoProto:
        if (!field) return { kind: 'plain' };
        return valueInfoOwner(parent.kind === 'graph' ? parent.graph : null, field);
      default:
        return { kind: 'plain' };
    }
  }

  function graphRecord(parent: Owner, repeated: boolean, span: WireSpan): WireGraph {
    let graph: WireGraph;
    if (parent.kind === 'plain') graph = model.graph ??= emptyGraph();
    else if (parent.kind === 'attribute' && parent.node) {
      graph = bodyRecord(parent.node, parent.index, repeated);
    } else graph = emptyGraph();
    graph.segments.push(span);
    return graph;
  }

  function closeFrame(frame: Frame): void {
    if (!frame.field) return;
    out.fillLength(frame.lengthSlot);
    const { owner } = frame;
    if (owner.kind === 'value-info' && owner.metadata.size > 0) {
      owner.graph?.valueMetadata.set(owner.key, owner.metadata);
    }
    const parent = stack.at(-2);
    if (frame.field.newer && parent?.owner.kind === 'function') {
      // onnx-proto's FunctionProto does not know these messages; they leave through the record.
      const content = mergeSingular(out.slice(frame.lengthSlot + 5, out.length), frame.schema);
      const { attributeProtos, valueInfos } = parent.owner.definition;
      (frame.schema === attributeProto ? attributeProtos : valueInfos).push(content);
    }
  }

  function addUnpacked(
    frame: Frame,
    field: FieldSchema,
    tagStart: number,
    element: Uint8Array,
  ): void {
    const byteLength = window.position - tagStart;
    notePayloadOf(frame, field, { offset: tagStart, byteLength, packed: false });
    keepSmall(frame, field, element);
  }

  async function addPayload(frame: Frame, field: FieldSchema, span: WireSpan): Promise<void> {
    const byteLength = span.end - span.contentStart;
    const packed = field.name !== 'string_data';
    notePayloadOf(frame, field, { offset: span.contentStart, byteLength, packed });
    if (frame.owner.kind === 'tensor' && isUsed(frame.owner.tensor, field)) {
      if (fitsInline(frame.owner.tensor, byteLength)) {
        if (!window.has(byteLength)) await window.fill(byteLength);
        frame.owner.tensor.inline?.push(window.take(byteLength).slice());
      }
    }
    window.position = span.end;
  }

  function notePayloadOf(
    frame: Frame,
    field: FieldSchema,
    segment: { offset: number; byteLength: number; packed: boolean },
  ): void {
    if (frame.owner.kind !== 'tensor') return;
    if (notePayload(frame.owner.tensor, field, segment) === 'too-many-segments') {
      throw malformed(
        `tensor data is in more than ${maxSegments} pieces at byte ${segment.offset}`,
      );
    }
  }

  function keepSmall({ owner }: Frame, field: FieldSchema, bytes: Uint8Array): void {
    if (owner.kind !== 'tensor' || !isUsed(owner.tensor, field)) return;
    if (fitsInline(owner.tensor, bytes.byteLength)) owner.tensor.inline?.push(bytes);
  }

  function unexpectedWireType(frame: Frame, field: FieldSchema, at: number): void {
    sink.add({
      code: 'unexpected-wire-type',
      severity: 'warning',
      message: `${frame.schema.name}.${field.name} at byte ${at} has an unexpected wire type; it is ignored.`,
    });
  }

  async function skipGroup(frame: Frame, number: number): Promise<void> {
    const open = [number];
    while (open.length > 0) {
      if (stack.length + open.length > maxDepth) {
        throw malformed(`groups are nested deeper than ${maxDepth} at byte ${window.position}`);
      }
      if (!window.has(headBytes)) await window.fill(headBytes);
      const tag = readTag(window, frame.end);
      const wireType = tag & 7;
      if (wireType === 3) open.push(tag >>> 3);
      else if (wireType === 4) {
        if (open.pop() !== tag >>> 3)
          throw malformed(`a group ends unmatched at byte ${window.position}`);
      } else if (wireType === 0) readVarint64(window, frame.end);
      else if (wireType === 1 || wireType === 5) window.position += wireType === 1 ? 8 : 4;
      else if (wireType === 2) window.position += readLength(window, frame.end);
      else throw malformed(`wire type ${wireType} in a group at byte ${window.position}`);
      if (window.position > frame.end) throw malformed(`a group is cut off at byte ${frame.end}`);
    }
  }
}

function keepOverload(owner: Owner, bytes: Uint8Array): void {
  const text = decodeText(bytes);
  if (owner.kind === 'node') owner.node.overload = text;
  if (owner.kind === 'function') owner.definition.overload = text;
}

/** Readers use `raw_data` when it is there, else the first typed field. */
function isUsed(tensor: TensorBuilder, field: FieldSchema): boolean {
  if (tensor.raw) return field.name === 'raw_data';
  return field.name === tensor.typedField;
}

function isVarintData({ kind, name }: FieldSchema): boolean {
  return kind === 'payload' && ['int32_data', 'int64_data', 'uint64_data'].includes(name);
}
