import type { RangeFigure } from '../../../server/src/protocol';
import { element, percent } from './dom';
import type { LogScale } from './scale';

/** A bar from low to high with a mark at the middle. The text that belongs to it is the caller's. */
export function intervalBar(range: RangeFigure, scale: LogScale, title: string): HTMLElement {
  const low = scale.position(range.low);
  const high = scale.position(range.high);
  return element(
    'span',
    {
      class: 'interval',
      title,
      attributes: { 'aria-hidden': 'true' },
      styles: {
        '--low': percent(low),
        '--width': percent(high - low),
        '--mid': percent(scale.position(range.mid)),
      },
    },
    ...gridLines(scale),
    element('span', { class: 'interval-bar' }),
    element('span', { class: 'interval-mid' }),
  );
}

/** Labels of the decades; the outer ones are kept inside. */
export function scaleLabels(scale: LogScale, format: (value: number) => string): HTMLElement {
  const last = scale.ticks.length - 1;
  return element(
    'span',
    { class: 'scale', attributes: { 'aria-hidden': 'true' } },
    ...scale.ticks.map((tick, index) =>
      element(
        'span',
        {
          class: index === 0 ? 'tick first' : index === last ? 'tick last' : 'tick',
          styles: { '--at': percent(scale.position(tick)) },
        },
        format(tick),
      ),
    ),
  );
}

function gridLines(scale: LogScale): HTMLElement[] {
  return scale.ticks.map((tick) =>
    element('span', { class: 'grid', styles: { '--at': percent(scale.position(tick)) } }),
  );
}
