import path from 'node:path';
import type { ServerHost } from './host';
import { pathOf, uriOf } from './uris';

/** Which models have weights in which other files, as far as models were read. */
export interface ExternalFiles {
  /** The model's data files are these now. */
  note(modelUri: string, paths: readonly string[]): void;
  /** Uris of the models that name this file. */
  modelsNaming(uri: string): readonly string[];
  /** Called once for each folder with data files that `dataGlobs` does not match. */
  onNewFolder(listener: (folder: string) => void): void;
}

/** Names that exporters give to files with weights. */
const dataExtensions = ['data', 'onnx_data', 'bin', 'weights', 'pb'];

export const dataGlobs = [`**/*.{${dataExtensions.join(',')}}`];

/** Each is a watcher of the client's. */
const maxFolders = 50;

export function createExternalFiles(): ExternalFiles {
  const pathsByModel = new Map<string, readonly string[]>();
  const modelsByPath = new Map<string, Set<string>>();
  const folders = new Set<string>();
  const listeners: ((folder: string) => void)[] = [];
  const noteFolder = (folder: string): void => {
    if (folders.has(folder) || folders.size >= maxFolders) return;
    folders.add(folder);
    for (const listener of listeners) listener(folder);
  };
  return {
    note: (modelUri, paths) => {
      for (const file of pathsByModel.get(modelUri) ?? []) {
        const models = modelsByPath.get(file);
        models?.delete(modelUri);
        if (models?.size === 0) modelsByPath.delete(file);
      }
      if (paths.length === 0) pathsByModel.delete(modelUri);
      else pathsByModel.set(modelUri, paths);
      for (const file of paths) {
        const models = modelsByPath.get(file) ?? new Set();
        modelsByPath.set(file, models.add(modelUri));
        if (!isDataName(file)) noteFolder(path.dirname(file));
      }
    },
    modelsNaming: (uri) => {
      const file = pathOf(uri);
      // As `note` was given it: drive letters are spelled in one way by uris.
      return file === null ? [] : [...(modelsByPath.get(file) ?? [])];
    },
    onNewFolder: (listener) => {
      listeners.push(listener);
    },
  };
}

function isDataName(file: string): boolean {
  return dataExtensions.includes(path.extname(file).slice(1));
}

/**
 * Where external data lies, for names that stay in the model's folder. Others are never read, and not even looked at:
 * a name in a hostile file could be one of another machine.
 */
export function pathsBeside(modelPath: string, locations: readonly string[]): string[] {
  const folder = path.dirname(modelPath);
  return locations.flatMap((location) => {
    if (location.includes('\0')) return [];
    const file = path.resolve(folder, location);
    const relative = path.relative(folder, file);
    const isInside = relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
    return isInside ? [pathOf(uriOf(file)) ?? file] : [];
  });
}

/** Differs when one of the files has changed, came or went. */
export async function statesOf(
  host: Pick<ServerHost, 'stat'>,
  paths: readonly string[],
): Promise<string> {
  const states = await Promise.all(paths.map((file) => host.stat(file)));
  return states
    .map((state) => (state ? `${state.modifiedTime}:${state.byteLength}` : ''))
    .join(' ');
}
