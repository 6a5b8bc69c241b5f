import { window, type LogOutputChannel } from 'vscode';

/** The log that users read, and what went wrong lately for "Show Debug Info". */
export interface RecordingLog extends LogOutputChannel {
  /** Warnings and errors, the newest last. */
  readonly recentProblems: () => readonly string[];
}

/** Who reports a bug needs no more. */
const maxProblems = 20;
const maxProblemLength = 2000;

export function createLog(name: string): RecordingLog {
  const channel = window.createOutputChannel(name, { log: true });
  const problems: string[] = [];
  const record = (level: string, message: unknown): void => {
    problems.push(`[${level}] ${String(message)}`.slice(0, maxProblemLength));
    if (problems.length > maxProblems) problems.shift();
  };
  return {
    name: channel.name,
    get logLevel() {
      return channel.logLevel;
    },
    onDidChangeLogLevel: channel.onDidChangeLogLevel,
    trace: (message, ...rest: readonly unknown[]) => {
      channel.trace(message, ...rest);
    },
    debug: (message, ...rest: readonly unknown[]) => {
      channel.debug(message, ...rest);
    },
    info: (message, ...rest: readonly unknown[]) => {
      channel.info(message, ...rest);
    },
    warn: (message, ...rest: readonly unknown[]) => {
      record('warning', message);
      channel.warn(message, ...rest);
    },
    error: (message, ...rest: readonly unknown[]) => {
      record('error', message instanceof Error ? (message.stack ?? message.message) : message);
      channel.error(message, ...rest);
    },
    append: (value) => {
      channel.append(value);
    },
    appendLine: (value) => {
      channel.appendLine(value);
    },
    replace: (value) => {
      channel.replace(value);
    },
    clear: () => {
      channel.clear();
    },
    show: (...args: readonly unknown[]) => {
      channel.show(args.at(-1) === true);
    },
    hide: () => {
      channel.hide();
    },
    dispose: () => {
      channel.dispose();
    },
    recentProblems: () => problems,
  };
}
