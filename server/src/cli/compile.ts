import { resolve } from 'node:path';
import { bytesOf } from '../core/dtype';
import { whyNotOpened } from '../engine';
import { shortName } from '../core/format';
import type { Tensor } from '../core/graph';
import { modelPieces } from '../core/onnx/encode';
import { plannedByteLength, renderPieces } from '../core/onnx/splice';
import { parseModelText } from '../core/onnx/text-parse';
import { createProblemSink } from '../core/problem';
import { isCancelled, SourceChanged } from '../core/source';
import type { NewTensor } from '../core/transform/patch';
import { folderOf, openReferences, realPathOf } from '../external-data';
import { fail, type ExitCode, type Io } from './io';
import { oneLine } from './terminal';

export interface CompileFlags {
  readonly out: string;
  readonly force: boolean;
  /** Keeps references to weights instead of copying the weights. */
  readonly external: boolean;
}

/** Readers of protocol buffers take no larger message. */
const maxModelBytes = 2 ** 31 - 1;

/**
 * `green-ai text --compile`: writes the model that a text describes. Weights are copied from the files that the text
 * refers to, one at a time. Exit 2 and `file:line:column: message` for each error in the text; nothing is written then.
 */
export async function compile(file: string, flags: CompileFlags, io: Io): Promise<ExitCode> {
  const read = await readText(file, io);
  if ('reason' in read) return fail(io, `${file}: ${read.reason}`);
  const { model, problems } = parseModelText(read.text);
  for (const { where = '', message } of problems) {
    io.err(`${oneLine(file)}:${where}: ${oneLine(message)}\n`);
  }
  if (!model || problems.some(({ severity }) => severity === 'error')) return 2;
  const empty = model.graph.initializers.find(
    ({ storage, elementCount }) => storage.kind === 'none' && elementCount !== 0,
  );
  if (empty) return fail(io, `${file}: the text has no data for "${shortName(empty.name)}"`);
  const refusal = await refuseOutput(file, flags, io);
  if (refusal !== null) return fail(io, refusal);
  const sink = createProblemSink();
  const references = await openReferences(io.host, file, model, sink);
  const [problem] = sink.problems.filter(({ severity }) => severity === 'error');
  if (problem) return fail(io, `${file}: ${problem.message}`);
  for (const location of references.locations) {
    if (await isSameFile(io, `${folderOf(file)}/${location}`, flags.out)) {
      return fail(io, `${flags.out} holds weights that the text refers to; give another name`);
    }
  }
  const embed = (tensor: Tensor): NewTensor | null => embedded(tensor, references.readTensor);
  const pieces = modelPieces(model, flags.external ? {} : { embed });
  if (plannedByteLength(pieces) > maxModelBytes) {
    return fail(io, `${flags.out} would exceed 2 GiB, which no runtime reads; use --external`);
  }
  const writer = await io.host.create(flags.out);
  try {
    const noSource = { byteLength: 0, read: () => Promise.resolve(new Uint8Array(0)) };
    for await (const bytes of renderPieces(noSource, pieces, io.signal)) await writer.write(bytes);
    if (isCancelled(io.signal)) return fail(io, 'cancelled; nothing was written');
    await writer.commit({ replace: flags.force });
  } catch (error) {
    if (!(error instanceof SourceChanged)) throw error;
    return fail(io, `${file}: ${error.message}`);
  } finally {
    await writer.discard();
  }
  return 0;
}

/** The parser takes no longer text; characters have up to three bytes each. */
const maxTextBytes = 3 * 64 * 1024 * 1024;

async function readText(
  path: string,
  { host }: Io,
): Promise<{ readonly text: string } | { readonly reason: string }> {
  const file = await host.open(path);
  if (!file) return { reason: await whyNotOpened(host, path) };
  try {
    if (file.byteLength > maxTextBytes) return { reason: 'it is too large for a text' };
    const bytes = await file.read(0, file.byteLength);
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch (error) {
    if (error instanceof TypeError) return { reason: 'it is no UTF-8 text' };
    throw error;
  } finally {
    await file.close();
  }
}

/** The tensor's payload from the file that it lies in; null for what is in the text. */
function embedded(
  tensor: Tensor,
  readTensor: (tensor: Tensor) => Promise<Uint8Array | null>,
): NewTensor | null {
  const { name, dtype, dims, elementCount, storage } = tensor;
  if (storage.kind !== 'external' || dtype === null || elementCount === null) return null;
  const byteLength = bytesOf(dtype, elementCount);
  if (byteLength === null) return null;
  const data = async (): Promise<Uint8Array> => {
    const bytes = await readTensor(tensor);
    if (bytes) return bytes;
    throw new SourceChanged(`The data of "${name}" cannot be read any more.`);
  };
  return { name, dtype, dims, byteLength, data };
}

async function refuseOutput(file: string, flags: CompileFlags, io: Io): Promise<string | null> {
  const { out, force, external } = flags;
  if (await isSameFile(io, file, out)) return `${out} is the text itself; give another name`;
  const folder = folderOf(out);
  if (!(await io.host.exists(folder))) return `${folder}: there is no such folder`;
  if (external && resolve(folder) !== resolve(folderOf(file))) {
    return 'with --external write the model into the folder of the text: it refers to files there';
  }
  if (force || !(await io.host.exists(out))) return null;
  return `${out} exists; give another name with -o or use --force`;
}

/** True for one file under two spellings of its name, also through links. */
async function isSameFile({ host }: Io, path: string, other: string): Promise<boolean> {
  if (resolve(path) === resolve(other)) return true;
  const real = await realPathOf(host, path);
  return real !== null && real === (await realPathOf(host, other));
}
