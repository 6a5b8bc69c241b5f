import {
  formatBytes,
  formatJoules,
  type RangeFigure,
  type ReportVariant,
} from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, nameElement, percent, sentence, type Child } from './dom';
import { accuracyText, changeText } from './figures';
import { button } from './header';
import { intervalBar } from './interval';
import { logScale } from './scale';

/** What was made from this file, what it was made from, and what that changed. */
export function variants(context: ViewContext): HTMLElement {
  const { report, refusal, isBusy, send } = context;
  const start = button('optimize', 'Optimise…', () => {
    if (refusal === null && !isBusy) send({ kind: 'optimize' });
  });
  if (refusal !== null || isBusy) start.setAttribute('aria-disabled', 'true');
  if (refusal !== null) start.title = refusal;
  return element(
    'section',
    { class: 'variants', attributes: { 'aria-labelledby': 'variants-title' } },
    element(
      'div',
      { class: 'section-line' },
      element('h2', { id: 'variants-title' }, 'Before and after'),
      start,
    ),
    report.variants.length === 0
      ? element('p', { class: 'state' }, 'No optimised version lies beside this file.')
      : null,
    ...report.variants.map((variant, index) => variantItem(variant, index, context)),
  );
}

function variantItem(variant: ReportVariant, index: number, { send }: ViewContext): HTMLElement {
  const isMade = variant.role === 'optimised';
  return element(
    'div',
    { class: 'variant' },
    element(
      'h3',
      {},
      element(
        'button',
        {
          id: `variant-${index}`,
          class: 'link',
          attributes: { type: 'button' },
          onClick() {
            send({ kind: 'openModel', uri: variant.uri });
          },
        },
        nameElement(variant.fileName),
      ),
      element(
        'span',
        { class: 'dim' },
        isMade ? 'made from this file with' : 'original of this file;',
      ),
      sentence(variant.recipe),
    ),
    element(
      'table',
      { class: 'before-after', attributes: { role: 'table' } },
      element(
        'thead',
        { attributes: { role: 'rowgroup' } },
        element(
          'tr',
          { attributes: { role: 'row' } },
          ...['', 'Before', 'After', 'Change'].map((label) =>
            element('th', { attributes: { role: 'columnheader', scope: 'col' } }, label),
          ),
        ),
      ),
      element('tbody', { attributes: { role: 'rowgroup' } }, ...variantRows(variant)),
    ),
  );
}

function variantRows(variant: ReportVariant): HTMLElement[] {
  const { bytesBefore, bytesAfter, energyBefore, energyAfter } = variant;
  const largest = Math.max(bytesBefore, bytesAfter);
  const bytes = (value: number): Child[] => [
    element('span', {
      class: 'share-bar',
      attributes: { 'aria-hidden': 'true' },
      styles: { '--share': percent(largest > 0 ? value / largest : 0) },
    }),
    formatBytes(value),
  ];
  return [
    row('Size', bytes(bytesBefore), bytes(bytesAfter), changeText(bytesBefore, bytesAfter)),
    energyRow(energyBefore, energyAfter),
    row(
      'Accuracy',
      [accuracyText(variant.accuracyBefore)],
      [accuracyText(variant.accuracyAfter)],
      accuracyChange(variant),
    ),
  ];
}

function energyRow(before: RangeFigure | null, after: RangeFigure | null): HTMLElement {
  const scale = logScale(
    [before, after].flatMap((range) => (range ? [range.low, range.high] : [])),
  );
  const cell = (range: RangeFigure | null): Child[] => [
    range && scale ? intervalBar(range, scale, formatJoules(range)) : null,
    formatJoules(range),
  ];
  return row(
    'Energy',
    cell(before),
    cell(after),
    changeText(before?.mid ?? null, after?.mid ?? null),
  );
}

/** In percentage points: a share of a share misleads. */
function accuracyChange({ accuracyBefore, accuracyAfter }: ReportVariant): string | null {
  if (accuracyBefore === null || accuracyAfter === null) return null;
  const points = Number(((accuracyAfter - accuracyBefore) * 100).toFixed(1));
  if (points === 0) return 'unchanged';
  return `${points < 0 ? '−' : '+'}${Math.abs(points).toString()} points`;
}

function row(
  label: string,
  before: readonly Child[],
  after: readonly Child[],
  change: string | null,
): HTMLElement {
  const cell = (children: readonly Child[]): HTMLElement =>
    element(
      'td',
      { attributes: { role: 'cell' } },
      element('span', { class: 'stack' }, ...children),
    );
  return element(
    'tr',
    { attributes: { role: 'row' } },
    element('th', { attributes: { role: 'rowheader', scope: 'row' } }, label),
    cell(before),
    cell(after),
    element('td', { class: 'change', attributes: { role: 'cell' } }, change ?? ''),
  );
}
