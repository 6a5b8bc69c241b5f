import { unlinkSync } from 'node:fs';
import {
  constants,
  link,
  lstat,
  open,
  readdir,
  realpath,
  rename,
  stat,
  unlink,
  type FileHandle,
} from 'node:fs/promises';
import path from 'node:path';
import type { FileWriter, Host, OpenFile } from './host';

/** The machine's file system, for the command line and the language server. */
export function createNodeHost(
  log: (message: string) => void = (message) => process.stderr.write(`${message}\n`),
): Host {
  return {
    open: openRegular,
    create: createWriter,
    exists: async (file) => (await statOrNull(file)) !== null,
    openBeside,
    sha256,
    log,
  };
}

/**
 * Null for what is no regular file. Pipes and devices are recognised before they are opened (opening one can block
 * or do something), and again after, in case the name was swapped; O_NONBLOCK keeps that case from hanging.
 */
async function openRegular(file: string): Promise<OpenFile | null> {
  const before = await statOrNull(file);
  if (!before?.isFile()) return null;
  let handle: FileHandle;
  try {
    handle = await open(file, constants.O_RDONLY | nonBlocking);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const stats = await handle.stat();
  if (!stats.isFile()) {
    await handle.close();
    return null;
  }
  const byteLength = stats.size;
  return {
    path: file,
    byteLength,
    read: (offset, length, room) =>
      readFully(handle, offset, Math.min(length, byteLength - offset), room),
    close: () => handle.close(),
  };
}

/** Not defined on Windows, whatever the types say. */
const nonBlocking = (constants as Partial<typeof constants>).O_NONBLOCK ?? 0;

async function readFully(
  handle: FileHandle,
  offset: number,
  length: number,
  room: Uint8Array | undefined,
): Promise<Uint8Array> {
  if (length <= 0) return new Uint8Array(0);
  const fits = room !== undefined && room.byteLength >= length;
  const bytes = fits ? room.subarray(0, length) : new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await handle.read(bytes, filled, length - filled, offset + filled);
    if (bytesRead === 0) return bytes.subarray(0, filled);
    filled += bytesRead;
  }
  return bytes;
}

async function openBeside(
  folder: string,
  location: string,
): Promise<OpenFile | 'missing' | 'outside' | 'irregular'> {
  if (location.includes('\0')) return 'missing';
  const base = path.resolve(folder);
  if (!isInside(base, path.resolve(base, location))) return 'outside';
  let realBase: string;
  let target: string;
  try {
    realBase = await realpath(base);
    target = await realpath(path.resolve(base, location));
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw error;
  }
  if (!isInside(realBase, target)) return 'outside';
  return (await openRegular(target)) ?? 'irregular';
}

function isInside(folder: string, target: string): boolean {
  const relative = path.relative(folder, target);
  return relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative);
}

const hashChunkBytes = 1024 * 1024;

async function sha256(file: string): Promise<string> {
  const source = await openRegular(file);
  if (!source) throw new Error(`${file} is not a regular file`);
  try {
    // Imported here: most runs need no hash, and it takes longer to load than a small model to read.
    const { createHash } = await import('node:crypto');
    const hash = createHash('sha256');
    for (let offset = 0; offset < source.byteLength; offset += hashChunkBytes) {
      hash.update(await source.read(offset, hashChunkBytes));
    }
    return hash.digest('hex');
  } finally {
    await source.close();
  }
}

/** Long names would not fit the 255 bytes of a file name together with the rest; characters take up to 4. */
const maxNameCharacters = 48;

async function createWriter(file: string): Promise<FileWriter> {
  const folder = path.dirname(file);
  const name = Array.from(path.basename(file)).slice(0, maxNameCharacters).join('');
  const prefix = `.${name}.green-ai-`;
  const { randomBytes } = await import('node:crypto');
  await removeLeftovers(folder, prefix);
  const temporary = path.join(folder, `${prefix}${randomBytes(6).toString('hex')}.tmp`);
  const handle = await open(temporary, 'wx');
  temporaries.add(temporary);
  cleanUpOnExit();
  const remove = async (): Promise<void> => {
    await unlink(temporary).catch(ignoreMissing);
    temporaries.delete(temporary);
  };
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (!isOpen) return;
    isOpen = false;
    await handle.close();
  };
  const finish = async (): Promise<void> => {
    if (isOpen) await handle.sync();
    await close();
  };
  return {
    temporaryPath: temporary,
    write: async (bytes) => {
      for (let written = 0; written < bytes.byteLength;) {
        const step = await handle.write(bytes, written, bytes.byteLength - written);
        written += step.bytesWritten;
      }
    },
    finish,
    commit: async ({ replace }) => {
      try {
        await finish();
        await (replace ? rename(temporary, file) : placeNew(temporary, file));
      } finally {
        await close();
        await remove();
      }
      await syncFolder(folder);
    },
    discard: async () => {
      await close();
      await remove();
    },
  };
}

/** The longest search for layers to roll back takes hours; a file that nobody touched for a day is left over. */
const leftoverMilliseconds = 24 * 60 * 60 * 1000;

/** Removes what a process that was killed has left of the same file. */
async function removeLeftovers(folder: string, prefix: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) {
    if (!name.startsWith(prefix) || !/^[0-9a-f]{12}\.tmp$/u.test(name.slice(prefix.length)))
      continue;
    const leftover = path.join(folder, name);
    const stats = await lstat(leftover).catch(() => null);
    if (!stats?.isFile() || Date.now() - stats.mtimeMs < leftoverMilliseconds) continue;
    await unlink(leftover).catch(() => undefined);
  }
}

/**
 * Gives the file its name only if nothing has it, in one step of the file system: a hard link.
 * Where there are none (FAT, some network shares), the name is reserved by an empty file first.
 */
async function placeNew(temporary: string, file: string): Promise<void> {
  try {
    await link(temporary, file);
  } catch (error) {
    if (!hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL')) {
      throw error;
    }
    await (await open(file, 'wx')).close();
    await rename(temporary, file);
  }
}

/** Makes the new name itself durable. Windows and some file systems cannot, and need not. */
async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, constants.O_RDONLY);
  } catch {
    return;
  }
  try {
    await handle.sync();
  } catch {
    // The data is safe by now; only a power cut in this moment could lose the name.
  } finally {
    await handle.close();
  }
}

/** Files that have no name of their own yet: removed when the process ends, however it ends. */
const temporaries = new Set<string>();
let cleansUp = false;

function cleanUpOnExit(): void {
  if (cleansUp) return;
  cleansUp = true;
  process.on('exit', removeTemporaries);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const onSignal = (): void => {
      // Someone else handles the signal, perhaps by stopping politely: the exit handler is enough then.
      if (process.listenerCount(signal) > 1) return;
      removeTemporaries();
      process.off(signal, onSignal);
      process.kill(process.pid, signal);
    };
    process.on(signal, onSignal);
  }
}

function removeTemporaries(): void {
  for (const temporary of temporaries) {
    try {
      unlinkSync(temporary);
    } catch {
      // Gone already, or not ours to remove any more; the process is ending.
    }
  }
  temporaries.clear();
}

async function statOrNull(file: string): Promise<Awaited<ReturnType<typeof stat>> | null> {
  try {
    return await stat(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** No such name, a file where a folder should be, a circle of links, an impossible name. */
function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR', 'ELOOP', 'ENAMETOOLONG', 'ERR_INVALID_ARG_VALUE');
}

function ignoreMissing(error: unknown): void {
  if (!isMissing(error)) throw error;
}

function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
