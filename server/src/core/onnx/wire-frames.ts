import { mergeSingular } from './merge';
import { createOutput, OutputTooLarge, type Output } from './output';
import { malformed } from './protobuf-read';
import {
  attributeProto,
  functionProto,
  graphProto,
  modelProto,
  tensorProto,
  typeProto,
  valueInfoProto,
  type FieldSchema,
  type MessageSchema,
} from './schema';
import { beginRepeatable, findRepeat, keepRepeatable, type Candidate } from './wire-repeats';
import {
  bodyRecord,
  emptyFunction,
  emptyGraph,
  emptyTensor,
  trimInline,
  type BodiesHolder,
  type FunctionBuilder,
  type GraphBuilder,
  type NodeListBuilder,
  type TensorBuilder,
} from './wire-records';
import type { RunCandidate } from './wire-runs';
import type { WireModel, WireNode, WireSpan } from './wire-types';

/** A message being read. */
export interface Frame {
  readonly schema: MessageSchema;
  /** The field of the parent that holds it; null for the whole file. */
  readonly field: FieldSchema | null;
  readonly end: number;
  /** Where the output keeps this message's tag and its length. */
  readonly outputStart: number;
  readonly lengthSlot: number;
  readonly owner: Owner;
  attributeCount: number;
  /** Singular message fields met so far, one bit each. */
  seen: number;
  /** The last member of the message's oneof, 0 before any. */
  oneof: number;
  /** Set for a message whose result may be used again. */
  readonly repeatable: Candidate | null;
  /** A part of it that later messages may repeat, and how far the scan was before it. */
  readonly run: RunCandidate | null;
  readonly sideEffects: number;
}

/** The contents of a message when they are at hand. */
export interface AtHand {
  readonly bytes: Uint8Array;
  readonly start: number;
}

/** Whose record the fields of a message go to. */
export type Owner =
  | { readonly kind: 'graph'; readonly graph: GraphBuilder }
  | {
      readonly kind: 'node';
      readonly node: WireNode;
      readonly list: NodeListBuilder;
      bodies: BodiesHolder['bodies'];
      metadata: Map<string, string> | null;
    }
  | {
      readonly kind: 'attribute';
      readonly holder: BodiesHolder;
      readonly index: number;
    }
  | { readonly kind: 'function'; readonly definition: FunctionBuilder }
  | { readonly kind: 'tensor'; readonly tensor: TensorBuilder }
  | { readonly kind: 'value-info'; metadata: Map<string, string> | null }
  | { readonly kind: 'plain' };

/** The messages around the position of the scan, the records and the reduced bytes made of them. */
export interface Frames {
  readonly out: Output;
  readonly depth: number;
  current(): Frame | undefined;
  /** @param at the contents of a message that may repeat, when they are at hand */
  open(parent: Frame, field: FieldSchema, span: WireSpan, at: AtHand | null): void;
  /** To be called before a message that may be read without being opened: it counts all the same. */
  enter(span: WireSpan, heapBytes: number): void;
  /** A node or value info that has a record. @param run what later ones may repeat */
  openListed(owner: Owner, field: FieldSchema, span: WireSpan, run: RunCandidate | null): void;
  /** True when the message repeats an earlier one: then it is done. */
  repeat(parent: Frame, field: FieldSchema, length: number, at: AtHand): boolean;
  /** The current message has ended. */
  close(): void;
  /** Counts memory that the result will take, so that a small file cannot ask for all there is. */
  spend(heapBytes: number): void;
  noteOneof(frame: Frame, field: FieldSchema): void;
  /** Something was said about the current message. */
  noteProblem(): void;
  /** A message of kind `counted`. */
  count(frame: Frame): void;
  finish(byteLength: number): WireModel;
}

/** As Google's parser: deeper nesting is refused, so that no reader of the result overflows its stack. */
export const maxDepth = 100;

/** Structure (names, attributes, doc strings) beyond this is no model; weights do not count. */
const maxReducedBytes = 512 * 1024 * 1024;

/** Room that the output starts with: enough for all but the largest structures. */
const maxExpectedBytes = 32 * 1024 * 1024;

/**
 * Two bytes of file can make a node of half a kilobyte. A graph of 10^5 nodes, larger than those in use, takes a
 * sixth of this; what exceeds it would take the process down instead.
 */
const maxHeapBytes = 1536 * 1024 * 1024;

/** Measured peaks for one decoded element with its records, rounded up. */
export const heapBytesOf = {
  message: 350,
  node: 600,
  tensor: 1100,
  graph: 2300,
  function: 1500,
  metadataEntry: 200,
  text: 40,
  bytes: 150,
  /** A 64-bit integer is an object of onnx-proto and a bigint. */
  integer: 100,
  float: 16,
  segment: 80,
} as const;

