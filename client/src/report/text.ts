/**
 * Text from a file, fit to be looked at: what does not show, or reorders what does, becomes an escape, and what
 * nobody would read to its end is cut in the middle. Always at most `maxLength` characters and an ellipsis.
 */
export function visibleText(raw: string, maxLength = 120): string {
  if (raw.length <= maxLength && !hidden.test(raw)) return raw;
  // A name may hold millions of characters: only its ends can show. Two units make one symbol at most.
  const isLong = raw.length > 4 * maxLength;
  const ends = isLong ? [raw.slice(0, 2 * maxLength), raw.slice(-2 * maxLength)] : [raw];
  const [head = [], tail = head] = ends.map((text) => Array.from(text, visibleSymbol));
  if (!isLong && lengthOf(head) <= maxLength) return head.join('');
  const atEnd = Math.floor(maxLength / 3);
  const shownHead = fitting(head, maxLength - atEnd);
  const shownTail = fitting(tail.toReversed(), atEnd).reverse();
  return `${shownHead.join('')}…${shownTail.join('')}`;
}

/** What is told apart at the end of a path. */
const tailLength = 14;

/**
 * Two parts of a shown name, of which the first may be ellipsised: names in graphs differ at their end. One
 * part for short names, and for scripts written from right to left, which must not be torn apart.
 */
export function splitForEllipsis(shown: string): readonly [string, string] {
  if (shown.length < 2 * tailLength || rightToLeft.test(shown)) return [shown, ''];
  const symbols = Array.from(shown);
  return [symbols.slice(0, -tailLength).join(''), symbols.slice(-tailLength).join('')];
}

/**
 * Controls, line and paragraph separators, format characters (bidi overrides, zero-width spaces, tags) and lone
 * surrogates. Joiners stay: Persian, Indic scripts and emoji need them.
 */
const hidden = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]|(?![\u200c\u200d])\p{Cf}/u;

const rightToLeft =
  /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

const shortEscapes: ReadonlyMap<string, string> = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

function visibleSymbol(symbol: string): string {
  if (!hidden.test(symbol)) return symbol;
  const code = symbol.codePointAt(0) ?? 0;
  // A byte of a name that is not UTF-8 arrives as this lone surrogate.
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  const digits = code.toString(16).toUpperCase();
  return (
    shortEscapes.get(symbol) ?? (code > 0xffff ? `\\u{${digits}}` : `\\u${digits.padStart(4, '0')}`)
  );
}

function lengthOf(symbols: readonly string[]): number {
  return symbols.reduce((sum, symbol) => sum + symbol.length, 0);
}

/** As many symbols from the start as fit; escapes are never cut. */
function fitting(symbols: readonly string[], maxLength: number): string[] {
  let length = 0;
  const count = symbols.findIndex((symbol) => (length += symbol.length) > maxLength);
  return symbols.slice(0, count < 0 ? symbols.length : count);
}
