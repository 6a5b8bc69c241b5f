import {
  EventEmitter,
  workspace,
  type CancellationToken,
  type Event,
  type ExtensionContext,
} from 'vscode';
import { optimizeRequest, type Requests } from '../../server/src/protocol';
import type { RecordingLog } from './log';
import type { Session } from './session';

/** The language server as the rest of the extension sees it: one that is always there. */
export interface Server {
  readonly log: RecordingLog;
  readonly state: () => ServerState;
  /** How long the last server took from its start to its first answer; null before. */
  readonly readyMilliseconds: () => Promise<number | null>;
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

/** A request that lost its server waits this long for the next one. */
const restartPatience = 20_000;

export function createServer(context: ExtensionContext, log: RecordingLog): Server {
  const states = new EventEmitter<ServerState>();
  let current: Promise<Session> | null = null;
  let state: ServerState = 'off';
  const change = (next: ServerState): void => {
    if (next === state) return;
    state = next;
    states.fire(next);
  };
  const session = (): Promise<Session> => {
    current ??= startSession(context, log, change);
    return current;
  };
  const stop = async (): Promise<void> => {
    const ending = current;
    current = null;
    await (await ending)?.end();
    change('off');
  };
  context.subscriptions.push(
    states,
    workspace.onDidGrantWorkspaceTrust(async () => {
      (await current)?.tellTrust();
    }),
  );
  return {
    log,
    state: () => state,
    readyMilliseconds: async () => (await current)?.readyMilliseconds() ?? null,
    onDidChangeState: states.event,
    request: async (method, params, token) => {
      const asked = await session();
      try {
        return await asked.send(method, params, token);
      } catch (error) {
        // Asking twice is harmless, except for what writes.
        if (method === optimizeRequest || !asked.isConnectionLost(error)) throw error;
        if (!(await isRunningAgain(states.event, () => state))) throw error;
        return await (await session()).send(method, params, token);
      }
    },
    onProgress: (token, report) => {
      const listening = session().then((one) => one.onProgress(token, report));
      return {
        dispose: () => {
          void listening.then((listener) => {
            listener.dispose();
          });
        },
      };
    },
    start: () => void session(),
    restart: async () => {
      log.info('Restarting the server.');
      await stop();
      await (
        await session()
      ).started;
    },
    stop,
  };
}

/** The language client is loaded when it is needed, and after what runs now: it is most of the extension's code. */
async function startSession(
  context: ExtensionContext,
  log: RecordingLog,
  change: (state: ServerState) => void,
): Promise<Session> {
  await new Promise((resolve) => setImmediate(resolve));
  const { createSession } = await import('./session');
  return createSession(context, log, change);
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
