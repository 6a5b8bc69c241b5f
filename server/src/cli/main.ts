import { createNodeHost } from '../host-node';
import { run } from './program';

declare const GREEN_AI_VERSION: string | undefined;

const version = typeof GREEN_AI_VERSION === 'string' ? GREEN_AI_VERSION : '0.0.0-source';

/** 128 and the signal's number, as shells have it. */
const exitOnInterrupt = 130;

async function main(): Promise<void> {
  const signal = { cancelled: false };
  // Not `once`: a listener that is gone by then would leave the signal to those who end the process at once.
  process.on('SIGINT', () => {
    // The first asks politely, so that nothing half-written is left; the second ends the process.
    if (signal.cancelled) process.exit(exitOnInterrupt);
    signal.cancelled = true;
  });
  let isRead = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    ignoreClosedPipe(error);
    isRead = false;
  });
  process.stderr.on('error', ignoreClosedPipe);
  process.exitCode = await run(process.argv.slice(2), {
    host: createNodeHost(),
    out: (text) => process.stdout.write(text),
    async drained() {
      if (isRead && process.stdout.writableNeedDrain) await oneOf(process.stdout, 'drain', 'error');
      return isRead;
    },
    err: (text) => process.stderr.write(text),
    signal,
    version,
    isTerminal: process.stdout.isTTY,
  });
}

function oneOf(stream: NodeJS.WriteStream, ...events: readonly string[]): Promise<void> {
  return new Promise((resolve) => {
    const settle = (): void => {
      for (const event of events) stream.off(event, settle);
      resolve();
    };
    for (const event of events) stream.on(event, settle);
  });
}

/** `green-ai … | head` closes the pipe early. */
function ignoreClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
}

main().catch((error: unknown) => {
  const text = error instanceof Error ? error.message : String(error);
  process.stderr.write(`green-ai: unexpected failure: ${text}; please report it\n`);
  process.exitCode = 2;
});
