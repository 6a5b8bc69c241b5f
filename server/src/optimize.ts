import { resolve } from 'node:path';
import type { Device } from './core/cost/devices';
import { Malformed } from './core/onnx/protobuf-read';
import { planSplice, plannedByteLength, renderPieces } from './core/onnx/splice';
import type { Recipe } from './core/transform/recipe';
import { isCancelled, SourceChanged, type CancelSignal } from './core/source';
import { openModel, type OpenModel } from './engine';
import { fileName, folderOf, realPathOf } from './external-data';
import type { Host } from './host';
import { hostErrorReason } from './host-errors';
import {
  changesNothing,
  provenanceOf,
  provenancePath,
  resultOf,
  type Candidate,
  type OptimizeResult,
} from './optimize-result';
import type { DataRequest } from './runtime/prepare-data';
import type { WorkerEntry } from './runtime/process';
import { notVerified, verify, type Verification } from './runtime/verify';
import { searchRollback } from './rollback';

export { provenancePath } from './optimize-result';
export type { EnergyChange, OptimizeResult } from './optimize-result';

export interface OptimizeOptions {
  readonly recipe: Recipe;
  readonly device: Device;
  /** Default: a sibling, `model.int8.onnx`. */
  readonly output?: string;
  /** Replaces an existing output file. */
  readonly force: boolean;
  readonly verify: 'run' | 'load' | 'none';
  readonly data: DataRequest;
  /** Share of top-1 accuracy that may be lost. */
  readonly maxDrop: number;
  readonly dryRun: boolean;
  readonly dims: ReadonlyMap<string, number>;
  readonly only: ReadonlySet<string> | null;
  readonly runtime?: 'native' | 'wasm' | 'auto';
  readonly deadlineSeconds?: number;
  readonly progress: (text: string) => void;
  readonly signal: CancelSignal;
  readonly toolVersion: string;
  readonly worker?: WorkerEntry;
}

export type OptimizeOutcome =
  /** `accepted` false: the result missed its bound and nothing was written. */
  | { readonly kind: 'done'; readonly accepted: boolean; readonly result: OptimizeResult }
  /** Bad usage or an unreadable file: one sentence. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'cancelled' };

/**
 * Applies a recipe to a model file: plan, splice into a temporary sibling, verify it in ONNX Runtime against the
 * original, roll back the layers that miss the bound, and only then give the new file its name.
 * The original is read only; its hash is taken before and after.
 */
export async function optimizeFile(
  host: Host,
  path: string,
  options: OptimizeOptions,
): Promise<OptimizeOutcome> {
  const output = options.output ?? siblingPath(path, options.recipe.suffix);
  try {
    const refusal = await refuseOutput(host, path, output, options);
    if (refusal !== null) return { kind: 'refused', reason: refusal };
    return await optimizeOpened(host, path, output, options);
  } catch (error) {
    if (error instanceof SourceChanged || error instanceof Malformed) {
      // It was well-formed when it was analysed.
      return { kind: 'refused', reason: `${path} changed while it was read; run again` };
    }
    const reason = hostErrorReason(error);
    if (reason === null) throw error;
    return { kind: 'refused', reason: `writing ${output} failed: ${reason}` };
  }
}

async function optimizeOpened(
  host: Host,
  path: string,
  output: string,
  options: OptimizeOptions,
): Promise<OptimizeOutcome> {
  const opened = await openModel(host, path, { dims: options.dims, signal: options.signal });
  if (isCancelled(options.signal)) {
    if (opened.kind === 'model') await opened.model.close();
    return { kind: 'cancelled' };
  }
  if (opened.kind === 'unreadable') return { kind: 'refused', reason: `${path}: ${opened.reason}` };
  if (opened.kind === 'broken') {
    return { kind: 'refused', reason: `${path}: ${opened.problems[0]?.message ?? 'not readable'}` };
  }
  const { model } = opened;
  try {
    const refusal = await refuseForData(host, model, output);
    if (refusal !== null) return { kind: 'refused', reason: refusal };
    return await optimizeModel(host, model, output, options);
  } finally {
    await model.close();
  }
}

