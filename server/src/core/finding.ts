import type { Range } from './interval';

export const severities = ['error', 'warning', 'info', 'hint'] as const;
export type Severity = (typeof severities)[number];

/** Where a finding belongs; the edges turn it into a range of the text or of the config. */
export type Anchor =
  | { readonly kind: 'file' }
  /** `Node.path`. */
  | { readonly kind: 'node'; readonly path: string }
  | { readonly kind: 'tensor'; readonly name: string }
  /** UTF-16 offsets into the config's text. */
  | { readonly kind: 'text'; readonly start: number; readonly end: number };

/** `safe`: results are bit-identical. `needs-verification`: applied only with a measured check. `lossy`: changes what the model or config means. */
export type FixSafety = 'safe' | 'lossy' | 'needs-verification';

export interface TextEdit {
  /** UTF-16 offsets, `end` exclusive. */
  readonly start: number;
  readonly end: number;
  readonly newText: string;
}

export interface Fix {
  /** Stable kebab id: `quantize-dynamic-int8`. */
  readonly id: string;
  readonly title: string;
  readonly safety: FixSafety;
  readonly change:
    | { readonly kind: 'edit'; readonly edits: readonly TextEdit[] }
    /** A transform of `transform/recipes.ts`, limited to these node paths when given. */
    | { readonly kind: 'recipe'; readonly recipe: string; readonly nodes?: readonly string[] };
}

export interface Saving {
  readonly energyJoules?: Range;
  readonly bytes?: number;
}

export interface Finding {
  /** Rule id, or the code of the problem it was made from. */
  readonly ruleId: string;
  readonly severity: Severity;
  /** What, why with numbers, what to do; at most 120 characters. */
  readonly message: string;
  /** Longer text for the hover: assumptions, sources. Markdown. */
  readonly detail?: string;
  readonly anchor: Anchor;
  readonly saving?: Saving;
  readonly fixes: readonly Fix[];
}
