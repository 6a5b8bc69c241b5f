import { splitForEllipsis, visibleText } from './text';

/** What becomes a child: text stays text, whatever it looks like. */
export type Child = Node | string | null;

export interface Properties {
  readonly class?: string;
  readonly id?: string;
  readonly title?: string;
  /** Other attributes, `aria-*` among them. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Custom properties for the style sheet: `--share` … The policy of the page forbids style attributes. */
  readonly styles?: Readonly<Record<string, string>>;
  readonly onClick?: () => void;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  if (properties.class !== undefined) made.className = properties.class;
  if (properties.id !== undefined) made.id = properties.id;
  if (properties.title !== undefined) made.title = properties.title;
  for (const [name, value] of Object.entries(properties.attributes ?? {})) {
    made.setAttribute(name, value);
  }
  for (const [name, value] of Object.entries(properties.styles ?? {})) {
    made.style.setProperty(name, value);
  }
  if (properties.onClick) made.addEventListener('click', properties.onClick);
  made.append(...children.filter((child) => child !== null));
  return made;
}

/** A name from the file: isolated from the text around it, one line, ellipsised before its end. */
export function nameElement(raw: string, empty = '(no name)'): HTMLElement {
  if (raw === '') return element('span', { class: 'empty-name' }, empty);
  const [head, tail] = splitForEllipsis(visibleText(raw, 160));
  return element(
    'bdi',
    { class: 'name', title: visibleText(raw, 600) },
    element('span', { class: 'name-head' }, head),
    tail === '' ? null : element('span', { class: 'name-tail' }, tail),
  );
}

/** A sentence of ours that may quote names: isolated, and wrapped rather than cut. */
export function sentence(text: string): HTMLElement {
  return element('bdi', {}, visibleText(text, 400));
}

export function hiddenText(text: string): HTMLElement {
  return element('span', { class: 'visually-hidden' }, text);
}

/** A share of a whole as CSS wants it. */
export function percent(share: number): string {
  return `${(Math.min(1, Math.max(0, share)) * 100).toFixed(2)}%`;
}

export type IconName = 'error' | 'warning' | 'info' | 'hint';

/** Drawn on 16 × 16; strokes take the colour of the text. */
const iconPaths: Readonly<Record<IconName, string>> = {
  error: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM5.5 5.5l5 5M10.5 5.5l-5 5',
  warning: 'M8 1.8l6.7 12.2H1.3zM8 6v4M8 11.6v.9',
  info: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 1 0 0-13zM8 7v4.3M8 4.6v.9',
  hint: 'M5.9 11.2c0-1.5-2-2.3-2-4.9a4.1 4.1 0 0 1 8.2 0c0 2.6-2 3.4-2 4.9zM6.2 13.4h3.6M7 15.1h2',
};

export function icon(name: IconName): SVGElement {
  const namespace = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(namespace, 'svg');
  svg.setAttribute('viewBox', '0 0 16 16');
  svg.setAttribute('class', `icon icon-${name}`);
  svg.setAttribute('aria-hidden', 'true');
  const path = document.createElementNS(namespace, 'path');
  path.setAttribute('d', iconPaths[name]);
  svg.append(path);
  return svg;
}