/** `dir/model.onnx` → `dir/model.int8.onnx`. */
export function siblingPath(path: string, suffix: string): string {
  const stem = path.replace(/\.onnx$/iu, '');
  return `${stem}.${suffix}.onnx`;
}

async function refuseOutput(
  host: Host,
  path: string,
  output: string,
  { force, dryRun }: OptimizeOptions,
): Promise<string | null> {
  if (await isSameFile(host, path, output)) {
    return `${output} is the original; originals are never overwritten`;
  }
  const folder = folderOf(output);
  if (!(await host.exists(folder))) {
    return `${folder}: there is no such folder; make it first or give another name with -o`;
  }
  if (dryRun || force) return null;
  const taken = (await host.exists(output))
    ? output
    : (await host.exists(provenancePath(output)))
      ? provenancePath(output)
      : null;
  return taken === null ? null : `${taken} exists; give another name with -o or use --force`;
}

/** New files refer to the original's external data by the same relative names, and must not replace it. */
async function refuseForData(
  host: Host,
  { path, externalLocations }: OpenModel,
  output: string,
): Promise<string | null> {
  if (externalLocations.length === 0) return null;
  const [folder, outputFolder] = [folderOf(path), folderOf(output)];
  // The same folder may be spelled in many ways: the original is found in it under all of them.
  if (!(await isSameFile(host, path, `${outputFolder}/${fileName(path)}`)))
    return 'the model has external data: write the new file into the same folder';
  for (const written of [output, provenancePath(output)]) {
    for (const location of externalLocations) {
      if (await isSameFile(host, `${folder}/${location}`, written)) {
        return `${written} holds weights of the original; originals are never overwritten`;
      }
    }
  }
  return null;
}

/** True for one file under two spellings of its name, also through links. */
async function isSameFile(host: Host, path: string, other: string): Promise<boolean> {
  if (resolve(path) === resolve(other)) return true;
  const real = await realPathOf(host, path);
  return real !== null && real === (await realPathOf(host, other));
}

async function optimizeModel(
  host: Host,
  model: OpenModel,
  output: string,
  options: OptimizeOptions,
): Promise<OptimizeOutcome> {
  options.progress('reading');
  const hashBefore = await host.sha256(model.path);
  const rolledBack = new Map<string, string>();
  let candidate = await makeCandidate(host, model, output, rolledBack, options);
  if (candidate?.verification.decision === 'fail') {
    const found = await searchRollback(candidate, {
      progress: options.progress,
      signal: options.signal,
      attempt: (exclude) => makeCandidate(host, model, output, exclude, options),
    });
    candidate = found.candidate;
    for (const [node, reason] of found.rolledBack) rolledBack.set(node, reason);
  }
  if (!candidate) return { kind: 'cancelled' };
  const unusable = unusableData(candidate.verification, options);
  if (unusable !== null) {
    await candidate.writer?.discard();
    return { kind: 'refused', reason: unusable };
  }
  try {
    return await finishCandidate(host, model, output, candidate, {
      hashBefore,
      rolledBack,
      options,
    });
  } finally {
    // Nothing is left of it by now unless it was refused, cancelled or could not be written.
    await candidate.writer?.discard();
  }
}

/** Data that was named and cannot be used is a mistake to mend, not a reason to write an unproven model. */
function unusableData(
  { state, data: kind, problems }: Verification,
  { data }: OptimizeOptions,
): string | null {
  const hasLabels = typeof data.labels === 'string';
  if (hasLabels && kind === 'random') {
    return 'labels without their inputs tell nothing: give the inputs, too, with --calibration';
  }
  const isNamed = typeof data.inputs === 'object' || hasLabels;
  return isNamed && state !== 'run' ? (problems[0]?.message ?? null) : null;
}

