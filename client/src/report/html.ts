export interface ReportPage {
  /** `webview.cspSource`. */
  readonly cspSource: string;
  /** Fresh for every page. */
  readonly nonce: string;
  /** `dist/report.js` and `media/report.css`, as webview uris. */
  readonly scriptUri: string;
  readonly styleUri: string;
  /** The file's name, raw. */
  readonly title: string;
}

/** The page of the model view, in its loading state until the script has the report. */
export function reportHtml({ cspSource, nonce, scriptUri, styleUri, title }: ReportPage): string {
  const policy = [
    "default-src 'none'",
    `style-src ${cspSource}`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="${escaped(styleUri)}">
<title>${escaped(title)}</title>
</head>
<body>
<div id="progress" class="progress" aria-hidden="true"></div>
<div id="status" class="visually-hidden" role="status" aria-live="polite"></div>
<main id="report" aria-busy="true">
<p class="state">Reading the model…</p>
</main>
<script nonce="${escaped(nonce)}" src="${escaped(scriptUri)}"></script>
</body>
</html>
`;
}

const entities: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
]);

/** Text as the content of an element or of a quoted attribute; NUL, which HTML forbids, becomes U+FFFD. */
function escaped(text: string): string {
  return text
    .replace(/[&<>"']/g, (character) => entities.get(character) ?? '')
    .replaceAll('\0', '\u{fffd}');
}
