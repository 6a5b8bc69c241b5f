import { NameTable } from '../name-table';
import type { Problem, ProblemSink } from '../problem';
import type { ByteSource, CancelSignal } from '../source';
import { OutputTooLarge } from './output';
import {
  countVarints,
  Malformed,
  malformed,
  parseStringEntry,
  readLength,
  readTag,
  readVarint64,
} from './protobuf-read';
import {
  modelProto,
  nodeProto,
  stringEntry,
  tensorProto,
  valueInfoProto,
  type FieldSchema,
  type MessageSchema,
} from './schema';
import { createSlab } from './slab';
import { decodeText, escapeInvalidUtf8 } from './utf8';
import { createWindow } from './window';
import {
  createFrames,
  heapBytesOf,
  isRepeatable,
  keepOverload,
  maxDepth,
  metadataOf,
  nodeListOf,
  type Frame,
} from './wire-frames';
import { keepNodeText, readNode, readNodeTexts, type NodeScan } from './wire-node';
import { createPayloads } from './wire-payload';
import { addNode } from './wire-records';
import { createRuns } from './wire-runs';
import { readPlainTensor } from './wire-tensor';
import type { WireModel, WireSpan } from './wire-types';
import { readValueInfo } from './wire-value';

/** Longer names, doc strings and attribute blobs are cut: nothing here needs them whole. */
const maxStringBytes = 4 * 1024 * 1024;
/** A packed list is held whole; the longest in use are those of tree ensembles. */
const maxPackedBytes = 128 * 1024 * 1024;
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
    return await scan(source, schema, sink, signal);
  } catch (error) {
    if (error instanceof Malformed) {
      sink.add({ code: 'malformed-onnx', severity: 'error', message: error.message });
      return null;
    }
    if (error instanceof OutputTooLarge) {
      sink.add({
        code: 'model-structure-too-large',
        severity: 'error',
        message: 'Nodes, names and attributes alone would fill the memory; the file is not read.',
      });
      return null;
    }
    throw error;
  }
}

