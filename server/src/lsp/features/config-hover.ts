import type { Hover, Position } from 'vscode-languageserver';
import { estimate } from '../../core/cost/energy';
import { workloadOfConfig } from '../../core/config/workload';
import { propertyAt } from '../../core/config/tree';
import { formatBytes, formatCount, formatJoules, markdownText } from '../../core/format';
import type { LintedText } from '../configs';

/** Details of the findings under the cursor; totals of the model on its `model_type` and `architectures`. */
export function configHover(linted: LintedText, position: Position): Hover | null {
  const { document, findings } = linted;
  const offset = document.offsetAt(position);
  const details = findings.flatMap(({ anchor, detail }) => {
    const isHere = anchor.kind === 'text' && anchor.start <= offset && offset <= anchor.end;
    return isHere && detail !== undefined ? [detail] : [];
  });
  const texts = [...details, ...totals(linted, offset)];
  if (texts.length === 0) return null;
  return { contents: { kind: 'markdown', value: texts.join('\n\n---\n\n') } };
}

function totals({ config, settings }: LintedText, offset: number): string[] {
  if (!config) return [];
  const isHere = ['model_type', 'architectures'].some((key) => {
    const entry = propertyAt(config.document.root, [key]);
    return entry && entry.keyStart <= offset && offset <= entry.value.end;
  });
  if (!isHere) return [];
  const { device, region } = settings.settings;
  const made = estimate(workloadOfConfig(config), device, { ...(region !== null && { region }) });
  return [
    [
      `**${markdownText(config.modelType ?? 'model')}** on ${markdownText(device.name)}`,
      '',
      '| | |',
      '| --- | --- |',
      `| energy | ${formatJoules(made.energyJoules)} a run |`,
      `| parameters | ${formatCount(config.parameters)} (${formatBytes(config.weightBytes)} as ${config.weightDtype ?? 'unknown'}) |`,
      `| KV cache | ${formatBytes(config.kvCacheBytesPerToken)} a token |`,
      `| MACs | ${formatCount(config.macsPerToken)} a token |`,
      '',
      ...made.assumptions.map((text) => `- ${markdownText(text, 200)}`),
    ].join('\n'),
  ];
}
