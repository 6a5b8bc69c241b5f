import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { glob } from 'tinyglobby';
import { ruleById } from '../core/rules/index';
import { createNodeHost } from '../host-node';
import { lintedFiles, neverLinted } from '../project-files';
import type { WorkerEntry } from '../runtime/process';
import type { ServerHost } from './host';
import { startScanProcess } from './scan-process';
import { uriOf } from './uris';

export interface NodeServerHostOptions {
  readonly version: string;
  readonly log: (message: string) => void;
  /** Folder with the rules' pages, `docs/rules`; they are linked only when it is there. */
  readonly ruleFolder: string;
  /** Null: files are read in this process. */
  readonly scanWorker: WorkerEntry | null;
}

/** A folder with more files than this is not a project. */
const maxFilesPerFolder = 50_000;

export function createNodeServerHost({
  version,
  log,
  ruleFolder,
  scanWorker,
}: NodeServerHostOptions): ServerHost {
  const hasPages = existsSync(ruleFolder);
  return {
    ...createNodeHost(log),
    version,
    stat: async (file) => {
      const stats = await stat(file).catch(() => null);
      if (!stats?.isFile()) return null;
      return { modifiedTime: stats.mtimeMs, byteLength: stats.size };
    },
    findFiles: async (folder, signal) => {
      const found = await glob(lintedFiles, {
        cwd: folder,
        absolute: true,
        ignore: neverLinted,
        dot: false,
        followSymbolicLinks: false,
      }).catch(() => []);
      if (signal.cancelled) return [];
      return found
        .map((file) => path.normalize(file))
        .sort()
        .slice(0, maxFilesPerFolder);
    },
    listNames: (folder) => readdir(folder).catch(() => []),
    ruleUri: (id) => {
      return hasPages && ruleById(id) ? uriOf(path.join(ruleFolder, `${id}.md`)) : null;
    },
    startWorker: scanWorker && ((events) => startScanProcess(scanWorker, events)),
    process: {
      node: process.version,
      platform: `${process.platform}-${process.arch}`,
      residentBytes: () => process.memoryUsage.rss(),
    },
  };
}
