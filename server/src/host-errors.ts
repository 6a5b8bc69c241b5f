/** What the file system said no with, by the error codes that Node and libuv give. */
const reasons: ReadonlyMap<string, string> = new Map([
  ['EACCES', 'access is denied'],
  ['EPERM', 'access is denied'],
  ['EROFS', 'the disk is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EDQUOT', 'the disk quota is used up'],
  ['EFBIG', 'the file would be too large for the disk'],
  ['ENOENT', 'there is no such folder'],
  ['ENOTDIR', 'a part of its path is no folder'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'it exists already'],
  ['ENAMETOOLONG', 'its name is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENFILE', 'too many files are open'],
  ['EBUSY', 'another program uses it'],
  ['EIO', 'the disk answers with an error'],
]);

/** Why a `Host` could not do what was asked, as a clause; null when the error is no failed file operation. */
export function hostErrorReason(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') {
    return null;
  }
  return reasons.get(error.code) ?? (/^E[A-Z0-9]+$/u.test(error.code) ? error.code : null);
}
