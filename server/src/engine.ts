import { analyzeModel, type Analysis, type AnalysisOptions } from './core/analyze';
import { bytesOf } from './core/dtype';
import type { Model, Tensor } from './core/graph';
import { subgraphsOf } from './core/attributes';
import { readModel } from './core/onnx/decode';
import { readPayload } from './core/onnx/payload';
import { displayText } from './core/onnx/utf8';
import type { WireModel } from './core/onnx/wire-types';
import { createProblemSink, type Problem, type ProblemSink } from './core/problem';
import type { CancelSignal } from './core/source';
import type { Host, OpenFile } from './host';

/** An ONNX file that is open: its analysis, and its weights on demand. */
export interface OpenModel {
  readonly path: string;
  readonly file: OpenFile;
  readonly wire: WireModel;
  readonly analysis: Analysis;
  /** External data files that exist and may be read, as the model names them. */
  readonly externalLocations: readonly string[];
  /** Bytes of tensors that lie in them. */
  readonly externalBytes: number;
  /** Little-endian bytes of a tensor's elements; null when they cannot be had. */
  readonly readTensor: (tensor: Tensor) => Promise<Uint8Array | null>;
  readonly close: () => Promise<void>;
}

export type OpenResult =
  | { readonly kind: 'model'; readonly model: OpenModel }
  /** No file of that name, or no regular one. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** Not ONNX, or broken: the problems say how. */
  | { readonly kind: 'broken'; readonly problems: readonly Problem[] };

/** Opens and analyses a model file. Close it when done. */
export async function openModel(
  host: Host,
  path: string,
  options: AnalysisOptions & { readonly signal?: CancelSignal } = {},
): Promise<OpenResult> {
  const file = await host.open(path);
  if (!file) return { kind: 'unreadable', reason: 'there is no such file' };
  const sink = createProblemSink();
  const read = await readModel(file, sink, options.signal);
  if (!read) {
    await file.close();
    return { kind: 'broken', problems: sink.problems };
  }
  const external = await openExternalFiles(host, path, read.model, sink);
  const analysis = analyzeModel(read.model, sink, options);
  const close = async (): Promise<void> => {
    for (const opened of external.values()) await opened.close();
    await file.close();
  };
  return {
    kind: 'model',
    model: {
      path,
      file,
      wire: read.wire,
      analysis,
      externalLocations: [...external.keys()],
      externalBytes: externalBytesOf(read.model),
      readTensor: (tensor) =>
        readPayload(tensor, file, (location) => Promise.resolve(external.get(location) ?? null)),
      close,
    },
  };
}

/** The folder part of a path, with either separator; '.' when there is none. */
export function folderOf(path: string): string {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  if (end < 0) return '.';
  return end === 0 ? path.slice(0, 1) : path.slice(0, end);
}

/** Models keep their weights in one or a few files; thousands of names are an attack on file handles. */
const maxExternalFiles = 1000;

/** Opens every external data file once and checks that the tensors' ranges lie inside it. */
async function openExternalFiles(
  host: Host,
  path: string,
  model: Model,
  sink: ProblemSink,
): Promise<Map<string, OpenFile>> {
  const opened = new Map<string, OpenFile>();
  const refused = new Set<string>();
  for (const tensor of externalTensors(model)) {
    const { storage } = tensor;
    if (storage.kind !== 'external') continue;
    const { location } = storage;
    if (!opened.has(location) && !refused.has(location)) {
      if (opened.size + refused.size >= maxExternalFiles) break;
      const file = await openExternal(host, path, location, sink);
      if (file) opened.set(location, file);
      else refused.add(location);
    }
    const file = opened.get(location);
    const end = storage.offset + (storage.byteLength ?? 0);
    if (file && end > file.byteLength) {
      sink.add({
        code: 'external-data-too-short',
        severity: 'error',
        message: `"${shorten(location)}" has ${file.byteLength} bytes; "${shorten(tensor.name)}" needs ${end}.`,
        where: displayText(tensor.name),
      });
    }
  }
  return opened;
}

function externalBytesOf(model: Model): number {
  let total = 0;
  for (const { dtype, elementCount, storage } of externalTensors(model)) {
    if (storage.kind !== 'external' || !dtype || elementCount === null) continue;
    total += bytesOf(dtype, elementCount) ?? 0;
  }
  return total;
}

async function openExternal(
  host: Host,
  path: string,
  location: string,
  sink: ProblemSink,
): Promise<OpenFile | null> {
  const report = (code: string, what: string): null => {
    sink.add({
      code,
      severity: 'error',
      message: `External data "${shorten(location)}" ${what}.`,
    });
    return null;
  };
  const found = await host.openBeside(folderOf(path), location);
  if (found === 'missing') return report('external-data-missing', 'is not beside the model');
  if (found === 'outside') {
    return report(
      'external-data-outside-folder',
      'leads out of the model’s folder; it is not read',
    );
  }
  if (found === 'irregular') return report('external-data-missing', 'is no regular file');
  if (
    location.replace(/^(\.\/)+/u, '') === path.slice(folderOf(path).length).replace(/^[\\/]/u, '')
  ) {
    await found.close();
    return report('external-data-is-model', 'is the model file itself; it is not read as weights');
  }
  return found;
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
        for (const { value } of node.attributes.values()) {
          if (value.kind === 'tensor') yield value.value;
          if (value.kind === 'tensors') yield* value.value;
        }
        graphs.push(...subgraphsOf(node).map((body) => body.graph));
      }
    }
  }
}

function shorten(text: string): string {
  const shown = displayText(text);
  return shown.length <= 40 ? shown : `${shown.slice(0, 37)}…`;
}
