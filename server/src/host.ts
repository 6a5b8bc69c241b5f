import type { ByteSource } from './core/source';

/** Everything the engine needs from outside; implemented for Node in `host-node.ts`, for tests in memory. */
export interface Host {
  /** Opens a file for ranged reads; null when it does not exist or is not a regular file. */
  open(path: string): Promise<OpenFile | null>;
  /** A new file that appears under its name only when `commit` returns; `discard` leaves nothing. */
  create(path: string): Promise<FileWriter>;
  exists(path: string): Promise<boolean>;
  /**
   * The file `location` names, below `folder` after all links are followed; null when there is none.
   * Refuses ('outside') what leaves the folder and ('irregular') devices, pipes and folders.
   */
  openBeside(
    folder: string,
    location: string,
  ): Promise<OpenFile | 'missing' | 'outside' | 'irregular'>;
  /** Lower-case hex SHA-256 of the whole file, streamed. */
  sha256(path: string): Promise<string>;
  log(message: string): void;
}

export interface OpenFile extends ByteSource {
  readonly path: string;
  close(): Promise<void>;
}

export interface FileWriter {
  /** Where the bytes are until `commit`, in the same folder: a file that can be tried out before. */
  readonly temporaryPath: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Ends writing: the bytes are on disk, and `temporaryPath` can be read by other processes. */
  finish(): Promise<void>;
  /** Finishes, then renames into place. `replace` false refuses an existing file. */
  commit(options: { readonly replace: boolean }): Promise<void>;
  discard(): Promise<void>;
}
