import {
  ProgressLocation,
  commands,
  window,
  workspace,
  Uri,
  type CancellationToken,
  type Event,
  EventEmitter,
  type Progress,
} from 'vscode';
import {
  optimizeRequest,
  recipesRequest,
  type OptimizeAnswer,
  type RecipeChoice,
} from '../../server/src/protocol';
import type { Server } from './client';
import { modelViewType, nameOf } from './documents';
import { withoutLinks } from './notify';

/** Rewriting models: asked for by commands and by the model view. */
export interface Optimizer {
  /** Asks for the recipe among those that `isOffered` lets through. */
  readonly choose: (model: Uri, isOffered?: (recipe: RecipeChoice) => boolean) => Promise<void>;
  readonly run: (model: Uri, recipe: string) => Promise<void>;
  /** A file was written beside this model. */
  readonly onDidWrite: Event<Uri>;
}

export function createOptimizer(server: Server): Optimizer & { dispose(): void } {
  const written = new EventEmitter<Uri>();
  const run = async (model: Uri, recipe: string): Promise<void> => {
    if (!(await isAllowed())) return;
    let answer = await runOnce(server, model, recipe, false);
    if (answer?.kind === 'exists') {
      if (!(await mayReplace(answer))) return;
      answer = await runOnce(server, model, recipe, true);
    }
    if (answer === null) return;
    if (answer.kind === 'written') written.fire(model);
    await show(server, answer);
  };
  return {
    run,
    choose: async (model, isOffered = () => true) => {
      if (!(await isAllowed())) return;
      const offered = (await server.request(recipesRequest, null)).filter(isOffered);
      const picked = await window.showQuickPick(
        offered.map(({ name, title, safety }) => ({
          label: title,
          description: name,
          detail: safetyTexts[safety],
          name,
        })),
        {
          title: `Optimise ${nameOf(model)}`,
          placeHolder: 'A new file is written beside the model',
        },
      );
      if (picked) await run(model, picked.name);
    },
    onDidWrite: written.event,
    dispose: () => {
      written.dispose();
    },
  };
}

/** Why nothing may be run or written here; null: it may. */
export function refusal(): string | null {
  if (!workspace.isTrusted) return 'Fixes run and write files: that needs a trusted workspace.';
  return isVirtual() ? 'Fixes need a folder on disk; this workspace is virtual.' : null;
}

function isVirtual(): boolean {
  const folders = workspace.workspaceFolders ?? [];
  return folders.length > 0 && folders.every(({ uri }) => uri.scheme !== 'file');
}

const safetyTexts: Readonly<Record<RecipeChoice['safety'], string>> = {
  safe: 'The same outputs',
  lossy: 'Changes outputs a little; checked against the original',
  'needs-verification': 'Changes outputs; kept only if the check on real inputs passes',
};

async function isAllowed(): Promise<boolean> {
  const reason = refusal();
  if (reason === null) return true;
  if (workspace.isTrusted) {
    await window.showWarningMessage(reason);
    return false;
  }
  const manage = 'Manage Trust';
  if ((await window.showWarningMessage(reason, manage)) === manage) {
    await commands.executeCommand('workbench.trust.manage');
  }
  return false;
}

/** Null: cancelled. */
async function runOnce(
  server: Server,
  model: Uri,
  recipe: string,
  force: boolean,
): Promise<OptimizeAnswer | null> {
  const work = async (
    progress: Progress<{ message?: string }>,
    token: CancellationToken,
  ): Promise<OptimizeAnswer | null> => {
    const progressToken = crypto.randomUUID();
    const listener = server.onProgress(progressToken, (message) => {
      progress.report({ message: withoutLinks(message) });
    });
    try {
      const uri = model.toString();
      return await server.request(optimizeRequest, { uri, recipe, force, progressToken }, token);
    } catch (error) {
      if (token.isCancellationRequested) return null;
      throw error;
    } finally {
      listener.dispose();
    }
  };
  const location = ProgressLocation.Notification;
  const title = withoutLinks(`${recipe}: ${nameOf(model)}`);
  const answer = await window.withProgress({ location, title, cancellable: true }, work);
  return answer?.kind === 'cancelled' ? null : answer;
}

async function mayReplace(answer: OptimizeAnswer): Promise<boolean> {
  const name = answer.outputUri === null ? 'The file' : nameOf(Uri.parse(answer.outputUri));
  const replace = 'Replace';
  const picked = await window.showWarningMessage(
    withoutLinks(`${name} exists already. Replace it?`),
    { modal: true },
    replace,
  );
  return picked === replace;
}

/** Opens what was written, and says what it changed. */
async function show(server: Server, answer: OptimizeAnswer): Promise<void> {
  for (const line of [answer.message, ...answer.details]) server.log.info(line);
  if (answer.kind === 'written' && answer.outputUri !== null) {
    await commands.executeCommand('vscode.openWith', Uri.parse(answer.outputUri), modelViewType, {
      preview: false,
    });
  }
  const text = withoutLinks(answer.message);
  const isFine = answer.kind === 'written' || answer.kind === 'unchanged';
  const say = isFine ? window.showInformationMessage : window.showWarningMessage;
  if (answer.details.length === 0) {
    void say(text);
    return;
  }
  const details = 'Show Details';
  // Not awaited: the message may stay for as long as the user likes.
  void say(text, details).then((picked) => {
    if (picked === details) server.log.show();
  });
}
