import path from 'node:path';
import ignore from 'ignore';
import { settingsFileName } from './core/settings';

/** Files of a folder that are linted; others only when they are named or opened. */
export const lintedFiles = ['**/*.onnx', '**/config.json', `**/${settingsFileName}`];
/** Dependencies and build results. */
export const neverLinted = ['**/node_modules/**', '**/.git/**', '**/dist/**'];

/** True for files below the folder that the globs (as in .gitignore, relative to it) leave out. */
export function createIgnoredBelow(
  folder: string,
  globs: readonly string[],
): (file: string) => boolean {
  if (globs.length === 0) return () => false;
  const matcher = ignore().add([...globs]);
  return (file) => {
    const relative = path.relative(folder, path.resolve(file));
    const isBelow = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
    return isBelow && matcher.ignores(relative.split(path.sep).join('/'));
  };
}