async function scan(
  source: ByteSource,
  rootSchema: MessageSchema,
  sink: ProblemSink,
  signal: CancelSignal | undefined,
): Promise<WireModel | null> {
  const window = createWindow(source);
  const frames = createFrames(rootSchema, source.byteLength);
  const { out } = frames;
  const slab = createSlab();
  const payloads = createPayloads(window, frames, slab);
  const add = (problem: Problem): void => {
    frames.noteProblem();
    sink.add(problem);
  };
  const spendText = (byteLength: number): void => {
    frames.spend(heapBytesOf.text + byteLength);
  };

  const nodes: NodeScan = {
    window,
    words: new NameTable(),
    runs: createRuns(),
    slab,
    spendText,
    spendTensor() {
      frames.spend(heapBytesOf.message + heapBytesOf.tensor);
    },
  };
  const types = createRuns();

  while (frames.current()) {
    await readAvailable();
    if (signal?.cancelled) return null;
  }
  return frames.finish(source.byteLength);

  /** Reads fields until more bytes must be fetched: awaiting each field would cost more than reading it. */
  function readAvailable(): Promise<void> | undefined {
    for (let frame = frames.current(); frame; frame = frames.current()) {
      if (frame.owner.kind === 'node') {
        readNodeTexts(nodes, frame.owner.list, frame.owner.node, frame.end);
      }
      if (window.position === frame.end) {
        frames.close();
        continue;
      }
      if (!window.has(headBytes)) return window.fill(headBytes);
      const pending = readField(frame);
      if (pending) return pending;
    }
    return undefined;
  }

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
        readFixedField(frame, field, tagStart, 8);
        return undefined;
      case 5:
        readFixedField(frame, field, tagStart, 4);
        return undefined;
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
    if (field.kind === 'varint' || field.kind === 'int32') {
      if (field.oneof) frames.noteOneof(frame, field);
      if (field.repeated) frames.spend(heapBytesOf.integer);
      out.varint(field.number * 8);
      // onnx-proto loses its place after a 32-bit field of six to nine bytes.
      out.varint(low, field.kind === 'int32' ? 0 : high);
    } else if (!payloads.addVarint(frame, field, tagStart, low, high)) {
      unexpectedWireType(frame, field, tagStart);
    }
  }

  /** A tag and eight bytes are at hand: `headBytes`. */
  function readFixedField(
    frame: Frame,
    field: FieldSchema | undefined,
    tagStart: number,
    size: 4 | 8,
  ): void {
    if (window.position + size > frame.end) {
      throw malformed(`${frame.schema.name} ends inside a field at byte ${window.position}`);
    }
    const bytes = window.take(size);
    if (!field) return;
    if (field.kind === (size === 4 ? 'fixed32' : 'fixed64')) {
      if (field.repeated) frames.spend(heapBytesOf.float);
      out.varint(field.number * 8 + (size === 4 ? 5 : 1));
      out.copy(bytes);
    } else if (!payloads.addFixed(frame, field, tagStart, bytes)) {
      unexpectedWireType(frame, field, tagStart);
    }
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
    if (!field || field.kind === 'counted') {
      if (field) frames.count(frame);
      window.position = end;
      return undefined;
    }
    if (field.kind !== 'message') {
      return field.kind === 'payload'
        ? payloads.addDelimited(frame, field, tagStart, byteLength)
        : readScalars(frame, field, byteLength);
    }
    if (field.newer && field.message() === stringEntry) return readMetadata(frame, byteLength);
    if (field.oneof) frames.noteOneof(frame, field);
    const span = { tagStart, lengthStart, contentStart, end };
    if (startListed(frame, field, span)) return undefined;
    const atHand =
      isRepeatable(field) && window.has(byteLength)
        ? { bytes: window.bytes, start: contentStart - window.start }
        : null;
    if (atHand && frames.repeat(frame, field, byteLength, atHand)) {
      window.position = end;
      return undefined;
    }
    frames.open(frame, field, span, atHand);
    return undefined;
  }

  /** Nodes, weights and value infos, which are most of a large graph: true when the message needs no more. */
  function startListed(parent: Frame, field: FieldSchema, span: WireSpan): boolean {
    const { owner } = parent;
    const schema = field.message();
    if (schema === nodeProto) {
      const list = nodeListOf(parent);
      if (!list) return false;
      frames.enter(span, heapBytesOf.node);
      const node = addNode(list, span);
      const run = readNode(nodes, list, node, span.end);
      if (window.position === span.end) return true;
      list.hasMessage[node.index] = true;
      frames.openListed(
        { kind: 'node', node, list, bodies: null, metadata: null },
        field,
        span,
        run,
      );
      return true;
    }
    if (owner.kind !== 'graph') return false;
    if (schema === tensorProto && field.name === 'initializer') {
      const plain = readPlainTensor(window, span, slab, owner.graph.names);
      owner.graph.initializers.push(span);
      owner.graph.plainInitializers.push(plain);
      if (plain) frames.enter(span, heapBytesOf.tensor);
      return plain !== null;
    }
    if (schema !== valueInfoProto || field.name !== 'value_info') return false;
    frames.enter(span, heapBytesOf.message);
    const run = readValueInfo(window, owner.graph, span, types);
    if ((owner.graph.valueInfos.at(-1)?.sameTypeAs ?? -1) < 0) {
      frames.openListed({ kind: 'value-info', metadata: null }, field, span, run);
    }
    return true;
  }

  /** Strings, bytes and packed scalars. */
  function readScalars(
    frame: Frame,
    field: FieldSchema,
    byteLength: number,
  ): Promise<void> | undefined {
    const isNodeText = field.kind === 'node-text';
    const isText = isNodeText || field.kind === 'string' || field.kind === 'bytes';
    if (!isText && !field.repeated) {
      unexpectedWireType(frame, field, window.position);
      window.position += byteLength;
      return undefined;
    }
    const kept = isText ? Math.min(byteLength, maxStringBytes) : byteLength;
    if (kept < byteLength) {
      add({
        code: 'string-too-long',
        severity: 'warning',
        message: `${frame.schema.name}.${field.name} has ${byteLength} bytes; only ${maxStringBytes} are read.`,
        where: `byte ${window.position}`,
      });
    }
    if (!isText && kept > maxPackedBytes) throw new OutputTooLarge();
    const keep = isNodeText ? keepTextOfNode : isText ? keepText : keepPacked;
    if (window.has(kept)) {
      keep(frame, field, kept, byteLength);
      return undefined;
    }
    return window.fill(kept).then(() => {
      keep(frame, field, kept, byteLength);
    });
  }

  function keepText(frame: Frame, field: FieldSchema, kept: number, byteLength: number): void {
    const at = window.position;
    frames.spend(field.kind === 'bytes' ? heapBytesOf.bytes : heapBytesOf.text + kept);
    if (field.oneof) frames.noteOneof(frame, field);
    const fieldStart = out.length;
    out.varint(field.number * 8 + 2);
    out.varint(kept);
    const textStart = out.length;
    const isAscii = window.copyTo(out, kept);
    window.position = at + byteLength;
    if (field.kind === 'bytes' || (isAscii && !field.newer)) return;
    const text = out.bytes().slice(textStart);
    const escaped = escapeInvalidUtf8(text);
    if (escaped) add(invalidUtf8(frame.schema.name, field, at));
    if (field.newer) {
      out.truncate(fieldStart);
      keepOverload(frame, decodeText(text));
    } else if (escaped) {
      out.truncate(fieldStart);
      out.varint(field.number * 8 + 2);
      out.varint(escaped.byteLength);
      out.copy(escaped);
    }
  }

  function keepTextOfNode(
    { owner }: Frame,
    field: FieldSchema,
    kept: number,
    byteLength: number,
  ): void {
    const at = window.position;
    spendText(kept);
    const bytes = window.take(kept);
    if (escapeInvalidUtf8(bytes)) add(invalidUtf8('NodeProto', field, at));
    window.position = at + byteLength;
    if (owner.kind === 'node') {
      keepNodeText(owner.list, owner.node, field.number, decodeText(bytes));
    }
  }

  function keepPacked(frame: Frame, field: FieldSchema, byteLength: number): void {
    const at = window.position;
    const bytes = window.take(byteLength);
    const isVarint = field.kind === 'varint';
    const count = isVarint ? countVarints(bytes) : byteLength / (field.kind === 'fixed32' ? 4 : 8);
    if (count < 0 || !Number.isInteger(count)) {
      throw malformed(`${frame.schema.name}.${field.name} at byte ${at} ends inside a number`);
    }
    frames.spend(count * (isVarint ? heapBytesOf.integer : heapBytesOf.float));
    out.varint(field.number * 8 + 2);
    out.varint(byteLength);
    out.copy(bytes);
  }

  function readMetadata(frame: Frame, byteLength: number): Promise<void> | undefined {
    const kept = Math.min(byteLength, maxStringBytes);
    const keep = (): void => {
      const at = window.position;
      frames.spend(heapBytesOf.metadataEntry + kept);
      const entry = parseStringEntry(window.take(kept));
      window.position = at + byteLength;
      if (entry) metadataOf(frame)?.set(entry.key, entry.value);
      else {
        add({
          code: 'malformed-metadata',
          severity: 'warning',
          message: `${frame.schema.name}.metadata_props at byte ${at} is no key and value; it is ignored.`,
        });
      }
    };
    if (!window.has(kept)) return window.fill(kept).then(keep);
    keep();
    return undefined;
  }

  function unexpectedWireType(frame: Frame, field: FieldSchema, at: number): void {
    add({
      code: 'unexpected-wire-type',
      severity: 'warning',
      message: `${frame.schema.name}.${field.name} at byte ${at} has an unexpected wire type; it is ignored.`,
    });
  }

  async function skipGroup(frame: Frame, number: number): Promise<void> {
    const open = [number];
    while (open.length > 0) {
      if (frames.depth + open.length > maxDepth + 1) {
        throw malformed(`groups are nested deeper than ${maxDepth} at byte ${window.position}`);
      }
      if (!window.has(headBytes)) await window.fill(headBytes);
      const tag = readTag(window, frame.end);
      const wireType = tag & 7;
      if (wireType === 3) open.push(tag >>> 3);
      else if (wireType === 4) {
        if (open.pop() !== tag >>> 3) {
          throw malformed(`a group ends unmatched at byte ${window.position}`);
        }
      } else if (wireType === 0) readVarint64(window, frame.end);
      else if (wireType === 1 || wireType === 5) window.position += wireType === 1 ? 8 : 4;
      else if (wireType === 2) {
        // Read first: it moves the position that is added to.
        const byteLength = readLength(window, frame.end);
        window.position += byteLength;
      } else throw malformed(`wire type ${wireType} in a group at byte ${window.position}`);
      if (window.position > frame.end) throw malformed(`a group is cut off at byte ${frame.end}`);
    }
  }
}

function invalidUtf8(message: string, { name }: FieldSchema, at: number): Problem {
  return {
    code: 'invalid-utf8',
    severity: 'warning',
    message: `${message}.${name} at byte ${at} is not UTF-8; shown with escapes.`,
  };
}
