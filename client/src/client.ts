import {
  EventEmitter,
  workspace,
  type CancellationToken,
  type Event,
  type ExtensionContext,
  type LogOutputChannel,
} from 'vscode';
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
  optimizeRequest,
  trustNotification,
  type InitializationOptions,
  type Requests,
  type TrustParams,
} from '../../server/src/protocol';
import { documentSelector } from './documents';

/** The language server as the rest of the extension sees it: one that is always there. */
export interface Server {
  readonly log: LogOutputChannel;
  readonly state: () => ServerState;
  readonly onDidChangeState: Event<ServerState>;
  /** Starts the server when nobody did. Rejects when the server says no or is gone for good. */
  readonly request: <Method extends keyof Requests>(
    method: Method,
    params: Requests[Method]['params'],
    token?: CancellationToken,
  ) => Promise<Requests[Method]['result']>;
  /** Calls back with each text that the server reports for the token, until it is disposed. */
  readonly onProgress: (token: string, report: (text: string) => void) => { dispose(): void };
  /** Starts in the background. */
  readonly start: () => void;
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** `stopped`: it crashed too often, or did not start; only the user starts it again. */
export type ServerState = 'off' | 'starting' | 'running' | 'stopped';

/** One delay per crash within the window, in milliseconds; after the last the server stays stopped. */
const restartDelays = [250, 1000, 2000, 4000, 8000, 16_000];
const crashWindow = 3 * 60 * 1000;

/** A request that lost its server waits this long for the next one. */
const restartPatience = 20_000;

export function createServer(context: ExtensionContext, log: LogOutputChannel): Server {
  const states = new EventEmitter<ServerState>();
  let current: Session | null = null;
  let state: ServerState = 'off';
  const change = (next: ServerState): void => {
    if (next === state) return;
    state = next;
    states.fire(next);
  };
  const session = (): Session => {
    current ??= startSession(context, log, change);
    return current;
  };
  const stop = async (): Promise<void> => {
    const ending = current;
    current = null;
    await ending?.end();
    change('off');
  };
  context.subscriptions.push(
    states,
    workspace.onDidGrantWorkspaceTrust(() => current?.tellTrust()),
  );
  return {
    log,
    state: () => state,
    onDidChangeState: states.event,
    request: async (method, params, token) => {
      try {
        return await send(session(), method, params, token);
      } catch (error) {
        // Asking twice is harmless, except for what writes.
        if (method === optimizeRequest || !isConnectionLost(error)) throw error;
        if (!(await isRunningAgain(states.event, () => state))) throw error;
        return await send(session(), method, params, token);
      }
    },
    onProgress: (token, report) =>
      session().client.onProgress(WorkDoneProgress.type, token, (value) => {
        if (value.kind !== 'end' && value.message !== undefined) report(value.message);
      }),
    start: () => void session(),
    restart: async () => {
      log.info('Restarting the server.');
      await stop();
      await session().started;
    },
    stop,
  };
}

/** One language client and what became of it. A restart by the user makes a new one. */
interface Session {
  readonly client: LanguageClient;
  /** Rejects when the first start failed. */
  readonly started: Promise<void>;
  readonly tellTrust: () => void;
  readonly end: () => Promise<void>;
}

function startSession(
  context: ExtensionContext,
  log: LogOutputChannel,
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
  const started = client.start();
  started.then(
    () => {
      log.info(`The server is ready after ${Math.round(performance.now() - since)} ms.`);
    },
    (error: unknown) => {
      log.error(`The server did not start: ${String(error)}`);
    },
  );
  return {
    client,
    started,
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
  log: LogOutputChannel,
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
  log: LogOutputChannel,
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
  { client }: Session,
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

/** Whether the server comes up within the patience of a request. */
function isRunningAgain(changes: Event<ServerState>, state: () => ServerState): Promise<boolean> {
  return new Promise((resolve) => {
    const done = (isRunning: boolean): void => {
      clearTimeout(timer);
      listener.dispose();
      resolve(isRunning);
    };
    const timer = setTimeout(done, restartPatience, false);
    const listener = changes((next) => {
      if (next === 'running') done(true);
      else if (next === 'stopped' || next === 'off') done(false);
    });
    if (state() === 'stopped') done(false);
  });
}
