import { LSPErrorCodes, ResponseError, type CancellationToken } from 'vscode-languageserver';
import { isCancelled, type CancelSignal } from '../core/source';
import type { Host } from '../host';

/** A handler of a request: what was asked, and whether the answer is still wanted. */
export type Handler<Params, Result> = (
  params: Params,
  token: CancellationToken,
) => Result | Promise<Result>;

/**
 * A handler that cannot take the server down: a failure is logged and answered with `empty`, a request that is no
 * longer wanted with the protocol's error for it.
 */
export function confined<Params, Result>(
  name: string,
  host: Pick<Host, 'log'>,
  empty: () => Result,
  handler: Handler<Params, Result>,
): (params: Params, token: CancellationToken) => Promise<Result | ResponseError<never>> {
  return async (params, token) => {
    // Changes and cancellations that have arrived already are read first.
    await nextTurn();
    const signal = signalOf(token);
    if (isCancelled(signal)) return cancelled();
    try {
      const result = await handler(params, token);
      return isCancelled(signal) ? cancelled() : result;
    } catch (error) {
      host.log(`${name} failed: ${describeError(error)}`);
      return empty();
    }
  };
}

function cancelled(): ResponseError<never> {
  return new ResponseError<never>(LSPErrorCodes.RequestCancelled, 'cancelled');
}

/** Runs what nobody waits for. */
export function inBackground(
  name: string,
  host: Pick<Host, 'log'>,
  work: () => Promise<unknown>,
): void {
  work().catch((error: unknown) => {
    host.log(`${name} failed: ${describeError(error)}`);
  });
}

export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function signalOf(token: CancellationToken): CancelSignal {
  return {
    get cancelled() {
      return token.isCancellationRequested;
    },
  };
}

/** Lets requests that wait be answered before the next piece of work. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A step that took longer may have kept somebody waiting. */
const longMilliseconds = 30;
/** A request is read, parsed, answered and sent in several turns. */
const turnsPerRequest = 8;

/**
 * Pauses between the steps of one long piece of work: after a short step the others get one turn, after a long one
 * enough for whole requests.
 */
export function createPauses(now: () => number = () => performance.now()): () => Promise<void> {
  let before = now();
  return async () => {
    const turns = now() - before > longMilliseconds ? turnsPerRequest : 1;
    if (turns > 1) await new Promise((resolve) => setTimeout(resolve, turns));
    for (let turn = 0; turn < turns; turn++) await nextTurn();
    before = now();
  };
}
