import type { Model } from '../graph';
import type { ByteSource, CancelSignal } from '../source';
import type { NewTensor, Patch } from '../transform/patch';
import { encodeNode, encodeOpset, encodeStringEntry, encodeTensorHeader } from './encode';
import { listFields, type FieldSpan } from './message-fields';
import { concatBytes, lengthDelimited, lengthDelimitedHead, varint } from './protobuf-write';
import { encodeText } from './utf8';
import type { WireModel, WireSpan } from './wire-types';

/** A part of the new file: copied from the old one, new bytes, or the payload of a new tensor. */
export type Piece =
  | { readonly kind: 'copy'; readonly start: number; readonly end: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'payload'; readonly tensor: NewTensor };

/** Bytes `start … end` of the old file become `pieces`. Equal start and end: an insertion. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
  /** Index of the graph segment whose length it changes; null for the model's own fields. */
  readonly segment: number | null;
}

/**
 * The new file as a list of parts. Bytes that the patch does not name are copied; the lengths of enclosing
 * messages are corrected, keeping a padded length's width so that undoing a change restores the file.
 */
export async function planSplice(
  source: ByteSource,
  model: Model,
  wire: WireModel,
  patch: Patch,
): Promise<Piece[]> {
  const segments = wire.graph?.segments ?? [];
  const edits = [
    ...graphEdits(model, wire, patch),
    ...(await nodeEdits(source, wire, patch)),
    ...(await opsetEdits(source, model, wire, patch)),
    ...metadataEdits(model, wire, patch),
  ];
  const lengthEdits = segments.flatMap((span, segment) => {
    const change = edits
      .filter((edit) => edit.segment === segment)
      .reduce((total, edit) => total + growth(edit), 0);
    return change === 0 ? [] : [lengthEdit(span, change, null)];
  });
  return assemble(wire.byteLength, [...edits, ...lengthEdits]);
}

export function plannedByteLength(pieces: readonly Piece[]): number {
  return pieces.reduce((total, piece) => total + pieceBytes(piece), 0);
}

/** Streams are written in parts of this size, so that memory does not grow with the file. */
const copyBytes = 1024 * 1024;

/** The bytes of a plan in order; one new tensor's payload is in memory at a time. Ends early when cancelled. */
export async function* renderPieces(
  source: ByteSource,
  pieces: readonly Piece[],
  signal?: CancelSignal,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (signal?.cancelled) return;
    if (piece.kind === 'bytes') yield piece.bytes;
    else if (piece.kind === 'payload') yield await piece.tensor.data();
    else {
      for (let at = piece.start; at < piece.end; at += copyBytes) {
        if (signal?.cancelled) return;
        yield await source.read(at, Math.min(copyBytes, piece.end - at));
      }
    }
  }
}

function pieceBytes(piece: Piece): number {
  if (piece.kind === 'copy') return piece.end - piece.start;
  return piece.kind === 'bytes' ? piece.bytes.byteLength : piece.tensor.byteLength;
}

function growth(edit: Edit): number {
  return plannedByteLength(edit.pieces) - (edit.end - edit.start);
}

function assemble(byteLength: number, edits: readonly Edit[]): Piece[] {
  // Stable: insertions at one place keep their order; the graph's come before the model's that follow it.
  const ordered = edits
    .map((edit, order) => ({ edit, order }))
    .sort(
      (a, b) =>
        a.edit.start - b.edit.start ||
        a.edit.end - b.edit.end ||
        Number(a.edit.segment === null) - Number(b.edit.segment === null) ||
        a.order - b.order,
    );
  const pieces: Piece[] = [];
  let position = 0;
  for (const { edit } of ordered) {
    if (edit.start > position) pieces.push({ kind: 'copy', start: position, end: edit.start });
    pieces.push(...edit.pieces);
    position = edit.end;
  }
  if (position < byteLength) pieces.push({ kind: 'copy', start: position, end: byteLength });
  return pieces;
}

function bytesPiece(bytes: Uint8Array): Piece {
  return { kind: 'bytes', bytes };
}

