import type { ConfigExample, ModelExample, Rule, RuleOption } from '../core/rules/rule';
import { runExample } from './run-example';

/** The whole of `docs/rules/<id>.md`: its examples show what the rule says of them today. */
export function rulePage(rule: Rule): string {
  const { id, title, severity, description, options } = rule.meta;
  const parts = [
    `<!-- Generated from server/src/core/rules/${id}.ts by \`npm run generate\`: edit that file instead. -->`,
    `# ${id}`,
    title,
    table(
      ['Reads', 'Default severity'],
      [[rule.target === 'onnx' ? 'ONNX models' : 'Hugging Face `config.json`', severity]],
    ),
    description.trim(),
    ...optionsSection(id, options),
    '## Reported',
    ...invalidSections(rule),
    '## Not reported',
    ...rule.examples.valid.flatMap((example) => [`### ${example.title}`, ...exampleLines(example)]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** `docs/rules/README.md`. */
export function ruleIndexPage(rules: readonly Rule[]): string {
  return [
    '<!-- Generated from server/src/core/rules by `npm run generate`. -->',
    '# Rules',
    ruleTable(rules, ''),
    'Set a severity, or turn a rule off, in `green-ai.json` or with `--rule ID=LEVEL`:',
    fenced('json', '{ "rules": { "oversized-layer": ["warning", { "energyShare": 0.4 }] } }'),
  ]
    .join('\n\n')
    .concat('\n');
}

/** One row per rule; `folder` is where the pages lie, seen from the page that holds the table. */
export function ruleTable(rules: readonly Rule[], folder: string): string {
  return table(
    ['Rule', 'Reads', 'Severity', 'What it finds'],
    rules.map(({ meta, target }) => [
      `[${meta.id}](${folder}${meta.id}.md)`,
      target === 'onnx' ? 'ONNX' : '`config.json`',
      meta.severity,
      meta.title,
    ]),
  );
}

function optionsSection(id: string, options: readonly RuleOption[]): readonly string[] {
  const [first] = options;
  if (!first) return [];
  const setting = `{ "rules": { "${id}": { "${first.name}": ${first.default} } } }`;
  return [
    '## Options',
    table(
      ['Option', 'Default', 'From', 'To', 'Meaning'],
      options.map((option) => [
        `\`${option.name}\``,
        option.default.toString(),
        option.minimum.toString(),
        option.maximum.toString(),
        option.description,
      ]),
    ),
    fenced('json', setting),
  ];
}

function invalidSections(rule: Rule): readonly string[] {
  const sections: string[] = [];
  for (const example of rule.examples.invalid) {
    const { reports } = runExample(rule, example);
    sections.push(`### ${example.title}`, ...exampleLines(example));
    sections.push(reports.map(({ message }) => `- ${message}`).join('\n'));
    const fix = reports[0]?.fixes?.[0];
    if (fix) sections.push(`Fix (${fix.safety}): ${fix.title}.`);
    if (example.fixed !== undefined) {
      sections.push('After the fix:', fenced(languageOf(example), example.fixed));
    }
  }
  return sections;
}

function exampleLines(example: ModelExample | ConfigExample): readonly string[] {
  const settings = [
    ...(example.device === undefined ? [] : [`device \`${example.device}\``]),
    ...[...(example.options ?? [])].map(([name, value]) => `\`${name}\` ${value}`),
  ];
  return [
    ...(settings.length > 0 ? [`With ${settings.join(', ')}:`] : []),
    fenced(languageOf(example), 'model' in example ? example.model : example.config),
  ];
}

function languageOf(example: ModelExample | ConfigExample): string {
  return 'model' in example ? 'onnx' : 'json';
}

function fenced(language: string, text: string): string {
  return `\`\`\`${language}\n${text.trim()}\n\`\`\``;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
