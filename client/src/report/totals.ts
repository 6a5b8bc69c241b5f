import {
  formatBytes,
  formatCount,
  formatPercent,
  type ReportEstimate,
} from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, hiddenText, percent, type Child } from './dom';
import { visibleText } from './text';

/** What the graph takes on any device, and how much of the device's memory that is. */
export function totals({ report }: ViewContext): HTMLElement {
  const { parameters, weightBytes, macs, macsExpression, coverage, estimate } = report;
  return element(
    'section',
    { class: 'totals', attributes: { 'aria-label': 'Totals' } },
    element(
      'dl',
      {},
      tile('Parameters', formatCount(parameters), `${formatBytes(weightBytes)} of weights`),
      tile(
        'MACs a run',
        formatCount(macs),
        macsExpression === null ? null : element('bdi', {}, expressionText(macsExpression)),
      ),
      tile(
        'Peak memory',
        formatBytes(estimate?.peakMemoryBytes ?? null),
        ...(estimate ? memoryBars(estimate) : []),
        element(
          'span',
          { class: 'store' },
          report.peakActivationBytes === null
            ? 'activations unknown'
            : `${formatBytes(report.peakActivationBytes)} of activations`,
        ),
      ),
      tile(
        'Analysed',
        formatPercent(coverage),
        meter(coverage, 1, coverage < 0.995 ? 'short' : 'plain'),
        'of operators with known cost',
      ),
    ),
  );
}

/** `8070400 × batch`. */
function expressionText(expression: string): string {
  return visibleText(expression.replaceAll('*', ' × '), 80);
}

function tile(label: string, value: string, ...details: readonly Child[]): HTMLElement {
  return element(
    'div',
    { class: 'tile' },
    element('dt', {}, label),
    element(
      'dd',
      {},
      element('span', { class: value === 'unknown' ? 'value unknown' : 'value' }, value),
      element('span', { class: 'detail' }, ...details),
    ),
  );
}

/** A bar for each store of the device; on most there is one. */
function memoryBars({ memory, fits, deviceName }: ReportEstimate): readonly Child[] {
  if (memory.length === 0) return [fitText(fits)];
  return memory.map(({ name, needed, available }) => {
    const isOver = needed > available;
    const text = `of ${formatBytes(available)} usable`;
    const store = `${visibleText(name, 20)}: ${formatBytes(needed)} `;
    return element(
      'span',
      { class: 'store', title: `Usable on ${visibleText(deviceName)}` },
      meter(needed, available, isOver ? 'over' : 'plain'),
      element(
        'span',
        { class: isOver ? 'over-text' : '' },
        memory.length > 1 ? store + text : text,
        isOver ? ': does not fit' : '',
      ),
    );
  });
}

export function fitText(fits: boolean | null): string {
  return fits === null ? 'fit unknown' : fits ? 'fits' : 'does not fit';
}

/** A plain bar of `part` in `whole`; the text beside it says the same. */
function meter(part: number, whole: number, state: 'plain' | 'short' | 'over'): HTMLElement {
  const share = whole > 0 ? part / whole : 0;
  return element(
    'span',
    { class: `meter ${state}`, styles: { '--share': percent(share) } },
    element('span', { class: 'meter-fill', attributes: { 'aria-hidden': 'true' } }),
    hiddenText(`${formatPercent(share)}, `),
  );
}