/** A length of `value` bytes: minimal if it was, else in the padded width that it had. */
function encodeLength(span: WireSpan, value: number): Uint8Array {
  const oldWidth = span.contentStart - span.lengthStart;
  const wasMinimal = varint(span.end - span.contentStart).byteLength === oldWidth;
  const minimal = varint(value);
  if (wasMinimal || minimal.byteLength >= oldWidth) return minimal;
  const padded = new Uint8Array(oldWidth).fill(0x80);
  padded.set(minimal);
  padded[minimal.byteLength - 1] = (minimal.at(-1) ?? 0) | 0x80;
  padded[oldWidth - 1] = 0;
  return padded;
}

function lengthEdit(span: WireSpan, change: number, segment: number | null): Edit {
  const bytes = encodeLength(span, span.end - span.contentStart + change);
  return {
    start: span.lengthStart,
    end: span.contentStart,
    pieces: [bytesPiece(bytes)],
    segment,
  };
}

function segmentOf(wire: WireModel, position: number): number {
  const segments = wire.graph?.segments ?? [];
  const index = segments.findIndex(
    ({ contentStart, end }) => position >= contentStart && position <= end,
  );
  return Math.max(0, index);
}

/** Nodes, initializers, inputs and value infos that come or go as a whole. */
function graphEdits(model: Model, wire: WireModel, patch: Patch): Edit[] {
  const { graph } = wire;
  if (!graph) return [];
  const remove = (span: WireSpan | undefined): Edit[] =>
    span
      ? [
          {
            start: span.tagStart,
            end: span.end,
            pieces: [],
            segment: segmentOf(wire, span.tagStart),
          },
        ]
      : [];
  const insert = (at: number, pieces: readonly Piece[]): Edit => ({
    start: at,
    end: at,
    pieces,
    segment: segmentOf(wire, at),
  });
  const graphEnd = graph.segments.at(-1)?.end ?? 0;
  const nodesEnd = graph.nodes.at(-1)?.span.end ?? graphEnd;
  const goneValues = new Set(patch.removeValueInfos);
  return [
    ...patch.removeNodes.flatMap((index) => remove(graph.nodes[index]?.span)),
    ...patch.removeInitializers.flatMap((index) => remove(graph.initializers[index])),
    ...patch.removeInputs.flatMap((index) => remove(graph.inputs[index])),
    ...model.graph.valueInfos.flatMap(({ name }, index) =>
      goneValues.has(name) ? remove(graph.valueInfos[index]) : [],
    ),
    ...patch.insertNodes.map(({ before, node }) =>
      insert(before === 'end' ? nodesEnd : (graph.nodes[before]?.span.tagStart ?? nodesEnd), [
        bytesPiece(lengthDelimited(1, encodeNode(node))),
      ]),
    ),
    ...patch.addInitializers.map((tensor) =>
      insert(graph.initializers.at(-1)?.end ?? graphEnd, tensorPieces(tensor)),
    ),
  ];
}

function tensorPieces(tensor: NewTensor): Piece[] {
  const { head } = encodeTensorHeader(tensor, tensor.byteLength);
  const field = lengthDelimitedHead(5, head.byteLength + tensor.byteLength);
  return [bytesPiece(concatBytes([field, head])), { kind: 'payload', tensor }];
}

const nodeFields = { input: 1, output: 2, name: 3 } as const;

interface Rename {
  readonly node: number;
  readonly field: keyof typeof nodeFields;
  /** Which occurrence of the field; the last one for the singular name. */
  readonly occurrence: number | 'last';
  readonly to: string | null;
}

