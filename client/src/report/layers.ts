import {
  formatCount,
  formatJoules,
  formatPercent,
  type ReportLayer,
} from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, nameElement, percent, type Child } from './dom';
import { counted, paretoCount, paretoText } from './figures';
import { button } from './header';
import { visibleText } from './text';

/** Shown before anyone asks for more. */
const firstLayers = 15;

/** Names of millions of characters would stall the typing. */
const maxSearched = 1000;

const boundTitles: ReadonlyMap<string, string> = new Map([
  ['compute', 'Waits for arithmetic.'],
  ['memory', 'Waits for memory.'],
  ['overhead', 'Waits for being started.'],
]);

/** Where the energy goes: the heaviest layers first, each a way into the text. */
export function layers(context: ViewContext): HTMLElement {
  const { report, remember, announce } = context;
  const body = element('tbody', { attributes: { role: 'rowgroup' } });
  const more = element('p', { class: 'more' });
  let settings = context.settings;
  const show = (): void => {
    const wanted = matching(report.layers, settings.filter);
    const shown = settings.showsAllLayers ? wanted : wanted.slice(0, firstLayers);
    const rows = shown.map((layer) => row(layer, context));
    markPareto(rows, context, settings.filter);
    body.replaceChildren(...rows);
    if (rows.length === 0) body.append(emptyRow(report.layers.length));
    more.replaceChildren(
      ...moreContent(
        wanted.length - shown.length,
        settings.showsAllLayers && wanted.length > firstLayers,
      ),
    );
  };
  const change = (part: { filter?: string; showsAllLayers?: boolean }): void => {
    settings = { ...settings, ...part };
    remember(part);
    show();
  };
  const moreContent = (hiddenCount: number, canFold: boolean): HTMLElement[] => {
    const { count, share } = report.otherLayers;
    const isAll = hiddenCount === 0 && settings.filter === '';
    return [
      hiddenCount > 0
        ? button('all-layers', `Show ${hiddenCount.toLocaleString('en')} more`, () => {
            change({ showsAllLayers: true });
            // The button is gone: on to the first layer that it brought.
            const added = body.querySelectorAll<HTMLElement>('.row-link')[firstLayers];
            (added ?? more.querySelector('button'))?.focus();
          })
        : null,
      canFold
        ? button('few-layers', 'Show fewer', () => {
            change({ showsAllLayers: false });
            more.querySelector('button')?.focus();
          })
        : null,
      isAll && count > 0
        ? element(
            'span',
            { class: 'dim' },
            `and ${counted(count, 'other')}, ${formatPercent(share)} together`,
          )
        : null,
    ].filter((child) => child !== null);
  };
  const filter = filterBox(settings.filter, (text) => {
    change({ filter: text });
    announce(counted(matching(report.layers, text).length, 'layer'));
  });
  show();
  return element(
    'section',
    { class: 'layers', attributes: { 'aria-labelledby': 'layers-title' } },
    element(
      'div',
      { class: 'section-line' },
      element('h2', { id: 'layers-title' }, 'Layers'),
      report.layers.length > 1 ? filter : null,
    ),
    report.layers.length === 0
      ? element('p', { class: 'state' }, emptyText(report.nodeCount))
      : element('p', { class: 'facts' }, paretoText(report)),
    report.layers.length === 0 ? null : table(body),
    more,
  );
}

function emptyText(nodeCount: number): string {
  if (nodeCount === 0) return 'The graph has no nodes.';
  return `What the ${counted(nodeCount, 'node')} cost is not known.`;
}

function filterBox(value: string, onInput: (text: string) => void): HTMLElement {
  const input = element('input', {
    id: 'filter',
    attributes: {
      type: 'search',
      placeholder: 'Filter by name or operator',
      'aria-label': 'Filter layers by name or operator',
      spellcheck: 'false',
    },
  });
  input.value = value;
  input.addEventListener('input', () => {
    onInput(input.value);
  });
  return input;
}

