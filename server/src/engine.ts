import { analysisSteps, analyzeModel, type Analysis, type AnalysisOptions } from './core/analyze';
import type { Model, Tensor } from './core/graph';
import { readModel } from './core/onnx/decode';
import type { WireModel } from './core/onnx/wire-types';
import { createProblemSink, type Problem, type ProblemSink } from './core/problem';
import { isCancelled, type CancelSignal } from './core/source';
import { checkExternalData } from './external-data';
import type { Host, OpenFile } from './host';
import { hostErrorReason } from './host-errors';

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
  /** No file of that name, no regular one, or one that may not be read. */
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** Not ONNX, or broken: the problems say how. */
  | { readonly kind: 'broken'; readonly problems: readonly Problem[] };

export interface OpenOptions extends AnalysisOptions {
  readonly signal?: CancelSignal;
  /** Waited for between the steps of the analysis, each of which may take a second for a large model. */
  readonly pause?: () => Promise<void>;
}

/** Opens and analyses a model file. Close it when done. */
export async function openModel(
  host: Host,
  path: string,
  options: OpenOptions = {},
): Promise<OpenResult> {
  let file: OpenFile | null = null;
  let result: OpenResult | null = null;
  try {
    file = await host.open(path);
    result = file
      ? await analyzeFile(host, path, file, options)
      : { kind: 'unreadable', reason: await whyNotOpened(host, path) };
  } catch (error) {
    const reason = hostErrorReason(error);
    if (reason === null) throw error;
    result = { kind: 'unreadable', reason };
  } finally {
    if (result?.kind !== 'model') await file?.close();
  }
  return result;
}

/** A clause about a path that `Host.open` answered with null. */
export async function whyNotOpened(host: Host, path: string): Promise<string> {
  return (await host.exists(path)) ? 'it is no regular file' : 'there is no such file';
}

async function analyzeFile(
  host: Host,
  path: string,
  file: OpenFile,
  options: OpenOptions,
): Promise<OpenResult> {
  const sink = createProblemSink();
  const read = await readModel(file, sink, options.signal);
  if (!read) {
    if (isCancelled(options.signal)) return { kind: 'unreadable', reason: 'cancelled' };
    return { kind: 'broken', problems: sink.problems };
  }
  const external = await checkExternalData(host, file, read.model, sink);
  return {
    kind: 'model',
    model: {
      path,
      file,
      wire: read.wire,
      analysis: await analyze(read.model, sink, options),
      externalLocations: external.locations,
      externalBytes: external.byteLength,
      readTensor: external.readTensor,
      close: () => file.close(),
    },
  };
}

/** Who pauses wants all worked out when it is there; for others what nobody asks for is not. */
async function analyze(model: Model, sink: ProblemSink, options: OpenOptions): Promise<Analysis> {
  if (!options.pause) return analyzeModel(model, sink, options);
  const steps = analysisSteps(model, sink, options);
  for (;;) {
    await options.pause();
    const step = steps.next();
    if (step.done) return step.value;
  }
}
