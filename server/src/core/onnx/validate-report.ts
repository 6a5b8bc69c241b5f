import { messageNaming } from '../format';
import type { ModelFunction } from '../graph';
import type { Problem, ProblemSink } from '../problem';
import { displayText } from './utf8';

/** Sizes that named dims were seen with. */
export type DimSizes = Map<string, number>;

/** What the checks of one model share. */
export interface Check {
  readonly sink: ProblemSink;
  /** Model-local functions by `functionKey`; of equal ones the first. */
  readonly localFunctions: ReadonlyMap<string, ModelFunction>;
  /** Named dims mean one size in the whole model: what was seen so far. */
  readonly dimSizes: DimSizes;
}

/** What tells model-local functions, and calls of them, apart. */
export function functionKey(domain: string, name: string, overload: string): string {
  return `${domain}:${name}:${overload}`;
}

/** Longer places help nobody, and their memory would be the file's choice. */
const maxWhereLength = 200;

/** Adds a problem about something that the file names; the name is shortened until the message fits. */
export function report(
  sink: ProblemSink,
  problem: Pick<Problem, 'code' | 'severity'> & { readonly where: string; readonly name: string },
  message: (shown: string) => string,
): void {
  const { code, severity, where, name } = problem;
  if (!sink.takes(code)) return;
  sink.add({
    code,
    severity,
    message: messageNaming(displayText(name), message),
    where: where.slice(0, maxWhereLength),
  });
}