function matching(all: readonly ReportLayer[], filter: string): readonly ReportLayer[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return all;
  return all.filter(({ name, opType, module, path, bound }) => {
    const text = [name, opType, module ?? '', path, bound ?? '']
      .map((part) => part.slice(0, maxSearched))
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** A line below the layers that make up 80 %. */
function markPareto(rows: readonly HTMLElement[], { report }: ViewContext, filter: string): void {
  const count = paretoCount(report.layers, 0.8);
  const last = filter === '' && count !== null ? rows[count - 1] : undefined;
  if (last && count !== rows.length) last.classList.add('pareto');
}

const heads: readonly (readonly [name: string, label: string])[] = [
  ['share', 'Share'],
  ['layer', 'Layer'],
  ['op', 'Operator'],
  ['energy', 'Energy'],
  ['macs', 'MACs'],
  ['parameters', 'Parameters'],
  ['bound', 'Bound by'],
];

function table(body: HTMLElement): HTMLElement {
  body.addEventListener('keydown', moveFocus);
  return element(
    'table',
    { class: 'layer-table', attributes: { role: 'table' } },
    element('caption', { class: 'visually-hidden' }, 'Layers, the most energy first'),
    element(
      'thead',
      { attributes: { role: 'rowgroup' } },
      element(
        'tr',
        { attributes: { role: 'row' } },
        ...heads.map(([name, label]) =>
          element(
            'th',
            { class: `${name}-cell`, attributes: { role: 'columnheader', scope: 'col' } },
            label,
          ),
        ),
      ),
    ),
    body,
  );
}

function row(layer: ReportLayer, { report, send }: ViewContext): HTMLElement {
  const { share, opType, bound, line } = layer;
  const largest = report.layers[0]?.share ?? 0;
  const name = layer.module ?? layer.name;
  const label =
    line === null
      ? nameElement(name, `(unnamed ${visibleText(opType, 40)})`)
      : element(
          'button',
          {
            id: `layer-${report.layers.indexOf(layer)}`,
            class: 'link row-link',
            attributes: { type: 'button' },
            onClick() {
              send({ kind: 'openText', line });
            },
          },
          nameElement(name, `(unnamed ${visibleText(opType, 40)})`),
        );
  return element(
    'tr',
    {
      class: line === null ? '' : 'clickable',
      title: visibleText(layer.path, 300),
      attributes: { role: 'row' },
    },
    cell(
      'share-cell',
      share === null
        ? null
        : element('span', {
            class: 'share-bar',
            attributes: { 'aria-hidden': 'true' },
            styles: { '--share': percent(largest > 0 ? share / largest : 0) },
          }),
      element('span', { class: 'number' }, share === null ? '?' : formatPercent(share)),
    ),
    element('th', { class: 'layer-cell', attributes: { role: 'rowheader', scope: 'row' } }, label),
    cell('op-cell', nameElement(opType, '(none)')),
    cell('energy-cell', figure(formatJoules(layer.energyJoules))),
    countCell('macs', layer.macs, ' MACs'),
    countCell('parameters', layer.parameters, ' parameters'),
    cell(
      'bound-cell',
      bound === null
        ? null
        : element('span', { title: boundTitles.get(bound) ?? '' }, visibleText(bound, 20)),
    ),
  );
}

function cell(className: string, ...children: readonly Child[]): HTMLElement {
  return element('td', { class: className, attributes: { role: 'cell' } }, ...children);
}

function figure(text: string): HTMLElement {
  return element('span', { class: text === 'unknown' ? 'number dim' : 'number' }, text);
}

/** The unit, and leaving out what is 0, are for narrow panes, where the table has no head. */
function countCell(name: string, count: number | null, unit: string): HTMLElement {
  return cell(
    count === 0 ? `${name}-cell zero` : `${name}-cell`,
    figure(formatCount(count)),
    element('span', { class: 'cell-label', attributes: { 'aria-hidden': 'true' } }, unit),
  );
}

function emptyRow(total: number): HTMLElement {
  return element(
    'tr',
    { attributes: { role: 'row' } },
    element(
      'td',
      { class: 'state', attributes: { role: 'cell', colspan: String(heads.length) } },
      `None of the ${counted(total, 'layer')} matches.`,
    ),
  );
}

/** Up and down go from layer to layer, as in a list; Tab does too. */
function moveFocus(event: KeyboardEvent): void {
  const { currentTarget, target, key } = event;
  if (!(currentTarget instanceof HTMLElement) || !(target instanceof HTMLElement)) return;
  const links = [...currentTarget.querySelectorAll<HTMLElement>('.row-link')];
  const at = links.indexOf(target);
  if (at < 0) return;
  const last = links.length - 1;
  const goals = new Map([
    ['ArrowDown', Math.min(at + 1, last)],
    ['ArrowUp', Math.max(at - 1, 0)],
    ['Home', 0],
    ['End', last],
  ]);
  const goal = goals.get(key);
  if (goal === undefined) return;
  event.preventDefault();
  links[goal]?.focus();
}
