import {
  formatGrams,
  formatJoules,
  formatPercent,
  formatSeconds,
  type RangeFigure,
  type ReportEstimate,
} from '../../../server/src/protocol';
import { comparison } from './comparison';
import type { ViewContext } from './context';
import { element, hiddenText, type Child } from './dom';
import { deviceGroups, spokenRange } from './figures';
import { intervalBar, scaleLabels } from './interval';
import { logScale } from './scale';
import { visibleText } from './text';

/** Energy, time and carbon of one run on the chosen device, as ranges; and how other devices do. */
export function estimateSection(context: ViewContext): HTMLElement {
  const { estimate } = context.report;
  return element(
    'section',
    { class: 'estimate', attributes: { 'aria-labelledby': 'estimate-title' } },
    element(
      'div',
      { class: 'section-line' },
      element('h2', { id: 'estimate-title' }, 'One run'),
      deviceChooser(context),
    ),
    ...(estimate ? estimateContent(estimate) : [noEstimate()]),
    comparison(context),
  );
}

function noEstimate(): HTMLElement {
  return element('p', { class: 'state' }, 'There is no estimate: choose a device.');
}

function deviceChooser({ report, devices, send, isBusy }: ViewContext): HTMLElement {
  const current = report.estimate;
  const select = element('select', { id: 'device', attributes: { 'aria-label': 'Device' } });
  if (current && !devices.some(({ id }) => id === current.device)) {
    select.append(option(current.device, current.deviceName));
  }
  for (const group of deviceGroups(devices)) {
    select.append(
      element(
        'optgroup',
        { attributes: { label: visibleText(group.name, 60) } },
        ...group.devices.map(({ id, name }) => option(id, name)),
      ),
    );
  }
  if (!current) select.prepend(option('', 'Choose a device'));
  select.value = current?.device ?? '';
  select.disabled = isBusy && devices.length === 0;
  select.title = visibleText(current?.deviceName ?? '');
  select.addEventListener('change', () => {
    if (select.value !== '') send({ kind: 'setDevice', device: select.value });
  });
  return element('label', { class: 'chooser' }, element('span', {}, 'on'), select);
}

function option(id: string, name: string): HTMLOptionElement {
  return element('option', { attributes: { value: id } }, visibleText(name, 80));
}

function estimateContent(estimate: ReportEstimate): Child[] {
  const { energyJoules, latencySeconds, carbonGrams, runtime, precision, boundary } = estimate;
  const facts = [runtime, precision, `counts ${boundary}`];
  return [
    element(
      'p',
      { class: 'facts' },
      ...facts.map((text) => element('bdi', { class: 'fact' }, visibleText(text, 120))),
    ),
    element(
      'div',
      { class: 'figures' },
      figure('Energy', energyJoules, formatJoules),
      figure('Time', latencySeconds, formatSeconds),
      figure('CO₂e', carbonGrams, formatGrams),
    ),
    energyJoules === null
      ? null
      : element(
          'p',
          { class: 'note' },
          `Bars hold the true value in ${formatPercent(estimate.interval)} of cases; the mark is the middle estimate. Scales are logarithmic.`,
        ),
  ];
}

function figure(
  label: string,
  range: RangeFigure | null,
  format: (value: number | RangeFigure | null) => string,
): HTMLElement {
  const scale = range && logScale([range.low, range.high]);
  if (!range || !scale) {
    return element(
      'div',
      { class: 'figure' },
      element('h3', {}, label),
      element('span', { class: 'value unknown' }, 'unknown'),
    );
  }
  const spoken = spokenRange(range, format);
  return element(
    'div',
    { class: 'figure' },
    element('h3', {}, label),
    element('span', { class: 'value', attributes: { 'aria-hidden': 'true' } }, format(range)),
    element(
      'span',
      { class: 'middle', attributes: { 'aria-hidden': 'true' } },
      `≈ ${format(range.mid)}`,
    ),
    hiddenText(spoken),
    element(
      'span',
      { class: 'graphic' },
      intervalBar(range, scale, spoken),
      scaleLabels(scale, format),
    ),
  );
}
