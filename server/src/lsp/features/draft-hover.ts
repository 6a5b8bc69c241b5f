import type { Hover, Position } from 'vscode-languageserver';
import { markdownText } from '../../core/format';
import { attributeTypeWord } from '../../core/onnx/text-syntax';
import { typeOf, type Scope } from '../../core/shapes/types';
import type { DraftView } from '../drafts';
import {
  calledFunction,
  occurrenceAt,
  signatureIn,
  writtenOperator,
  type Occurrence,
} from './draft-places';
import { textHover } from './hover';
import { typeLabel } from './labels';
import { arityLabel, attributeLabels } from './signature-label';

/** What the operator, attribute or value at a place is, and below it what is known of its node. */
export function draftHover(view: DraftView, position: Position): Hover | null {
  const occurrence = occurrenceAt(view, view.document.offsetAt(position));
  const own = occurrence ? linesOf(view, occurrence) : [];
  const below = textHover(view, position.line, position.character);
  if (own.length === 0) return below;
  const rest = below && typeof below.contents === 'object' && 'value' in below.contents;
  const parts = rest ? [...own, '', '---', '', (below.contents as { value: string }).value] : own;
  const { start, end } = occurrence?.place ?? { start: 0, end: 0 };
  return {
    contents: { kind: 'markdown', value: parts.join('\n') },
    range: { start: view.document.positionAt(start), end: view.document.positionAt(end) },
  };
}

function linesOf(view: DraftView, { kind, place, block, node }: Occurrence): string[] {
  switch (kind) {
    case 'operator':
      return node ? operatorLines(view, { kind, place, block, node }) : [];
    case 'attribute': {
      const written = node && writtenOperator(view, node);
      const known = written && signatureIn(view, block, written);
      const attribute = known?.signature.attributes.get(place.name);
      if (!known || !attribute) return [];
      const need = known.signature.requiredAttributes.includes(place.name) ? 'needed' : 'optional';
      return [`**${markdownText(place.name)}**: ${attributeTypeWord(attribute)}, ${need}`];
    }
    case 'value': {
      // On a node's line the node's own table says it.
      const scope = node ? null : scopesOf(view).get(block.path);
      return scope
        ? [`**${markdownText(place.name)}**: ${markdownText(typeLabel(typeOf(scope, place.name)))}`]
        : [];
    }
    case 'function':
    case 'function-attribute':
      return [];
  }
}

function operatorLines(view: DraftView, { block, node }: Occurrence): string[] {
  if (!node) return [];
  const written = writtenOperator(view, node);
  const known = signatureIn(view, block, written);
  const domain = written.domain === '' ? 'ai.onnx' : written.domain;
  if (known) {
    const attributes = attributeLabels(known.signature).map((label) => `\`${label}\``);
    return [
      `**${markdownText(written.opType)}** of ${markdownText(domain)} ${known.opset}: ${arityLabel(known.signature)}`,
      ...(attributes.length > 0 ? ['', `Attributes: ${attributes.join(', ')}`] : []),
    ];
  }
  const called = calledFunction(view, written);
  if (!called) return [];
  const names = (role: string): string =>
    called.values
      .filter((value) => value.role === role)
      .map(({ name }) => markdownText(name))
      .join(', ');
  return [`**${markdownText(called.name.name)}** (${names('input')}) ⇒ (${names('output')})`];
}

const scopeMaps = new WeakMap<DraftView, ReadonlyMap<string, Scope>>();

/** By the path of the graph or function; of a function's calls the first. */
export function scopesOf(view: DraftView): ReadonlyMap<string, Scope> {
  const known = scopeMaps.get(view);
  if (known) return known;
  const made = new Map<string, Scope>();
  const open: Scope[] = [view.analysis.scope];
  for (let scope = open.pop(); scope; scope = open.pop()) {
    const { body } = scope;
    const suffix = 'overload' in body && body.overload !== '' ? `:${body.overload}` : '';
    const path = 'path' in body ? body.path : `function:${body.domain}.${body.name}${suffix}`;
    if (!made.has(path)) made.set(path, scope);
    for (const children of scope.children.values()) open.push(...children.map((one) => one.scope));
  }
  scopeMaps.set(view, made);
  return made;
}
