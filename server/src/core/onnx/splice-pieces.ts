import type { NewTensor } from '../transform/patch';
import { varint } from './protobuf-write';
import type { WireSpan } from './wire-types';

/** A part of the new file: copied from the old one, new bytes, or the payload of a new tensor. */
export type Piece =
  | { readonly kind: 'copy'; readonly start: number; readonly end: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'payload'; readonly tensor: NewTensor };

/** Bytes `start … end` of the old file become `pieces`. Equal start and end: an insertion. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly pieces: readonly Piece[];
  /** Index of the graph segment whose length it changes; null outside the graph. */
  readonly segment: number | null;
  /** Of insertions at one place the innermost comes first: an end of a node is also the end of its graph. */
  readonly level: EditLevel;
}

/** A field of the model, a field of the graph, a field of one of these. */
export type EditLevel = 0 | 1 | 2;

export function bytesPiece(bytes: Uint8Array): Piece {
  return { kind: 'bytes', bytes };
}

export function piecesByteLength(pieces: readonly Piece[]): number {
  return pieces.reduce((total, piece) => total + pieceByteLength(piece), 0);
}

function pieceByteLength(piece: Piece): number {
  if (piece.kind === 'copy') return piece.end - piece.start;
  return piece.kind === 'bytes' ? piece.bytes.byteLength : piece.tensor.byteLength;
}

/** By how many bytes an edit makes the file longer. */
export function growth(edit: Edit): number {
  return piecesByteLength(edit.pieces) - (edit.end - edit.start);
}

/** The new length of a message that has grown by `change` bytes. */
export function lengthEdit(
  span: WireSpan,
  change: number,
  segment: number | null,
  level: EditLevel,
): Edit {
  const bytes = encodeLength(span, span.end - span.contentStart + change);
  return {
    start: span.lengthStart,
    end: span.contentStart,
    pieces: [bytesPiece(bytes)],
    segment,
    level,
  };
}

/** A length of `value` bytes: minimal if it was, else in the padded width that it had. */
export function encodeLength(
  span: Pick<WireSpan, 'lengthStart' | 'contentStart' | 'end'>,
  value: number,
): Uint8Array {
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
