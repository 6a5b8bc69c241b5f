import type { Range } from './core/interval';
import type { Device } from './core/cost/devices';
import type { Estimate } from './core/cost/energy';
import { planSplice, plannedByteLength, renderPieces } from './core/onnx/splice';
import type { Recipe, SkippedNode, TransformPlan } from './core/transform/recipe';
import { isCancelled, type CancelSignal } from './core/source';
import { folderOf, openModel, type OpenModel } from './engine';
import type { FileWriter, Host } from './host';
import type { DataRequest } from './runtime/prepare-data';
import { notVerified, verify, type Verification } from './runtime/verify';
import { searchRollback } from './rollback';

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
}

/** The contract's answer of `optimize`; `output` null when nothing was written, `warnings` say why. */
export interface OptimizeResult {
  readonly schemaVersion: 1;
  readonly input: string;
  readonly output: string | null;
  readonly recipe: string;
  readonly device: string;
  readonly dryRun: boolean;
  readonly bytesBefore: number;
  readonly bytesAfter: number | null;
  readonly changedNodes: readonly string[];
  readonly rolledBack: readonly SkippedNode[];
  readonly skipped: readonly SkippedNode[];
  readonly verification: Verification;
  readonly energyJoules: EnergyChange | null;
  readonly warnings: readonly string[];
  readonly provenance: string | null;
}

export interface EnergyChange {
  readonly before: Range | null;
  readonly after: Range | null;
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
  const refusal = await refuseOutput(host, path, output, options);
  if (refusal !== null) return { kind: 'refused', reason: refusal };
  const opened = await openModel(host, path, { dims: options.dims, signal: options.signal });
  if (opened.kind === 'unreadable') return { kind: 'refused', reason: `${path}: ${opened.reason}` };
  if (opened.kind === 'broken') {
    return { kind: 'refused', reason: `${path}: ${opened.problems[0]?.message ?? 'not readable'}` };
  }
  const { model } = opened;
  try {
    if (model.externalLocations.length > 0 && folderOf(output) !== folderOf(path)) {
      const reason = 'the model has external data: write the new file into the same folder';
      return { kind: 'refused', reason };
    }
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

/** `OUT.green-ai.json`. */
export function provenancePath(output: string): string {
  return `${output}.green-ai.json`;
}

async function refuseOutput(
  host: Host,
  path: string,
  output: string,
  { force, dryRun }: OptimizeOptions,
): Promise<string | null> {
  if (output === path) return `${output} is the original; originals are never overwritten`;
  if (dryRun || force) return null;
  const taken = (await host.exists(output))
    ? output
    : (await host.exists(provenancePath(output)))
      ? provenancePath(output)
      : null;
  return taken === null ? null : `${taken} exists; give another name with -o or use --force`;
}

/** A candidate on disk under a temporary name. */
export interface Candidate {
  readonly plan: TransformPlan;
  readonly writer: FileWriter | null;
  readonly byteLength: number;
  readonly verification: Verification;
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
      bound: options.maxDrop,
      progress: options.progress,
      signal: options.signal,
      attempt: (exclude) => makeCandidate(host, model, output, exclude, options),
    });
    candidate = found.candidate;
    for (const [node, reason] of found.rolledBack) rolledBack.set(node, reason);
  }
  if (!candidate || isCancelled(options.signal)) {
    await candidate?.writer?.discard();
    return { kind: 'cancelled' };
  }
  const accepted = candidate.verification.decision !== 'fail';
  const result = await resultOf(host, model, output, candidate, rolledBack, options);
  if (!accepted || !candidate.writer) {
    await candidate.writer?.discard();
    return { kind: 'done', accepted, result };
  }
  const hashAfter = await host.sha256(model.path);
  if (hashAfter !== hashBefore) {
    await candidate.writer.discard();
    return { kind: 'refused', reason: `${model.path} changed while it was read; run again` };
  }
  await writeProvenance(host, output, hashBefore, candidate, result, options);
  await candidate.writer.commit({ replace: options.force });
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
  const changesNothing =
    plan.changedNodes.length === 0 && plan.patch.removeInitializers.length === 0;
  if (changesNothing || options.dryRun) {
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
    ...(options.deadlineSeconds !== undefined && { deadlineSeconds: options.deadlineSeconds }),
  });
}