interface Finishing {
  readonly hashBefore: string;
  readonly rolledBack: ReadonlyMap<string, string>;
  readonly options: OptimizeOptions;
}

/** Describes the candidate and, when it was accepted, gives it and its provenance their names. */
async function finishCandidate(
  host: Host,
  model: OpenModel,
  output: string,
  candidate: Candidate,
  { hashBefore, rolledBack, options }: Finishing,
): Promise<OptimizeOutcome> {
  const accepted = candidate.verification.decision !== 'fail';
  const result = await resultOf(host, model, output, candidate, rolledBack, options);
  if (isCancelled(options.signal)) return { kind: 'cancelled' };
  const { writer } = candidate;
  if (!accepted || !writer) return { kind: 'done', accepted, result };
  const hashAfter = await host.sha256(model.path);
  if (hashAfter !== hashBefore) throw new SourceChanged('Its hash is another.');
  const record = provenanceOf(result, {
    inputSha256: hashBefore,
    outputSha256: await host.sha256(writer.temporaryPath),
    output,
    toolVersion: options.toolVersion,
  });
  const provenance = await host.create(provenancePath(output));
  try {
    // All bytes of both files are on disk before either gets its name.
    await provenance.write(new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
    await provenance.finish();
    if (isCancelled(options.signal)) return { kind: 'cancelled' };
    await writer.commit({ replace: options.force });
    await provenance.commit({ replace: options.force });
  } finally {
    await provenance.discard();
  }
  return { kind: 'done', accepted, result };
}

/** Plans without the excluded layers, writes the result under a temporary name and verifies it. Null when cancelled. */
async function makeCandidate(
  host: Host,
  model: OpenModel,
  output: string,
  exclude: ReadonlyMap<string, string>,
  options: OptimizeOptions,
): Promise<Candidate | null> {
  const { analysis } = model;
  const plan = await options.recipe.plan({
    model: analysis.model,
    scope: analysis.scope,
    readTensor: model.readTensor,
    exclude,
    only: options.only,
    progress: (done, total, what) => {
      options.progress(`${options.recipe.name} ${done + 1}/${total} ${what}`);
    },
    signal: options.signal,
  });
  if (isCancelled(options.signal)) return null;
  const pieces = await planSplice(model.file, analysis.model, model.wire, plan.patch);
  const byteLength = plannedByteLength(pieces);
  if (changesNothing(plan) || options.dryRun) {
    return { plan, writer: null, byteLength, verification: notVerified() };
  }
  options.progress('writing');
  const writer = await host.create(output);
  try {
    for await (const bytes of renderPieces(model.file, pieces, options.signal)) {
      await writer.write(bytes);
    }
    if (isCancelled(options.signal)) {
      await writer.discard();
      return null;
    }
    await writer.finish();
    options.progress('verifying');
    const verification = await verifyCandidate(host, model, writer.temporaryPath, options);
    return { plan, writer, byteLength, verification };
  } catch (error) {
    await writer.discard();
    throw error;
  }
}

function verifyCandidate(
  host: Host,
  model: OpenModel,
  candidatePath: string,
  options: OptimizeOptions,
): Promise<Verification> {
  if (options.verify === 'none') return Promise.resolve(notVerified());
  const { externalLocations } = model;
  return verify({
    host,
    original: { path: model.path, externalLocations },
    candidate: { path: candidatePath, externalLocations },
    data: options.data,
    level: options.verify,
    bounds: { maxDrop: options.maxDrop, exact: options.recipe.safety === 'safe' },
    measureLatency: true,
    signal: options.signal,
    ...(options.runtime && { runtime: options.runtime }),
    ...(options.worker && { worker: options.worker }),
    ...(options.deadlineSeconds !== undefined && { deadlineSeconds: options.deadlineSeconds }),
  });
}
