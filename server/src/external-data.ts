import { subgraphsOf } from './core/attributes';
import { bytesOf } from './core/dtype';
import type { Model, Tensor } from './core/graph';
import { readPayload } from './core/onnx/payload';
import { displayText } from './core/onnx/utf8';
import { messageNaming } from './core/format';
import type { ProblemSink } from './core/problem';
import type { Host, OpenFile } from './host';
import { hostErrorReason } from './host-errors';

/** The external data files of a model, none of which stays open. */
export interface ExternalData {
  /** Files that exist and may be read, as the model names them. */
  readonly locations: readonly string[];
  /** Bytes of the tensors that lie in them. */
  readonly byteLength: number;
  /** Little-endian bytes of any tensor of the model; null when they cannot be had. */
  readonly readTensor: (tensor: Tensor) => Promise<Uint8Array | null>;
}

/** Models keep their weights in one or a few files, exporters at most one a tensor. */
export const maxExternalFiles = 1000;

/** Looks at every external data file once and checks that the tensors' ranges lie inside it. */
export async function checkExternalData(
  host: Host,
  file: OpenFile,
  model: Model,
  sink: ProblemSink,
): Promise<ExternalData> {
  const folder = folderOf(file.path);
  const checked = new Map<string, number | null>();
  let byteLength = 0;
  let ownPath: Promise<string | null> | null = null;
  for (const tensor of externalTensors(model)) {
    const { storage } = tensor;
    if (storage.kind !== 'external') continue;
    const { location } = storage;
    if (!checked.has(location)) {
      if (checked.size >= maxExternalFiles) {
        reportTooMany(sink);
        continue;
      }
      ownPath ??= realPathOf(host, file.path);
      checked.set(location, await checkFile(host, folder, location, await ownPath, sink));
    }
    const available = checked.get(location) ?? null;
    if (available === null) continue;
    if (isInside(tensor, available, sink)) byteLength += sizeOf(tensor) ?? 0;
  }
  return {
    locations: [...checked].flatMap(([location, bytes]) => (bytes === null ? [] : [location])),
    byteLength,
    readTensor: createReader(host, file, (location) => (checked.get(location) ?? null) !== null),
  };
}

/** The names of the files with a model's weights, there or not, as the model spells them; at most `maxCount`. */
export function externalLocations(model: Model, maxCount: number): string[] {
  const locations = new Set<string>();
  for (const { storage } of externalTensors(model)) {
    if (locations.size >= maxCount) break;
    if (storage.kind === 'external') locations.add(storage.location);
  }
  return [...locations];
}

/** As `checkExternalData`, for a text that refers to the weights of the files beside it. */
export async function openReferences(
  host: Host,
  path: string,
  model: Model,
  sink: ProblemSink,
): Promise<ExternalData> {
  const file = await host.open(path);
  if (!file) return { locations: [], byteLength: 0, readTensor: () => Promise.resolve(null) };
  // Nothing is read from the text itself.
  await file.close();
  return checkExternalData(host, file, model, sink);
}

/** The folder part of a path, with either separator; '.' when there is none. */
export function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  if (end < 0) return '.';
  return end === 0 ? path.slice(0, 1) : path.slice(0, end);
}

/** The part behind the last separator. */
export function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/** A path after all links are followed, the same for every spelling; null when no such file is in its folder. */
export async function realPathOf(host: Host, path: string): Promise<string | null> {
  const found = await host.openBeside(folderOf(path), fileName(path));
  if (typeof found === 'string') return null;
  await found.close();
  return found.path;
}

function createReader(
  host: Host,
  file: OpenFile,
  mayRead: (location: string) => boolean,
): ExternalData['readTensor'] {
  return async (tensor) => {
    let opened: OpenFile | null = null;
    try {
      return await readPayload(tensor, file, async (location) => {
        if (!mayRead(location)) return null;
        const found = await host.openBeside(folderOf(file.path), location);
        return typeof found === 'string' ? null : (opened = found);
      });
    } finally {
      await closeIfOpen(opened);
    }
  };
}

function closeIfOpen(file: OpenFile | null): Promise<void> {
  return file ? file.close() : Promise.resolve();
}

/** Bytes in the file, or null with a problem when it may not be read. */
async function checkFile(
  host: Host,
  folder: string,
  location: string,
  ownPath: string | null,
  sink: ProblemSink,
): Promise<number | null> {
  const report = (code: string, what: string): null => {
    const message = messageNaming(
      displayText(location),
      (shown) => `External data "${shown}" ${what}.`,
    );
    sink.add({ code, severity: 'error', message });
    return null;
  };
  let found: Awaited<ReturnType<Host['openBeside']>>;
  try {
    found = await host.openBeside(folder, location);
  } catch (error) {
    const reason = hostErrorReason(error);
    if (reason === null) throw error;
    return report('external-data-unreadable', `cannot be read: ${reason}`);
  }
  if (found === 'missing') return report('external-data-missing', 'is not beside the model');
  if (found === 'outside') {
    const code = 'external-data-outside-folder';
    return report(code, 'leads out of the model’s folder; it is not read');
  }
  if (found === 'irregular') return report('external-data-missing', 'is no regular file');
  await found.close();
  if (found.path === ownPath) {
    const code = 'external-data-is-model';
    return report(code, 'is the model file itself; it is not read as weights');
  }
  return found.byteLength;
}

/** False with a problem when the tensor ends behind the end of its file. */
function isInside(tensor: Tensor, available: number, sink: ProblemSink): boolean {
  const { storage } = tensor;
  if (storage.kind !== 'external') return false;
  // Either may be missing or wrong; both must fit.
  const end = storage.offset + Math.max(storage.byteLength ?? 0, sizeOf(tensor) ?? 0);
  if (end <= available) return true;
  const name = displayText(tensor.name);
  sink.add({
    code: 'external-data-too-short',
    severity: 'error',
    message: messageNaming(
      name,
      (shown) =>
        `"${shown}" ends at byte ${end} of its external data, which has ${available}; copy the file again.`,
    ),
    where: name,
  });
  return false;
}

function reportTooMany(sink: ProblemSink): void {
  const code = 'external-data-too-many-files';
  if (sink.problems.some((problem) => problem.code === code)) return;
  sink.add({
    code,
    severity: 'error',
    message: `The model names more than ${maxExternalFiles} external data files; the others are not read.`,
  });
}

function sizeOf({ dtype, elementCount }: Tensor): number | null {
  return dtype && elementCount !== null ? bytesOf(dtype, elementCount) : null;
}

function* externalTensors(model: Model): Generator<Tensor> {
  const graphs = [model.graph];
  const nodeLists = model.functions.map(({ nodes }) => nodes);
  for (let graph = graphs.pop(); graph; graph = graphs.pop()) {
    yield* graph.initializers;
    for (const { values, indices } of graph.sparseInitializers) yield* [values, indices];
    nodeLists.push(graph.nodes);
    for (let nodes = nodeLists.pop(); nodes; nodes = nodeLists.pop()) {
      for (const node of nodes) {
        if (node.attributes.size === 0) continue;
        for (const { value } of node.attributes.values()) {
          if (value.kind === 'tensor') yield value.value;
          if (value.kind === 'tensors') yield* value.value;
        }
        graphs.push(...subgraphsOf(node).map((body) => body.graph));
      }
    }
  }
}
