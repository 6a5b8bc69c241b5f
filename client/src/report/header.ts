import type { ModelReport } from '../../../server/src/protocol';
import type { ViewContext } from './context';
import { element, nameElement, type Child } from './dom';
import { counted } from './figures';
import { visibleText } from './text';

/** Inputs or outputs beyond these are folded away. */
const maxListed = 6;

/** Name of the file, where it comes from, what goes in and out. */
export function header({ report, send }: ViewContext): HTMLElement {
  return element(
    'header',
    { class: 'header' },
    element(
      'div',
      { class: 'header-line' },
      element('h1', {}, nameElement(report.fileName)),
      element(
        'div',
        { class: 'actions' },
        button('open-text', 'Open as text', () => {
          send({ kind: 'openText', line: null });
        }),
        button('reload', 'Reload', () => {
          send({ kind: 'reload' });
        }),
      ),
    ),
    element('p', { class: 'facts' }, ...facts(report)),
    element(
      'dl',
      { class: 'signature' },
      ...signature('Input', report.inputs),
      ...signature('Output', report.outputs),
    ),
  );
}

export function button(
  id: string,
  text: string,
  onClick: () => void,
  kind: 'primary' | 'secondary' = 'secondary',
): HTMLButtonElement {
  return element(
    'button',
    { id, class: `button ${kind}`, attributes: { type: 'button' }, onClick },
    text,
  );
}

function facts({ producer, irVersion, opsets, nodeCount }: ModelReport): Child[] {
  const opsetText = opsets
    .map(({ domain, version }) => `${visibleText(domain, 40) || 'ai.onnx'} ${version}`)
    .join(', ');
  const texts = [
    producer === '' ? 'unknown producer' : visibleText(producer, 80),
    ...(irVersion === null ? [] : [`IR ${irVersion}`]),
    opsetText === '' ? 'no opset' : `opset ${opsetText}`,
    counted(nodeCount, 'node'),
  ];
  return texts.map((text) => element('bdi', { class: 'fact' }, text));
}

function signature(label: string, values: readonly string[]): Child[] {
  if (values.length === 0) return [];
  const items = values.map((value) => element('li', {}, nameElement(value)));
  const rest = items.slice(maxListed);
  return [
    element('dt', {}, values.length === 1 ? label : `${label}s`),
    element(
      'dd',
      {},
      element('ul', { class: 'plain' }, ...items.slice(0, maxListed)),
      rest.length === 0
        ? null
        : element(
            'details',
            {},
            element('summary', {}, `${rest.length.toLocaleString('en')} more`),
            element('ul', { class: 'plain' }, ...rest),
          ),
    ),
  ];
}