async function resultOf(
  host: Host,
  model: OpenModel,
  output: string,
  candidate: Candidate,
  rolledBack: ReadonlyMap<string, string>,
  options: OptimizeOptions,
): Promise<OptimizeResult> {
  const { plan, verification, writer } = candidate;
  const accepted = verification.decision !== 'fail' && writer !== null;
  const after = writer ? await analyzeAfter(host, writer.temporaryPath, options) : null;
  const before = model.analysis.estimateOn(options.device);
  return {
    schemaVersion: 1,
    input: model.path,
    output: accepted ? output : null,
    recipe: options.recipe.name,
    device: options.device.id,
    dryRun: options.dryRun,
    bytesBefore: model.file.byteLength + model.externalBytes,
    bytesAfter: after?.bytes ?? null,
    changedNodes: plan.changedNodes,
    rolledBack: [...rolledBack].map(([node, reason]) => ({ node, reason })),
    skipped: plan.skipped.filter(({ node }) => !rolledBack.has(node)),
    verification,
    energyJoules: { before: before.energyJoules, after: after?.estimate.energyJoules ?? null },
    warnings: warningsOf(candidate, before, after, options),
    provenance: accepted ? provenancePath(output) : null,
  };
}

interface AfterFacts {
  readonly estimate: Estimate;
  /** The file and the external bytes it still refers to. */
  readonly bytes: number;
  readonly externalBytes: number;
}

async function analyzeAfter(
  host: Host,
  path: string,
  { dims, device }: OptimizeOptions,
): Promise<AfterFacts | null> {
  const opened = await openModel(host, path, { dims });
  if (opened.kind !== 'model') return null;
  const { analysis, file, externalBytes } = opened.model;
  try {
    const bytes = file.byteLength + externalBytes;
    return { estimate: analysis.estimateOn(device), bytes, externalBytes };
  } finally {
    await opened.model.close();
  }
}

function warningsOf(
  { plan, verification, writer }: Candidate,
  before: Estimate,
  after: AfterFacts | null,
  { device, verify: level, dryRun }: OptimizeOptions,
): string[] {
  const warnings: string[] = [];
  if (plan.changedNodes.length === 0) {
    const first = plan.skipped[0];
    warnings.push(
      `Nothing to change${first ? `: ${first.node} stays because ${first.reason}` : ''}.`,
    );
  }
  if (verification.decision === 'fail') {
    warnings.push(`Not written: ${verification.reasons[0] ?? 'verification failed'}`);
  } else if (writer && verification.decision === 'unproven') {
    const what = level === 'none' ? 'Not verified' : 'Not proven';
    warnings.push(`${what}: ${verification.reasons[0] ?? 'no real inputs were given'}`);
  }
  const energy = [before.energyJoules?.mid, after?.estimate.energyJoules?.mid] as const;
  if (energy[0] !== undefined && energy[1] !== undefined && energy[1] >= energy[0]) {
    warnings.push(
      `On ${device.name} the result is estimated to take no less energy than the original.`,
    );
  }
  if (verification.latency?.verdict === 'slower') {
    warnings.push('Measured here, the result is slower than the original.');
  }
  if (after && after.externalBytes > 0) {
    warnings.push(
      `The new model still reads ${after.externalBytes} bytes of the original’s external data.`,
    );
  }
  if (dryRun) warnings.push('Dry run: nothing was written or verified.');
  return warnings;
}

async function writeProvenance(
  host: Host,
  output: string,
  inputSha256: string,
  { writer, plan }: Candidate,
  result: OptimizeResult,
  options: OptimizeOptions,
): Promise<void> {
  const record = {
    schemaVersion: 1,
    tool: `green-ai ${options.toolVersion}`,
    recipe: options.recipe.name,
    input: { path: fileName(result.input), sha256: inputSha256, bytes: result.bytesBefore },
    output: {
      path: fileName(output),
      sha256: writer ? await host.sha256(writer.temporaryPath) : null,
      bytes: result.bytesAfter,
    },
    changedNodes: plan.changedNodes,
    rolledBack: result.rolledBack,
    skipped: result.skipped,
    verification: result.verification,
    device: result.device,
    energyJoules: result.energyJoules,
    warnings: result.warnings,
  };
  const file = await host.create(provenancePath(output));
  try {
    await file.write(new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`));
    await file.commit({ replace: options.force });
  } catch (error) {
    await file.discard();
    throw error;
  }
}

function fileName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}
