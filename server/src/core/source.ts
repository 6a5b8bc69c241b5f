/** The bytes of one file, read in ranges: the host decides where they come from. */
export interface ByteSource {
  readonly byteLength: number;
  /**
   * Exactly `byteLength` bytes from `offset`, fewer only at the end of the file.
   * The result may be a view into a buffer that is valid until the next read: copy what you keep.
   *
   * @param room what may be written over for the result: fresh memory for every piece of a large file costs more than
   * to read it
   */
  read(offset: number, byteLength: number, room?: Uint8Array): Promise<Uint8Array>;
}

/** Asked between units of work; true stops them, and nothing half-done is left. */
export interface CancelSignal {
  readonly cancelled: boolean;
}

/** Thrown where bytes that were there before cannot be read again: another program wrote to the file meanwhile. */
export class SourceChanged extends Error {}

export function sourceFromBytes(bytes: Uint8Array): ByteSource {
  return {
    byteLength: bytes.byteLength,
    read: (offset, byteLength) => Promise.resolve(bytes.subarray(offset, offset + byteLength)),
  };
}

/** Asked as a function because the answer changes between two questions. */
export function isCancelled(signal: CancelSignal | undefined): boolean {
  return signal?.cancelled ?? false;
}
