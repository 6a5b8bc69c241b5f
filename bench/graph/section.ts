/** What a part of the benchmark reports: text and tables, printed and written into `docs/benchmarks.md`. */
export interface Section {
  readonly title: string;
  /** Paragraphs before the tables. */
  readonly text: readonly string[];
  readonly tables: readonly Table[];
  /** Bars that were missed, in words. */
  readonly missed: readonly string[];
}

export interface Table {
  readonly caption?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
  /** Paragraphs behind the table. */
  readonly notes?: readonly string[];
}

export interface Column {
  readonly name: string;
  readonly align?: 'right';
}

export function sectionMarkdown(section: Section): string {
  const missed = section.missed.map((bar) => `- Missed: ${bar}`).join('\n');
  return [`## ${section.title}`, ...section.text, ...section.tables.flatMap(tableMarkdown), missed]
    .filter((part) => part !== '')
    .join('\n\n');
}

function tableMarkdown({ caption, columns, rows, notes }: Table): string[] {
  const header = row(columns.map(({ name }) => name));
  const rule = row(columns.map(({ align }) => (align === 'right' ? '---:' : '---')));
  const table = [header, rule, ...rows.map(row)].join('\n');
  return [...(caption === undefined ? [] : [`### ${caption}`]), table, ...(notes ?? [])];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
