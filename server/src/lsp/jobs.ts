import { findDevice } from '../core/cost/devices';
import { formatBytes } from '../core/format';
import { findRecipe } from '../core/transform/recipes';
import type { CancelSignal } from '../core/source';
import { optimizeFile, siblingPath, type OptimizeResult } from '../optimize';
import type { OptimizeAnswer, OptimizeParams } from '../protocol';
import type { ServerHost } from './host';
import type { SettingsService } from './settings';
import { fileNameOf, kindOf, normalized, pathOf, textAddressOf, uriOf } from './uris';

export interface Jobs {
  /** Applies a recipe, verified, into a file beside the model. */
  optimize(
    params: OptimizeParams,
    signal: CancelSignal,
    progress: (text: string) => void,
  ): Promise<OptimizeAnswer>;
}

export interface JobParts {
  readonly host: ServerHost;
  readonly settings: SettingsService;
  readonly isTrusted: () => boolean;
  /** A new file lies there. */
  readonly written: (uri: string) => void;
}

export function createJobs({ host, settings, isTrusted, written }: JobParts): Jobs {
  /** Outputs that are being made. */
  const running = new Set<string>();
  return {
    optimize: async (params, signal, progress) => {
      if (!isTrusted()) {
        return refused('Nothing is executed or written in a workspace that is not trusted.');
      }
      const uri = textAddressOf(params.uri)?.modelUri ?? normalized(params.uri);
      const path = pathOf(uri);
      const recipe = findRecipe(params.recipe);
      if (path === null || kindOf(uri) !== 'model') {
        return refused(`${fileNameOf(uri)} is no model file on a disk.`);
      }
      if (!recipe) return refused(`There is no recipe "${params.recipe}".`);
      const own = await settings.of(uri);
      const device = findDevice(params.device ?? '') ?? own.settings.device;
      const output = siblingPath(path, recipe.suffix);
      if (params.force !== true && (await host.stat(output))) {
        return {
          ...answer('exists', `${fileNameOf(uriOf(output))} exists.`),
          outputUri: uriOf(output),
        };
      }
      if (running.has(output))
        return refused(`${fileNameOf(uriOf(output))} is being made already.`);
      running.add(output);
      try {
        const outcome = await optimizeFile(host, path, {
          recipe,
          device,
          output,
          force: params.force ?? false,
          verify: 'run',
          data: { inputs: params.calibration ?? 'beside' },
          maxDrop: params.maxDrop ?? own.editor.maxDrop,
          dryRun: false,
          dims: new Map(),
          only: null,
          progress,
          signal,
          toolVersion: host.version,
        });
        if (outcome.kind === 'cancelled')
          return answer('cancelled', 'Cancelled; nothing was written.');
        if (outcome.kind === 'refused') return refused(`${outcome.reason}.`);
        if (outcome.result.output !== null) written(uriOf(outcome.result.output));
        return answerOf(outcome.result);
      } finally {
        running.delete(output);
      }
    },
  };
}

function answer(kind: OptimizeAnswer['kind'], message: string): OptimizeAnswer {
  return {
    kind,
    message,
    outputUri: null,
    bytesBefore: null,
    bytesAfter: null,
    accuracyBefore: null,
    accuracyAfter: null,
    details: [],
  };
}

function refused(message: string): OptimizeAnswer {
  return answer('refused', message);
}

function answerOf(result: OptimizeResult): OptimizeAnswer {
  const { output, verification, warnings, rolledBack, skipped } = result;
  const kind =
    output !== null ? 'written' : result.changedNodes.length === 0 ? 'unchanged' : 'rejected';
  const [first = 'Nothing was written.'] = warnings;
  const size = `${formatBytes(result.bytesBefore)} → ${formatBytes(result.bytesAfter)}`;
  const name = output === null ? '' : fileNameOf(uriOf(output));
  return {
    kind,
    message: output === null ? first : `Written: ${name}, ${size}, ${provenText(result)}.`,
    outputUri: output === null ? null : uriOf(output),
    bytesBefore: result.bytesBefore,
    bytesAfter: result.bytesAfter,
    accuracyBefore: verification.accuracy?.before ?? null,
    accuracyAfter: verification.accuracy?.after ?? null,
    details: [
      ...verification.reasons,
      ...warnings,
      ...[...rolledBack, ...skipped].map(({ node, reason }) => `${node} kept: ${reason}`),
    ],
  };
}

function provenText({ verification }: OptimizeResult): string {
  const { accuracy, samples, decision } = verification;
  if (accuracy) return `accuracy ${points(accuracy.before)} → ${points(accuracy.after)}`;
  return decision === 'pass' ? `verified on ${samples} samples` : 'not proven: no real inputs';
}

/** Accuracy to a hundredth of a point: the bound is half a point. */
function points(share: number): string {
  return `${(share * 100).toFixed(2)} %`;
}
