import { concatBytes, lengthDelimitedHead } from './protobuf-write';
import { piecesByteLength, type Piece } from './splice-pieces';

/** A message as parts, so that the payloads in it can be streamed. */
export type Encoded = readonly Piece[];

export type Part = Uint8Array | Encoded;

/** The parts one after the other; neighbouring bytes become one piece. */
export function join(parts: readonly Part[]): Encoded {
  const pieces: Piece[] = [];
  let bytes: Uint8Array[] = [];
  const finish = (): void => {
    if (bytes.length > 0) pieces.push({ kind: 'bytes', bytes: concatBytes(bytes) });
    bytes = [];
  };
  for (const part of parts) {
    if (part instanceof Uint8Array) bytes.push(part);
    else {
      for (const piece of part) {
        if (piece.kind === 'bytes') bytes.push(piece.bytes);
        else {
          finish();
          pieces.push(piece);
        }
      }
    }
  }
  finish();
  return pieces;
}

/** The message as a field of another one. */
export function embedded(field: number, content: Encoded): Encoded {
  return join([lengthDelimitedHead(field, piecesByteLength(content)), content]);
}

/** The bytes of a message without streamed payloads. */
export function flattened(content: Encoded): Uint8Array {
  return concatBytes(content.flatMap((piece) => (piece.kind === 'bytes' ? [piece.bytes] : [])));
}
