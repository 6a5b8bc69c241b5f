import {
  Disposable,
  EventEmitter,
  FileChangeType,
  FilePermission,
  FileSystemError,
  FileType,
  RelativePattern,
  Uri,
  workspace,
  type FileChangeEvent,
  type FileStat,
  type FileSystemProvider,
} from 'vscode';
import { textDocumentRequest, textScheme, textUriRequest } from '../../server/src/protocol';
import type { Server } from './client';
import { nameOf } from './documents';

/** The text of one state of a model. */
interface Content {
  readonly bytes: Uint8Array;
  readonly modifiedTime: number;
  /** Of the model file, as the editor sees it. */
  readonly modelTime: number;
}

/** Texts can have 15 MB; the editor keeps what it shows, so this only saves reading after asking for the size. */
const maxContents = 4;

/** Mounts the text of models as read-only files, so that their tabs live through a reload of the window. */
export function registerTextFileSystem(server: Server): Disposable {
  const changes = new EventEmitter<FileChangeEvent[]>();
  const contents = new Map<string, Promise<Content>>();
  const watched = new Map<string, Uri>();

  const modelOf = async (uri: Uri): Promise<Uri> => {
    const model = await server.request(textUriRequest, { uri: uri.toString() });
    if (model === null) throw FileSystemError.FileNotFound(uri);
    return Uri.parse(model, true);
  };
  const contentOf = async (uri: Uri): Promise<Content> => {
    const key = uri.toString();
    const modelTime = await modifiedTime(await modelOf(uri), uri);
    const known = contents.get(key);
    if (known && (await known).modelTime === modelTime) return known;
    const content = readText(server, uri, modelTime);
    contents.delete(key);
    contents.set(key, content);
    content.catch(() => contents.delete(key));
    for (const old of [...contents.keys()].slice(0, -maxContents)) contents.delete(old);
    return content;
  };

  const provider: FileSystemProvider = {
    onDidChangeFile: changes.event,
    watch: (uri) => {
      watched.set(uri.toString(), uri);
      let isDisposed = false;
      let watcher: Disposable | null = null;
      modelOf(uri)
        .then((model) => {
          if (!isDisposed) watcher = watchModel(model, uri, changes);
        })
        .catch((error: unknown) => {
          server.log.debug(`${uri.toString()} is not watched: ${String(error)}`);
        });
      return new Disposable(() => {
        isDisposed = true;
        watcher?.dispose();
        watched.delete(uri.toString());
      });
    },
    stat: async (uri): Promise<FileStat> => {
      const { bytes, modifiedTime: mtime } = await contentOf(uri);
      return {
        type: FileType.File,
        ctime: 0,
        mtime,
        size: bytes.byteLength,
        permissions: FilePermission.Readonly,
      };
    },
    readFile: async (uri) => (await contentOf(uri)).bytes,
    readDirectory: () => [],
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
  return Disposable.from(
    changes,
    workspace.registerFileSystemProvider(textScheme, provider, {
      isReadonly: true,
      isCaseSensitive: true,
    }),
    server.onDidChangeState((state) => {
      // What could not be read from a server that ended is read again.
      if (state !== 'running' || watched.size === 0) return;
      changes.fire([...watched.values()].map((uri) => ({ type: FileChangeType.Changed, uri })));
    }),
  );
}

async function readText(server: Server, uri: Uri, modelTime: number): Promise<Content> {
  const answer = await server.request(textDocumentRequest, { uri: uri.toString() });
  if (answer === null) throw FileSystemError.FileNotFound(uri);
  if (answer.failure !== null) server.log.warn(`${uri.path}: ${answer.failure}`);
  return {
    bytes: new TextEncoder().encode(answer.text),
    modifiedTime: answer.modifiedTime,
    modelTime,
  };
}

async function modifiedTime(model: Uri, text: Uri): Promise<number> {
  try {
    return (await workspace.fs.stat(model)).mtime;
  } catch {
    throw FileSystemError.FileNotFound(text);
  }
}

function watchModel(model: Uri, text: Uri, changes: EventEmitter<FileChangeEvent[]>): Disposable {
  const pattern = new RelativePattern(Uri.joinPath(model, '..'), escapeGlob(nameOf(model)));
  const watcher = workspace.createFileSystemWatcher(pattern);
  const tell = (type: FileChangeType) => (): void => {
    changes.fire([{ type, uri: text }]);
  };
  watcher.onDidCreate(tell(FileChangeType.Changed));
  watcher.onDidChange(tell(FileChangeType.Changed));
  watcher.onDidDelete(tell(FileChangeType.Deleted));
  return watcher;
}

/** A file's name as a glob that matches that name alone. */
export function escapeGlob(name: string): string {
  return name.replace(/[*?[\]{}]/g, '[$&]');
}

function refuse(uri: Uri): never {
  throw FileSystemError.NoPermissions(uri);
}
