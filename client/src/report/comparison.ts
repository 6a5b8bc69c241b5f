import {
  formatBytes,
  formatGrams,
  formatJoules,
  formatSeconds,
  type RangeFigure,
  type ReportEstimate,
} from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, hiddenText, nameElement, type Child } from './dom';
import { comparisonGroups, sortedEstimates, spokenRange, type SortKey } from './figures';
import { button } from './header';
import { intervalBar, scaleLabels } from './interval';
import { logScale, type LogScale } from './scale';
import { fitText } from './totals';
import { visibleText } from './text';

/** What a comparison is called that the view did not ask for: the command has its own choice of devices. */
export const chosenDevices = 'Chosen devices';

/** Folded until asked for: the same run on other devices. */
export function comparison(context: ViewContext): HTMLElement {
  const { devices, report, settings, remember, send } = context;
  const groups = comparisonGroups(devices, report.estimate?.device ?? '');
  const isOpen = settings.compared !== null;
  const ask = (name: string): void => {
    const group = groups.find((candidate) => candidate.name === name);
    if (!group || group.devices.length === 0) return;
    send({ kind: 'compareDevices', devices: group.devices.map(({ id }) => id) });
    remember({ compared: group.name });
  };
  const toggle = button('compare', isOpen ? 'Hide comparison' : 'Compare devices', () => {
    if (isOpen) remember({ compared: null });
    else ask(groups[0]?.name ?? '');
  });
  toggle.setAttribute('aria-expanded', String(isOpen));
  toggle.setAttribute('aria-controls', 'comparison');
  toggle.disabled = devices.length === 0;
  const choice = element(
    'select',
    { id: 'compared', attributes: { 'aria-label': 'Devices to compare' } },
    ...groups.map(({ name, devices: members }) =>
      element('option', { attributes: { value: name } }, `${name} (${members.length})`),
    ),
    settings.compared === chosenDevices
      ? element('option', { attributes: { value: chosenDevices } }, chosenDevices)
      : null,
  );
  choice.value = settings.compared ?? '';
  choice.addEventListener('change', () => {
    ask(choice.value);
  });
  return element(
    'div',
    { class: 'comparison' },
    element('div', { class: 'comparison-line' }, toggle, isOpen ? choice : null),
    element('div', { id: 'comparison' }, isOpen ? content(context) : null),
  );
}

function content(context: ViewContext): HTMLElement {
  const { comparison: made } = context;
  if (made === null) return element('p', { class: 'state' }, 'Estimating…');
  if ('failure' in made) return element('p', { class: 'state' }, visibleText(made.failure, 300));
  if (made.length === 0) return element('p', { class: 'state' }, 'There is nothing to compare.');
  return table(context, made);
}

interface Column {
  readonly key: SortKey;
  readonly label: string;
}

const columns: readonly Column[] = [
  { key: 'device', label: 'Device' },
  { key: 'energy', label: 'Energy' },
  { key: 'time', label: 'Time' },
  { key: 'carbon', label: 'CO₂e' },
  { key: 'memory', label: 'Memory' },
];

function table(context: ViewContext, estimates: readonly ReportEstimate[]): HTMLElement {
  const { sort } = context.settings;
  const scale = logScale(
    estimates.flatMap(({ energyJoules }) =>
      energyJoules ? [energyJoules.low, energyJoules.high] : [],
    ),
  );
  const boundaries = new Set(estimates.map(({ boundary }) => boundary));
  return element(
    'div',
    {},
    element(
      'table',
      { class: 'devices', attributes: { role: 'table' } },
      element('caption', { class: 'visually-hidden' }, 'Estimates on several devices'),
      element(
        'thead',
        { attributes: { role: 'rowgroup' } },
        element(
          'tr',
          { attributes: { role: 'row' } },
          ...columns.map((column) =>
            columnHead(column, column.key === 'energy' ? scale : null, context),
          ),
        ),
      ),
      element(
        'tbody',
        { attributes: { role: 'rowgroup' } },
        ...sortedEstimates(estimates, sort).map((estimate) => row(estimate, scale, context)),
      ),
    ),
    boundaries.size > 1
      ? element(
          'p',
          { class: 'note' },
          'Joules cover different parts of a system, as given below each device: compare with care.',
        )
      : null,
  );
}

function columnHead(
  { key, label }: Column,
  scale: LogScale | null,
  { settings, remember }: ViewContext,
): HTMLElement {
  const isSorted = settings.sort === key;
  return element(
    'th',
    {
      class: `${key}-cell`,
      attributes: {
        role: 'columnheader',
        scope: 'col',
        'aria-sort': isSorted ? 'ascending' : 'none',
      },
    },
    element(
      'button',
      {
        id: `sort-${key}`,
        class: 'sort',
        title: `Sort by ${label.toLowerCase()}`,
        attributes: { type: 'button' },
        onClick() {
          remember({ sort: key });
        },
      },
      label,
      element(
        'span',
        { class: 'arrow', attributes: { 'aria-hidden': 'true' } },
        isSorted ? '↑' : '',
      ),
    ),
    scale && scaleLabels(scale, formatJoules),
  );
}

function row(estimate: ReportEstimate, scale: LogScale | null, context: ViewContext): HTMLElement {
  const { device, deviceName, energyJoules, latencySeconds, carbonGrams, fits } = estimate;
  const isCurrent = device === context.report.estimate?.device;
  const classes = [isCurrent ? 'current' : '', fits === false ? 'unfit' : ''];
  return element(
    'tr',
    { class: classes.join(' ').trim(), attributes: { role: 'row' } },
    element(
      'th',
      { class: 'device-cell', attributes: { role: 'rowheader', scope: 'row' } },
      element(
        'button',
        {
          id: `device-${device}`,
          class: 'link',
          title: isCurrent ? 'Shown above' : 'Show above',
          attributes: { type: 'button', ...(isCurrent && { 'aria-current': 'true' }) },
          onClick() {
            if (!isCurrent) context.send({ kind: 'setDevice', device });
          },
        },
        nameElement(deviceName),
      ),
      element('span', { class: 'boundary' }, visibleText(estimate.boundary, 80)),
    ),
    cell(
      'energy-cell',
      'Energy',
      energyJoules && scale
        ? intervalBar(energyJoules, scale, spokenRange(energyJoules, formatJoules))
        : null,
      rangeText(energyJoules, formatJoules),
    ),
    cell('time-cell', 'Time', rangeText(latencySeconds, formatSeconds)),
    cell('carbon-cell', 'CO₂e', rangeText(carbonGrams, formatGrams)),
    cell(
      'memory-cell',
      'Memory',
      element('span', { class: 'number' }, formatBytes(estimate.peakMemoryBytes)),
      fits === true
        ? hiddenText(' fits')
        : element('span', { class: fits === false ? 'over-text' : 'dim' }, fitText(fits)),
    ),
  );
}

function rangeText(
  range: RangeFigure | null,
  format: (range: RangeFigure | null) => string,
): HTMLElement {
  const text = format(range);
  return element('span', { class: text === 'unknown' ? 'dim' : 'number' }, text);
}

/** The label is for narrow panes, where the table has no head. */
function cell(name: string, label: string, ...children: readonly Child[]): HTMLElement {
  return element(
    'td',
    { class: name, attributes: { role: 'cell' } },
    element('span', { class: 'cell-label', attributes: { 'aria-hidden': 'true' } }, label),
    ...children,
  );
}