const plain: Owner = { kind: 'plain' };

export function createFrames(rootSchema: MessageSchema, byteLength: number): Frames {
  // Lengths take five bytes in the output, mostly one or two in the file.
  const out = createOutput(maxReducedBytes, Math.min(1.5 * byteLength, maxExpectedBytes));
  const model = {
    graph: null as GraphBuilder | null,
    functions: [] as FunctionBuilder[],
    tensors: [] as TensorBuilder[],
    opsets: [] as WireSpan[],
    trainingInfoCount: 0,
    metadata: [] as WireSpan[],
  };
  const stack: Frame[] = [];
  let needsMerge = false;
  let heapBytes = 0;
  /** Graphs and tensors read, merges due, and problems: what is not in the output of a message. */
  let sideEffects = 0;

  push(rootSchema, null, byteLength, rootSchema === tensorProto ? tensorOwner() : plain);

  return {
    out,
    get depth() {
      return stack.length;
    },
    current: () => stack[stack.length - 1],
    open,
    enter(span, bytes) {
      checkDepth(span);
      spend(bytes);
    },
    openListed(owner, field, span, run) {
      push(field.message(), field, span.end, owner, null, run);
    },
    repeat,
    close,
    spend,
    noteOneof(frame, field) {
      if (frame.oneof !== 0 && frame.oneof !== field.number) merge();
      frame.oneof = field.number;
    },
    noteProblem() {
      sideEffects++;
    },
    count({ schema, owner }) {
      sideEffects++;
      if (owner.kind === 'graph') owner.graph.annotationCount++;
      else if (schema === modelProto) model.trainingInfoCount++;
    },
    finish: () => ({
      ...model,
      reduced: needsMerge ? mergeSingular(out.bytes(), rootSchema) : out.bytes(),
      byteLength,
    }),
  };

  function spend(bytes: number): void {
    heapBytes += bytes;
    if (heapBytes > maxHeapBytes) throw new OutputTooLarge();
  }

  function merge(): void {
    needsMerge = true;
    sideEffects++;
  }

  function progress() {
    return { depth: stack.length, heapBytes, sideEffects };
  }

  function repeat(parent: Frame, field: FieldSchema, length: number, at: AtHand): boolean {
    const known = findRepeat(at.bytes, at.start, length, field, stack.length);
    if (!known) return false;
    spend(known.heapBytes);
    note(parent, field);
    out.copy(known.reduced);
    if (field.message() === attributeProto) parent.attributeCount++;
    return true;
  }

  /** A singular message that is there again is merged. */
  function note(parent: Frame, field: FieldSchema): void {
    if (field.repeated) return;
    const bit = 1 << field.number;
    if (parent.seen & bit) merge();
    parent.seen |= bit;
  }

  function open(parent: Frame, field: FieldSchema, span: WireSpan, at: AtHand | null): void {
    checkDepth(span);
    note(parent, field);
    const schema = field.message();
    recordSpan(parent, field, span);
    const length = span.end - span.contentStart;
    const repeatable = at && beginRepeatable(at.bytes, at.start, length, field, out, progress());
    push(schema, field, span.end, newOwner(parent, field, schema, span), repeatable);
    if (schema === attributeProto) parent.attributeCount++;
  }

  function checkDepth({ tagStart }: WireSpan): void {
    if (stack.length > maxDepth) {
      throw malformed(`messages are nested deeper than ${maxDepth} at byte ${tagStart}`);
    }
  }

  function push(
    schema: MessageSchema,
    field: FieldSchema | null,
    end: number,
    owner: Owner,
    repeatable: Candidate | null = null,
    run: RunCandidate | null = null,
  ): void {
    const outputStart = out.length;
    if (field) out.varint(field.number * 8 + 2);
    const lengthSlot = field ? out.reserveLength() : -1;
    stack.push({
      schema,
      field,
      end,
      outputStart,
      lengthSlot,
      owner,
      attributeCount: 0,
      seen: 0,
      oneof: 0,
      repeatable,
      run,
      sideEffects,
    });
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
    if (field.name === 'input') parent.owner.graph.inputs.push(span);
  }

  function newOwner(
    { owner: parent, attributeCount }: Frame,
    field: FieldSchema,
    schema: MessageSchema,
    span: WireSpan,
  ): Owner {
    switch (schema) {
      case graphProto:
        spend(heapBytesOf.graph);
        return { kind: 'graph', graph: graphRecord(parent, field.repeated, span) };
      case tensorProto:
        return tensorOwner();
      case attributeProto: {
        spend(heapBytesOf.message);
        const holder = parent.kind === 'node' ? parent : { bodies: null };
        return { kind: 'attribute', holder, index: attributeCount };
      }
      case functionProto: {
        spend(heapBytesOf.function);
        const definition = emptyFunction();
        model.functions.push(definition);
        return { kind: 'function', definition };
      }
      case valueInfoProto:
        spend(heapBytesOf.message);
        return { kind: 'value-info', metadata: null };
      default:
        spend(heapBytesOf.message);
        return plain;
    }
  }

  function tensorOwner(): Owner {
    sideEffects++;
    spend(heapBytesOf.tensor);
    const tensor = emptyTensor();
    model.tensors.push(tensor);
    return { kind: 'tensor', tensor };
  }

  function graphRecord(parent: Owner, repeated: boolean, span: WireSpan): GraphBuilder {
    sideEffects++;
    const graph =
      parent.kind === 'attribute'
        ? bodyRecord(parent.holder, parent.index, repeated)
        : (model.graph ??= emptyGraph());
    graph.segments.push(span);
    return graph;
  }

  function close(): void {
    const frame = stack.pop();
    const parent = stack[stack.length - 1];
    if (!frame) return;
    const { owner } = frame;
    if (owner.kind === 'tensor') trimInline(owner.tensor);
    if (owner.kind === 'node') {
      if (owner.metadata) owner.node.metadata = owner.metadata;
      if (owner.bodies) owner.list.bodies.set(owner.node.index, owner.bodies);
    }
    if (!frame.field || !parent) return;
    out.fillLength(frame.lengthSlot);
    if (frame.repeatable) keepRepeatable(frame.repeatable, out, progress());
    if (frame.run && frame.sideEffects === sideEffects) frame.run.keep();
    if (frame.field.newer) takeNewer(frame, parent);
    else if (owner.kind === 'value-info') countValueInfo(owner.metadata, frame.field, parent);
  }

  function countValueInfo(
    metadata: Map<string, string> | null,
    field: FieldSchema,
    { owner }: Frame,
  ): void {
    if (owner.kind !== 'graph') return;
    const { valueInfos, valueCounts, valueMetadata } = owner.graph;
    const isListed = field.name === 'value_info';
    const index = isListed ? valueInfos.length - 1 : (valueCounts.get(field.name) ?? 0);
    if (!isListed) valueCounts.set(field.name, index + 1);
    if (metadata) valueMetadata.set(`${field.name}:${index}`, metadata);
  }

  /** onnx-proto's FunctionProto does not know these messages: they leave the output for the record. */
  function takeNewer(frame: Frame, { owner: parent }: Frame): void {
    const content = out.bytes().subarray(frame.lengthSlot + 5);
    const reduced = mergeSingular(content, frame.schema);
    out.truncate(frame.outputStart);
    if (parent.kind !== 'function') return;
    const { owner } = frame;
    if (owner.kind === 'attribute') {
      const bodies = owner.holder.bodies?.get(owner.index) ?? null;
      parent.definition.attributeProtos.push({ reduced, bodies });
    }
    if (owner.kind === 'value-info') {
      parent.definition.valueInfos.push({ reduced, metadata: owner.metadata });
    }
  }
}

/** The list that a node goes to which stands in this message. */
export function nodeListOf({ owner }: Frame): NodeListBuilder | null {
  if (owner.kind === 'graph') return owner.graph;
  return owner.kind === 'function' ? owner.definition : null;
}

/** What repeats in models: attributes of nodes and types of values. */
export function isRepeatable(field: FieldSchema): boolean {
  if (field.newer) return false;
  const schema = field.message();
  return schema === attributeProto || schema === typeProto;
}

/** The entries of the message's `metadata_props`, if it may have any. */
export function metadataOf({ owner }: Frame): Map<string, string> | null {
  switch (owner.kind) {
    case 'graph':
      return (owner.graph.metadata ??= new Map());
    case 'node':
      return (owner.metadata ??= new Map());
    case 'function':
      return (owner.definition.metadata ??= new Map());
    case 'tensor':
      return (owner.tensor.metadata ??= new Map());
    case 'value-info':
      return (owner.metadata ??= new Map());
    default:
      return null;
  }
}

export function keepOverload({ owner }: Frame, overload: string): void {
  if (owner.kind === 'node') owner.node.overload = overload;
  if (owner.kind === 'function') owner.definition.overload = overload;
}
