import { createAdapter, type Adapter, type AdapterSession } from './adapter';
import type {
  Envelope,
  ReplyEnvelope,
  RequestKind,
  RuntimeReplies,
  RuntimeRequest,
} from './protocol';
import { timeRounds } from './timing';

/** Answers requests one after the other, in the worker process, until the parent's channel closes. */
export function serve(send: (reply: ReplyEnvelope) => void): void {
  const handle = createHandler();
  let queue = Promise.resolve();
  process.on('message', (envelope: Envelope) => {
    queue = queue.then(async () => {
      send(await answer(handle, envelope));
    });
  });
  process.on('disconnect', () => process.exit(0));
}

type Handler = (request: RuntimeRequest) => Promise<RuntimeReplies[RequestKind]>;

async function answer(handle: Handler, { id, request }: Envelope): Promise<ReplyEnvelope> {
  try {
    return { id, ok: true, value: await handle(request) };
  } catch (error) {
    return { id, ok: false, message: messageOf(error), broken: isTrap(error) };
  }
}

function createHandler(): Handler {
  let adapter: Adapter | null = null;
  let lastSession = 0;
  const sessions = new Map<number, AdapterSession>();
  const sessionOf = (id: number): AdapterSession => {
    const session = sessions.get(id);
    if (!session) throw new Error(`session ${id} is not open`);
    return session;
  };
  return async (request) => {
    switch (request.kind) {
      case 'start':
        adapter = await createAdapter(request.runtime, request.threads);
        return { runtime: adapter.kind, version: adapter.version };
      case 'load': {
        if (!adapter) throw new Error('the runtime is not started');
        const session = await adapter.load(request.model);
        lastSession += 1;
        sessions.set(lastSession, session);
        return { session: lastSession, ...session.info };
      }
      case 'run': {
        const results: RuntimeReplies['run'][number][] = [];
        for (const sample of request.samples) {
          results.push(await sessionOf(request.session).run(sample));
        }
        return results;
      }
      case 'time': {
        const before = sessionOf(request.before).prepare(request.sample);
        const after = sessionOf(request.after).prepare(request.sample);
        return timeRounds(before, after, request.options);
      }
      case 'release':
        await sessionOf(request.session).release();
        sessions.delete(request.session);
        return null;
    }
  };
}

function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'number' ? `C++ exception at address ${error}` : String(error);
}

/** WebAssembly traps, aborts and C++ exceptions that nobody caught (thrown as bare numbers) leave its heap undefined. */
function isTrap(error: unknown): boolean {
  if (typeof error === 'number') return true;
  if (!(error instanceof Error)) return false;
  return error.name === 'RuntimeError' || /^Aborted\(|out of memory/i.test(error.message);
}
