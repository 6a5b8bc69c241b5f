import { withinMessageLength } from './format';

/** What was wrong with an input. Core returns these; it never throws on input. */
export interface Problem {
  /** Stable kebab-case id, the `ruleId` of the finding made from it: `malformed-onnx`, `tensor-size-mismatch` … */
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'info';
  /** One sentence: what, where, what to do. At most 120 characters in a sink. */
  readonly message: string;
  /** Node path (`main/conv1`), tensor name or file offset the problem is about, when known. */
  readonly where?: string;
}

/** Gathers problems up to a cap, so that a hostile file cannot make a million of them. */
export interface ProblemSink {
  add(problem: Problem): void;
  /** False when another problem of this code would be left out: who has many need not make their messages. */
  takes(code: string): boolean;
  readonly problems: readonly Problem[];
}

/** A finding list longer than this is noise, and its memory would be the attacker's choice. */
const maxProblemsPerCode = 20;

export function createProblemSink(): ProblemSink {
  const problems: Problem[] = [];
  const countByCode = new Map<string, number>();
  return {
    problems,
    takes: (code) => (countByCode.get(code) ?? 0) < maxProblemsPerCode,
    add(problem) {
      const count = (countByCode.get(problem.code) ?? 0) + 1;
      countByCode.set(problem.code, count);
      if (count <= maxProblemsPerCode)
        problems.push({ ...problem, message: withinMessageLength(problem.message) });
    },
  };
}
