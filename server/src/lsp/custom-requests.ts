import { WorkDoneProgress, type Connection } from 'vscode-languageserver';
import { devices, findDevice } from '../core/cost/devices';
import { recipes } from '../core/transform/recipes';
import {
  compareDevicesRequest,
  debugInfoRequest,
  devicesRequest,
  lintWorkspaceRequest,
  modelReportRequest,
  modelStatusRequest,
  optimizeRequest,
  recipesRequest,
  textDocumentRequest,
  textUriRequest,
  type ModelReport,
  type ModelReportParams,
  type Requests,
} from '../protocol';
import type { Changes } from './changes';
import { optimizeCommand } from './commands';
import type { ServerHost } from './host';
import { modelReport } from './report';
import { confined, signalOf, type Handler } from './safe';
import type { Session } from './session';
import { createTextFeatures } from './text-features';
import { kindOf, normalized, textAddressOf, textUriOf } from './uris';
import { variantsOf } from './variants';

/** The requests of `protocol.ts`, and the command for editors that have none of ours. */
export function handleRequests(
  connection: Connection,
  host: ServerHost,
  session: Session,
  changes: Changes,
): void {
  const { models, estimates, jobs, scanner, linter } = session;
  const features = createTextFeatures(session);
  const on = <Method extends keyof Requests>(
    method: Method,
    empty: () => Requests[Method]['result'],
    handler: Handler<Requests[Method]['params'], Requests[Method]['result']>,
  ): void => {
    connection.onRequest(method, confined(method, host, empty, handler));
  };
  on(modelReportRequest, nothing, (params) => report(host, session, params));
  on(modelStatusRequest, nothing, ({ uri }) => estimates.status(uri));
  on(compareDevicesRequest, nothing, ({ uri, devices: ids }) => estimates.compare(uri, ids));
  on(textDocumentRequest, nothing, ({ uri }) => features.text(uri));
  on(textUriRequest, nothing, ({ uri }) => otherUri(uri));
  on(
    devicesRequest,
    () => [],
    () => {
      return devices.map(({ id, name, class: group }) => ({ id, name, class: group }));
    },
  );
  on(
    recipesRequest,
    () => [],
    () => {
      return recipes.map(({ name, title, safety }) => ({ name, title, safety }));
    },
  );
  on(optimizeRequest, nothing, async (params, token) => {
    const progress = progressTo(connection, params.progressToken, params.recipe);
    try {
      return await jobs.optimize(params, signalOf(token), progress.report);
    } finally {
      progress.end();
    }
  });
  on(lintWorkspaceRequest, nothing, async ({ progressToken }, token) => {
    const signal = signalOf(token);
    const progress = progressTo(connection, progressToken, 'lint');
    try {
      await changes.scan(signal);
      await scanner.settled(signal, (left) => {
        progress.report(`${left} files left`);
      });
    } finally {
      progress.end();
    }
    return linter.totals();
  });
  on(debugInfoRequest, nothing, () => ({
    version: host.version,
    node: host.process.node,
    platform: host.process.platform,
    cachedModels: models.cachedCount,
    filesLeft: scanner.left,
    memoryBytes: host.process.residentBytes(),
    trusted: session.isTrusted,
  }));
  connection.onExecuteCommand(
    confined('command', host, nothing, async ({ command, arguments: given = [] }, token) => {
      const [uri, recipe] = given as readonly unknown[];
      if (command !== optimizeCommand || typeof uri !== 'string' || typeof recipe !== 'string') {
        return null;
      }
      const progress = await connection.window.createWorkDoneProgress();
      progress.begin('Green AI', undefined, recipe, true);
      const signal = {
        get cancelled() {
          return token.isCancellationRequested || progress.token.isCancellationRequested;
        },
      };
      try {
        const answer = await jobs.optimize({ uri, recipe }, signal, (text) => {
          progress.report(text);
        });
        if (answer.kind === 'written') connection.window.showInformationMessage(answer.message);
        else connection.window.showWarningMessage(answer.message);
        return answer;
      } finally {
        progress.done();
      }
    }),
  );
}

function nothing(): null {
  return null;
}

async function report(
  host: ServerHost,
  { models }: Session,
  { uri, device }: ModelReportParams,
): Promise<ModelReport> {
  const modelUri = textAddressOf(uri)?.modelUri ?? normalized(uri);
  const [view, variants] = await Promise.all([models.open(modelUri), variantsOf(host, modelUri)]);
  return modelReport(view, {
    device: findDevice(device ?? '') ?? view.settings.settings.device,
    variants,
    ruleUri: host.ruleUri,
  });
}

function otherUri(given: string): string | null {
  const uri = normalized(given);
  const address = textAddressOf(uri);
  if (address) return address.modelUri;
  return kindOf(uri) === 'model' ? textUriOf(uri) : null;
}

/** Reports stages under the client's token; does nothing without one. */
function progressTo(
  connection: Connection,
  token: string | undefined,
  title: string,
): { readonly report: (message: string) => void; readonly end: () => void } {
  if (token === undefined) return { report: () => undefined, end: () => undefined };
  const send = (value: Parameters<typeof connection.sendProgress>[2]): void => {
    void connection.sendProgress(WorkDoneProgress.type, token, value as never);
  };
  send({ kind: 'begin', title });
  return {
    report: (message) => {
      send({ kind: 'report', message });
    },
    end: () => {
      send({ kind: 'end' });
    },
  };
}
