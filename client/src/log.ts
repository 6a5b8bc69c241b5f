import { window, type LogOutputChannel } from 'vscode';

/** The log that users read, and what went wrong lately for "Show Debug Info". */
export interface RecordingLog extends LogOutputChannel {
  /** Warnings and errors, the newest last. */
  readonly recentProblems: () => readonly string[];
}

/** Who reports a bug needs no more. */
const maxProblems = 20;
const maxProblemLength = 2000;

/** An output channel that keeps its last warnings and errors. */
export function createLog(name: string): RecordingLog {
  const channel = window.createOutputChannel(name, { log: true });
  const problems: string[] = [];
  const record = (level: string, message: string): void => {
    problems.push(`[${level}] ${message}`.slice(0, maxProblemLength));
    if (problems.length > maxProblems) problems.shift();
  };
  const own: Partial<RecordingLog> = {
    recentProblems: () => problems,
    warn: (message, ...rest: readonly unknown[]) => {
      record('warning', message);
      channel.warn(message, ...rest);
    },
    error: (error, ...rest: readonly unknown[]) => {
      record('error', typeof error === 'string' ? error : (error.stack ?? error.message));
      channel.error(error, ...rest);
    },
  };
  // The target is empty: the editor may freeze its channels, and a proxy of a frozen object changes nothing.
  return new Proxy({} as RecordingLog, {
    get: (_target, key): unknown => Reflect.get(key in own ? own : channel, key),
    has: (_target, key) => key in own || key in channel,
  });
}
