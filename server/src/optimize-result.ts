import type { Range } from './core/interval';
import type { Estimate } from './core/cost/energy';
import type { SkippedNode, TransformPlan } from './core/transform/recipe';
import { openModel, type OpenModel } from './engine';
import { fileName } from './external-data';
import type { FileWriter, Host } from './host';
import type { OptimizeOptions } from './optimize';
import type { Verification } from './runtime/verify';

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

/** A candidate on disk under a temporary name. */
export interface Candidate {
  readonly plan: TransformPlan;
  readonly writer: FileWriter | null;
  /** Of the file itself, without external data. */
  readonly byteLength: number;
  readonly verification: Verification;
}

/** What is told of a candidate, whether it was accepted or not. */
export async function resultOf(
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
    bytesAfter: after?.bytes ?? plannedBytes(model, candidate, options),
    changedNodes: plan.changedNodes,
    rolledBack: [...rolledBack].map(([node, reason]) => ({ node, reason })),
    skipped: plan.skipped.filter(({ node }) => !rolledBack.has(node)),
    verification,
    energyJoules: { before: before.energyJoules, after: after?.estimate.energyJoules ?? null },
    warnings: warningsOf(candidate, before, after, options),
    provenance: accepted ? provenancePath(output) : null,
  };
}

/** What a dry run can say of the size; how much external data would still be used shows only in the new file. */
function plannedBytes(
  { externalBytes }: OpenModel,
  { byteLength }: Candidate,
  { dryRun }: OptimizeOptions,
): number | null {
  return dryRun && externalBytes === 0 ? byteLength : null;
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
  if (changesNothing(plan)) {
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
  for (const { message } of verification.problems) warnings.push(`Data not used: ${message}`);
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

/** `OUT.green-ai.json`. */
export function provenancePath(output: string): string {
  return `${output}.green-ai.json`;
}

/** Then there is no new file to write. */
export function changesNothing({ changedNodes, patch }: TransformPlan): boolean {
  return changedNodes.length === 0 && patch.removeInitializers.length === 0;
}

interface Origin {
  readonly inputSha256: string;
  readonly outputSha256: string;
  readonly output: string;
  readonly toolVersion: string;
}

/** What was done to which file, and how it was verified: the contents of `OUT.green-ai.json`. */
export function provenanceOf(result: OptimizeResult, origin: Origin): unknown {
  return {
    schemaVersion: 1,
    tool: `green-ai ${origin.toolVersion}`,
    recipe: result.recipe,
    input: {
      path: fileName(result.input),
      sha256: origin.inputSha256,
      bytes: result.bytesBefore,
    },
    output: {
      path: fileName(origin.output),
      sha256: origin.outputSha256,
      bytes: result.bytesAfter,
    },
    changedNodes: result.changedNodes,
    rolledBack: result.rolledBack,
    skipped: result.skipped,
    verification: result.verification,
    device: result.device,
    energyJoules: result.energyJoules,
    warnings: result.warnings,
  };
}
