import type { Problem } from '../problem';

/** A value, or why there is none. */
export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

export function parsed<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

export function refused(code: string, message: string): Parsed<never> {
  return { ok: false, problem: { code, severity: 'error', message } };
}
