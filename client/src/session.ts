import { workspace, type CancellationToken, type ExtensionContext } from 'vscode';
import {
  CloseAction,
  ErrorAction,
  ErrorCodes,
  LanguageClient,
  ResponseError,
  RevealOutputChannelOn,
  State,
  TransportKind,
  WorkDoneProgress,
  type CloseHandlerResult,
  type LanguageClientOptions,
  type ServerOptions,
} from 'vscode-languageclient/node';
import {
  editorCommands,
  trustNotification,
  type InitializationOptions,
  type Requests,
  type TrustParams,
} from '../../server/src/protocol';
import type { ServerState } from './client';
import { documentSelector } from './documents';
import type { RecordingLog } from './log';

/** One language client and what became of it. A restart by the user makes a new one. */
export interface Session {
  readonly send: <Method extends keyof Requests>(
    method: Method,
    params: Requests[Method]['params'],
    token?: CancellationToken,
  ) => Promise<Requests[Method]['result']>;
  readonly isConnectionLost: (error: unknown) => boolean;
  readonly onProgress: (token: string, report: (text: string) => void) => { dispose(): void };
  /** Rejects when the first start failed. */
  readonly started: Promise<void>;
  /** From the start of the process to its answer; null before. */
  readonly readyMilliseconds: () => number | null;
  readonly tellTrust: () => void;
  readonly end: () => Promise<void>;
}

export function createSession(
  context: ExtensionContext,
  log: RecordingLog,
  change: (state: ServerState) => void,
): Session {
  let isEnded = false;
  const closed = restartWithBackoff(log, () => isEnded, change);
  const client = new QuietClient(
    'greenAi',
    'Green AI',
    serverOptions(context),
    clientOptions(log, closed),
  );
  const tellTrust = (): void => {
    const params: TrustParams = { trusted: workspace.isTrusted };
    client.sendNotification(trustNotification, params).catch((error: unknown) => {
      log.warn(`The server was not told about trust: ${String(error)}`);
    });
  };
  const listener = client.onDidChangeState(({ newState }) => {
    if (isEnded) return;
    const name = stateNames.get(newState);
    if (name) change(name);
    if (newState === State.Running) tellTrust();
  });
  const since = performance.now();
  let readyMilliseconds: number | null = null;
  const started = client.start();
  started.then(
    () => {
      readyMilliseconds = Math.round(performance.now() - since);
      log.info(`The server is ready after ${readyMilliseconds} ms.`);
    },
    (error: unknown) => {
      log.error(`The server did not start: ${String(error)}`);
    },
  );
  return {
    send: (method, params, token) => send(client, method, params, token),
    isConnectionLost,
    onProgress: (token, report) =>
      client.onProgress(WorkDoneProgress.type, token, (value) => {
        if (value.kind !== 'end' && value.message !== undefined) report(value.message);
      }),
    started,
    readyMilliseconds: () => readyMilliseconds,
    tellTrust,
    end: async () => {
      isEnded = true;
      listener.dispose();
      await client.dispose().catch((error: unknown) => {
        log.debug(`The server was gone already: ${String(error)}`);
      });
    },
  };
}

/** One delay per crash within the window, in milliseconds; after the last the server stays stopped. */
const restartDelays = [250, 1000, 2000, 4000, 8000, 16_000];
const crashWindow = 3 * 60 * 1000;

/** Without `Stopped`: the client passes through it on its way to the next server. */
const stateNames: ReadonlyMap<State, ServerState> = new Map([
  [State.Starting, 'starting'],
  [State.StartFailed, 'stopped'],
  [State.Running, 'running'],
]);

/** The library shows some failures to the user whatever its options say; here they go to the log only. */
class QuietClient extends LanguageClient {
  override error(message: string, data?: unknown): void {
    super.error(message, data, false);
  }
}

function serverOptions(context: ExtensionContext): ServerOptions {
  const run = {
    module: context.asAbsolutePath('dist/server.js'),
    transport: TransportKind.ipc,
  };
  return { run, debug: { ...run, options: { execArgv: ['--nolazy', '--inspect=6009'] } } };
}

function initializationOptions(): InitializationOptions {
  return { editorCommands: true, trusted: workspace.isTrusted };
}

function clientOptions(
  log: RecordingLog,
  closed: () => Promise<CloseHandlerResult>,
): LanguageClientOptions {
  return {
    documentSelector,
    outputChannel: log,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions,
    initializationFailedHandler: (error) => {
      log.error(`The server did not initialise: ${String(error)}`);
      return false;
    },
    errorHandler: {
      error: (error) => {
        log.error(`Connection to the server: ${error.message}`);
        return { action: ErrorAction.Continue, handled: true };
      },
      closed,
    },
    diagnosticPullOptions: { onChange: true, onSave: true, onTabs: true },
    markdown: { isTrusted: { enabledCommands: Object.values(editorCommands) } },
  };
}

function restartWithBackoff(
  log: RecordingLog,
  isEnded: () => boolean,
  change: (state: ServerState) => void,
): () => Promise<CloseHandlerResult> {
  let crashes: readonly number[] = [];
  return async () => {
    const now = Date.now();
    crashes = [...crashes.filter((time) => now - time < crashWindow), now];
    const delay = restartDelays[crashes.length - 1];
    if (delay === undefined) {
      change('stopped');
      const message = `The server ended ${crashes.length} times in ${crashWindow / 60_000} minutes.`;
      return { action: CloseAction.DoNotRestart, message, handled: true };
    }
    change('starting');
    log.warn(`The server ended unexpectedly; it starts again in ${delay / 1000} s.`);
    await new Promise((resolve) => setTimeout(resolve, delay));
    const action = isEnded() ? CloseAction.DoNotRestart : CloseAction.Restart;
    return { action, handled: true };
  };
}

function send<Method extends keyof Requests>(
  client: LanguageClient,
  method: Method,
  params: Requests[Method]['params'],
  token: CancellationToken | undefined,
): Promise<Requests[Method]['result']> {
  type Result = Requests[Method]['result'];
  // A token that is undefined would be sent as a second parameter.
  return token
    ? client.sendRequest<Result>(method, params, token)
    : client.sendRequest<Result>(method, params);
}

function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof ResponseError))
    return error instanceof Error && /connection/i.test(error.message);
  return (
    error.code === ErrorCodes.PendingResponseRejected ||
    error.code === ErrorCodes.ConnectionInactive
  );
}
