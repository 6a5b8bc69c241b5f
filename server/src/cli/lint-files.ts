import { stat } from 'node:fs/promises';
import path from 'node:path';
import ignore from 'ignore';
import { glob } from 'tinyglobby';
import { parseSettings, settingsFileName, type SettingsFile } from '../core/settings';
import type { ConfigProblem } from '../core/config/tree';
import type { Host } from '../host';
import { readTextFile } from './config-file';
import { UsageError } from './io';

/** A settings file that was found, with where its globs start. */
export interface FoundSettings {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly file: SettingsFile;
  readonly problems: readonly ConfigProblem[];
}

/** Files of a folder that are linted; others only when they are named. */
const lintedFiles = ['**/*.onnx', '**/config.json', `**/${settingsFileName}`];
const neverLinted = ['**/node_modules/**', '**/.git/**', '**/dist/**'];

/** The files to lint: named ones as they are, folders searched. Refuses names that do not exist. */
export async function collectFiles(targets: readonly string[]): Promise<string[]> {
  const files = new Set<string>();
  for (const target of targets) {
    const stats = await stat(target).catch(() => null);
    if (!stats) throw new UsageError(`${target}: there is no such file or folder`);
    if (stats.isFile()) files.add(target);
    else if (!stats.isDirectory()) throw new UsageError(`${target}: is no regular file`);
    else {
      const found = await glob(lintedFiles, {
        cwd: target,
        ignore: neverLinted,
        dot: false,
        followSymbolicLinks: false,
      });
      for (const name of found.sort()) files.add(path.join(target, name));
    }
  }
  return [...files];
}

/** The nearest `green-ai.json` in the folder or above it; or the named one. Null when there is none. */
export async function findSettings(
  host: Host,
  startFolder: string,
  named?: string,
): Promise<FoundSettings | null> {
  if (named !== undefined) {
    const found = await readSettings(host, named);
    if (!found) throw new UsageError(`--config ${named}: there is no such file`);
    return found;
  }
  for (let folder = path.resolve(startFolder); ; folder = path.dirname(folder)) {
    const found = await readSettings(host, path.join(folder, settingsFileName));
    if (found || folder === path.dirname(folder)) return found;
  }
}

async function readSettings(host: Host, file: string): Promise<FoundSettings | null> {
  if (!(await host.exists(file))) return null;
  const text = await readTextFile(host, file);
  if (typeof text !== 'string') throw new UsageError(`${file}: ${text.reason}`);
  const { settings, problems } = parseSettings(text);
  return { path: file, folder: path.dirname(path.resolve(file)), text, file: settings, problems };
}

/** True for files that the settings' `ignore` globs (as in .gitignore) leave out. */
export function createIgnored(settings: FoundSettings | null): (file: string) => boolean {
  if (!settings || settings.file.ignore.length === 0) return () => false;
  const matcher = ignore().add([...settings.file.ignore]);
  return (file) => {
    const relative = path.relative(settings.folder, path.resolve(file));
    const isBelow = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
    return isBelow && matcher.ignores(relative.split(path.sep).join('/'));
  };
}
