import type { ViewContext } from './context';
import { element, sentence } from './dom';

/** What the estimate takes for granted and where its numbers come from. */
export function notes({ report, settings, remember }: ViewContext): HTMLElement | null {
  const { estimate } = report;
  if (!estimate || estimate.assumptions.length + estimate.sources.length === 0) return null;
  const details = element(
    'details',
    { id: 'notes' },
    element('summary', {}, 'Assumptions and sources'),
    list('Assumed', estimate.assumptions),
    list('Taken from', estimate.sources),
  );
  details.open = settings.showsNotes;
  details.addEventListener('toggle', () => {
    remember({ showsNotes: details.open });
  });
  return element('section', { class: 'notes' }, details);
}

function list(title: string, texts: readonly string[]): HTMLElement | null {
  if (texts.length === 0) return null;
  return element(
    'div',
    {},
    element('h3', {}, title),
    element('ul', {}, ...texts.map((text) => element('li', {}, sentence(text)))),
  );
}
