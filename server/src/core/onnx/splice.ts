import type { Model } from '../graph';
import { SourceChanged, type ByteSource, type CancelSignal } from '../source';
import type { NewTensor, Patch } from '../transform/patch';
import { growth, lengthEdit, piecesByteLength, type Edit, type Piece } from './splice-pieces';
import { graphEdits, metadataEdits, nodeEdits, opsetEdits } from './splice-edits';
import type { WireModel } from './wire-types';

export type { Piece } from './splice-pieces';

/**
 * The new file as a list of parts. Bytes that the patch does not name are copied; the lengths of enclosing
 * messages are corrected, keeping a padded length's width so that undoing a change restores the file.
 * Throws when the file changed since it was read.
 */
export async function planSplice(
  source: ByteSource,
  model: Model,
  wire: WireModel,
  patch: Patch,
): Promise<Piece[]> {
  const edits = [
    ...(await nodeEdits(source, wire, patch)),
    ...graphEdits(model, wire, patch),
    ...(await opsetEdits(source, wire, model, patch)),
    ...(await metadataEdits(source, wire, model, patch)),
  ];
  return assemble(wire.byteLength, [...edits, ...graphLengthEdits(wire, edits)]);
}

export function plannedByteLength(pieces: readonly Piece[]): number {
  return piecesByteLength(pieces);
}

/** Streams are written in parts of this size, so that memory does not grow with the file. */
const copyBytes = 1024 * 1024;

/**
 * The bytes of a plan in order; one new tensor's payload is in memory at a time. Ends early when cancelled.
 * Throws rather than write a broken file: when the old file got shorter, or a tensor is not as long as announced.
 */
export async function* renderPieces(
  source: ByteSource,
  pieces: readonly Piece[],
  signal?: CancelSignal,
): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    if (signal?.cancelled) return;
    if (piece.kind === 'bytes') yield piece.bytes;
    else if (piece.kind === 'payload') yield await payloadOf(piece.tensor);
    else {
      for (let at = piece.start; at < piece.end; at += copyBytes) {
        if (signal?.cancelled) return;
        yield await readExactly(source, at, Math.min(copyBytes, piece.end - at));
      }
    }
  }
}

async function payloadOf(tensor: NewTensor): Promise<Uint8Array> {
  const bytes = await tensor.data();
  if (bytes.byteLength === tensor.byteLength) return bytes;
  throw new SourceChanged(
    `The new tensor "${tensor.name}" has ${bytes.byteLength} bytes, not the ${tensor.byteLength} that it announced.`,
  );
}

async function readExactly(
  source: ByteSource,
  offset: number,
  byteLength: number,
): Promise<Uint8Array> {
  const bytes = await source.read(offset, byteLength);
  if (bytes.byteLength === byteLength) return bytes;
  throw new SourceChanged('The model file got shorter while it was copied; nothing is written.');
}

function graphLengthEdits(wire: WireModel, edits: readonly Edit[]): Edit[] {
  const changes = new Map<number, number>();
  for (const edit of edits) {
    if (edit.segment === null) continue;
    changes.set(edit.segment, (changes.get(edit.segment) ?? 0) + growth(edit));
  }
  return [...changes].flatMap(([segment, change]) => {
    const span = wire.graph?.segments[segment];
    return span && change !== 0 ? [lengthEdit(span, change, null, 0)] : [];
  });
}

/** Edits do not overlap: each kind names what it replaces once. */
function assemble(byteLength: number, edits: readonly Edit[]): Piece[] {
  // Stable: insertions of one level at one place keep their order.
  const ordered = edits.toSorted((a, b) => a.start - b.start || a.end - b.end || b.level - a.level);
  const pieces: Piece[] = [];
  let position = 0;
  for (const edit of ordered) {
    if (edit.start > position) pieces.push({ kind: 'copy', start: position, end: edit.start });
    pieces.push(...edit.pieces);
    position = edit.end;
  }
  if (position < byteLength) pieces.push({ kind: 'copy', start: position, end: byteLength });
  return pieces;
}