async function nodeEdits(source: ByteSource, wire: WireModel, patch: Patch): Promise<Edit[]> {
  const renames: Rename[] = [
    ...patch.renameInputs.map(({ node, input, to }): Rename => ({
      node,
      field: 'input',
      occurrence: input,
      to,
    })),
    ...patch.renameOutputs.map(({ node, output, to }): Rename => ({
      node,
      field: 'output',
      occurrence: output,
      to,
    })),
    ...patch.renameNodes.map(({ node, to }): Rename => ({
      node,
      field: 'name',
      occurrence: 'last',
      to,
    })),
  ];
  const edits: Edit[] = [];
  const byNode = new Map<number, Rename[]>();
  for (const rename of renames) {
    byNode.set(rename.node, [...(byNode.get(rename.node) ?? []), rename]);
  }
  for (const [index, ofNode] of byNode) {
    const span = wire.graph?.nodes[index]?.span;
    if (!span) continue;
    const segment = segmentOf(wire, span.tagStart);
    const fields = await listFields(source, span.contentStart, span.end);
    const inner = ofNode.map((rename) => renameEdit(rename, fields, span, segment));
    const change = inner.reduce((total, edit) => total + growth(edit), 0);
    edits.push(...inner);
    if (change !== 0) edits.push(lengthEdit(span, change, segment));
  }
  return edits;
}

function renameEdit(
  rename: Rename,
  fields: readonly FieldSpan[],
  node: WireSpan,
  segment: number,
): Edit {
  const number = nodeFields[rename.field];
  const occurrences = fields.filter((field) => field.number === number && field.wireType === 2);
  const found = rename.occurrence === 'last' ? occurrences.at(-1) : occurrences[rename.occurrence];
  if (rename.to === null) {
    const { tagStart: start, end } = found ?? { tagStart: node.end, end: node.end };
    return { start, end, pieces: [], segment };
  }
  const text = encodeText(rename.to);
  if (!found) {
    const added = lengthDelimited(number, text);
    return { start: node.end, end: node.end, pieces: [bytesPiece(added)], segment };
  }
  const span = { ...found, lengthStart: found.valueStart };
  return {
    start: found.valueStart,
    end: found.end,
    pieces: [bytesPiece(concatBytes([encodeLength(span, text.byteLength), text]))],
    segment,
  };
}

async function opsetEdits(
  source: ByteSource,
  model: Model,
  wire: WireModel,
  patch: Patch,
): Promise<Edit[]> {
  const edits: Edit[] = [];
  for (const [domain, version] of patch.setOpsets) {
    if (model.opsets.get(domain) === version) continue;
    const span = await findOpset(source, wire, domain);
    const bytes = lengthDelimited(8, encodeOpset(domain, version));
    const [start, end] = span ? [span.tagStart, span.end] : [wire.byteLength, wire.byteLength];
    edits.push({ start, end, pieces: [bytesPiece(bytes)], segment: null });
  }
  return edits;
}

/** The last `opset_import` of a domain: the one that counts. */
async function findOpset(
  source: ByteSource,
  wire: WireModel,
  domain: string,
): Promise<WireSpan | undefined> {
  const wanted = encodeText(domain);
  for (const span of wire.opsets.toReversed()) {
    const fields = await listFields(source, span.contentStart, span.end);
    const field = fields.findLast(({ number }) => number === 1);
    const bytes = field
      ? await source.read(field.contentStart, field.end - field.contentStart)
      : new Uint8Array(0);
    const name = new TextDecoder().decode(bytes);
    if (name === domain || (domain === '' && name === 'ai.onnx')) return span;
    if (bytes.byteLength === wanted.byteLength && bytes.every((byte, i) => byte === wanted[i])) {
      return span;
    }
  }
  return undefined;
}

/** Entries of `metadata_props` are added; an existing key's entry is replaced in its place. */
function metadataEdits(model: Model, wire: WireModel, patch: Patch): Edit[] {
  const keys = [...model.metadata.keys()];
  return [...patch.setMetadata].map(([key, value]): Edit => {
    const bytes = lengthDelimited(14, encodeStringEntry(key, value));
    const index = keys.indexOf(key);
    // With repeated keys positions and the map disagree: then the new entry goes last, where it wins.
    const span = keys.length === wire.metadata.length ? wire.metadata[index] : undefined;
    const [start, end] = span ? [span.tagStart, span.end] : [wire.byteLength, wire.byteLength];
    return { start, end, pieces: [bytesPiece(bytes)], segment: null };
  });
}
