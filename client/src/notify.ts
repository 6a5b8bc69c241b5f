/** Notifications make links of `[text](command:…)`; what comes from files must not become one. */
export function withoutLinks(text: string): string {
  return text.replaceAll('](', '] (');
}
