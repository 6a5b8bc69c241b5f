import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parseSettings, settingsFileName, type SettingsFile } from '../core/settings';
import type { ConfigProblem } from '../core/config/tree';
import type { Host } from '../host';
import { readTextFile } from '../config-file';
import { createIgnoredBelow, lintedFiles, neverLinted } from '../project-files';
import { UsageError } from './io';

/** A settings file that was found, with where its globs start. */
export interface FoundSettings {
  readonly path: string;
  readonly folder: string;
  readonly text: string;
  readonly file: SettingsFile;
  readonly problems: readonly ConfigProblem[];
}

export interface Target {
  readonly path: string;
  /** Given as it is, not found in a folder. */
  readonly isNamed: boolean;
}

/** The files to lint: named ones as they are, folders searched. Refuses names that do not exist. */
export async function collectFiles(targets: readonly string[]): Promise<Target[]> {
  const files = new Map<string, Target>();
  const add = (file: string, isNamed: boolean): void => {
    const key = path.resolve(file);
    if (!files.has(key)) files.set(key, { path: file, isNamed });
  };
  for (const target of targets) {
    const stats = await stat(target).catch(() => null);
    if (!stats) throw new UsageError(`${target}: there is no such file or folder`);
    if (stats.isFile()) add(target, true);
    else if (!stats.isDirectory()) throw new UsageError(`${target}: is no regular file`);
    else {
      const { glob } = await import('tinyglobby');
      const found = await glob(lintedFiles, {
        cwd: target,
        ignore: neverLinted,
        dot: false,
        followSymbolicLinks: false,
      });
      for (const name of found.sort()) add(path.join(target, name), false);
    }
  }
  return [...files.values()];
}

/** Where the search for settings starts: the folder, or the folder of the file. */
export async function settingsFolder(target: string): Promise<string> {
  const stats = await stat(target).catch(() => null);
  return stats?.isDirectory() ? target : path.dirname(target);
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
  return settings ? createIgnoredBelow(settings.folder, settings.file.ignore) : () => false;
}
